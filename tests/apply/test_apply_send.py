"""Writes: lost answers, refusals, adoption, tags; nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from cicd.apply.events import Began, Progress, Warned
from cicd.apply.executor import execute
from cicd.apply.lifecycle import can_adopt
from cicd.errors import Conflict, ConnectionFailed, Denied, LostAnswer, PlatformError, Throttled
from cicd.logs import Polling
from cicd.model import (
    Action,
    Change,
    Gate,
    LiveResource,
    Options,
    Outcome,
    Resource,
    Secret,
    Status,
)
from cicd.platforms.base import NO_MARKS
from tests.apply.fake_apply_platform import (
    COMPLETED,
    DEAD,
    KINDS,
    PENDING,
    READY,
    RUNNING,
    STOPPED,
    STOPPING,
    SYNCED,
    UNKNOWN,
    FakePlatform,
    Fault,
    apply,
    change,
    key_of,
    outcomes,
    plan,
    ref,
    results,
)

DONE = Options(wait_for="COMPLETED")
UP = Options(wait_for="RUNNING")
LOST_BEFORE = Fault(LostAnswer("connection reset"))
LOST_AFTER = Fault(LostAnswer("no answer within 60 s"), after=True)


def train(live: LiveResource | None = None) -> Change:
    return change(
        "execution/train",
        Action.RUN,
        live=live,
        options=DONE,
        configuration="con-1",
        inputs="abc",
    )


@pytest.mark.parametrize("kind", ["destination", "generic_secret"])
def test_a_lost_create_does_not_adopt_what_somebody_else_has_under_that_name(
    platform: FakePlatform, kind: str
) -> None:
    platform.add(kind, "x", RUNNING, name="x", url="https://theirs")
    platform.faults["create"] = [LOST_BEFORE]
    events = apply(platform, change(f"{kind}/x", name="x", url="https://ours"))
    ended = outcomes(events)[f"{kind}/x"]
    assert ended.result == "failed" and "connection reset" in ended.error
    assert platform.ops() == [f"create {kind}/x"]


@pytest.mark.parametrize(
    ("faults", "creates"),
    [
        ([LOST_AFTER], 1),
        ([LOST_BEFORE], 2),
        ([LOST_BEFORE, LOST_AFTER], 2),
        ([LOST_BEFORE, LOST_BEFORE], 3),
    ],
)
def test_a_lost_create_is_looked_up_before_it_is_sent_again(
    platform: FakePlatform, faults: list[Fault | None], creates: int
) -> None:
    platform.faults["create"] = faults
    events = apply(platform, train())
    assert results(events) == {"execution/train": "applied"}
    assert platform.alive("execution") == [outcomes(events)["execution/train"].id]
    assert len(platform.ops("create")) == creates


def test_a_lost_create_is_found_in_a_list_that_lags(platform: FakePlatform) -> None:
    platform.faults["create"] = [LOST_AFTER]
    platform.list_lag = 2
    events = apply(platform, train())
    assert len(platform.ops("create")) == 1
    assert results(events) == {"execution/train": "applied"}


def test_creates_that_stay_lost_fail(platform: FakePlatform) -> None:
    platform.faults["create"] = [LOST_BEFORE] * 10
    ended = outcomes(apply(platform, train()))["execution/train"]
    assert (ended.result, ended.error) == ("failed", "connection reset")
    assert len(platform.ops("create")) == 3


@pytest.mark.parametrize(
    "error",
    [ConnectionFailed("no route to host"), Throttled("busy", status=429)],
    ids=["unreachable", "busy"],
)
@pytest.mark.parametrize(("faults", "result"), [(5, "applied"), (6, "failed")])
def test_what_surely_had_no_effect_is_sent_again_as_long_as_patience_goes(
    platform: FakePlatform, error: PlatformError, faults: int, result: str
) -> None:
    platform.faults["create"] = [Fault(error)] * faults
    polling = Polling(first=1.0, factor=2.0, longest=8.0, patience=20.0)
    events = apply(platform, change("artifact/x", url="u"), polling=polling)
    assert results(events) == {"artifact/x": result}
    times = [at for op, _, at in platform.calls if op == "create"]
    assert [at - times[0] for at in times] == [0, 1, 3, 7, 15, 23]
    assert len(platform.things) == (result == "applied")


def test_patience_ends_when_it_is_over_and_not_a_moment_later(platform: FakePlatform) -> None:
    platform.faults["create"] = [Fault(Throttled("busy", status=429))] * 9
    apply(
        platform,
        change("artifact/x", url="u"),
        polling=Polling(first=5.0, factor=1.0, patience=15.0),
    )
    times = [at for op, _, at in platform.calls if op == "create"]
    assert [at - times[0] for at in times] == [0, 5, 10, 15]


def test_an_older_run_is_never_taken_for_the_lost_one(platform: FakePlatform) -> None:
    planned = platform.add("execution", "train", COMPLETED, configuration="con-1")
    older = platform.add("execution", "train", DEAD, configuration="con-1")
    platform.faults["create"] = [LOST_BEFORE]
    events = apply(platform, train(planned), known={older.id})
    ended = outcomes(events)["execution/train"]
    assert ended.result == "applied"
    assert ended.id not in {planned.id, older.id}


def test_two_lost_creates_that_are_alike_find_one_each(platform: FakePlatform) -> None:
    platform.faults["create"] = [LOST_AFTER, LOST_AFTER]
    changes = [
        change(f"execution/{name}", Action.RUN, options=DONE, configuration="con-1")
        for name in ("a", "b")
    ]
    ended = outcomes(apply(platform, *changes, workers=2))
    assert {outcome.result for outcome in ended.values()} == {"applied"}
    assert len({outcome.id for outcome in ended.values()}) == 2
    assert len(platform.alive("execution")) == 2


def test_equal_content_of_two_changes_is_made_once(platform: FakePlatform) -> None:
    changes = [
        change(f"configuration/{name}", bindings={"model": "a-1", "x": "1"}) for name in "abc"
    ]
    other = change("configuration/d", bindings={"model": "a-2", "x": "1"})
    ended = outcomes(apply(platform, *changes, other, workers=4))
    assert len(platform.alive("configuration")) == 2
    assert len({ended[f"configuration/{name}"].id for name in "abc"}) == 1


def test_the_order_of_what_is_in_it_makes_no_other_content(platform: FakePlatform) -> None:
    one = change("configuration/a", x="1", y={"b": "1", "c": "2"})
    same = change("configuration/b", y={"c": "2", "b": "1"}, x="1")
    ended = outcomes(apply(platform, one, same))
    assert ended["configuration/a"].id == ended["configuration/b"].id


def test_equal_content_is_tried_again_when_the_first_failed(platform: FakePlatform) -> None:
    platform.faults["create configuration/a"] = [Fault(Denied("no rights", status=403))]
    events = apply(
        platform, change("configuration/a", name="x"), change("configuration/b", name="x")
    )
    assert results(events) == {"configuration/a": "failed", "configuration/b": "applied"}


@pytest.mark.parametrize("status", [UNKNOWN, PENDING, RUNNING])
def test_a_run_under_way_is_adopted(platform: FakePlatform, status: Status) -> None:
    live = platform.add("execution", "train", status, configuration="con-1")
    platform.things[live.id].script = [(0, status), (5, COMPLETED)]
    events = apply(platform, train(live))
    ended = outcomes(events)["execution/train"]
    assert (ended.result, ended.id) == ("applied", live.id)
    assert platform.ops() == []
    assert Began(key_of("execution/train"), Action.RUN, live.id) in events


@pytest.mark.parametrize(
    ("inputs", "status", "expected"),
    [
        (None, RUNNING, True),
        ("abc", RUNNING, True),
        ("other", RUNNING, False),
        ("abc", COMPLETED, False),
        ("abc", DEAD, False),
    ],
)
def test_only_the_same_run_is_adopted(inputs: str | None, status: Status, expected: bool) -> None:
    spec = {} if inputs is None else {"inputs": inputs}
    live = LiveResource(key_of("execution/e-1"), "e-1", spec, status)
    assert (
        can_adopt(KINDS["execution"], live, Resource(key_of("execution/train"), {"inputs": "abc"}))
        is expected
    )


def test_a_run_is_tagged_with_the_digest_of_each_file(platform: FakePlatform) -> None:
    run = change(
        "execution/train",
        Action.RUN,
        options=DONE,
        configuration="con-1",
        inputs="abc",
        files={"src/train.py": "aaaa"},
    )
    ended = outcomes(apply(platform, run))["execution/train"]
    assert platform.tags[ended.id]["cicd.files"] == '{"src/train.py":"aaaa"}'


def test_a_run_is_tagged_with_what_it_was_started_for(platform: FakePlatform) -> None:
    ended = outcomes(apply(platform, train()))["execution/train"]
    assert platform.tags[ended.id] == {
        "cicd.stage": "dev",
        "cicd.key": "execution/train",
        "cicd.commit": "c0ffee",
        "cicd.inputs": "abc",
    }
    order = [op for op, _, _ in platform.calls]
    assert order[:2] == ["create", "tag"]


@pytest.mark.parametrize(
    ("create", "tag"),
    [
        ([], []),
        ([LOST_AFTER], []),
        ([LOST_BEFORE], []),
        ([], [Fault(Throttled("busy", status=429))]),
    ],
)
def test_a_run_is_tagged_before_anything_is_told_of_it(
    platform: FakePlatform, create: list[Fault | None], tag: list[Fault | None]
) -> None:
    """Who ends the apply on the first word finds its run again."""
    platform.faults["create"], platform.faults["tag"] = list(create), list(tag)
    events = execute(plan(train()), platform, clock=platform.clock, sleep=platform.clock.sleep)
    first = next(event for event in events if isinstance(event, Progress))
    events.close()
    assert platform.tags == {first.id: {**platform.tags[first.id], "cicd.inputs": "abc"}}


def test_the_tags_of_an_adopted_run_stay(platform: FakePlatform) -> None:
    live = platform.add("execution", "train", RUNNING, configuration="con-1", inputs="abc")
    platform.things[live.id].script = [(0, COMPLETED)]
    apply(platform, train(live))
    assert platform.tags == {}


def test_a_tag_that_fails_is_tried_again_and_fails_no_run(platform: FakePlatform) -> None:
    platform.faults["tag"] = [Fault(Throttled("busy", status=429))] * 4
    events = apply(platform, train())
    assert results(events) == {"execution/train": "applied"}
    assert len(platform.tags) == 1
    assert not [event for event in events if isinstance(event, Warned)]


def test_a_tag_is_sent_at_once_and_again_after_ever_longer_pauses(platform: FakePlatform) -> None:
    platform.faults["tag"] = [Fault(Throttled("busy", status=429))] * 3
    apply(platform, train(), polling=Polling(first=1.0, factor=2.0, tries=4))
    (created,) = [at for op, _, at in platform.calls if op == "create"]
    assert [at - created for op, _, at in platform.calls if op == "tag"] == [0, 1, 3, 7]


def test_a_tag_that_never_works_is_a_warning(platform: FakePlatform) -> None:
    platform.faults["tag"] = [Fault(Denied("no rights", status=403))] * 10
    events = apply(platform, train())
    assert results(events) == {"execution/train": "applied"}
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert "no rights" in warned[0]


def serve(live: LiveResource, **options: object) -> Change:
    return change(
        "deployment/serve",
        Action.UPDATE,
        live=live,
        options=UP,
        fields=["configuration"],
        configuration="con-2",
        configuration_name="Serve",
    )


def served(platform: FakePlatform, status: Status = RUNNING) -> LiveResource:
    return platform.add(
        "deployment", "serve", status, configuration="con-1", configuration_name="Serve"
    )


def test_an_update_keeps_id_and_url(platform: FakePlatform) -> None:
    live = served(platform)
    ended = outcomes(apply(platform, serve(live)))["deployment/serve"]
    assert (ended.result, ended.id) == ("applied", live.id)
    assert ended.url == live.outputs["url"]
    assert platform.things[live.id].live.spec["configuration"] == "con-2"


@pytest.mark.parametrize(
    ("faults", "updates"), [([LOST_AFTER], 1), ([LOST_BEFORE], 2), ([LOST_BEFORE] * 2, 3)]
)
def test_a_lost_update_is_compared_before_it_is_sent_again(
    platform: FakePlatform, faults: list[Fault | None], updates: int
) -> None:
    live = served(platform)
    platform.faults["update"] = faults
    assert results(apply(platform, serve(live))) == {"deployment/serve": "applied"}
    assert len(platform.ops("update")) == updates


def test_what_cannot_be_read_back_is_sent_again(platform: FakePlatform) -> None:
    live = platform.add("destination", "api", RUNNING, url="https://x")
    platform.faults["update"] = [LOST_AFTER]
    update = change(
        "destination/api", Action.UPDATE, live=live, fields=["password"], password="new"
    )
    assert results(apply(platform, update)) == {"destination/api": "applied"}
    assert len(platform.ops("update")) == 2


def test_an_update_waits_while_the_status_is_unknown(platform: FakePlatform) -> None:
    live = served(platform, UNKNOWN)
    platform.things[live.id].script = [(0, UNKNOWN), (40, RUNNING)]
    assert results(apply(platform, serve(live))) == {"deployment/serve": "applied"}
    assert len(platform.ops("update")) == 2


def test_a_status_that_stays_unknown_times_out(platform: FakePlatform) -> None:
    ended = outcomes(apply(platform, serve(served(platform, UNKNOWN))))["deployment/serve"]
    assert ended.result == "timed_out"
    assert ended.error.startswith("cannot be changed while UNKNOWN")
    assert len(platform.ops("update")) == 1


def test_a_refusal_in_good_status_is_final(platform: FakePlatform) -> None:
    live = served(platform)
    platform.faults["update"] = [Fault(Conflict("in use", status=412))] * 10
    ended = outcomes(apply(platform, serve(live)))["deployment/serve"]
    assert (ended.result, ended.error) == ("failed", "in use")
    assert len(platform.ops("update")) == 3


def test_a_refusal_of_what_has_no_other_status_is_final_too(platform: FakePlatform) -> None:
    # a destination is there or not: no time that goes by allows what is refused now
    live = platform.add("destination", "api", COMPLETED, url="https://x")
    platform.faults["update"] = [Fault(Conflict("in use", status=409))] * 10
    update = change("destination/api", Action.UPDATE, live=live, fields=["url"], url="https://y")
    ended = outcomes(apply(platform, update))["destination/api"]
    assert (ended.result, ended.error) == ("failed", "in use")
    assert len(platform.ops("update")) == 3


def test_what_ended_cannot_be_changed(platform: FakePlatform) -> None:
    live = served(platform)
    platform.things[live.id].script = [(0, DEAD)]
    platform.faults["update"] = [Fault(Conflict("not now", status=412))]
    ended = outcomes(apply(platform, serve(live)))["deployment/serve"]
    assert ended.error == "is DEAD and cannot be changed: not now"


def test_a_status_that_only_has_to_come_is_only_awaited(platform: FakePlatform) -> None:
    live = served(platform, PENDING)
    platform.things[live.id].script = [(0, PENDING), (8, RUNNING)]
    waiting = change(
        "deployment/serve",
        Action.UPDATE,
        live=live,
        options=UP,
        fields=["status"],
        configuration="con-1",
    )
    assert results(apply(platform, waiting)) == {"deployment/serve": "applied"}
    assert platform.ops() == []


def test_what_turns_out_equal_is_not_sent(platform: FakePlatform) -> None:
    live = served(platform)
    same = platform.add("configuration", "same", RUNNING)
    platform.things[live.id].live.spec["configuration"] = same.id  # type: ignore[index]
    update = change(
        "deployment/serve",
        Action.UPDATE,
        live=live,
        options=UP,
        fields=["configuration"],
        configuration=ref("configuration/same"),
    )
    events = apply(platform, change("configuration/same", Action.NO_OP, live=same), update)
    assert results(events)["deployment/serve"] == "applied"
    assert platform.ops() == []


EXISTS = Fault(Conflict("already exists", status=409))
SYNC = {
    "name": "app",
    "path": "templates",
    "commit": "b",
    "executables": {"train": {"version": "1"}, "serve": {"version": "1"}},
}


def met(platform: FakePlatform, key: str, spec: dict[str, Any], **there: Any) -> Outcome:
    """The outcome of a create that meets what another apply has made a moment before."""
    kind, _, name = key.partition("/")
    make = platform.create

    def create(
        desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        if not platform.alive(kind):
            platform.things[platform.add(kind, name, PENDING, **there).id].script = [
                (0, PENDING),
                (5, SYNCED),
            ]
        return make(desired, token, marks)

    platform.create = create  # type: ignore[method-assign]
    platform.faults["create"] = [EXISTS]
    return outcomes(apply(platform, change(key, **spec)))[key]


@pytest.mark.parametrize(
    ("key", "spec", "there"),
    [
        ("destination/d", {"name": "d", "url": "u", "password": "p"}, {"name": "d", "url": "u"}),
        ("application/app", SYNC, SYNC),
        ("application/app", SYNC, {**SYNC, "commit": "", "executables": {}}),
        ("application/app", SYNC, {**SYNC, "executables": {"train": {"version": "1"}}}),
    ],
)
def test_what_another_apply_has_made_equal_meanwhile_is_adopted(
    platform: FakePlatform, key: str, spec: dict[str, Any], there: dict[str, Any]
) -> None:
    platform.list_lag = 1
    ended = met(platform, key, spec, **there)
    assert (ended.result, [ended.id]) == ("applied", platform.alive(ended.key.kind))
    assert len(platform.ops("create")) == 1


@pytest.mark.parametrize(
    ("key", "spec", "there"),
    [
        ("destination/d", {"name": "d", "url": "u"}, {"name": "d", "url": "other"}),
        ("destination/d", {"name": "d", "url": "u"}, {"name": "other", "url": "u"}),
        ("application/app", SYNC, {**SYNC, "commit": "a"}),
        ("deployment/serve", {"configuration_name": "s"}, {"configuration_name": "s"}),
        ("execution/train", {"configuration": "c"}, {"configuration": "c"}),
    ],
)
def test_what_is_there_otherwise_is_a_conflict(
    platform: FakePlatform, key: str, spec: dict[str, Any], there: dict[str, Any]
) -> None:
    ended = met(platform, key, spec, **there)
    assert (ended.result, ended.error) == ("failed", "already exists")
    assert len(platform.ops("create")) == 1


@pytest.mark.parametrize(
    "make", [lambda: Denied("login failed", status=401), lambda: PlatformError("bad", status=400)]
)
def test_a_refused_create_is_final(
    platform: FakePlatform, make: Callable[[], PlatformError]
) -> None:
    platform.faults["create"] = [Fault(make())]
    ended = outcomes(apply(platform, train()))["execution/train"]
    assert (ended.result, ended.id) == ("failed", "")
    assert len(platform.ops("create")) == 1


@pytest.mark.parametrize(
    ("status", "metrics", "require", "miss"),
    [
        (DEAD, {}, (), "ended as DEAD"),
        (COMPLETED, {"f1": 0.1}, (Gate("f1", 0.5),), "does not meet its require: f1 0.1 < 0.5"),
        (
            COMPLETED,
            {"a": 1.0},
            (Gate("a", 2), Gate("b", 2)),
            "does not meet its require: a 1 < 2; b was not recorded (metrics of the run: a)",
        ),
        (COMPLETED, {"f1": 0.9}, (Gate("f1", 0.5),), ""),
        (COMPLETED, {}, (), ""),
        (STOPPED, {}, (Gate("f1", 0.5),), "ended as STOPPED"),
        (STOPPING, {}, (Gate("f1", 0.5),), ""),
    ],
)
def test_a_run_that_is_repeated_says_what_its_last_one_missed(
    platform: FakePlatform,
    status: Status,
    metrics: dict[str, float],
    require: tuple[Gate, ...],
    miss: str,
) -> None:
    last = replace(platform.add("execution", "train", status, inputs="abc"), metrics=metrics)
    options = Options(wait_for="COMPLETED", require=require)
    again = change("execution/train", Action.RUN, live=last, options=options, inputs="abc")
    told = [event.message for event in apply(platform, again) if isinstance(event, Warned)]
    assert told == ([f"the last run {last.id} {miss}: it runs again"] if miss else [])


@pytest.mark.parametrize(("lost", "result"), [(2, "applied"), (3, "failed")])
def test_an_update_whose_answers_stay_lost_is_sent_three_times(
    platform: FakePlatform, lost: int, result: str
) -> None:
    live = platform.add("destination", "api", READY, url="old")
    platform.faults["update"] = [LOST_BEFORE] * lost
    events = apply(
        platform, change("destination/api", Action.UPDATE, live=live, fields=["url"], url="new")
    )
    ended = outcomes(events)["destination/api"]
    assert (ended.result.value, ended.error) == (
        result,
        "connection reset" if result == "failed" else "",
    )
    assert len(platform.ops("update")) == 3


def test_content_that_json_has_no_word_for_is_told_apart(platform: FakePlatform) -> None:
    """Two are one only where all of it is the same, secrets too."""
    values = {"a": b"x", "b": b"y", "c": Secret("x"), "d": Secret("y"), "e": b"x", "f": Secret("y")}
    changes = [change(f"configuration/{name}", value=value) for name, value in values.items()]
    ended = outcomes(apply(platform, *changes))
    ids = {name: ended[f"configuration/{name}"].id for name in values}
    assert (ids["a"], ids["d"]) == (ids["e"], ids["f"])
    assert len(set(ids.values())) == 4
