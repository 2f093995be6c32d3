"""What many ask for at about the same time is one request: labels of a group, looks at a list."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cicd.errors import PlatformError
from cicd.model import Key, LiveResource, Resource, State, Status
from cicd.platforms.aicore.api import Api
from cicd.platforms.aicore.tenant import ResourceGroups
from cicd.platforms.base import Platform
from tests.platforms.stub_server import Reply, Request, StubServer, refused

GROUP = "/v2/admin/resourceGroups/rg"
LISTS = {
    "artifact": "/v2/lm/artifacts",
    "configuration": "/v2/lm/configurations",
    "execution": "/v2/lm/executions",
    "deployment": "/v2/lm/deployments",
}


def keeps_labels(stub: StubServer) -> dict[str, str]:
    """A group whose labels are as the last PATCH set them; they are handed out."""
    labels = {"ext.ai.sap.com/mine": "1"}

    def show(_: Request) -> Reply:
        pairs = [{"key": key, "value": labels[key]} for key in labels]
        return Reply(200, {"resourceGroupId": "rg", "status": "PROVISIONED", "labels": pairs})

    def change(request: Request) -> Reply:
        labels.clear()
        labels.update({pair["key"]: pair["value"] for pair in json.loads(request.body)["labels"]})
        return Reply(202)

    stub.on("GET", GROUP, show)
    stub.on("PATCH", GROUP, change)
    return labels


@pytest.mark.parametrize("threads", [2, 10, 40])
def test_labels_that_many_threads_want_are_written_together_and_none_is_lost(
    platform: Any, stub: StubServer, threads: int
) -> None:
    labels = keeps_labels(stub)
    wanted = {f"deployment/serve-{n}": f"d{n}" for n in range(threads)}
    with ThreadPoolExecutor(threads) as pool:
        for key, id in wanted.items():
            spec = {"configuration": "c", "configuration_name": key}
            live = LiveResource(Key("deployment", key), id, spec, Status(State.RUNNING, "RUNNING"))
            pool.submit(platform.tag, live, {"cicd.key": key})
    platform.close()  # by then all is written
    assert labels["ext.ai.sap.com/mine"] == "1"
    told = " ".join(labels.values())
    assert all(f";{key};{id};" in told for key, id in wanted.items())
    assert len(stub.sent("PATCH")) <= max(2, threads // 2)


def test_labels_that_cannot_be_written_are_refused_to_everybody_who_wanted_them(
    platform: Any, stub: StubServer
) -> None:
    api: Api = platform._platform._api
    keeps_labels(stub)
    stub.on("PATCH", GROUP, refused(403, "no right"))
    groups = ResourceGroups(api, "dev")
    with ThreadPoolExecutor(8) as pool:
        made = [pool.submit(groups.relabel, "rg", {f"ext.ai.sap.com/{n}": "x"}) for n in range(8)]
    assert all(isinstance(one.exception(), PlatformError) for one in made)
    keeps_labels(stub)
    groups.relabel("rg", {"ext.ai.sap.com/later": "x"})  # and it goes on after that
    assert "ext.ai.sap.com/later" in stub.sent("PATCH")[-1].body


def lives(kind: str, ids: list[str]) -> list[LiveResource]:
    spec = {"configuration": "c", "scenario_id": "s"}
    return [LiveResource(Key(kind, id), id, spec, Status(State.PENDING, "")) for id in ids]


def serve(stub: StubServer, kind: str, total: int, cut: int, knows_skip: bool = True) -> None:
    held = [{"id": f"i{n}", "configurationId": "c", "status": "RUNNING"} for n in range(total)]

    def answer(request: Request) -> Reply:
        skip = int(request.query.get("$skip", 0)) if knows_skip else 0
        page = held[skip:][: min(int(request.query["$top"]), cut)]
        return Reply(200, {"count": len(page), "resources": page})

    stub.on("GET", LISTS[kind], answer)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize(("total", "cut", "pages"), [(5, 100, 1), (300, 100, 3), (300, 1000, 1)])
def test_a_list_is_read_until_all_that_are_looked_for_are_found(
    platform: Platform, stub: StubServer, kind: str, total: int, cut: int, pages: int
) -> None:
    serve(stub, kind, total, cut)
    ids = ["i0", "i3", f"i{total - 1}"]
    assert sorted(platform.listed(lives(kind, ids))) == sorted(ids)
    assert len([r for r in stub.requests if r.path == LISTS[kind]]) == pages


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("knows_skip", [True, False])
def test_a_list_that_lacks_one_ends_all_the_same(
    platform: Platform, stub: StubServer, kind: str, knows_skip: bool
) -> None:
    serve(stub, kind, 250, 100, knows_skip)
    assert sorted(platform.listed(lives(kind, ["i0", "missing"]))) == ["i0"]
    assert len([r for r in stub.requests if r.path == LISTS[kind]]) <= 4


@pytest.mark.parametrize("kind", ["execution", "deployment"])
def test_a_list_much_longer_than_what_is_waited_for_is_not_read(
    platform: Platform, stub: StubServer, kind: str
) -> None:
    serve(stub, kind, 250, 10_000)
    assert len(platform.browse(kind)) == 250
    before = len(stub.requests)
    assert platform.listed(lives(kind, ["i0", "i1"]), most=249) == {}
    assert len(stub.requests) == before
    assert sorted(platform.listed(lives(kind, ["i0", "i1"]), most=250)) == ["i0", "i1"]
    assert len(stub.requests) == before + 1


def spoilt(items: list[Any]) -> Callable[[Request], Reply]:
    return lambda _: Reply(200, {"count": len(items), "resources": items})


@pytest.mark.parametrize("status", [7.5, {"a": 1}, ["RUNNING"]])
def test_what_is_looked_for_has_to_be_of_its_type_and_others_may_be_anything(
    platform: Platform, stub: StubServer, status: Any
) -> None:
    good = {"id": "i0", "configurationId": "c", "status": "RUNNING"}
    stub.on("GET", LISTS["deployment"], spoilt([good, {"id": "other", "configurationId": [1]}]))
    (found,) = platform.listed(lives("deployment", ["i0"])).values()
    assert found.status.raw == "RUNNING"
    stub.on("GET", LISTS["deployment"], spoilt([{**good, "configurationId": status}]))
    with pytest.raises(PlatformError, match="configurationId"):
        platform.listed(lives("deployment", ["i0"]))


def test_what_the_register_knows_is_read_back(platform: Platform, stub: StubServer) -> None:
    keeps_labels(stub)
    stub.on("POST", "/v2/lm/deployments", Reply(202, {"id": "d1", "status": "UNKNOWN"}))
    wish = Resource(Key("deployment", "serve"), {"configuration": "c", "configuration_name": "S"})
    assert platform.create(wish).id == "d1"
    stub.on("GET", LISTS["deployment"], spoilt([{"id": "d1", "configurationId": "c"}]))
    (found,) = platform.browse("deployment")
    assert found.known_as == "deployment/serve"
