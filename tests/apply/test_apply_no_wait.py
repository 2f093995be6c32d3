"""Who does not wait starts what can start, is told what the next apply does, and goes."""

from __future__ import annotations

import pytest

from cicd.model import Action, Change, Options
from tests.apply.fake_apply_platform import (
    RUNNING,
    STOPPED,
    FakePlatform,
    apply,
    change,
    outcomes,
    ref,
    results,
)

DONE = Options(wait_for="COMPLETED", timeout=36_000)
UP = Options(wait_for="RUNNING", timeout=36_000)


def train(options: Options = DONE) -> Change:
    return change("execution/train", Action.RUN, options=options, configuration="con-1")


def waits(key: str, what: str = "execution/train") -> str:
    return f"waits for {what}: the next apply goes on with {key}"


@pytest.mark.parametrize(
    ("options", "wait", "word"),
    [
        (DONE, False, "started"),
        (Options(wait_for=None), False, "started"),
        (Options(wait_for=None), True, "started"),
        (DONE, True, "applied"),
    ],
)
def test_what_nobody_waits_for_was_started(
    platform: FakePlatform, options: Options, wait: bool, word: str
) -> None:
    ended = outcomes(apply(platform, train(options), change("artifact/a"), wait=wait))
    assert ended["execution/train"].word == word
    assert (ended["execution/train"].result, ended["artifact/a"].word) == ("applied", "applied")


def test_runs_and_services_that_others_need_are_not_waited_for(platform: FakePlatform) -> None:
    begun = platform.clock()
    events = apply(
        platform,
        change("application/app"),
        change(
            "execution/train",
            Action.RUN,
            options=DONE,
            configuration="c",
            after=["application/app"],
        ),
        change("configuration/serve", model=ref("execution/train", "artifacts.model")),
        change("deployment/serve", options=UP, configuration=ref("configuration/serve")),
        change("destination/api", url=ref("deployment/serve", "url")),
        change("execution/other", Action.RUN, options=DONE, configuration="con-2"),
        change("deployment/old", options=UP, configuration="con-3"),
        change("destination/old", url=ref("deployment/old", "url")),
        wait=False,
    )
    ended = outcomes(events)
    assert results(events) == {
        "application/app": "applied",
        "execution/train": "applied",
        "execution/other": "applied",
        "deployment/old": "applied",
        "configuration/serve": "deferred",
        "deployment/serve": "deferred",
        "destination/api": "deferred",
        "destination/old": "deferred",
    }
    for key in ("configuration/serve", "deployment/serve", "destination/api"):
        assert ended[key].error == waits(key)
    assert ended["destination/old"].error == waits("destination/old", "deployment/old")
    assert {item.exit_code for item in ended.values()} == {0}
    # the sync of templates is waited for, as nothing starts before it
    assert ended["application/app"].status == "Synced"
    assert platform.clock() - begun < 40


def test_the_next_apply_goes_on(platform: FakePlatform) -> None:
    apply(platform, train(), wait=False)
    (live,) = [thing.live for thing in platform.things.values()]
    again = change("execution/train", Action.RUN, live=live, options=DONE, configuration="con-1")
    serve = change("deployment/serve", options=UP, configuration=ref("execution/train", "id"))
    assert results(apply(platform, again, serve)) == {
        "execution/train": "applied",
        "deployment/serve": "applied",
    }
    assert platform.ops("create") == ["create execution/train", "create deployment/serve"]


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
def test_nothing_goes_before_its_successor_is_up(platform: FakePlatform, action: Action) -> None:
    live = platform.add("deployment", "old", STOPPED, configuration="con-0")
    old = change("deployment/old", action, live=live, options=UP, configuration="con-1")
    ended = outcomes(apply(platform, train(), old, wait=False))
    assert ended["deployment/old"].result == "deferred"
    assert ended["execution/train"].result == "applied"
    assert live.id in platform.things and platform.ops() == ["create execution/train"]
    told = ended["deployment/old"].error
    if action is Action.DELETE:
        assert told == waits("deployment/old")
    else:
        assert told.endswith("has to be up before the old one goes: apply without --no-wait")


def test_where_nothing_was_started_deletes_are_asked_for(platform: FakePlatform) -> None:
    live = platform.add("deployment", "old", RUNNING, configuration="con-0")
    old = change("deployment/old", Action.DELETE, live=live)
    ended = outcomes(apply(platform, change("configuration/new"), old, wait=False))
    assert ended["deployment/old"].result == "applied"
    assert "delete deployment/old" in platform.ops()


def test_a_run_that_its_stage_does_not_wait_for_holds_up_nobody(platform: FakePlatform) -> None:
    needs = change("configuration/next", after=["execution/train"])
    events = apply(platform, train(Options()), needs, wait=False)
    assert results(events) == {"execution/train": "applied", "configuration/next": "applied"}


def test_a_failure_is_one_also_for_who_does_not_wait(platform: FakePlatform) -> None:
    bad = change("configuration/serve", model=ref("artifact/none", "artifacts.model"))
    events = apply(platform, change("artifact/none"), bad, train(), wait=False)
    assert results(events)["configuration/serve"] == "failed"
    assert results(events)["execution/train"] == "applied"
