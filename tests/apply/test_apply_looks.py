"""What is waited for is looked at together: one list tells of all, or each is asked for alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from cicd.errors import CicdError, ConnectionFailed, Denied, PlatformError
from cicd.model import Action, Change, LiveResource, Options
from tests.apply.fake_apply_platform import (
    COMPLETED,
    DEAD,
    PENDING,
    RUNNING,
    UNKNOWN,
    Clock,
    FakePlatform,
    Fault,
    apply,
    change,
    outcomes,
    results,
)

WAITS = {
    "execution": Options(wait_for="COMPLETED"),
    "deployment": Options(wait_for="RUNNING"),
}
ENDS = {"execution": COMPLETED, "deployment": RUNNING}


def changes(kind: str, count: int) -> list[Change]:
    action = Action.RUN if kind == "execution" else Action.CREATE
    return [
        change(f"{kind}/x{n}", action, options=WAITS[kind], configuration=f"con-{n}")
        for n in range(count)
    ]


def counted(platform: FakePlatform, *ops: str) -> list[float]:
    return [at for op, _, at in platform.calls if op in ops]


class Partial(FakePlatform):
    """A platform whose lists leave something out."""

    leaves_out = "nothing"

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        found = super().listed(lives, most=most)
        return {} if self.leaves_out == "all" else {id: self._cut(found[id]) for id in found}

    def _cut(self, live: LiveResource) -> LiveResource:
        if self.leaves_out == "outputs":
            return replace(live, outputs={})
        if self.leaves_out == "configuration":
            return replace(live, spec={**live.spec, "configuration": ""})
        return live


@pytest.mark.parametrize("kind", ["execution", "deployment"])
@pytest.mark.parametrize("count", [2, 20, 60])
def test_the_number_of_looks_is_that_of_one_whatever_is_waited_for(
    platform: FakePlatform, kind: str, count: int
) -> None:
    for n in range(count):
        platform.scripts[f"x{n}"] = [[(0, UNKNOWN), (1, PENDING), (3, RUNNING), (8, ENDS[kind])]]
    assert set(results(apply(platform, *changes(kind, count))).values()) == {"applied"}
    assert not counted(platform, "get")
    ticks = counted(platform, "browse")
    alone = FakePlatform(Clock())
    alone.scripts = {"x0": [[(0, UNKNOWN), (1, PENDING), (3, RUNNING), (8, ENDS[kind])]]}
    apply(alone, *changes(kind, 1))
    assert len(ticks) <= len(counted(alone, "get")) + 2


@pytest.mark.parametrize("kind", ["execution", "deployment"])
def test_the_only_one_is_asked_for_alone(platform: FakePlatform, kind: str) -> None:
    apply(platform, *changes(kind, 1))
    assert counted(platform, "get")
    assert len(counted(platform, "browse")) == 1  # that its list shows it, at the end


def test_runs_that_are_out_of_step_are_looked_at_in_step(platform: FakePlatform) -> None:
    platform.scripts["x0"] = [[(0, RUNNING), (300, COMPLETED)]]
    for n in range(1, 40):  # something of their own happens every other second
        platform.scripts[f"x{n}"] = [[(0, PENDING), (2 * n, RUNNING), (2 * n + 300, COMPLETED)]]
    apply(platform, *changes("execution", 40))
    ticks = counted(platform, "browse")
    assert all(later - sooner >= 0.499 for sooner, later in pairwise(ticks[:-1]))


@pytest.mark.parametrize("kind", ["execution", "deployment"])
@pytest.mark.parametrize("leaves_out", ["all", "outputs", "configuration"])
def test_what_the_list_leaves_out_is_asked_of_the_thing_itself(
    clock: Clock, kind: str, leaves_out: str
) -> None:
    platform = Partial(clock)
    platform.leaves_out = leaves_out
    many = changes(kind, 5)
    if kind == "execution" and leaves_out == "outputs":
        after = [f"execution/x{n}" for n in range(5)]
        many.append(change("artifact/uses", after=after, url="x"))
    events = apply(platform, *many)
    assert {r for key, r in results(events).items() if key.startswith(kind)} == {"applied"}
    if kind == "deployment":
        assert all(e.url for k, e in outcomes(events).items() if k.startswith(kind))


@pytest.mark.parametrize(
    "error",
    [
        PlatformError("no such list", status=501),
        Denied("no right to list", status=403),
        ConnectionFailed("cannot reach"),
    ],
)
def test_a_list_that_cannot_be_read_fails_nothing(platform: FakePlatform, error: CicdError) -> None:
    platform.faults["browse deployment"] = [Fault(error)] * 3
    assert set(results(apply(platform, *changes("deployment", 4))).values()) == {"applied"}
    assert counted(platform, "get")


def test_a_failure_is_told_by_the_thing_itself(platform: FakePlatform) -> None:
    for n in range(4):
        platform.scripts[f"x{n}"] = [[(0, PENDING), (2, DEAD)]]
    events = apply(platform, *changes("deployment", 4))
    assert set(results(events).values()) == {"failed"}
    assert all("exit code 1" in outcome.error for outcome in outcomes(events).values())
    assert len([c for c in platform.calls if c[0] == "get"]) >= 4


def test_nobody_waits_for_the_pause_of_one_that_has_ended(platform: FakePlatform) -> None:
    """The clock of a wait that was answered by another's look does not hold up the end."""
    platform.scripts["x0"] = [[(0, RUNNING), (100, COMPLETED)]]
    platform.scripts["x1"] = [[(0, RUNNING), (101, COMPLETED)]]
    begun = platform.clock()
    apply(platform, *changes("execution", 2))
    assert platform.clock() - begun <= 101 + 15 + 1


def test_a_run_that_has_not_begun_is_not_asked_for_its_log(platform: FakePlatform) -> None:
    platform.scripts["x0"] = [[(0, UNKNOWN), (20, PENDING), (60, RUNNING), (65, COMPLETED)]]
    begun = platform.clock()
    apply(platform, *changes("execution", 1))
    assert min(counted(platform, "logs")) - begun >= 60


@pytest.mark.parametrize(("seconds", "is_read"), [(0, False), (1, False), (2.1, False), (30, True)])
def test_the_log_of_a_service_is_read_where_it_takes_its_time(
    platform: FakePlatform, seconds: float, is_read: bool
) -> None:
    platform.scripts["x0"] = [[(0, PENDING), (seconds, RUNNING)]]
    apply(platform, *changes("deployment", 1))
    assert bool(counted(platform, "logs")) is is_read
