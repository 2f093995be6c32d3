"""When a run is started, followed, repeated or left alone, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.model import Action, Change, Gate, LiveResource, Options, State
from tests.plan.plan_world import a_live, change_of, configuration, execution, plan_of


def planned(
    live: list[LiveResource], options: dict[str, Any] | None = None, **wishes: Any
) -> Change:
    settings = {"wait_for": "COMPLETED", **(options or {})}
    desired = [configuration(), execution(options=Options(**settings), inputs="new")]
    plan = plan_of(desired, [a_live(configuration(), "c1"), *live], **wishes)
    return change_of(plan, "execution/train")


def a_run(
    state: State = State.SUCCEEDED, inputs: str | None = "new", **fields: Any
) -> LiveResource:
    live = a_live(execution(configuration="c1"), "e12", state, **fields)
    spec = {name: value for name, value in live.spec.items() if name != "inputs"}
    if inputs:
        spec["inputs"] = inputs
    return LiveResource(live.key, live.id, spec, live.status, {}, live.metrics, "2026-01-02")


ADOPT = (Action.RUN, "e12")
ANEW = (Action.RUN, "")
AGAIN = (Action.RUN, "e12")
LEAVE = (Action.NO_OP, "e12")


@pytest.mark.parametrize(
    ("state", "inputs", "options", "what", "reason"),
    [
        (State.SUCCEEDED, "new", {}, LEAVE, "unchanged"),
        (State.SUCCEEDED, "old", {}, AGAIN, "inputs changed: code or template"),
        (State.FAILED, "new", {}, AGAIN, "last run e12 is DEAD"),
        (State.STOPPED, "new", {}, AGAIN, "last run e12 is STOPPED"),
        (State.STOPPING, "new", {}, AGAIN, "last run e12 is STOPPING"),
        (State.RUNNING, "new", {}, ADOPT, "still RUNNING: follow it"),
        (State.PENDING, "new", {}, ADOPT, "still PENDING: follow it"),
        (State.UNKNOWN, "new", {}, ADOPT, "still UNKNOWN: follow it"),
        (State.RUNNING, None, {}, ADOPT, "still RUNNING: follow it"),
        (
            State.RUNNING,
            "old",
            {},
            ANEW,
            "inputs changed: code or template, e12 is still RUNNING",
        ),
        (State.SUCCEEDED, "new", {"rerun": "always"}, AGAIN, "rerun always"),
        (State.RUNNING, "new", {"rerun": "always"}, ADOPT, "still RUNNING: follow it"),
        (State.SUCCEEDED, "old", {"rerun": "never"}, LEAVE, "unchanged"),
        (State.FAILED, "new", {"rerun": "never"}, LEAVE, "unchanged"),
        (State.RUNNING, "old", {"rerun": "never"}, ADOPT, "still RUNNING: follow it"),
        (State.RUNNING, "new", {"wait_for": None}, LEAVE, "e12 is RUNNING"),
        (State.PENDING, "new", {"wait_for": None}, LEAVE, "e12 is PENDING"),
        (State.RUNNING, "new", {"wait_for": "RUNNING"}, LEAVE, "e12 is RUNNING"),
        (State.PENDING, "new", {"wait_for": "RUNNING"}, ADOPT, "still PENDING: follow it"),
    ],
)
def test_the_newest_run_decides(
    state: State,
    inputs: str | None,
    options: dict[str, Any],
    what: tuple[Action, str],
    reason: str,
) -> None:
    change = planned([a_run(state, inputs)], options)
    assert (change.action, change.id, change.reason) == (*what, reason)


@pytest.mark.parametrize(
    ("after_sync", "action"), [(True, Action.NO_OP), (False, Action.RUN), (None, Action.NO_OP)]
)
def test_a_run_without_a_tag_counts_when_it_ended_after_the_last_sync(
    after_sync: bool | None, action: Action
) -> None:
    run = a_run(inputs=None)
    spec = {**run.spec, "completed_after_sync": after_sync}
    change = planned([LiveResource(run.key, run.id, spec, run.status)])
    assert change.action is action
    if action is Action.RUN:
        assert change.reason == "templates were synced after the last run e12"


@pytest.mark.parametrize(
    ("gate", "metrics", "missed"),
    [
        (Gate("accuracy", minimum=0.9), {"accuracy": 0.9}, ""),
        (Gate("accuracy", minimum=0.9), {"accuracy": 0.85}, "accuracy >= 0.9 (0.85)"),
        (Gate("loss", maximum=0.1), {"loss": 0.5}, "loss <= 0.1 (0.5)"),
        (Gate("loss", maximum=0.1), {}, "loss <= 0.1 (not recorded)"),
        (Gate("x", minimum=0.0), {"x": float("nan")}, "x >= 0.0 (nan)"),
        (Gate("x", minimum=0.0, maximum=1.0), {"x": 2.0}, "x <= 1.0 (2.0)"),
    ],
)
def test_a_run_that_missed_a_gate_is_repeated(
    gate: Gate, metrics: dict[str, float], missed: str
) -> None:
    change = planned([a_run(metrics=metrics)], {"require": (gate,)})
    expected = f"last run missed {missed}" if missed else "unchanged"
    assert change.reason == expected
    assert change.action is (Action.RUN if missed else Action.NO_OP)


@pytest.mark.parametrize(
    ("run", "options", "why"),
    [
        (a_run(State.FAILED), {}, ": the last run e12 is DEAD"),
        (a_run(), {"rerun": "always"}, ", as at every apply (rerun: always)"),
        (
            a_run(metrics={"loss": 0.5}),
            {"require": (Gate("loss", maximum=0.1), Gate("f1", minimum=0.5))},
            ": the last run missed loss <= 0.1 (0.5); f1 >= 0.5 (not recorded)",
        ),
        (
            replace(
                a_run(inputs=None), spec={**a_run(inputs=None).spec, "completed_after_sync": False}
            ),
            {},
            ": templates were synced after the last run e12",
        ),
        (a_run(), {}, ""),
    ],
)
def test_why_a_run_is_repeated_is_told_with_it(
    run: LiveResource, options: dict[str, Any], why: str
) -> None:
    change = planned([run], options)
    assert change.consequence == (f"trains again{why}" if why else "unchanged")


def test_changed_code_is_shown_as_a_field() -> None:
    (field,) = planned([a_run(inputs="old")]).fields
    assert (field.path, field.before, field.after) == ("inputs", "old", "new")
    assert field.reason == "code or template changed"


@pytest.mark.parametrize(
    ("state", "what", "reason"),
    [
        (State.SUCCEEDED, AGAIN, "--rerun"),
        (State.RUNNING, ANEW, "--rerun, e12 is still RUNNING"),
    ],
)
def test_the_users_wish_comes_first(state: State, what: tuple[Action, str], reason: str) -> None:
    for rerun in ("on_change", "never"):
        change = planned([a_run(state)], {"rerun": rerun}, rerun=["execution/tr*"])
        assert (change.action, change.id, change.reason) == (*what, reason)


def test_a_first_run_and_a_run_with_another_parameter_are_told_apart() -> None:
    desired = [configuration(parameters={"epochs": "20", "rate": "1"}), execution()]
    assert change_of(plan_of(desired, []), "execution/train").reason == "first run"
    before = configuration(parameters={"epochs": "10", "rate": "1"})
    live = [a_live(before, "c1"), a_live(execution(configuration="c1"), "e1", State.SUCCEEDED)]
    change = change_of(plan_of(desired, live), "execution/train")
    assert change.reason == "inputs changed: parameter_bindings.epochs"
    assert (change.action, change.id) == (Action.RUN, "")


def test_going_back_to_a_former_parameter_uses_its_run() -> None:
    first, second = configuration(parameters={"a": "1"}), configuration(parameters={"a": "2"})
    live = [
        a_live(first, "c1"),
        a_live(second, "c2"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED, created_at="1"),
        a_live(execution(configuration="c2"), "e2", State.SUCCEEDED, created_at="2"),
    ]
    plan = plan_of([first, execution()], live)
    assert not plan.has_changes
    assert change_of(plan, "execution/train").id == "e1"
