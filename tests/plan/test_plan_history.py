"""What a deployment can go back to, and the plan that does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cicd.errors import CicdError, Usage
from cicd.model import Action, Change, Key, LiveResource, Plan, Resource, State
from cicd.plan import check_guards
from cicd.plan.history import choose_version, make_rollback_plan, read_history
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    actions,
    change_of,
    configuration,
    deployment,
    destination,
    plan_of,
)

KEY = Key("deployment", "serve")
DESIRED = [
    configuration("serve", {"greeting": "c"}),
    deployment("serve"),
    destination("DEST"),
]


def version(id: str, greeting: str, day: int, **spec: Any) -> LiveResource:
    wish = configuration("serve", {"greeting": greeting}, **spec)
    return a_live(wish, id, State.SUCCEEDED, created_at=f"2026-01-0{day}T00:00:00Z")


LIVES = [
    version("c-old", "a", 1),
    version("c-now", "b", 2),
    version("c-bad", "c", 3),
    version("c-else", "x", 4, executable_id="demo-other"),
]


def serving(state: State = State.RUNNING, **spec: Any) -> LiveResource:
    wish = deployment("serve", **{"configuration": "c-now", **spec})
    return a_live(wish, "d1", state, outputs={"url": "https://x/d1"})


def pointing(url: str = "https://x/d1") -> LiveResource:
    return a_live(destination("DEST", url=url), "DEST", State.SUCCEEDED)


def test_history_is_the_family_newest_first_with_what_differs() -> None:
    history = read_history(serving(), LIVES, KINDS)
    assert [(item.content.id, item.is_running) for item in history] == [
        ("c-bad", False),
        ("c-now", True),
        ("c-old", False),
    ]
    assert [[(f.path, f.before, f.after) for f in item.fields] for item in history] == [
        [("parameter_bindings.greeting", "b", "c")],
        [],
        [("parameter_bindings.greeting", "b", "a")],
    ]


def test_what_only_the_running_one_has_is_a_difference_too() -> None:
    lives = [version("c-now", "b", 2), version("c-old", "b", 1, parameter_bindings={})]
    (_, old) = read_history(serving(), lives, KINDS)
    assert [(f.path, f.before, f.after) for f in old.fields] == [
        ("parameter_bindings.greeting", "b", None)
    ]


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_of_two_made_in_one_second_the_running_one_is_the_newer(ids: tuple[str, str]) -> None:
    """So that going back leads to the other one, whichever way their ids sort."""
    now, before = ids
    lives = [version(now, "new", 1), version(before, "old", 1)]
    history = read_history(serving(configuration=now), lives, KINDS)
    assert [item.content.id for item in history] == [now, before]
    assert choose_version(KEY, history, None, KINDS).id == before


@pytest.mark.parametrize(
    ("wanted", "id"), [(None, "c-old"), ("c-bad", "c-bad"), ("c-b", "c-bad"), ("c-o", "c-old")]
)
def test_the_one_before_or_the_one_that_is_named(wanted: str | None, id: str) -> None:
    assert choose_version(KEY, read_history(serving(), LIVES, KINDS), wanted, KINDS).id == id


def test_where_the_running_one_is_gone_the_newest_is_the_one_before() -> None:
    lives = [live for live in LIVES if live.id != "c-now"]
    history = read_history(serving(), lives, KINDS)
    assert [(item.content.id, item.is_running) for item in history] == [
        ("c-bad", False),
        ("c-old", False),
    ]
    assert choose_version(KEY, history, None, KINDS).id == "c-bad"


@pytest.mark.parametrize(
    ("wanted", "lives", "error", "text"),
    [
        ("c-", LIVES, Usage, "deployment/serve has 3 configurations c-"),
        ("c-else", LIVES, Usage, "deployment/serve has no configuration c-else"),
        ("c-now", LIVES, CicdError, "deployment/serve runs configuration c-now already"),
        (None, LIVES[1:], CicdError, "deployment/serve has no configuration older than"),
        (None, LIVES[1:2], CicdError, "deployment/serve has no configuration older than"),
    ],
)
def test_what_there_is_not_is_said(
    wanted: str | None, lives: list[LiveResource], error: type[CicdError], text: str
) -> None:
    with pytest.raises(error, match=text):
        choose_version(KEY, read_history(serving(), lives, KINDS), wanted, KINDS)


def the_change(lives: Sequence[LiveResource]) -> Change:
    return change_of(plan_of(DESIRED, lives), "deployment/serve")


def rollback(lives: Sequence[LiveResource], target: LiveResource = LIVES[0]) -> Plan:
    stage = a_stage(DESIRED, prune="stage")
    return make_rollback_plan(
        stage, DESIRED, lives, KINDS, the_change(lives), target, created_at=CREATED_AT
    )


def test_going_back_updates_this_deployment_only() -> None:
    lives = [*LIVES, serving(), pointing("https://somewhere/else")]
    plan = rollback(lives)
    (change,) = plan.changes
    assert (change.action, change.id) == (Action.UPDATE, "d1")
    assert change.reason == "roll back to c-old; configuration changed"
    assert [(f.path, f.before, f.after) for f in change.fields] == [
        ("configuration", "c-now", "c-old")
    ]


def test_a_ttl_that_is_not_deployed_yet_does_not_replace_it() -> None:
    desired: list[Resource] = [DESIRED[0], deployment("serve", ttl="24h"), DESIRED[2]]
    lives = [*LIVES, serving(ttl="5h")]
    change = change_of(plan_of(desired, lives), "deployment/serve")
    assert change.action is Action.REPLACE
    plan = make_rollback_plan(
        a_stage(desired), desired, lives, KINDS, change, LIVES[0], created_at=CREATED_AT
    )
    assert actions(plan) == {"deployment/serve": "update"}


def test_what_cannot_be_updated_is_made_anew_with_its_destination() -> None:
    plan = rollback([*LIVES, serving(State.FAILED), pointing()])
    assert actions(plan) == {"deployment/serve": "replace", "destination/DEST": "update"}
    assert change_of(plan, "destination/DEST").depends_on == {KEY}


def test_one_that_is_protected_is_updated_and_never_replaced() -> None:
    stage = a_stage(DESIRED, protect=frozenset({"deployment/serve"}))
    check_guards(rollback([*LIVES, serving()]), stage, KINDS)
    with pytest.raises(CicdError, match="deployment/serve is protected"):
        check_guards(rollback([*LIVES, serving(State.FAILED)]), stage, KINDS)
