"""What is unchanged and has a smoke test passes it again: nobody knows whether it ever did."""

from __future__ import annotations

import pytest

from cicd.apply import has_checks
from cicd.apply.events import Answered, Began
from cicd.model import Action, Change, Options, SmokeTest, Status
from cicd.platforms.base import Answer
from tests.apply.fake_apply_platform import (
    DEAD,
    PENDING,
    READY,
    RUNNING,
    FakePlatform,
    apply,
    change,
    outcomes,
    plan,
    ref,
    results,
)

TESTED = Options(wait_for="RUNNING", smoke_test=SmokeTest("/v2/predict"), timeout=300)
BAD = Answer(500, "boom")


def kept(platform: FakePlatform) -> Change:
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    return change(
        "deployment/serve", Action.NO_OP, live=live, options=TESTED, configuration="con-1"
    )


def destination() -> Change:
    return change("destination/api", url=ref("deployment/serve", "url"))


def test_what_answers_as_it_should_is_unchanged(platform: FakePlatform) -> None:
    platform.answers = [Answer(503, ""), Answer(200, "fine")]
    events = apply(platform, kept(platform), destination())
    assert results(events) == {"deployment/serve": "unchanged", "destination/api": "applied"}
    assert [event.answer for event in events if isinstance(event, Answered)] == ["200 fine"]
    assert [str(event.key) for event in events if isinstance(event, Began)] == ["destination/api"]


def test_nothing_is_pointed_at_what_fails_its_test(platform: FakePlatform) -> None:
    platform.answers = [BAD]
    old = platform.add("artifact", "old", READY)
    goes = change("artifact/old", Action.DELETE, live=old)
    ended = outcomes(apply(platform, kept(platform), destination(), goes))
    failed = ended["deployment/serve"]
    assert (failed.result, failed.status) == ("failed", "RUNNING")
    assert failed.error == (
        "smoke test GET /v2/predict got 500 boom; expected 200; it was not changed now and what "
        "ran before it is not known, so it is not rolled back"
    )
    assert ended["destination/api"].error == "skipped: deployment/serve failed"
    assert ended["artifact/old"].result == "skipped"
    assert platform.ops() == []


def test_a_test_fails_also_when_nothing_is_to_change(platform: FakePlatform) -> None:
    platform.answers = [BAD]
    assert results(apply(platform, kept(platform))) == {"deployment/serve": "failed"}


@pytest.mark.parametrize("needed", ["destination/new", "destination/late", "destination/nowhere"])
def test_what_stays_needs_nothing_that_is_made_only_now(
    needed: str, platform: FakePlatform
) -> None:
    """A run that is never repeated keeps what it was given, whatever the stage gives it today."""
    platform.answers = [Answer(200, "fine")]
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    stays = change(
        "deployment/serve", Action.NO_OP, live=live, options=TESTED, configuration=ref(needed, "id")
    )
    made = [change(key, url="x") for key in ("destination/new", "destination/late")]
    ended = results(apply(platform, made[0], stays, made[1]))
    assert ended["deployment/serve"] == "unchanged"


def test_what_began_to_move_since_the_plan_is_waited_for(platform: FakePlatform) -> None:
    same = kept(platform)
    platform.things[same.id].script = [(0, PENDING), (20, RUNNING)]
    assert results(apply(platform, same)) == {"deployment/serve": "unchanged"}
    assert next(at for op, _, at in platform.calls if op == "invoke") >= 1020


def test_a_test_stands_between_what_is_far_apart(platform: FakePlatform) -> None:
    platform.answers = [BAD]
    same = change("artifact/x", Action.NO_OP, after=["deployment/serve"])
    events = apply(platform, kept(platform), same, change("artifact/y", after=["artifact/x"]))
    assert results(events) == {
        "artifact/x": "unchanged",
        "deployment/serve": "failed",
        "artifact/y": "skipped",
    }


def test_a_failure_before_it_leaves_a_check_alone_and_skips_what_is_behind_it(
    platform: FakePlatform,
) -> None:
    platform.scripts["app"] = [[(0, DEAD)]]
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    same = change(
        "deployment/serve", Action.NO_OP, live=live, after=["application/app"], options=TESTED
    )
    assert results(apply(platform, change("application/app"), same, destination())) == {
        "application/app": "failed",
        "deployment/serve": "unchanged",
        "destination/api": "skipped",
    }


def test_who_does_not_wait_does_not_test(platform: FakePlatform) -> None:
    events = apply(platform, kept(platform), wait=False)
    assert results(events) == {"deployment/serve": "unchanged"}
    assert platform.calls == []


def test_what_a_change_needs_is_tested_also_by_who_does_not_wait(platform: FakePlatform) -> None:
    platform.answers = [BAD]
    events = apply(platform, kept(platform), destination(), wait=False)
    assert results(events) == {"deployment/serve": "failed", "destination/api": "skipped"}


@pytest.mark.parametrize(
    ("options", "status", "word", "error"),
    [
        (
            TESTED,
            PENDING,
            "timed_out",
            "still PENDING after 300 s (it goes on; apply again to follow it)",
        ),
        (
            Options(fetch={"model": "build/model"}),
            RUNNING,
            "failed",
            "deployment/serve has no model",
        ),
    ],
)
def test_a_check_that_never_asked_says_nothing_of_going_back(
    platform: FakePlatform, options: Options, status: Status, word: str, error: str
) -> None:
    live = platform.add("deployment", "serve", status, configuration="con-1")
    kept = change("deployment/serve", Action.NO_OP, live=live, options=options)
    ended = outcomes(apply(platform, kept))["deployment/serve"]
    assert (ended.result.value, ended.error) == (word, error)


@pytest.mark.parametrize(
    ("action", "options", "expected"),
    [
        (Action.NO_OP, Options(), False),
        (Action.NO_OP, TESTED, True),
        (Action.UPDATE, Options(), True),
    ],
)
def test_a_plan_has_something_to_do_or_not(
    platform: FakePlatform, action: Action, options: Options, expected: bool
) -> None:
    live = platform.add("deployment", "serve", RUNNING)
    made = plan(change("deployment/serve", action, live=live, options=options))
    assert has_checks(made) is expected
    assert not has_checks(plan())
