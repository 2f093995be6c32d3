"""Who goes when: dependency order, skips, removals last."""

from __future__ import annotations

import pytest

from cicd.apply.events import Began, Progress, Warned
from cicd.apply.order import dependents, needs_of, removal_needs
from cicd.errors import Denied
from cicd.model import Action, Change, LiveResource, Options, Outcome
from tests.apply.fake_apply_platform import (
    COMPLETED,
    DEAD,
    READY,
    RUNNING,
    STOPPED,
    STOPPING,
    FakePlatform,
    Fault,
    apply,
    change,
    key_of,
    outcomes,
    ref,
    results,
)

DONE = Options(wait_for="COMPLETED")
UP = Options(wait_for="RUNNING")


def train_and_serve() -> list[Change]:
    return [
        change("artifact/data", url="ai://default/data"),
        change("configuration/train", after=["artifact/data"], data=ref("artifact/data")),
        change(
            "execution/train",
            Action.RUN,
            after=["configuration/train"],
            options=DONE,
            configuration=ref("configuration/train"),
            inputs="abc",
        ),
        change(
            "configuration/serve",
            after=["execution/train"],
            model=ref("execution/train", "artifacts.model"),
        ),
        change(
            "deployment/serve",
            after=["configuration/serve"],
            options=UP,
            configuration=ref("configuration/serve"),
            configuration_name="Serve",
        ),
        change("destination/api", after=["deployment/serve"], url=ref("deployment/serve", "url")),
    ]


def test_everything_is_made_in_order_of_dependencies(platform: FakePlatform) -> None:
    events = apply(platform, *reversed(train_and_serve()))
    assert set(results(events).values()) == {"applied"}
    assert platform.ops() == [
        "create artifact/data",
        "create configuration/train",
        "create execution/train",
        "create configuration/serve",
        "create deployment/serve",
        "create destination/api",
    ]
    destination = platform.things[outcomes(events)["destination/api"].id].live
    deployment = outcomes(events)["deployment/serve"]
    assert destination.spec == {"url": deployment.url}
    assert (deployment.status, deployment.url) == ("RUNNING", f"https://new/{deployment.id}")
    serve = platform.things[outcomes(events)["configuration/serve"].id].live
    assert serve.spec == {"model": "a-model"}


def test_every_change_begins_moves_and_ends(platform: FakePlatform) -> None:
    events = apply(platform, *train_and_serve())
    story = [event for event in events if event.key == key_of("execution/train")]
    assert isinstance(story[0], Began)
    words = [event.status.raw for event in story if isinstance(event, Progress)]
    assert words == ["UNKNOWN", "PENDING", "RUNNING", "COMPLETED"]
    assert isinstance(story[-1], Outcome)
    assert story[-1].seconds >= 10


def test_an_empty_plan_does_nothing(platform: FakePlatform) -> None:
    assert apply(platform) == []
    assert platform.calls == []


def test_what_needs_nothing_is_unchanged_at_once(platform: FakePlatform) -> None:
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    events = apply(
        platform,
        change("deployment/serve", Action.NO_OP, live=live),
        change("destination/api", url=ref("deployment/serve", "url")),
    )
    first = events[0]
    assert isinstance(first, Outcome)
    assert (first.result, first.id, first.status) == ("unchanged", live.id, "RUNNING")
    assert first.url == "https://old/serve"
    assert platform.ops() == ["create destination/api"]


def test_a_failure_skips_only_what_builds_on_it(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, RUNNING), (2, DEAD)]]
    events = apply(platform, *train_and_serve(), change("artifact/other", url="ai://default/o"))
    assert results(events) == {
        "artifact/data": "applied",
        "configuration/train": "applied",
        "execution/train": "failed",
        "configuration/serve": "skipped",
        "deployment/serve": "skipped",
        "destination/api": "skipped",
        "artifact/other": "applied",
    }
    ended = outcomes(events)
    assert ended["execution/train"].error == "ended as DEAD: exit code 1"
    assert ended["execution/train"].id in platform.things
    assert ended["destination/api"].error == "skipped: execution/train failed"


def test_a_skipped_update_shows_what_is_there(platform: FakePlatform) -> None:
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    platform.scripts["train"] = [[(0, DEAD)]]
    events = apply(
        platform,
        change("execution/train", Action.RUN, options=DONE),
        change(
            "deployment/serve",
            Action.UPDATE,
            after=["execution/train"],
            live=live,
            fields=["configuration"],
            configuration="con-2",
        ),
    )
    ended = outcomes(events)["deployment/serve"]
    assert (ended.id, ended.status) == (live.id, "RUNNING")


def test_a_missing_output_is_named(platform: FakePlatform) -> None:
    platform.run_outputs = {"artifacts.weights": "a-1", "artifacts.report": "a-2"}
    events = apply(platform, *train_and_serve())
    ended = outcomes(events)
    assert ended["execution/train"].result == "applied"
    assert ended["configuration/serve"].error == (
        'execution/train finished without artifact "model": it has "report", "weights"'
    )
    assert ended["deployment/serve"].error == "skipped: configuration/serve failed"


def test_outputs_that_come_late_are_awaited(platform: FakePlatform) -> None:
    platform.scripts["train"] = [[(0, COMPLETED)]]
    platform.outputs_at = platform.clock() + 5
    assert set(results(apply(platform, *train_and_serve())).values()) == {"applied"}
    assert platform.clock() < 1000 + 20


@pytest.mark.parametrize("action", [Action.UPDATE, Action.REPLACE])
def test_outputs_are_awaited_for_what_is_there_already_too(
    platform: FakePlatform, action: Action
) -> None:
    platform.scripts["train"] = [[(0, COMPLETED)]]
    platform.outputs_at = platform.clock() + 5
    live = platform.add("deployment", "serve", RUNNING, configuration="old")
    user = change(
        "deployment/serve",
        action,
        after=["execution/train"],
        live=live,
        options=UP,
        fields=["configuration"],
        configuration=ref("execution/train", "artifacts.model"),
    )
    events = apply(platform, change("execution/train", configuration="c"), user)
    assert set(results(events).values()) == {"applied"}
    ended = outcomes(events)["deployment/serve"]
    assert platform.things[ended.id].live.spec["configuration"] == "a-model"


def test_a_reference_out_of_the_plan_is_a_failure(platform: FakePlatform) -> None:
    events = apply(platform, change("destination/api", url=ref("deployment/serve", "url")))
    assert outcomes(events)["destination/api"].error == (
        "needs url of deployment/serve, which is not part of this plan"
    )


def replaced(platform: FakePlatform) -> tuple[LiveResource, list[Change]]:
    live = platform.add("deployment", "old", STOPPED, configuration="con-0")
    return live, [
        change("deployment/serve", Action.REPLACE, live=live, options=UP, configuration="con-1"),
        change("destination/api", after=["deployment/serve"], url=ref("deployment/serve", "url")),
    ]


def test_a_replace_moves_dependents_before_the_old_one_goes(platform: FakePlatform) -> None:
    live, changes = replaced(platform)
    platform.things[live.id].script = [(0, RUNNING)]
    events = apply(platform, *changes)
    assert results(events) == {"destination/api": "applied", "deployment/serve": "applied"}
    assert platform.ops() == [
        "create deployment/serve",
        "create destination/api",
        "stop deployment/old",
        "delete deployment/old",
    ]
    assert live.id not in platform.things
    assert outcomes(events)["deployment/serve"].id in platform.things


def test_a_failed_replacement_keeps_the_old_one(platform: FakePlatform) -> None:
    live, changes = replaced(platform)
    platform.scripts["serve"] = [[(0, DEAD)]]
    events = apply(platform, *changes)
    assert results(events) == {"deployment/serve": "failed", "destination/api": "skipped"}
    assert live.id in platform.things


def test_a_failed_dependent_keeps_the_old_one_and_says_so(platform: FakePlatform) -> None:
    live, changes = replaced(platform)
    platform.faults["create destination/api"] = [Fault(Denied("no rights", status=403))]
    events = apply(platform, *changes)
    assert results(events) == {"deployment/serve": "applied", "destination/api": "failed"}
    assert live.id in platform.things
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert warned == [f"the one before ({live.id}) is kept: destination/api failed"]


@pytest.mark.parametrize("step", ["stop", "delete"])
def test_an_old_one_that_still_has_a_user_is_kept_and_says_so(
    platform: FakePlatform, step: str
) -> None:
    old = {
        key: platform.add("deployment", f"old-{key}", RUNNING, configuration="con-0")
        for key in ("serve", "gate")
    }
    changes = [
        change(
            f"deployment/{key}",
            Action.REPLACE,
            live=live,
            options=UP,
            after=[] if key == "serve" else ["deployment/serve"],
            configuration="con-1",
        )
        for key, live in old.items()
    ]
    platform.faults[f"{step} deployment/old-gate"] = [Fault(Denied("no rights", status=403))]
    events = apply(platform, *changes)
    ended = outcomes(events)
    assert results(events) == {"deployment/serve": "applied", "deployment/gate": "failed"}
    assert ended["deployment/serve"].id in platform.things
    assert "is not gone" in ended["deployment/gate"].error
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert warned == [f"the one before ({old['serve'].id}) is kept: deployment/gate failed"]
    assert (
        old["serve"].id in platform.things and "delete deployment/old-serve" not in platform.ops()
    )


def test_what_is_gone_already_counts_as_deleted(platform: FakePlatform) -> None:
    live = platform.add("execution", "x", RUNNING)
    del platform.things[live.id]
    assert results(apply(platform, change("execution/x", Action.DELETE, live=live))) == {
        "execution/x": "applied"
    }


def test_deletes_come_last_dependents_first(platform: FakePlatform) -> None:
    deployment = platform.add("deployment", "old", RUNNING)
    destination = platform.add("destination", "old", READY)
    events = apply(
        platform,
        change("destination/old", Action.DELETE, live=destination, after=["deployment/old"]),
        change("deployment/old", Action.DELETE, live=deployment),
        change("execution/train", Action.RUN, options=DONE),
        workers=4,
    )
    assert set(results(events).values()) == {"applied"}
    assert platform.ops() == [
        "create execution/train",
        "delete destination/old",
        "stop deployment/old",
        "delete deployment/old",
    ]


def test_nothing_is_deleted_after_a_failure(platform: FakePlatform) -> None:
    live = platform.add("deployment", "old", RUNNING)
    platform.scripts["train"] = [[(0, DEAD)]]
    events = apply(
        platform,
        change("execution/train", Action.RUN, options=DONE),
        change("deployment/old", Action.DELETE, live=live),
    )
    ended = outcomes(events)["deployment/old"]
    assert (ended.result, ended.id) == ("skipped", live.id)
    assert ended.error == "skipped: nothing is deleted because execution/train failed"
    assert platform.ops() == ["create execution/train"]


def test_a_failed_delete_skips_what_is_under_it(platform: FakePlatform) -> None:
    deployment = platform.add("deployment", "old", RUNNING)
    destination = platform.add("destination", "old", READY)
    platform.faults["delete destination/old"] = [Fault(Denied("no rights", status=403))]
    events = apply(
        platform,
        change("destination/old", Action.DELETE, live=destination, after=["deployment/old"]),
        change("deployment/old", Action.DELETE, live=deployment),
    )
    assert results(events) == {"destination/old": "failed", "deployment/old": "skipped"}
    assert outcomes(events)["deployment/old"].error == "skipped: destination/old failed"


def test_a_delete_that_never_ends_times_out(platform: FakePlatform) -> None:
    live = platform.add("execution", "x", STOPPING)
    ended = outcomes(apply(platform, change("execution/x", Action.DELETE, live=live)))
    assert ended["execution/x"].result == "timed_out"
    assert ended["execution/x"].error == "still STOPPING and not deleted"


def test_a_desired_and_a_stray_thing_may_have_one_name(platform: FakePlatform) -> None:
    stray = platform.add("deployment", "serve", RUNNING)
    events = apply(
        platform,
        change("deployment/serve", options=UP, configuration="con-1"),
        change("deployment/serve", Action.DELETE, live=stray),
    )
    ended = [event for event in events if isinstance(event, Outcome)]
    assert [(o.action, o.result) for o in ended] == [("create", "applied"), ("delete", "applied")]
    assert ended[0].id in platform.things
    assert stray.id not in platform.things


def test_needs_come_from_references_too() -> None:
    changes = train_and_serve()
    needs = needs_of(changes)
    assert needs == {0: set(), 1: {0}, 2: {1}, 3: {2}, 4: {3}, 5: {4}}
    assert dependents(needs, 3) == {4, 5}
    assert dependents(needs, 5) == set()


def test_what_is_unchanged_passes_on_what_it_needs(platform: FakePlatform) -> None:
    config = platform.add("configuration", "train", READY)
    platform.scripts["app"] = [[(0, DEAD)]]
    events = apply(
        platform,
        change("application/app"),
        change("configuration/train", Action.NO_OP, live=config, after=["application/app"]),
        change("configuration/twin", Action.NO_OP, live=config, after=["configuration/train"]),
        change("execution/train", Action.RUN, after=["configuration/twin"], options=DONE),
    )
    assert results(events)["execution/train"] == "skipped"
    assert outcomes(events)["execution/train"].error == "skipped: application/app failed"


@pytest.mark.parametrize("direction", [("a", "b"), ("b", "a")])
def test_the_order_of_removals_wins_over_the_direction_of_the_edge(
    direction: tuple[str, str],
) -> None:
    dependent, needed = direction
    changes = [
        change(
            f"deployment/{name}",
            Action.DELETE,
            after=[f"deployment/{needed}"] if name == dependent else [],
        )
        for name in ("a", "b")
    ]
    assert removal_needs(changes, [0, 1]) == {0: set(), 1: {0}}
