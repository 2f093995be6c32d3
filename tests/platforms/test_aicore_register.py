"""What is remembered in the labels of a resource group, as the server sees them."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest
from pytest_mock import MockerFixture

from cicd.model import Key, Resource
from cicd.platforms.aicore.owners import Entry
from cicd.platforms.aicore.register import Register
from cicd.platforms.aicore.tenant import ResourceGroups
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import DEPLOYMENT, LIVE_RUN, group, live
from tests.platforms.stub_server import Reply, Request, StubServer, page, refused

PATH = "/v2/admin/resourceGroups/rg"
STAGE = "dev"
OTHERS = {"ext.ai.sap.com/team": "blue"}


class Labels:
    """The group of a stub, whose labels are what was sent last."""

    def __init__(self, stub: StubServer, **first: str) -> None:
        self.labels = {**OTHERS, **first}
        stub.on("GET", PATH, lambda _: Reply(200, self.document()))
        stub.on("PATCH", PATH, self.changed)

    def document(self) -> dict[str, Any]:
        pairs = [{"key": key, "value": text} for key, text in self.labels.items()]
        return {**group("PROVISIONED"), "labels": pairs}

    def changed(self, request: Request) -> Reply:
        self.labels = {item["key"]: item["value"] for item in request.json["labels"]}
        return Reply(204)

    @property
    def ours(self) -> dict[str, str]:
        assert self.labels.items() >= OTHERS.items()
        return {key: text for key, text in self.labels.items() if key not in OTHERS}


def entry(key: str, id: str, name: str = "", stage: str = STAGE) -> Entry:
    return Entry(stage, key, id, name, 5)


def labels_of(*entries: Entry) -> dict[str, str]:
    return {one.label: one.text for one in entries}


def told(labels: dict[str, str]) -> set[tuple[str, ...]]:
    """Stage, key, id and name of all that is remembered."""
    return {tuple(text.split(";")[1:5]) for text in labels.values()}


SERVE = entry("deployment/serve", "d1", "Training")


@pytest.mark.parametrize("kind", ["deployment", "schedule"])
def test_whose_it_is_is_remembered_as_it_is_tagged(
    platform: Platform, stub: StubServer, kind: str
) -> None:
    labels = Labels(stub)
    thing = live(kind, "d1", configuration_name="Training")
    platform.tag(thing, {"cicd.key": f"{kind}/a/b"})
    platform.tag(live("artifact"), {"cicd.key": "artifact/x"})
    platform.tag(thing, {"cicd.stage": "dev"})
    platform.close()
    assert told(labels.ours) == {(STAGE, f"{kind}/a/b", "d1", "Training")}


def test_what_is_made_is_remembered_and_forgotten_when_it_is_deleted(
    platform: Platform, stub: StubServer
) -> None:
    kept = [entry("deployment/other", "d2"), entry("deployment/serve", "d1", stage="prod")]
    same_id = entry("schedule/serve", "d1")
    labels = Labels(stub, **labels_of(*kept, same_id))
    stub.on("POST", "/v2/lm/deployments", Reply(202, {"id": "d1", "status": "UNKNOWN"}))
    stub.on("DELETE", "/v2/lm/deployments/d1", Reply(202, {"id": "d1"}))
    made = platform.create(DEPLOYMENT)
    platform.close()
    before = told(labels_of(*kept, same_id))
    # an id is of one key of a stage: what it was before gives it up
    mine = (STAGE, "deployment/serve", "d1", "Training")
    assert told(labels.ours) == before - told(labels_of(same_id)) | {mine}
    platform.delete(made)
    assert told(labels.ours) == told(labels_of(*kept))


def test_only_the_kind_and_id_that_are_deleted_are_forgotten(
    platform: Platform, stub: StubServer
) -> None:
    kept = [
        entry("deployment/other", "d2"),
        entry("schedule/serve", "d1"),
        entry("deployment/serve", "d1", stage="prod"),
        entry("execution/deployment", "d1"),
    ]
    labels = Labels(stub, **labels_of(SERVE, *kept))
    stub.on("DELETE", "/v2/lm/deployments/d1", Reply(202, {"id": "d1"}))
    platform.delete(live("deployment", "d1"))
    assert told(labels.ours) == told(labels_of(*kept))


def test_nothing_is_written_where_nothing_changes(platform: Platform, stub: StubServer) -> None:
    labels = Labels(stub, **labels_of(SERVE))
    serve = live("deployment", "d1", configuration_name="Training")
    platform.tag(serve, {"cicd.key": "deployment/serve"})
    platform.close()
    assert stub.sent("PATCH", PATH) == []
    platform.tag(serve, {"cicd.key": "deployment/renamed"})
    platform.close()
    assert told(labels.ours) == {(STAGE, "deployment/renamed", "d1", "Training")}


@pytest.mark.parametrize(
    "answer", [refused(403, "no right"), refused(501, "no labels"), Reply(404)]
)
def test_without_the_right_to_labels_all_else_goes_on(
    platform: Platform, stub: StubServer, answer: Reply
) -> None:
    stub.on("GET", PATH, answer)
    stub.on("POST", "/v2/lm/deployments", Reply(202, {"id": "d1", "status": "UNKNOWN"}))
    stub.on("DELETE", "/v2/lm/deployments/d1", Reply(202, {"id": "d1"}))
    platform.delete(platform.create(DEPLOYMENT))
    platform.remember("stamp", "text")
    assert platform.recall("stamp") == ""


def test_what_is_written_beside_all_else_keeps_no_process_from_its_end(
    platform: Platform, stub: StubServer
) -> None:
    def seen(_: Request) -> Reply:
        threads.update((thread.name, thread.daemon) for thread in threading.enumerate())
        return Reply(200, group("PROVISIONED"))

    threads: dict[str, bool] = {}
    stub.on("GET", PATH, seen)
    platform.tag(live("deployment", "d1"), {"cicd.key": "deployment/serve"})
    platform.close()
    assert threads["cicd-register"]


def test_a_text_is_kept_under_its_name_as_far_as_a_label_takes_it(
    platform: Platform, stub: StubServer
) -> None:
    labels = Labels(stub)
    platform.remember("stamp", "x" * 2001)
    platform.remember("other", "y")
    assert platform.recall("stamp") == "x" * 2000
    assert (platform.recall("other"), platform.recall("third")) == ("y", "")
    assert len(labels.ours) == 2
    asked = len(stub.sent("GET", PATH))
    assert platform.recall("other", fresh=False) == "y"
    assert len(stub.sent("GET", PATH)) == asked
    assert platform.recall("other") == "y"
    assert len(stub.sent("GET", PATH)) == asked + 1


def test_a_deployment_is_known_by_what_is_remembered(platform: Platform, stub: StubServer) -> None:
    stub.otherwise = page()
    prod = entry("deployment/x", "d2", stage="prod")
    Labels(stub, **labels_of(SERVE, prod))
    configuration = {"id": "c1", "name": "Training", "scenarioId": "s", "executableId": "x"}
    stub.on("GET", "/v2/lm/configurations", page(configuration))
    run = {**LIVE_RUN, "configurationName": "Training", "status": "RUNNING"}
    runs = [{**run, "id": f"d{n}"} for n in (1, 2, 3)]
    stub.on("GET", "/v2/lm/deployments", page(*runs))
    for item in runs:
        stub.on("GET", f"/v2/lm/deployments/{item['id']}", Reply(200, item))
    stub.on("GET", "/v2/lm/configurations/c1", Reply(200, configuration))
    found = {item.id: item for item in platform.read([DEPLOYMENT]) if item.key.kind == "deployment"}
    assert [(found[id].owner, found[id].known_as) for id in ("d1", "d2", "d3")] == [
        (STAGE, "deployment/serve"),
        ("prod", ""),
        ("", ""),
    ]
    assert found["d1"].applied == {"configuration_name": "Training"}


def node(count: int, name: str = "starter") -> Resource:
    return Resource(Key("node_reservation", name), {"name": name, "count": count})


NODES = "/v2/admin/resources/nodes"


@pytest.mark.parametrize(
    ("plans", "wish", "expected"),
    [
        ({"starter": {"requested": 2, "provisioned": 2}}, node(2), (2, "PROVISIONED", "2 of 2")),
        ({"starter": {"requested": 2, "provisioned": 3}}, node(2), (2, "PROVISIONED", "3 of 2")),
        ({"starter": {"requested": 2}}, node(2), (2, "PROVISIONING", "0 of 2")),
        ([{"name": "starter", "requested": 2}], node(2), (2, "PROVISIONING", "0 of 2")),
        ({"starter": {"requested": 0}}, node(0), (0, "PROVISIONED", "0 of 0")),
        ({}, node(0), (0, "PROVISIONED", "0 of 0")),
        (None, node(0), (0, "PROVISIONED", "0 of 0")),
        ({}, node(1), None),
        ({"starter": {"requested": 0}}, node(1), None),
        ({"other": {"requested": 1}}, node(1), None),
    ],
)
def test_reserved_nodes_are_found_by_their_plan(
    platform: Platform,
    stub: StubServer,
    plans: Any,
    wish: Resource,
    expected: tuple[Any, ...] | None,
) -> None:
    stub.on("GET", NODES, Reply(200, {"resourcePlans": plans}))
    found = platform.find(wish, frozenset())
    if expected is None:
        assert found is None
        return
    count, word, up = expected
    assert found is not None
    assert (found.id, found.spec) == ("starter", {"name": "starter", "count": count})
    assert (found.status.raw, found.status.message) == (word, f"{up} nodes are up")


def test_a_bug_while_something_is_remembered_stops_nothing_that_comes_after(
    mocker: MockerFixture,
) -> None:
    mocker.patch("threading.excepthook")
    written: list[dict[str, str | None]] = []

    class Groups:
        def labels(self, name: str, *, fresh: bool = False) -> dict[str, str]:
            return {}

        def relabel(self, name: str, changes: dict[str, str | None]) -> None:
            written.append(changes)
            if len(written) == 1:
                raise RuntimeError("a bug")

    register = Register(cast(ResourceGroups, Groups()), "rg", STAGE)
    for id in ("d1", "d2"):
        register.enter(DEPLOYMENT, id)
        register.flush()
    assert [told({"l": str(*changes.values())}) for changes in written] == [
        {(STAGE, "deployment/serve", id, "Training")} for id in ("d1", "d2")
    ]
