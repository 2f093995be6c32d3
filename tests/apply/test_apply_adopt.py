"""Whose that is which stays: what was imported or made by hand is entered as the stage's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.apply import execute
from cicd.errors import Denied
from cicd.model import Action, Options
from tests.apply.fake_apply_platform import (
    COMPLETED,
    READY,
    RUNNING,
    FakePlatform,
    Fault,
    apply,
    change,
    plan,
    results,
)

WAITS = Options(wait_for="RUNNING")


def test_what_stays_and_is_nobodys_is_the_stages_from_now_on(platform: FakePlatform) -> None:
    first = platform.add("deployment", "one", RUNNING, configuration="c1")
    second = platform.add("deployment", "two", RUNNING, configuration="c2")
    changes = [
        change(f"deployment/{name}", Action.NO_OP, live=live, **live.spec)
        for name, live in (("serve", first), ("other", second))
    ]
    events = apply(platform, *changes)
    assert results(events) == {"deployment/serve": "unchanged", "deployment/other": "unchanged"}
    assert platform.tags == {
        first.id: {"cicd.key": "deployment/serve"},
        second.id: {"cicd.key": "deployment/other"},
    }


@pytest.mark.parametrize(
    ("known", "is_entered"),
    [
        ({"owner": "dev"}, True),
        ({"owner": "tst"}, False),
        ({"owner": "dev", "applied": {"configuration_name": "serve"}}, False),
    ],
)
def test_what_is_entered_already_or_is_anothers_stays_so(
    platform: FakePlatform, known: dict[str, Any], is_entered: bool
) -> None:
    live = replace(platform.add("deployment", "one", RUNNING, configuration="c1"), **known)
    apply(platform, change("deployment/serve", Action.NO_OP, live=live, **live.spec))
    assert bool(platform.tags) is is_entered


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("execution", COMPLETED),
        ("artifact", READY),
        ("configuration", READY),
        ("destination", READY),
    ],
)
def test_runs_and_what_nothing_prunes_are_not_entered(
    platform: FakePlatform, kind: str, status: Any
) -> None:
    live = platform.add(kind, "one", status, configuration="c1")
    apply(platform, change(f"{kind}/mine", Action.NO_OP, live=live, **live.spec))
    assert platform.tags == {}


def test_what_is_changed_or_made_is_not_entered_beside_that(platform: FakePlatform) -> None:
    live = platform.add("deployment", "one", RUNNING, configuration="c1")
    events = apply(
        platform,
        change(
            *("deployment/serve", Action.UPDATE),
            live=live,
            options=WAITS,
            fields=["configuration"],
            configuration="c2",
        ),
        change("deployment/new", options=WAITS, configuration="c3"),
        change("deployment/absent", Action.NO_OP, configuration="c4"),
    )
    assert results(events) == {
        "deployment/serve": "applied",
        "deployment/new": "applied",
        "deployment/absent": "unchanged",
    }
    assert platform.tags == {}


def test_neither_a_destroy_nor_an_apply_that_does_not_wait_enters_anything(
    platform: FakePlatform,
) -> None:
    live = platform.add("deployment", "one", RUNNING, configuration="c1")
    step = change("deployment/serve", Action.NO_OP, live=live, **live.spec)
    apply(platform, step, wait=False)
    clock = platform.clock
    destroy = replace(plan(step), is_destroy=True)
    list(execute(destroy, platform, workers=1, clock=clock, sleep=clock.sleep))
    assert platform.tags == {}


def test_what_cannot_be_entered_stays_all_the_same(platform: FakePlatform) -> None:
    lives = [platform.add("deployment", name, RUNNING, configuration=name) for name in "ab"]
    platform.faults["tag"] = [Fault(Denied("no rights", status=403))]
    events = apply(
        platform,
        *(
            change(f"deployment/{live.key.name}", Action.NO_OP, live=live, **live.spec)
            for live in lives
        ),
    )
    assert results(events) == {"deployment/a": "unchanged", "deployment/b": "unchanged"}
    assert platform.tags == {lives[1].id: {"cicd.key": "deployment/b"}}
