"""What somebody has changed by hand so far that a thing is known by its mark alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cicd.model import Action, LiveResource, Options, Plan, Resource, State
from tests.plan.plan_world import (
    a_live,
    change_of,
    configuration,
    deployment,
    execution,
    plan_of,
    schedule,
    status,
)

DESIRED = [configuration("serve"), deployment()]
APPLIED = {"configuration_name": "serve", "executable_id": "demo-train"}


def strayed(applied: dict[str, str] = APPLIED, /, **spec: Any) -> list[LiveResource]:
    """A service that the stage has made, and that somebody has given other content since."""
    return [
        a_live(configuration("serve"), "c1"),
        a_live(configuration("handmade"), "c9"),
        a_live(
            deployment(configuration="c9", **{"configuration_name": "handmade", **spec}),
            "d1",
            owner="dev",
            known_as="deployment/serve",
            applied=applied,
        ),
    ]


def planned(
    lives: Sequence[LiveResource], desired: Sequence[Resource] = DESIRED, key: str = ""
) -> tuple[str, str, list[tuple[str, Any, Any]], Plan]:
    plan = plan_of(desired, lives)
    change = change_of(plan, key or "deployment/serve")
    fields = [(item.path, item.before, item.after) for item in change.fields]
    return change.action.value, change.reason, fields, plan


def test_what_was_changed_by_hand_is_told_by_its_names_and_put_back() -> None:
    action, reason, fields, plan = planned(strayed())
    assert (action, reason) == (
        "update",
        "changed by hand: configuration handmade → serve",
    )
    assert fields == [("configuration", "handmade", "serve")]
    assert change_of(plan, "deployment/serve").consequence == (
        "is put back (changed by hand: configuration handmade → serve); "
        "the same URL goes on answering"
    )


def test_every_field_that_strayed_is_told_though_one_of_them_replaces_it() -> None:
    action, reason, fields, _ = planned(strayed(executable_id="demo-other"))
    assert action == "replace"
    told, _, why = reason.partition("; ")
    assert told == (
        "changed by hand: configuration handmade → serve, executable_id demo-other → demo-train"
    )
    assert "it stays with its executable" in why
    assert fields[:2] == [
        ("configuration", "handmade", "serve"),
        ("executable_id", "demo-other", "demo-train"),
    ]


@pytest.mark.parametrize(
    "lives",
    [
        # it is as it was applied last: the stage file has changed
        strayed({**APPLIED, "configuration_name": "handmade"}),
        # it is as its key wants it, and was applied otherwise
        strayed({**APPLIED, "configuration_name": "former"}, configuration_name="serve"),
    ],
)
def test_what_the_stage_file_changed_is_no_drift(lives: list[LiveResource]) -> None:
    action, reason, fields, _ = planned(lives)
    assert action == "update"
    assert "by hand" not in reason
    assert ("configuration", "c9", "c1") in fields


@pytest.mark.parametrize(
    ("known", "alike", "taken"),
    [
        (State.RUNNING, State.RUNNING, "d1"),
        (State.PENDING, State.RUNNING, "d1"),
        (State.STOPPED, State.RUNNING, "d2"),
        (State.FAILED, State.PENDING, "d2"),
        (State.STOPPED, State.STOPPED, "d1"),
        (State.RUNNING, State.STOPPED, "d1"),
        (State.RUNNING, None, "d1"),
        (State.STOPPED, None, "d1"),
        (None, State.RUNNING, "d2"),
    ],
)
def test_its_own_comes_before_what_looks_like_it_unless_that_alone_goes_on(
    known: State | None, alike: State | None, taken: str
) -> None:
    lives = strayed()[:2]
    if known:
        lives.append(replace(strayed()[2], status=status(known)))
    if alike:
        lives.append(a_live(deployment(configuration="c1"), "d2", alike, created_at="2026-02-01"))
    change = change_of(plan_of(DESIRED, lives), "deployment/serve")
    assert change.live
    assert change.live.id == taken


def test_what_is_known_by_no_mark_has_not_strayed() -> None:
    lives = [configuration("serve"), configuration("handmade")]
    live = [a_live(wish, f"c{number}") for number, wish in enumerate(lives)]
    action, reason, *_ = planned([*live, a_live(deployment(configuration="c1"), "d1")])
    assert (action, "by hand" in reason) == ("update", False)


def test_what_is_pinned_is_what_the_stage_file_says() -> None:
    pinned = deployment(options=Options("RUNNING", existing_id="d1"))
    action, reason, *_ = planned(strayed(), [configuration("serve"), pinned])
    assert (action, "by hand" in reason) == ("update", False)


def test_a_run_of_other_content_is_no_drift() -> None:
    desired = [configuration(), execution()]
    lives = [
        a_live(configuration(), "c1"),
        a_live(
            execution(configuration="c9", configuration_name="handmade"),
            "e1",
            State.SUCCEEDED,
            owner="dev",
            known_as="execution/train",
            applied={"configuration_name": "train"},
        ),
    ]
    _, reason, *_ = planned(lives, desired, "execution/train")
    assert "by hand" not in reason


def test_a_thing_that_answers_at_no_url_is_put_back_without_a_word_of_one() -> None:
    desired = [configuration(), execution(), schedule()]
    lives = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED),
        a_live(
            schedule(configuration="c1", cron="0 5 * * *"),
            "s1",
            State.UNKNOWN,
            owner="dev",
            known_as="schedule/weekly",
            applied={"cron": "0 0 * * 0"},
        ),
    ]
    action, reason, fields, plan = planned(lives, desired, "schedule/weekly")
    assert (action, fields) == (Action.UPDATE, [("cron", "0 5 * * *", "0 0 * * 0")])
    assert change_of(plan, "schedule/weekly").consequence == f"is put back ({reason})"
