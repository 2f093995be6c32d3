"""The way down by the state matrix: removal, stop, and the draining of what was replaced."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.apply import execute, stop_all
from cicd.apply.events import Draining, Event
from cicd.errors import (
    Conflict,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.logs import Polling
from cicd.model import (
    Action,
    Change,
    FieldChange,
    LiveResource,
    Options,
    Outcome,
    Resource,
    State,
    Status,
)
from tests.apply.fake_apply_platform import (
    COMPLETED,
    DEAD,
    PENDING,
    READY,
    RUNNING,
    STOPPED,
    STOPPING,
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

REFUSED = Conflict("status UNKNOWN cannot be changed", status=412, code="01010076")
UP = Options(wait_for="RUNNING")


def a_live(platform: FakePlatform, kind: str, *script: tuple[float, Status]) -> LiveResource:
    """Something that exists and moves by itself as ``script`` says."""
    live = platform.add(kind, "x", script[0][1], configuration="con-1")
    platform.things[live.id].script = script
    return live


@pytest.mark.parametrize("kind", ["execution", "deployment"])
@pytest.mark.parametrize(
    ("script", "writes"),
    [
        ([(0, UNKNOWN)], ["delete"]),
        ([(0, PENDING)], ["stop", "delete"]),
        ([(0, RUNNING)], ["stop", "delete"]),
        ([(0, STOPPING), (20, STOPPED)], ["delete"]),
        ([(0, STOPPED)], ["delete"]),
        ([(0, DEAD)], ["delete"]),
        ([(0, COMPLETED)], ["delete"]),
        ([(0, Status(State.UNKNOWN, "NEWWORD"))], ["delete"]),
    ],
)
def test_the_matrix_of_removal(
    platform: FakePlatform, kind: str, script: list[tuple[float, Status]], writes: list[str]
) -> None:
    live = a_live(platform, kind, *script)
    events = apply(platform, change(f"{kind}/x", Action.DELETE, live=live))
    assert results(events) == {f"{kind}/x": "applied"}
    assert platform.ops() == [f"{op} {kind}/x" for op in writes]
    assert live.id not in platform.things


def test_a_refused_delete_takes_another_way_when_it_came_up_after_all(
    platform: FakePlatform,
) -> None:
    """The look said UNKNOWN, and when the delete arrived it was PENDING already."""
    live = a_live(platform, "deployment", (0, UNKNOWN), (0.4, RUNNING))
    platform.faults["delete"] = [Fault(Conflict("RUNNING", status=412))]
    assert results(apply(platform, change("deployment/x", Action.DELETE, live=live))) == {
        "deployment/x": "applied"
    }
    assert platform.ops() == ["delete deployment/x", "stop deployment/x", "delete deployment/x"]


def test_a_delete_that_had_no_effect_is_asked_for_again(platform: FakePlatform) -> None:
    """Accepted while UNKNOWN, and yet it came up: it is stopped, and deleted once more."""
    live = a_live(platform, "execution", (0, UNKNOWN))
    thing = platform.things[live.id]

    def come_up() -> None:
        thing.gone_at, thing.script, thing.since = float("inf"), [(0, RUNNING)], platform.clock()

    platform.clock.at(platform.clock() + 1, come_up)
    assert results(apply(platform, change("execution/x", Action.DELETE, live=live))) == {
        "execution/x": "applied"
    }
    assert platform.ops() == ["delete execution/x", "stop execution/x", "delete execution/x"]


def test_a_refused_stop_is_repeated_and_told_when_it_never_works(platform: FakePlatform) -> None:
    live = a_live(platform, "execution", (0, PENDING))
    platform.faults["stop"] = [Fault(REFUSED), Fault(REFUSED)]
    assert results(apply(platform, change("execution/x", Action.DELETE, live=live))) == {
        "execution/x": "applied"
    }
    live = a_live(platform, "execution", (0, PENDING))
    platform.faults["stop"] = [Fault(REFUSED)] * 500
    ended = outcomes(apply(platform, change("execution/x", Action.DELETE, live=live)))
    assert ended["execution/x"].result == "timed_out"
    assert ended["execution/x"].error == (
        "still PENDING and not deleted: status UNKNOWN cannot be changed"
    )


def test_what_goes_away_by_itself_meanwhile_is_gone(platform: FakePlatform) -> None:
    live = a_live(platform, "deployment", (0, STOPPING))
    platform.things[live.id].gone_at = platform.clock() + 30
    assert results(apply(platform, change("deployment/x", Action.DELETE, live=live))) == {
        "deployment/x": "applied"
    }
    assert platform.ops() == []


# -- stop --------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "at_once"), [({}, 10), ({"workers": 3}, 3)])
def test_as_many_are_stopped_at_once_as_are_allowed_and_else_ten(
    platform: FakePlatform, settings: dict[str, Any], at_once: int
) -> None:
    lives = [platform.add("execution", f"r{number}", RUNNING) for number in range(14)]
    stops = plan(*(Change(live.key, Action.UPDATE, "stop", live=live) for live in lives))
    platform.gate = threading.Event()
    opener = threading.Timer(0.3, platform.gate.set)
    opener.start()
    settings = {**settings, "clock": platform.clock, "sleep": platform.clock.sleep}
    events = list(stop_all(stops, platform, wait=False, polling=Polling(), **settings))
    opener.join()
    assert platform.busiest == at_once
    assert sorted(results(events).values()) == ["applied"] * 14
    assert len(platform.ops("stop")) == 14


def stop(platform: FakePlatform, live: LiveResource, *, wait: bool = True) -> list[Event]:
    """Every event of stopping this one."""
    clock = platform.clock
    status = FieldChange("status", live.status.raw, "STOPPED")
    stops = plan(Change(key_of("execution/x"), Action.UPDATE, "stop", (status,), live=live))
    return list(
        stop_all(
            stops,
            platform,
            workers=1,
            wait=wait,
            polling=Polling(),
            clock=clock,
            sleep=clock.sleep,
        )
    )


@pytest.mark.parametrize(
    ("script", "writes", "status"),
    [
        ([(0, PENDING)], ["stop"], "STOPPED"),
        ([(0, RUNNING)], ["stop"], "STOPPED"),
        ([(0, STOPPING), (20, STOPPED)], [], "STOPPED"),
        ([(0, RUNNING), (0.1, COMPLETED)], ["stop"], "COMPLETED"),
        ([(0, STOPPED)], [], "STOPPED"),
        ([(0, DEAD)], [], "DEAD"),
        ([(0, COMPLETED)], [], "COMPLETED"),
    ],
)
def test_the_matrix_of_stop(
    platform: FakePlatform, script: list[tuple[float, Status]], writes: list[str], status: str
) -> None:
    live = a_live(platform, "execution", *script)
    if status == "COMPLETED" and writes:
        # it ends between the look and the stop, which is refused then
        platform.faults["stop"] = [Fault(Conflict("COMPLETED", status=412))]
    ended = outcomes(stop(platform, live))["execution/x"]
    assert (ended.result, ended.status, ended.id) == ("applied", status, live.id)
    assert platform.ops() == [f"{op} execution/x" for op in writes]
    assert live.id in platform.things, "nothing is deleted"


def test_what_is_unknown_is_stopped_once_it_can_be(platform: FakePlatform) -> None:
    live = a_live(platform, "execution", (0, UNKNOWN), (20, PENDING))
    assert results(stop(platform, live)) == {"execution/x": "applied"}
    assert platform.ops()[-1] == "stop execution/x"


def test_a_stop_that_is_refused_for_ever_times_out_and_one_without_rights_fails(
    platform: FakePlatform,
) -> None:
    live = a_live(platform, "execution", (0, UNKNOWN))
    ended = outcomes(stop(platform, live))["execution/x"]
    assert (ended.result, ended.error) == (
        "timed_out",
        "still UNKNOWN and not stopped: not in this status",
    )
    platform.faults["stop"] = [Fault(PlatformError("no rights", status=403))]
    ended = outcomes(stop(platform, live))["execution/x"]
    assert (ended.result, ended.error) == ("failed", "no rights")


def test_who_does_not_wait_only_asks(platform: FakePlatform) -> None:
    live = a_live(platform, "execution", (0, RUNNING))
    began = platform.clock()
    assert results(stop(platform, live, wait=False)) == {"execution/x": "applied"}
    assert platform.ops() == ["stop execution/x"]
    assert platform.clock() == began


def test_what_is_gone_counts_as_stopped(platform: FakePlatform) -> None:
    live = a_live(platform, "execution", (0, RUNNING))
    del platform.things[live.id]
    assert results(stop(platform, live)) == {"execution/x": "applied"}


# -- replacing without a gap ---------------------------------------------------------------


def replaced(platform: FakePlatform, status: Status, drain: float) -> list[Event]:
    live = platform.add("deployment", "serve", status, configuration="con-1")
    destination = platform.add("destination", "api", READY, url="https://old/serve")
    options = Options(wait_for="RUNNING", drain=drain)
    return apply(
        platform,
        change(
            "deployment/serve", Action.REPLACE, live=live, options=options, configuration="con-2"
        ),
        change(
            "destination/api",
            Action.UPDATE,
            live=destination,
            fields=["url"],
            url=ref("deployment/serve", "url"),
        ),
    )


def test_the_old_one_drains_between_the_switch_and_its_stop(platform: FakePlatform) -> None:
    events = replaced(platform, RUNNING, 30.0)
    assert set(results(events).values()) == {"applied"}
    assert platform.ops() == [
        "create deployment/serve",
        "update destination/api",
        "stop deployment/serve",
        "delete deployment/serve",
    ]
    at = {f"{op} {what}": time for op, what, time in reversed(platform.calls)}
    assert at["stop deployment/serve"] - at["update destination/api"] >= 30 - 1e-6
    (drained,) = [event for event in events if isinstance(event, Draining)]
    assert drained.seconds == 30.0
    switched = next(e for e in events if isinstance(e, Outcome) and e.key.kind == "destination")
    assert events.index(switched) < events.index(drained)


@pytest.mark.parametrize(
    ("status", "drain"), [(DEAD, 30.0), (STOPPED, 30.0), (PENDING, 30.0), (RUNNING, 0.0)]
)
def test_only_what_still_serves_is_drained(
    platform: FakePlatform, status: Status, drain: float
) -> None:
    events = replaced(platform, status, drain)
    assert set(results(events).values()) == {"applied"}
    assert not [event for event in events if isinstance(event, Draining)]


def test_an_interrupted_drain_stops_nothing(platform: FakePlatform) -> None:
    live = platform.add("deployment", "serve", RUNNING, configuration="con-1")
    options = Options(wait_for="RUNNING", drain=30.0)
    wish = change(
        "deployment/serve", Action.REPLACE, live=live, options=options, configuration="con-2"
    )
    clock = platform.clock
    events = execute(plan(wish), platform, workers=1, clock=clock, sleep=clock.sleep)
    assert any(isinstance(event, Draining) for event in events)
    events.close()
    assert platform.ops() == ["create deployment/serve"]


def test_nothing_drains_when_the_switch_failed(platform: FakePlatform) -> None:
    platform.faults["update destination/api"] = [Fault(PlatformError("no", status=400))]
    events = replaced(platform, RUNNING, 30.0)
    assert results(events) == {"deployment/serve": "applied", "destination/api": "failed"}
    assert not [event for event in events if isinstance(event, Draining)]
    assert "stop deployment/serve" not in platform.ops()


def test_a_secret_whose_values_fit_is_sent_all_the_same(platform: FakePlatform) -> None:
    """--refresh-secrets: what reads back is a guess, so it never stands for having been sent."""
    live = platform.add("generic_secret", "s", READY, data={"KEY": "v"})
    key, fields = key_of("generic_secret/s"), (FieldChange("data.KEY", "v", "v"),)
    desired = Resource(key, {"data": {"KEY": "v"}})
    update = Change(key, Action.UPDATE, "--refresh-secrets", fields, desired=desired, live=live)
    assert results(apply(platform, update)) == {"generic_secret/s": "applied"}
    assert platform.ops() == ["update generic_secret/s"]


@pytest.mark.parametrize(
    ("fault", "result", "told", "writes"),
    [
        (Fault(NotFound("gone", status=404), after=True), "applied", "", 1),
        (Fault(LostAnswer("reset")), "applied", "", 2),
        (Fault(Throttled("busy", status=429)), "applied", "", 2),
        (Fault(Denied("no rights", status=403)), "failed", "no rights", 1),
    ],
)
@pytest.mark.parametrize("is_asked_to_stop", [True, False])
def test_what_refuses_to_go_down_is_asked_again_where_that_can_help(
    platform: FakePlatform,
    fault: Fault,
    result: str,
    told: str,
    writes: int,
    *,
    is_asked_to_stop: bool,
) -> None:
    live = a_live(platform, "execution", (0, RUNNING if is_asked_to_stop else STOPPED))
    platform.faults["stop" if is_asked_to_stop else "delete"] = [fault]
    if is_asked_to_stop:
        [ended] = outcomes(stop(platform, live)).values()
    else:
        [ended] = outcomes(
            apply(platform, change("execution/x", Action.DELETE, live=live))
        ).values()
    assert (ended.result.value, ended.error) == (result, told)
    assert len(platform.ops()) == writes


def test_a_stop_of_many_tells_each_and_a_bug_after_all(platform: FakePlatform) -> None:
    clock = platform.clock
    lives = [platform.add("execution", name, RUNNING) for name in ("no", "bug", "ok")]
    platform.faults["stop execution/no"] = [Fault(Denied("no rights", status=403))]
    platform.faults["stop execution/bug"] = [Fault(ZeroDivisionError("ours"))]
    changes = [Change(live.key, Action.UPDATE, "stop", live=live) for live in lives]
    changes.append(Change(key_of("execution/off"), Action.NO_OP, "is not there"))
    changes.append(Change(key_of("execution/gone"), Action.UPDATE, "stop"))
    told = stop_all(
        plan(*changes), platform, workers=1, polling=Polling(), clock=clock, sleep=clock.sleep
    )
    ended: list[Event] = []
    with pytest.raises(ZeroDivisionError, match="ours"):
        ended.extend(told)
    assert results(ended) == {
        "execution/off": "unchanged",
        "execution/gone": "unchanged",
        "execution/no": "failed",
        "execution/bug": "failed",
        "execution/ok": "applied",
    }
    assert 2 <= outcomes(ended)["execution/ok"].seconds < 4
    assert outcomes(ended)["execution/no"].seconds == 0
    assert "ZeroDivisionError" in outcomes(ended)["execution/bug"].error


@pytest.mark.parametrize("seconds", [3.0, 7.5, 20.0])
@pytest.mark.parametrize("has_own", [True, False])
def test_what_never_goes_is_given_up_when_its_time_is_over_and_not_a_moment_later(
    platform: FakePlatform, mocker: MockerFixture, seconds: float, *, has_own: bool
) -> None:
    live = platform.add("execution", "x", STOPPED)
    mocker.patch.object(platform, "delete")
    gone = change("execution/x", Action.DELETE, live=live)
    if has_own:
        wish = Resource(gone.key, {}, Options(timeout=seconds))
        gone = replace(gone, desired=wish)
    polling = Polling(removal=900.0 if has_own else seconds)
    [ended] = outcomes(apply(platform, gone, polling=polling)).values()
    assert (ended.result.value, ended.error) == ("timed_out", "still STOPPED and not deleted")
    assert ended.seconds == seconds
