"""What is held goes on when it is released, right before its first change, and not before."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cicd.apply.hold import Hold
from cicd.errors import CicdError, ConnectionFailed, Failed, Refused
from cicd.model import Action, Key, LiveResource
from tests.apply.fake_apply_platform import (
    COMPLETED,
    DEAD,
    RUNNING,
    UNKNOWN,
    Clock,
    FakePlatform,
    apply,
    change,
    outcomes,
    ref,
    results,
)

TEST = Key("execution", "evaluate")
SERVE = Key("deployment", "serve")
TRAIN = change("execution/train", Action.RUN, configuration="c1")
EVALUATE = change("execution/evaluate", Action.RUN, configuration="c2")
DEPLOY = change(
    "deployment/serve",
    Action.CREATE,
    configuration_name="s",
    model=ref("execution/train", "artifacts.model"),
)


class Desk:
    """Who releases: remembers what was there and what had been sent when it was asked."""

    def __init__(self, platform: FakePlatform, error: Exception | None = None) -> None:
        self.platform = platform
        self.error = error
        self.asked: list[list[str]] = []
        self.known: set[str] = set()

    def __call__(self, done: Mapping[Key, LiveResource]) -> None:
        self.asked.append(self.platform.ops("create"))
        self.known = {str(key) for key in done}
        if self.error:
            raise self.error


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform(Clock())


def hold(desk: Desk, *keys: Key, after: frozenset[Key] = frozenset({TEST})) -> Hold:
    return Hold(frozenset(keys), desk, after)


def test_what_is_held_is_begun_after_it_was_released_and_asked_for_once(
    platform: FakePlatform,
) -> None:
    desk = Desk(platform)
    events = apply(platform, TRAIN, EVALUATE, DEPLOY, hold=hold(desk, SERVE))
    assert results(events) == {
        "execution/train": "applied",
        "execution/evaluate": "applied",
        "deployment/serve": "applied",
    }
    assert len(desk.asked) == 1 and len(desk.asked[0]) == 2
    assert {"execution/train", "execution/evaluate"} <= desk.known


def test_what_is_not_released_is_held_and_all_the_rest_goes_on(platform: FakePlatform) -> None:
    desk = Desk(platform, Refused("nobody approved", hint="ask"))
    pointer = change("destination/D", Action.CREATE, name="D", url=ref("deployment/serve", "url"))
    old = platform.add("execution", "old", COMPLETED, configuration="c0")
    gone = change("execution/old", Action.DELETE, live=old)
    held = hold(desk, SERVE, Key("destination", "D"))
    found = outcomes(apply(platform, TRAIN, EVALUATE, DEPLOY, pointer, gone, hold=held))
    told = {key: (one.result.value, one.exit_code) for key, one in found.items()}
    assert told == {
        "execution/train": ("applied", 0),
        "execution/evaluate": ("applied", 0),
        "deployment/serve": ("held", 5),
        "destination/D": ("held", 5),
        "execution/old": ("held", 5),
    }
    assert found["deployment/serve"].error == "nobody approved (ask)"
    assert found["destination/D"].error == "waits with deployment/serve"
    assert not platform.ops("delete")


@pytest.mark.parametrize(
    ("error", "code"),
    [(Failed("comparator says no"), 1), (ConnectionFailed("no Jira"), 4), (CicdError("odd"), 1)],
)
def test_what_cannot_be_judged_fails_what_is_held(
    platform: FakePlatform, error: CicdError, code: int
) -> None:
    held = hold(Desk(platform, error), SERVE)
    found = outcomes(apply(platform, TRAIN, EVALUATE, DEPLOY, hold=held))
    ended = found["deployment/serve"]
    assert (ended.result.value, ended.exit_code, ended.error) == ("failed", code, str(error))


def test_a_bug_of_whoever_judges_is_raised_after_all_has_ended(platform: FakePlatform) -> None:
    with pytest.raises(ZeroDivisionError):
        apply(
            platform, TRAIN, EVALUATE, DEPLOY, hold=hold(Desk(platform, ZeroDivisionError()), SERVE)
        )
    assert len(platform.ops("create")) == 2


def test_after_a_test_that_fails_nobody_is_asked_and_nothing_is_deployed(
    platform: FakePlatform,
) -> None:
    platform.scripts["evaluate"] = [[(0, UNKNOWN), (1, RUNNING), (2, DEAD)]]
    desk = Desk(platform)
    found = outcomes(apply(platform, TRAIN, EVALUATE, DEPLOY, hold=hold(desk, SERVE)))
    assert found["execution/evaluate"].result.value == "failed"
    assert found["deployment/serve"].result.value == "skipped"
    assert "execution/evaluate failed" in found["deployment/serve"].error
    assert not desk.asked


def test_without_waiting_what_is_held_waits_for_the_test(platform: FakePlatform) -> None:
    desk = Desk(platform)
    found = outcomes(apply(platform, TRAIN, EVALUATE, DEPLOY, hold=hold(desk, SERVE), wait=False))
    assert found["deployment/serve"].result.value == "deferred"
    assert not desk.asked


def test_a_test_is_waited_for_though_nothing_needs_what_it_makes(platform: FakePlatform) -> None:
    desk = Desk(platform)
    other = change("deployment/serve", Action.CREATE, configuration_name="s")
    apply(platform, EVALUATE, other, hold=hold(desk, SERVE))
    assert desk.known == {"execution/evaluate"}


def test_what_only_goes_away_is_held_as_well(platform: FakePlatform) -> None:
    desk = Desk(platform, Refused("nobody approved"))
    live = platform.add("deployment", "serve", RUNNING, configuration_name="s")
    gone = change("deployment/serve", Action.DELETE, live=live)
    found = outcomes(apply(platform, gone, hold=hold(desk, SERVE, after=frozenset())))
    assert found["deployment/serve"].result.value == "held"
    assert not platform.ops("delete") and len(desk.asked) == 1


def test_what_is_unchanged_is_never_held(platform: FakePlatform) -> None:
    desk = Desk(platform, Refused("nobody approved"))
    live = platform.add("deployment", "serve", RUNNING, configuration_name="s")
    same = change("deployment/serve", Action.NO_OP, live=live, configuration_name="s")
    assert results(apply(platform, same, hold=hold(desk, SERVE))) == {
        "deployment/serve": "unchanged"
    }
    assert not desk.asked
