"""The lock of a stage: taken once, taken over from the dead, renewed, given back, lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.apply import lease as lease_module
from cicd.apply.lease import PAUSES, SECONDS, Lease
from cicd.errors import Conflict, ConnectionFailed, Denied, LostAnswer, PlatformError
from cicd.model import Action, Holder
from tests.apply.fake_apply_platform import (
    READY,
    Clock,
    FakePlatform,
    apply,
    change,
    outcomes,
    results,
)


class MemoryLock:
    """A lock as platforms have them; ``before`` runs once before a call, and may raise."""

    def __init__(self) -> None:
        self.holder: Holder | None = None
        self.calls: list[str] = []
        self.before: dict[str, list[Callable[[], object]]] = {}
        self.after: dict[str, list[Callable[[], object]]] = {}
        self._atomic = threading.Lock()

    def take(self, holder: Holder, seconds: float) -> Holder:
        self._call("take", self.before)
        with self._atomic:
            if self.holder:
                raise Conflict("there is one", status=400)
            self.holder = replace(holder, since="now")
        self._hooks("take", self.after)
        return replace(holder, since="now")

    def look(self) -> Holder | None:
        found = self.holder
        self._call("look", self.before)
        return found

    def renew(self, holder: Holder, seconds: float) -> None:
        self._call("renew", self.before)
        self.holder = holder

    def drop(self) -> None:
        self._call("drop", self.before)
        self.holder = None

    def _call(self, name: str, hooks: dict[str, list[Callable[[], object]]]) -> None:
        self.calls.append(name)
        self._hooks(name, hooks)

    def _hooks(self, name: str, hooks: dict[str, list[Callable[[], object]]]) -> None:
        if waiting := hooks.get(name):
            waiting.pop(0)()


def fail(error: Exception) -> Callable[[], object]:
    def hook() -> None:
        raise error

    return hook


class Locks:
    """A stage's lock and its gate, and everybody who wants them."""

    def __init__(self) -> None:
        self.main, self.gate = MemoryLock(), MemoryLock()
        self.gone: set[str] = set()
        self.clock = Clock()

    def lease(self, run: str, **options: Any) -> Lease:
        settings = {"clock": self.clock, "sleep": self.clock.sleep, **options}
        return Lease(self.main, self.gate, Holder(run), lambda h: h.run in self.gone, **settings)

    @property
    def run(self) -> str:
        return self.main.holder.run if self.main.holder else ""


@pytest.fixture
def locks() -> Locks:
    return Locks()


def test_a_lock_is_renewed_twice_a_minute(mocker: MockerFixture) -> None:
    waited = mocker.spy(threading.Event, "wait")
    lease = Locks().lease("me")
    assert lease.take() is None
    lease.give_back()
    assert [call.args[1] for call in waited.call_args_list if len(call.args) > 1] == [30]


def test_a_free_lock_costs_two_calls(locks: Locks) -> None:
    lease = locks.lease("a")
    assert lease.take() is None
    assert lease.problem() == ""
    lease.give_back()
    lease.give_back()
    assert locks.main.calls == ["take", "drop"]
    assert locks.gate.calls == []


def test_the_second_is_told_who_has_it_and_drops_nothing(locks: Locks) -> None:
    first, second = locks.lease("a"), locks.lease("b")
    assert first.take() is None
    found = second.take()
    assert found
    assert found.run == "a"
    second.give_back()
    assert locks.run == "a"
    first.give_back()
    assert locks.run == ""


@pytest.mark.parametrize("is_here", [True, False])
def test_a_dead_holder_is_followed_at_once(locks: Locks, is_here: bool) -> None:
    locks.main.holder = Holder("dead", has_expired=not is_here)
    locks.gone = {"dead"} if is_here else set()
    lease = locks.lease("a")
    assert lease.take() is None
    assert (locks.run, locks.gate.holder) == ("a", None)
    lease.give_back()


def test_of_two_that_see_the_dead_one_the_slow_one_does_not_drop_the_new_lock(locks: Locks) -> None:
    locks.main.holder = Holder("dead")
    locks.gone = {"dead"}
    quick, slow = locks.lease("quick"), locks.lease("slow")
    # the quick one is through with everything right after the slow one has looked
    locks.gate.before["take"] = [quick.take]
    found = slow.take()
    assert found
    assert (found.run, locks.run) == ("quick", "quick")
    quick.give_back()


def test_one_of_many_gets_the_lock_of_the_dead(locks: Locks) -> None:
    locks.gone = {"dead"}
    for round_ in range(5):
        locks.main.holder = Holder("dead")
        leases = [locks.lease(f"{round_}.{number}", sleep=time.sleep) for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            winners = [
                lease
                for lease, found in zip(
                    leases, pool.map(Lease.take, leases, timeout=30), strict=True
                )
                if found is None
            ]
        assert len(winners) == 1
        winners[0].give_back()
        assert locks.run == ""


def test_a_gate_that_a_dead_one_left_stops_nobody(locks: Locks) -> None:
    locks.main.holder = Holder("dead")
    locks.gate.holder = Holder("dead too")
    locks.gone = {"dead", "dead too"}
    lease = locks.lease("a")
    assert lease.take() is None
    assert locks.gate.look() is None
    lease.give_back()


@pytest.mark.parametrize(
    "error", [LostAnswer("lost", status=502), ConnectionFailed("spoilt", status=200)]
)
def test_a_lost_answer_is_looked_after(locks: Locks, error: Exception) -> None:
    locks.main.after["take"] = [fail(error)]
    lease = locks.lease("a")
    assert lease.take() is None
    assert locks.main.calls == ["take", "look"]
    lease.give_back()
    assert locks.run == ""


def test_what_had_no_effect_is_sent_again(locks: Locks) -> None:
    locks.main.before["take"] = [fail(LostAnswer("lost")), fail(LostAnswer("lost"))]
    lease = locks.lease("a")
    assert lease.take() is None
    assert locks.main.calls == ["take", "look", "take", "look", "take"]
    lease.give_back()


def test_an_answer_that_stays_lost_is_raised(locks: Locks) -> None:
    locks.main.before["take"] = [fail(LostAnswer("lost")) for _ in PAUSES]
    lease, begun = locks.lease("a"), locks.clock()
    with pytest.raises(LostAnswer):
        lease.take()
    assert locks.clock() - begun == pytest.approx(sum(PAUSES))
    lease.give_back()


@pytest.mark.parametrize("tries", range(1, len(PAUSES)))
def test_between_two_tries_there_is_time_for_reads_to_follow_writes(
    locks: Locks, tries: int
) -> None:
    locks.main.before["take"] = [fail(Conflict("taken", status=409)) for _ in range(tries)]
    lease, begun = locks.lease("a"), locks.clock()
    assert lease.take() is None
    assert locks.clock() - begun == pytest.approx(sum(PAUSES[:tries]))
    lease.give_back()


def test_without_the_right_to_it_nothing_is_dropped(locks: Locks) -> None:
    locks.main.before["take"] = [fail(Denied("no", status=403))]
    lease = locks.lease("a")
    with pytest.raises(Denied):
        lease.take()
    lease.give_back()
    assert locks.main.calls == ["take"]


@pytest.mark.parametrize("holder", [Holder("a"), None])
def test_a_refusal_in_unknown_words_is_looked_after(locks: Locks, holder: Holder | None) -> None:
    locks.main.holder = holder
    locks.main.before["take"] = [fail(PlatformError("pas possible", status=400))]
    lease = locks.lease("b")
    if holder:
        assert lease.take() == holder
    else:
        with pytest.raises(PlatformError, match="pas possible"):
            lease.take()
    lease.give_back()
    assert locks.main.calls == ["take", "look"]


def test_a_holder_that_cannot_be_seen_is_one(locks: Locks) -> None:
    locks.main.holder = Holder("a")
    locks.main.look = lambda: None  # type: ignore[method-assign]  # reads that lag behind
    found = locks.lease("b").take()
    assert found
    assert found.run == ""


def test_an_interrupted_take_is_given_back(locks: Locks) -> None:
    locks.main.after["take"] = [fail(KeyboardInterrupt())]  # type: ignore[arg-type]
    lease = locks.lease("a")
    with pytest.raises(KeyboardInterrupt):
        lease.take()
    lease.give_back()
    assert locks.run == ""


def wait(lease: Lease, seconds: float, said: list[Holder]) -> Holder | None:
    """Who has it in the end; ``said``: who was waited for."""
    waiting = lease.waiting(seconds)
    while True:
        try:
            said.append(next(waiting))
        except StopIteration as end:
            found: Holder | None = end.value
            return found


def test_waiting_ends_when_the_lock_is_given_back(locks: Locks) -> None:
    locks.main.holder = Holder("a")
    locks.clock.at(1020, locks.main.drop)
    said: list[Holder] = []
    lease = locks.lease("b")
    assert wait(lease, 60, said) is None
    assert [holder.run for holder in said] == ["a"]
    assert 1020 <= locks.clock() <= 1030
    lease.give_back()


def test_waiting_ends_when_its_time_is_over(locks: Locks) -> None:
    locks.main.holder = Holder("a")
    said: list[Holder] = []
    found = wait(locks.lease("b"), 60, said)
    assert found
    assert (found.run, locks.clock()) == ("a", 1060)
    assert wait(locks.lease("b"), 0, said)
    assert len(said) == 1


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_it_is_renewed_while_it_is_held(locks: Locks) -> None:
    lease = locks.lease("a", renewal=0.01)
    assert lease.take() is None
    locks.clock.sleep(SECONDS + 1)
    until(lambda: not lease.problem())
    assert "renew" in locks.main.calls
    lease.give_back()
    assert locks.run == ""


@pytest.mark.parametrize("taker", [Holder("b", "bob@there"), None])
def test_a_lock_that_was_taken_away_is_noticed_and_left_alone(
    locks: Locks, taker: Holder | None
) -> None:
    lease = locks.lease("a", renewal=0.01)
    assert lease.take() is None
    locks.main.holder = taker
    until(lease.problem)
    assert "taken away" in lease.problem()
    assert (taker is not None) == ("bob@there" in lease.problem())
    lease.give_back()
    assert locks.main.holder is taker
    assert "renew" not in locks.main.calls[-1:]


def test_a_lock_that_goes_with_the_group_is_not_missed(locks: Locks) -> None:
    lease = locks.lease("a", renewal=0.01)
    assert lease.take() is None
    lease.may_vanish = True
    locks.main.holder = None
    until(lambda: "look" in locks.main.calls)
    assert lease.problem() == ""
    lease.give_back()


def test_one_that_could_not_renew_begins_nothing_and_drops_only_its_own(locks: Locks) -> None:
    lease = locks.lease("a")
    assert lease.take() is None
    locks.clock.sleep(SECONDS)
    assert "could not be renewed" in lease.problem()
    locks.main.holder = Holder("b")
    lease.give_back()
    assert locks.run == "b"


def test_a_machine_that_slept_knows_that_its_lock_is_over(
    locks: Locks, mocker: MockerFixture
) -> None:
    now = {lease_module.AWAKE_OR_NOT: 0.0}
    mocker.patch.object(time, "clock_gettime", now.__getitem__)
    lease = Lease(locks.main, locks.gate, Holder("a"), lambda _: False)
    assert lease.take() is None
    assert lease.problem() == ""
    now[lease_module.AWAKE_OR_NOT] = SECONDS
    assert "could not be renewed" in lease.problem()
    lease.give_back()


def test_what_has_begun_and_waits_for_a_worker_is_not_sent_either(platform: FakePlatform) -> None:
    told = apply(
        platform,
        *(change(f"artifact/{name}", name=name) for name in "abc"),
        halted=lambda: "the lock was taken away" if platform.ops() else "",
    )
    assert platform.ops() == ["create artifact/a"]
    assert results(told)["artifact/a"] == "applied"
    errors = [outcomes(told)[f"artifact/{name}"].error for name in "bc"]
    assert all("the lock was taken away" in error for error in errors)


def test_nothing_is_begun_once_the_lock_is_lost(platform: FakePlatform) -> None:
    old = platform.add("generic_secret", "old", READY, name="old")
    told = apply(
        platform,
        change("artifact/data", name="data"),
        change("configuration/train", after=["artifact/data"], name="train"),
        change("generic_secret/old", Action.DELETE, live=old),
        halted=lambda: "the lock was taken away" if platform.ops() else "",
    )
    assert platform.ops() == ["create artifact/data"]
    assert results(told) == {
        "artifact/data": "applied",
        "configuration/train": "skipped",
        "generic_secret/old": "skipped",
    }
