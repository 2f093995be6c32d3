"""Many at once: bounded calls, waiting that takes no worker, interrupts, bugs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from pytest_mock import MockerFixture

from cicd.apply import execute, tasks
from cicd.apply.events import Began, LogLine, Progress
from cicd.apply.tasks import Pause, Scheduler, Task, read, write
from cicd.errors import CicdError
from cicd.model import Action, Change, LogEntry, Options, Outcome
from tests.apply.fake_apply_platform import (
    COMPLETED,
    RUNNING,
    Clock,
    FakePlatform,
    Fault,
    apply,
    change,
    outcomes,
    plan,
    results,
)

DONE = Options(wait_for="COMPLETED")


def runs(number: int) -> list[Change]:
    return [
        change(f"execution/r{n}", Action.RUN, options=DONE, configuration=f"con-{n}")
        for n in range(number)
    ]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    # not their number: a thread of an earlier test may end meanwhile
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left


def test_fifty_runs_are_followed_at_once_by_ten_workers(platform: FakePlatform) -> None:
    for n in range(50):
        platform.scripts[f"r{n}"] = [[(0, RUNNING), (60, COMPLETED)]]
        platform.log_lines[f"r{n}"] = [
            (m / 10, LogEntry(1_000_000_000 * (m // 100), f"{n}:{m}")) for m in range(580)
        ]
    events = apply(platform, *runs(50), workers=10)
    ended = outcomes(events).values()
    assert {outcome.result for outcome in ended} == {"applied"}
    # one after another this would be 3000 s
    assert platform.clock() - 1000 < 80
    assert platform.busiest <= 10
    for n in range(50):
        mine = [e.entry.text for e in events if isinstance(e, LogLine) and e.key.name == f"r{n}"]
        assert mine == [f"{n}:{m}" for m in range(580)]
    for n in range(0, 50, 10):
        times = [
            at
            for op, what, at in platform.calls
            if op in {"get", "logs"} and what == f"execution/r{n}"
        ]
        assert all(later - sooner >= 1 for sooner, later in zip(times, times[2:], strict=False))


def test_calls_are_parallel_up_to_the_bound(platform: FakePlatform) -> None:
    platform.gate = threading.Event()
    opener = threading.Timer(0.2, platform.gate.set)
    opener.start()
    apply(platform, *runs(12), workers=4)
    opener.join()
    assert platform.busiest == 4


def test_one_worker_uses_no_thread_and_is_the_same_every_time() -> None:
    told = []
    for _ in range(2):
        platform = FakePlatform(Clock())
        before = set(threading.enumerate())
        events = execute(
            plan(*runs(5)),
            platform,
            workers=1,
            clock=platform.clock,
            sleep=platform.clock.sleep,
        )
        story = []
        for event in events:
            assert set(threading.enumerate()) <= before
            story.append(event)
        told.append((story, platform.calls))
    assert told[0] == told[1]


@pytest.mark.parametrize("workers", [1, 4])
def test_closing_stops_waiting_and_leaves_runs_running(
    platform: FakePlatform, workers: int
) -> None:
    clock = platform.clock
    events = execute(
        plan(*runs(8)),
        platform,
        workers=workers,
        clock=clock,
        sleep=clock.sleep,
    )
    for event in events:
        if isinstance(event, Progress) and event.status == RUNNING:
            break
    events.close()
    calls = len(platform.calls)
    assert len(platform.alive("execution")) == 8
    assert platform.ops("stop", "delete") == []
    assert list(events) == []
    assert len(platform.calls) == calls


class Enough(BaseException):
    """Somebody wants no more: no failure of one task."""


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("looks", [0, 1, 7])
def test_what_a_checkpoint_raises_ends_all_of_it_and_leaves_runs_running(
    platform: FakePlatform, workers: int, looks: int
) -> None:
    left = iter(range(looks))

    def checkpoint() -> None:
        if next(left, None) is None:
            raise Enough

    events = execute(
        plan(*runs(3)),
        platform,
        workers=workers,
        clock=platform.clock,
        sleep=platform.clock.sleep,
        checkpoint=checkpoint,
    )
    with pytest.raises(Enough):
        list(events)
    assert platform.ops("stop", "delete") == []
    assert list(events) == []


def test_ctrl_c_while_pausing_gets_out(platform: FakePlatform) -> None:
    def interrupted(seconds: float) -> None:
        if platform.clock() > 1003:
            raise KeyboardInterrupt
        platform.clock.sleep(seconds)

    events = execute(plan(*runs(3)), platform, workers=4, clock=platform.clock, sleep=interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(events)
    assert len(platform.alive("execution")) == 3


def test_closing_waits_not_for_calls_that_have_not_begun(platform: FakePlatform) -> None:
    platform.gate = threading.Event()
    events = execute(plan(*runs(20)), platform, workers=2, clock=platform.clock)
    for _ in range(20):
        assert isinstance(next(events), Began)
    opener = threading.Timer(0.1, platform.gate.set)
    opener.start()
    events.close()
    opener.join()
    assert len(platform.ops("create")) == 2


def test_closing_does_not_hang_with_a_call(platform: FakePlatform, mocker: MockerFixture) -> None:
    mocker.patch.object(tasks, "CLOSING_SECONDS", 0.05)
    platform.gate = threading.Event()
    events = execute(plan(*runs(3)), platform, workers=2, clock=platform.clock)
    for _ in range(3):
        next(events)
    events.close()
    assert platform.busy == 2
    platform.gate.set()


def test_a_bug_surfaces_after_the_others_have_ended(platform: FakePlatform) -> None:
    platform.faults["create execution/r0"] = [Fault(KeyError("secret text"))]
    dependent = change("artifact/x", after=["execution/r0"])
    told = []
    with pytest.raises(KeyError):
        for event in execute(
            plan(*runs(3), dependent),
            platform,
            workers=2,
            clock=platform.clock,
            sleep=platform.clock.sleep,
        ):
            told.append(event)
    assert results(told) == {
        "execution/r0": "failed",
        "execution/r1": "applied",
        "execution/r2": "applied",
        "artifact/x": "skipped",
    }
    assert outcomes(told)["execution/r0"].error == "internal error (KeyError)"


def test_a_cycle_is_a_bug_and_not_a_hang(platform: FakePlatform) -> None:
    changes = [
        change("artifact/a", after=["artifact/b"]),
        change("artifact/b", after=["artifact/a"]),
    ]
    with pytest.raises(ValueError, match="cycle"):
        apply(platform, *changes)
    assert platform.calls == []


def test_nothing_is_outcome_twice(platform: FakePlatform) -> None:
    events = apply(platform, *runs(30), workers=8)
    keys = [event.key for event in events if isinstance(event, Outcome)]
    assert len(keys) == len(set(keys)) == 30


def scheduler(clock: Clock, workers: int = 1) -> Scheduler[str]:
    return Scheduler(workers, 0.5, clock=clock, sleep=clock.sleep)


def test_reads_keep_their_distance_and_writes_do_not(clock: Clock) -> None:
    times: list[float] = []

    def task() -> Task[str]:
        for call in (read, read, write, write, read):
            yield from call(lambda: times.append(clock() - 1000))
        yield Pause(10)
        yield from read(lambda: times.append(clock() - 1000))
        return "done"

    running = scheduler(clock)
    running.start(7, task())
    ended = list(running.run())
    assert [(item.name, item.value) for item in ended] == [(7, "done")]  # type: ignore[union-attr]
    assert times == [0, 0, 0, 0, 1.0, 11.0]


def test_waiting_for_a_call_keeps_no_processor_busy(clock: Clock) -> None:
    looks: list[float] = []
    gate = threading.Event()
    running = Scheduler[str](2, 0.5, clock=clock, checkpoint=lambda: looks.append(clock()))

    def task() -> Task[str]:
        yield from write(gate.wait)
        return "done"

    running.start(1, task())
    opener = threading.Timer(0.1, gate.set)
    opener.start()
    assert [item.value for item in running.run()] == ["done"]  # type: ignore[union-attr]
    opener.join()
    running.close()
    assert len(looks) < 10


def test_an_error_of_a_call_can_be_caught_where_it_was_made(clock: Clock) -> None:
    def fail() -> None:
        raise CicdError("no")

    def task() -> Task[str]:
        try:
            yield from write(fail)
        except CicdError as error:
            return f"caught {error}"
        return "not caught"

    running = scheduler(clock, workers=3)
    running.start(1, task())
    assert [item.value for item in running.run()] == ["caught no"]  # type: ignore[union-attr]
    running.close()
