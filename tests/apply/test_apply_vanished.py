"""What can never come any more is not waited for: things that somebody deletes meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd.model import Action, Options, Status
from cicd.model import State as S
from tests.apply.fake_apply_platform import (
    PENDING,
    RUNNING,
    STOPPING,
    UNKNOWN,
    FakePlatform,
    apply,
    change,
    outcomes,
    ref,
)

HOURS = 36_000.0
GONE = "was there and is no more: somebody has deleted it"


@pytest.mark.parametrize(
    ("kind", "action", "word"),
    [
        ("execution", Action.RUN, "COMPLETED"),
        ("deployment", Action.CREATE, "RUNNING"),
        ("application", Action.CREATE, "Synced"),
    ],
)
@pytest.mark.parametrize("status", [UNKNOWN, PENDING])
def test_what_vanishes_while_it_is_waited_for_fails_soon(
    platform: FakePlatform, kind: str, action: Action, word: str, status: Status
) -> None:
    platform.scripts["x"] = [[(0, status)]]
    options = Options(wait_for=word, timeout=HOURS)
    begun = platform.clock()
    platform.clock.at(begun + 100, platform.things.clear)
    ended = outcomes(
        apply(
            platform,
            change(f"{kind}/x", action, options=options, configuration="con-1"),
            change("configuration/next", model=ref(f"{kind}/x", "id")),
        )
    )
    assert ended[f"{kind}/x"].result == "failed" and GONE in ended[f"{kind}/x"].error
    assert ended["configuration/next"].result == "skipped"
    assert 100 <= ended[f"{kind}/x"].seconds <= 130


def test_what_was_there_when_it_was_planned_and_is_gone_fails_soon(platform: FakePlatform) -> None:
    live = platform.add("execution", "x", PENDING, configuration="con-1")
    platform.things.clear()
    options = Options(wait_for="COMPLETED", timeout=HOURS)
    wish = change("execution/x", Action.RUN, live=live, options=options, configuration="con-1")
    ended = outcomes(apply(platform, wish))["execution/x"]
    assert ended.result == "failed" and GONE in ended.error and ended.seconds <= 30


@pytest.mark.parametrize("word", ["DEPROVISIONING", "DELETING"])
def test_what_is_going_away_is_not_waited_for(platform: FakePlatform, word: str) -> None:
    platform.scripts["x"] = [[(0, PENDING), (50, Status(S.STOPPING, word))]]
    options = Options(timeout=HOURS)
    ended = outcomes(apply(platform, change("application/x", options=options)))["application/x"]
    assert ended.result == "failed" and f"is {word}: somebody is deleting it" in ended.error
    assert ended.seconds <= 80


@pytest.mark.parametrize(("timeout", "least", "most"), [(60, 60, 80), (3000, 3000, 3020)])
def test_the_wait_for_a_removal_is_as_long_as_the_timeout_of_what_goes(
    platform: FakePlatform, timeout: float, least: float, most: float
) -> None:
    live = platform.add("deployment", "x", STOPPING, configuration="con-1")
    platform.things[live.id].script = [(0, STOPPING)]
    options = Options(wait_for="RUNNING", timeout=timeout)
    wish = change("deployment/x", options=options, configuration="con-1")
    wish = replace(wish, action=Action.DELETE, live=live)
    ended = outcomes(apply(platform, wish))["deployment/x"]
    assert ended.result == "timed_out" and least <= ended.seconds <= most


def test_a_removal_of_what_comes_up_is_bounded_too(platform: FakePlatform) -> None:
    live = platform.add("deployment", "x", RUNNING, configuration="con-1")
    platform.things[live.id].script = [(0, RUNNING)]
    ended = outcomes(apply(platform, change("deployment/x", Action.DELETE, live=live)))
    assert ended["deployment/x"].result == "applied"
