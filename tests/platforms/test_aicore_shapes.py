"""Wrong types in answers are named, with their place, before anything is believed or sent."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.apply.wait import is_reached
from cicd.errors import ConnectionFailed
from cicd.model import State, Status
from cicd.platforms.aicore import shapes
from cicd.platforms.aicore.tracking import track
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import (
    APPLICATION,
    ARTIFACT,
    CONFIGURATION,
    DEPLOYMENT,
    DESTINATION,
    EXECUTION,
    GROUP,
    group,
    live,
)
from tests.platforms.stub_server import Reply, StubServer, page
from tests.platforms.test_aicore_schedules import schedule

HALF = "\ud83d"
RUN = {"id": "r1", "configurationId": "c1", "configurationName": "n", "status": "RUNNING"}
ITEM: dict[str, dict[str, Any]] = {
    "artifacts": {"id": "a1", "name": "Data", "labels": [{"key": "k", "value": "v"}]},
    "configurations": {
        "id": "c1",
        "name": "n",
        "parameterBindings": [{"key": "k", "value": "v"}],
        "inputArtifactBindings": [{"key": "k", "artifactId": "a1"}],
    },
    "executions": {**RUN, "outputArtifacts": [{"id": "a1", "name": "m", "url": "ai://d/m"}]},
    "deployments": RUN,
    "executionSchedules": {"id": "s1", "name": "n", "configurationId": "c1", "cron": "0 0 * * *"},
}
NO_OBJECTS: list[Any] = [None, 7, "text", [], True]
BROKEN: list[tuple[str, str, Any]] = [
    *((kind, "", bad) for kind in ITEM for bad in NO_OBJECTS),
    ("artifacts", "labels[0]", None),
    ("artifacts", "labels[0]", 7),
    ("artifacts", "labels[0].key", None),
    ("artifacts", "labels[0].value", 7),
    ("artifacts", "labels", "k=v"),
    ("artifacts", "labels", {"k": "v"}),
    ("artifacts", "name", HALF),
    ("artifacts", "id", ""),
    ("artifacts", "id", "../secrets"),
    ("artifacts", "url", f"ai://{HALF}"),
    ("artifacts", "kind", ["model"]),
    ("configurations", "parameterBindings[0]", None),
    ("configurations", "parameterBindings[0]", [["k", "v"]]),
    ("configurations", "parameterBindings[0].value", None),
    ("configurations", "parameterBindings[0].value", 10**400),
    ("configurations", "parameterBindings[0].value", float("nan")),
    ("configurations", "parameterBindings[0].value", f"x{HALF}"),
    ("configurations", "inputArtifactBindings[0].artifactId", 5),
    ("configurations", "inputArtifactBindings", "a1"),
    ("configurations", "scenarioId", {"id": "s"}),
    ("executions", "outputArtifacts[0]", None),
    ("executions", "outputArtifacts[0].id", None),
    ("executions", "outputArtifacts[0].url", 7),
    ("executions", "configurationId", 5),
    ("executions", "id", None),
    ("deployments", "status", []),
    ("deployments", "configurationName", 5),
    ("deployments", "deploymentUrl", {"url": "x"}),
    ("deployments", "ttl", 24),
    ("deployments", "id", "d/../e"),
    ("executionSchedules", "cron", 5),
    ("executionSchedules", "name", None),
]


def broken(item: Any, place: str, value: Any) -> Any:
    """The item with another value at one place of it."""
    if not place:
        return value
    head, _, rest = place.replace("[0]", ".0").partition(".")
    key: Any = int(head) if head.isdecimal() else head
    inner = broken(item[key], rest, value) if rest else value
    return [inner] if isinstance(item, list) else {**item, key: inner}


@pytest.mark.parametrize(("kind", "place", "value"), BROKEN, ids=str)
def test_a_wrong_type_anywhere_in_a_list_is_named_and_nothing_is_sent(
    platform: Platform, stub: StubServer, kind: str, place: str, value: Any
) -> None:
    wishes = [GROUP, ARTIFACT, CONFIGURATION, EXECUTION, DEPLOYMENT, schedule()]
    stub.otherwise = page()
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
    answer = page(ITEM[kind], broken(ITEM[kind], place, value))
    stub.on("GET", f"/v2/lm/{kind}", Reply(200, answer.body, {"X-Request-Id": "req-7"}))
    with pytest.raises(ConnectionFailed) as caught:
        platform.read(wishes)
    told = str(caught.value)
    assert caught.value.exit_code == 4
    where = f"resources[1].{place}".removesuffix(".")
    # what must not be missing is said to be so where it is
    assert where in told or f"{where.rpartition('.')[0]} has no" in told, told
    assert "req-7" in told and f"/v2/lm/{kind}" in told
    assert told.isprintable()
    assert not [r for r in stub.requests if r.method != "GET" and r.path != "/oauth/token"]


OTHERS: list[tuple[Any, str, Any]] = [
    (GROUP, "/v2/admin/resourceGroups/rg", {**group("PROVISIONED"), "labels": [None]}),
    (GROUP, "/v2/admin/resourceGroups/rg", {**group("PROVISIONED"), "labels": [{"key": 1}]}),
    (GROUP, "/v2/admin/resourceGroups/rg", [group("PROVISIONED")]),
    (GROUP, "/v2/admin/resourceGroups/rg", {**group("PROVISIONED"), "resourceGroupId": "other"}),
    (APPLICATION, "/v2/admin/applications", {"resources": [{"applicationName": 7}]}),
    (APPLICATION, "/v2/admin/applications/app/status", {"source": [1]}),
    (APPLICATION, "/v2/admin/applications/app/status", {"syncResourcesStatus": [None]}),
    (
        APPLICATION,
        "/v2/lm/scenarios/s/executables",
        {"resources": [{"id": "x", "parameters": [None]}]},
    ),
    (APPLICATION, "/v2/lm/scenarios/s/executables", {"resources": [{"id": None}]}),
    (APPLICATION, "/v2/admin/repositories", {"resources": [{"name": "r", "url": 7}]}),
    (DESTINATION, "/subaccountDestinations/D", None),
    (DESTINATION, "/subaccountDestinations/D", [{"Name": "D"}]),
    (DESTINATION, "/subaccountDestinations/D", {"Name": ["D"]}),
    (DESTINATION, "/subaccountDestinations/D", {"Name": "E"}),
    (DESTINATION, "/subaccountDestinations/D", {"URL": "x"}),
    (
        DESTINATION,
        "/subaccountDestinations/D",
        {"destinationConfiguration": {"Name": "D", "URL": [1]}},
    ),
]


@pytest.mark.parametrize(("wish", "path", "answer"), OTHERS, ids=str)
def test_so_are_those_of_one_thing(
    platform: Platform, stub: StubServer, wish: Any, path: str, answer: Any
) -> None:
    stub.otherwise = page()
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("PROVISIONED")))
    if path.startswith("/sub"):
        path = f"/destination-configuration/v1{path}"
    stub.on("GET", path, Reply(200, answer))
    with pytest.raises(ConnectionFailed):
        platform.read([wish])


@pytest.mark.parametrize(
    "item",
    [
        {"executionId": "r1", "tags": [None]},
        {"executionId": "r1", "tags": [{"value": "x"}]},
        {"executionId": "r1", "tags": "cicd.inputs"},
        {"executionId": "r1", "metrics": [7]},
        {"executionId": "r1", "customInfo": [[]]},
        {"executionId": None},
        None,
    ],
)
def test_what_a_run_recorded_is_looked_at_as_well(
    platform: Platform, stub: StubServer, item: Any
) -> None:
    stub.on("GET", "/v2/lm/metrics", page(item))
    with pytest.raises(ConnectionFailed, match=r"resources\[0\]"):
        platform.track([live("execution")])


@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan"), "x", None, [], {}, True])
@pytest.mark.parametrize("name", ["value", "step"])
def test_a_number_that_is_none_breaks_nothing(name: str, value: Any) -> None:
    point = {"name": "accuracy", "value": 0.5, "step": 1, name: value}
    assert len(track({"metrics": [point]}).points) <= 1


def test_half_characters_in_words_for_people_can_be_printed(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", "/v2/lm/executions/r1", Reply(200, {**RUN, "statusMessage": f"no {HALF} way"}))
    assert platform.get(live("execution")).status.message == "no \ufffd way"
    lines = [
        {"timestamp": "2026-01-01T00:00:00Z", "msg": f"a{HALF}"},
        None,
        7,
        {"msg": 7},
        {"msg": [1]},
    ]
    stub.on("GET", "/v2/lm/executions/r1/logs", Reply(200, {"data": {"result": lines}}))
    texts = [entry.text for entry in platform.logs(live("execution")).entries]
    assert texts[0] == "a?" and all(text.encode() for text in texts)
    stub.on("GET", "/v2/lm/executions/r1", Reply(400, {"error": {"message": f"x{HALF}"}}))
    with pytest.raises(Exception, match="x") as caught:
        platform.get(live("execution"))
    assert str(caught.value).encode()


@pytest.mark.parametrize("word", ["Running", "running", "RUNNING", "rUnNiNg"])
def test_a_status_in_any_case_is_the_same(platform: Platform, stub: StubServer, word: str) -> None:
    stub.on("GET", "/v2/lm/deployments/r1", Reply(200, {**RUN, "status": word}))
    status = platform.get(live("deployment")).status
    assert (status.state, status.raw) == (State.RUNNING, "RUNNING")
    assert is_reached(Status(State.RUNNING, word), "RUNNING")
    assert is_reached(Status(State.RUNNING, "RUNNING"), word)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("completed", State.SUCCEEDED),
        ("Dead", State.FAILED),
        ("Pending", State.PENDING),
        ("stopped", State.STOPPED),
        ("Deleting", State.STOPPING),
    ],
)
def test_so_is_every_other_word(
    platform: Platform, stub: StubServer, word: str, state: State
) -> None:
    stub.on("GET", "/v2/lm/executions/r1", Reply(200, {**RUN, "status": word}))
    assert platform.get(live("execution")).status.state is state
    stub.on("GET", "/v2/lm/executions", page({**RUN, "targetStatus": "Deleted"}))
    assert platform.browse("execution") == []


@pytest.mark.parametrize("depth", [100_000])
def test_a_tower_of_lists_is_no_answer(platform: Platform, stub: StubServer, depth: int) -> None:
    stub.on("GET", "/v2/lm/artifacts", Reply(200, "[" * depth))
    with pytest.raises(ConnectionFailed):
        platform.browse("artifact")
    stub.on("GET", "/v2/lm/artifacts", Reply(404, "[" * depth + "]" * depth))
    with pytest.raises(ConnectionFailed):
        platform.browse("artifact")


def test_every_path_that_is_read_has_a_shape() -> None:
    assert shapes.checked("/lm/artifacts/$count", 7) == 7
    assert shapes.checked("/lm/meta", {"aiApi": 1}) == {"aiApi": 1}
    with pytest.raises(shapes.Unfit, match=r"^resources\[0\]\.name is a number, not a text$"):
        shapes.checked("/lm/artifacts", {"resources": [{"id": "a", "name": 7}]})
