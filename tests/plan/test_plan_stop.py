"""The plan of ``cicd stop``: what is under way, nothing else."""

from __future__ import annotations

import pytest

from cicd.errors import Refused, Usage
from cicd.model import LiveResource, Plan, State
from cicd.plan import check_guards, make_stop_plan
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    configuration,
    deployment,
    execution,
    schedule,
)

DESIRED = [
    configuration("train"),
    execution("train"),
    schedule(),
    configuration("serve"),
    deployment("serve"),
]


def run(id: str, state: State, **fields: object) -> LiveResource:
    return a_live(execution("train", configuration="c1"), id, state, **fields)


def serve(id: str, state: State, **fields: object) -> LiveResource:
    return a_live(deployment("serve", configuration="c2"), id, state, **fields)


def stop_plan(*patterns: str, live: list[LiveResource], **stage: object) -> Plan:
    lives = [a_live(configuration("train"), "c1"), *live]
    return make_stop_plan(
        a_stage(DESIRED, **stage), DESIRED, lives, KINDS, patterns, created_at=CREATED_AT
    )


def told(plan: Plan) -> list[tuple[str, str, str]]:
    return [(str(change.key), change.action.value, change.reason) for change in plan.changes]


def test_all_that_is_under_way_of_a_key_is_stopped() -> None:
    lives = [
        run("e1", State.SUCCEEDED, created_at="1"),
        run("e2", State.RUNNING, created_at="2"),
        run("e3", State.PENDING, created_at="3"),
        run("e4", State.RUNNING, created_at="4", owner="tst"),
        serve("d1", State.RUNNING),
    ]
    plan = stop_plan("execution/*", live=lives)
    assert told(plan) == [
        ("execution/train", "update", "stop e3"),
        ("execution/e2", "update", "stop e2"),
    ]
    assert plan.changes[0].fields[0].before == "PENDING"
    again = "cannot be resumed: the next apply runs it again"
    assert plan.warnings == (f"execution/train {again}", f"execution/e2 {again}")


def test_only_of_what_is_stopped_is_said_that_it_does_not_go_on() -> None:
    plan = stop_plan("*", live=[run("e1", State.SUCCEEDED), serve("d1", State.RUNNING)])
    anew = "the next apply makes a new one, with a new URL"
    assert plan.warnings == (f"deployment/serve cannot be resumed: {anew}",)


@pytest.mark.parametrize("state", [State.UNKNOWN, State.PENDING, State.RUNNING, State.STOPPING])
def test_what_has_not_ended_is_stopped(state: State) -> None:
    plan = stop_plan("serve", live=[serve("d1", state)])
    assert told(plan) == [("deployment/serve", "update", "stop d1")]


@pytest.mark.parametrize(
    ("state", "raw"),
    [(State.STOPPED, "STOPPED"), (State.FAILED, "DEAD"), (State.SUCCEEDED, "COMPLETED")],
)
def test_what_has_ended_is_fine_and_said(state: State, raw: str) -> None:
    plan = stop_plan("train", "serve", live=[run("e1", state)])
    assert told(plan) == [
        ("execution/train", "no_op", f"e1 is {raw} already"),
        ("deployment/serve", "no_op", "nothing of it is there"),
    ]
    assert not plan.has_changes and not plan.warnings


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("tain", "KEY tain fits nothing"),
        ("schedule/weekly", "schedule/weekly is nothing that runs"),
        ("weekly", "KEY weekly fits nothing"),
        ("schedule/*", r"KEY schedule/\* fits nothing"),
    ],
)
def test_what_cannot_be_stopped_is_wrong_usage(pattern: str, text: str) -> None:
    with pytest.raises(Usage, match=text):
        stop_plan(pattern, live=[])


def test_what_is_protected_is_not_stopped() -> None:
    plan = stop_plan("serve", live=[serve("d1", State.RUNNING)])
    check_guards(plan, a_stage(DESIRED), KINDS)
    with pytest.raises(Refused, match="is protected by deployment/serve and would be stopped"):
        check_guards(plan, a_stage(DESIRED, protect=frozenset({"deployment/serve"})), KINDS)
