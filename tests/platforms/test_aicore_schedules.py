"""Schedules and node reservations, as the server sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.errors import NotFound, PlatformError
from cicd.model import Action, Key, LiveResource, Resource, State
from cicd.plan import make_plan
from cicd.platforms.aicore.kinds import KINDS
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import connected, stage
from tests.platforms.stub_server import DROP, Reply, StubServer, page, refused, running

PATH, NODES = "/v2/lm/executionSchedules", "/v2/admin/resources/nodes"
SPEC = {
    "name": "weekly",
    "configuration": "c1",
    "configuration_name": "Training",
    "scenario_id": "s",
    "executable_id": "x",
    "cron": "0 0 * * 0",
    "start": "2020-01-01T00:00:00.5Z",
    "active": True,
}
LIVE = {
    "id": "s1",
    "name": "weekly",
    "configurationId": "c1",
    "cron": "0  0 * * 0",
    "start": "2020-01-01T01:00:00+01:00",
    "status": "ACTIVE",
    "createdAt": "2026-01-01T00:00:00Z",
}
CONFIGURATION = {"id": "c1", "name": "Training", "scenarioId": "s", "executableId": "x"}
PAST, FUTURE = "2020-02-01T00:00:00Z", "2999-01-01T00:00:00Z"


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with running() as (server, url):
        server.url = url
        server.on("GET", "/v2/lm/configurations", page(CONFIGURATION))
        server.on("PATCH", f"{PATH}/s1", Reply(202, {"id": "s1"}))
        yield server


@pytest.fixture
def platform(stub: StubServer) -> Iterator[Platform]:
    with connected(stub) as made:
        yield made


def schedule(**changes: Any) -> Resource:
    return Resource(Key("schedule", "weekly"), {**SPEC, **changes})


def decided(platform: Platform, wish: Resource) -> tuple[Action, LiveResource | None]:
    change = make_plan(stage(), [wish], platform.read([wish]), KINDS, created_at="").changes[0]
    return change.action, change.live


@pytest.mark.parametrize("active", [True, False])
def test_a_schedule_is_made_and_paused_where_it_is_to_be(
    platform: Platform, stub: StubServer, active: bool
) -> None:
    stub.on("POST", PATH, Reply(202, {"id": "s1", "message": "Execution Schedule created"}))
    made = platform.create(schedule(active=active, end=FUTURE))
    assert made.id == "s1" and not made.status.has_failed
    assert stub.sent("POST")[0].json == {
        "name": "weekly",
        "cron": "0 0 * * 0",
        "configurationId": "c1",
        "start": "2020-01-01T00:00:00Z",
        "end": FUTURE,
    }
    asked = [request.json for request in stub.sent("PATCH")]
    assert asked == ([] if active else [{"status": "INACTIVE"}])


def test_a_schedule_that_may_not_be_paused_is_not_a_success(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("POST", PATH, Reply(202, {"id": "s1"}))
    stub.on("PATCH", f"{PATH}/s1", DROP)
    with pytest.raises(PlatformError, match="schedule s1 was created, but whether"):
        platform.create(schedule(active=False))


@pytest.mark.parametrize(
    ("live", "wish", "action", "sent"),
    [
        ({}, {}, Action.NO_OP, None),
        ({"status": "INACTIVE"}, {"active": False}, Action.NO_OP, None),
        ({"status": "PARKED", "colour": "blue"}, {}, Action.NO_OP, None),
        ({"status": None}, {}, Action.NO_OP, None),
        ({"status": "INACTIVE", "end": PAST}, {"end": PAST}, Action.NO_OP, None),
        ({"status": "INACTIVE"}, {}, Action.UPDATE, {"status": "ACTIVE"}),
        ({}, {"active": False}, Action.UPDATE, {"status": "INACTIVE"}),
        ({}, {"cron": "5 0 * * 0"}, Action.UPDATE, {"cron": "5 0 * * 0"}),
        ({}, {"start": FUTURE}, Action.UPDATE, {"start": FUTURE}),
        ({}, {"configuration": "c2"}, Action.UPDATE, {"configurationId": "c2"}),
        (
            {"status": "INACTIVE", "end": PAST},
            {"end": FUTURE},
            Action.UPDATE,
            {"end": FUTURE, "status": "ACTIVE"},
        ),
        ({"status": "INACTIVE", "end": PAST}, {"cron": "1 1 * * *"}, Action.UPDATE, None),
    ],
)
def test_only_what_differs_is_changed(
    platform: Platform,
    stub: StubServer,
    live: dict[str, Any],
    wish: dict[str, Any],
    action: Action,
    sent: dict[str, Any] | None,
) -> None:
    stub.on("GET", PATH, page({**LIVE, **live}))
    decision, found = decided(platform, schedule(**wish))
    assert decision is action and found
    if action is Action.UPDATE:
        platform.update(found, schedule(**wish))
        body = stub.sent("PATCH")[0].json
        assert body == (sent or {"cron": wish["cron"]})
    platform.update(found, schedule())  # harmless, whatever it was


def test_of_several_with_one_name_the_active_newest_counts(
    platform: Platform, stub: StubServer
) -> None:
    day = "2026-01-0{}T00:00:00Z".format
    items = [
        {**LIVE, "id": "s2", "createdAt": day(2)},
        {**LIVE, "id": "s3", "createdAt": day(3)},
        {**LIVE, "id": "s4", "createdAt": day(4), "status": "INACTIVE"},
    ]
    stub.on("GET", PATH, page(*items))
    action, found = decided(platform, schedule())
    assert found and (action, found.id) == (Action.NO_OP, "s3")
    assert "3 schedules have this name" in found.notes[0]
    stub.on("GET", "/v2/lm/configurations/c1", Reply(200, CONFIGURATION))
    lost = platform.find(schedule(), frozenset({"s3"}))
    assert lost and lost.id == "s2" and lost.spec["executable_id"] == "x"
    assert platform.find(schedule(), frozenset({"s2", "s3", "s4"})) is None


def test_a_schedule_tells_what_it_runs(platform: Platform, stub: StubServer) -> None:
    stub.on("GET", PATH, page({**LIVE, "end": PAST, "status": "INACTIVE"}))
    for path in ("artifacts", "executions", "deployments"):
        stub.on("GET", f"/v2/lm/{path}", page())
    live = platform.read([], everything=True)
    found = next(item for item in live if item.key.kind == "schedule")
    assert (found.spec["scenario_id"], found.spec["executable_id"]) == ("s", "x")
    assert found.notes == ("its end 2020-02-01T00:00:00Z has passed, so it is INACTIVE by itself",)
    assert [item.id for item in platform.browse("schedule")] == ["s1"]
    stub.on("GET", f"{PATH}/s1", Reply(200, LIVE))
    assert platform.get(found).status.state is State.RUNNING
    stub.on("DELETE", f"{PATH}/s1", Reply(202, {"id": "s1"}), refused(404, "gone"))
    platform.delete(found)
    platform.delete(found)


def test_a_schedule_is_of_the_stage_that_ran_its_configuration(
    platform: Platform, stub: StubServer
) -> None:
    stub.on("GET", PATH, page(LIVE, {**LIVE, "id": "s2", "configurationId": "c2"}))
    stub.on("GET", "/v2/lm/deployments", page())
    stub.on("GET", "/v2/lm/artifacts", page())
    stub.on("GET", "/v2/lm/executions", page({"id": "e1", "configurationId": "c1"}))
    tags = [{"name": "cicd.stage", "value": "tst"}]
    stub.on("GET", "/v2/lm/metrics", page({"executionId": "e1", "tags": tags}))
    found = platform.read([], everything=True)
    owners = {item.id: item.owner for item in found if item.key.kind == "schedule"}
    assert owners == {"s1": "tst", "s2": ""}


def node(count: int) -> Resource:
    return Resource(Key("node_reservation", "starter"), {"name": "starter", "count": count})


def plans(**requested: int) -> Reply:
    found = {plan: {"requested": count, "provisioned": 1} for plan, count in requested.items()}
    return Reply(200, {"resourcePlans": found})


@pytest.mark.parametrize(
    ("answer", "count", "action"),
    [
        (plans(starter=2, basic=1), 2, Action.NO_OP),
        (plans(starter=1), 2, Action.UPDATE),
        (plans(starter=0), 2, Action.CREATE),
        (plans(starter=0), 0, Action.NO_OP),
        (plans(), 0, Action.NO_OP),
        (plans(starter=2), 0, Action.UPDATE),
        (Reply(200, {"resourcePlans": [{"name": "starter", "requested": 2}]}), 2, Action.NO_OP),
        (Reply(200, {}), 2, Action.CREATE),
    ],
)
def test_nodes_are_reserved_per_plan(
    platform: Platform, stub: StubServer, answer: Reply, count: int, action: Action
) -> None:
    stub.on("GET", NODES, answer)
    assert decided(platform, node(count))[0] is action


def test_nodes_are_asked_for_and_given_back(platform: Platform, stub: StubServer) -> None:
    stub.on("PATCH", NODES, Reply(200, {"message": "Reserved resource has been set."}))
    stub.on("GET", NODES, plans(starter=3), plans(starter=0))
    made = platform.create(node(3))
    found = platform.get(made)
    assert found.spec["count"] == 3 and found.facts == {"provisioned": "1"}
    platform.update(found, node(2))
    platform.delete(found)
    with pytest.raises(NotFound):
        platform.get(found)
    asked = [request.json["resourcePlans"] for request in stub.sent("PATCH")]
    assert asked == [[{"name": "starter", "request": n}] for n in (3, 2, 0)]
