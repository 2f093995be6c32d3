"""What runs record while they go on: told where somebody looks on, no trouble where it fails."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from cicd.apply.events import Advanced, Event, Measured
from cicd.apply.measure import EVERY, SELDOM, last_point
from cicd.errors import ConnectionFailed, Denied
from cicd.model import Count, Gate, MetricPoint, Options, Outcome, Track
from tests.apply.fake_apply_platform import COMPLETED, KINDS, RUNNING, FakePlatform, Fault, apply
from tests.apply.test_apply_wait import train

POINTS = (
    MetricPoint("accuracy", 0.5, 1),
    MetricPoint("loss", 0.7, 1),
    MetricPoint("accuracy", 0.8, 2),
    MetricPoint("loss", 0.4, 2),
)
SECONDS = 100


@pytest.fixture
def running(platform: FakePlatform) -> FakePlatform:
    """A platform whose runs take long and record something."""
    platform.scripts["train"] = [[(0, RUNNING), (SECONDS, COMPLETED)]]
    platform.recorded = Track(points=POINTS)
    return platform


def events_of(platform: FakePlatform, *gates: Gate, measures: bool = True) -> list[Event]:
    platform.run_metrics = [{"accuracy": 0.8}]
    options = Options(wait_for="COMPLETED", require=gates)
    return apply(platform, train(options), measures=measures)


def test_nobody_asks_for_metrics_where_nobody_looks_on(running: FakePlatform) -> None:
    assert not [e for e in events_of(running, measures=False) if isinstance(e, Measured)]
    assert not [call for call in running.calls if call[0] == "track"]


def test_the_last_point_is_told_now_and_then(running: FakePlatform) -> None:
    told = [e for e in events_of(running) if isinstance(e, Measured)]
    assert [e.point for e in told] == [POINTS[-1]] * len(told)
    asked = [at for name, _, at in running.calls if name == "track"]
    assert 3 <= len(asked) <= SECONDS / EVERY + 1
    assert all(later - earlier >= EVERY for earlier, later in pairwise(asked))


def test_the_metric_of_a_gate_is_told_before_others(running: FakePlatform) -> None:
    told = [e for e in events_of(running, Gate("accuracy", 0.1)) if isinstance(e, Measured)]
    assert told
    assert [e.point for e in told] == [POINTS[2]] * len(told)


@pytest.mark.parametrize("error", [ConnectionFailed("no"), Denied("no", status=403)])
def test_metrics_that_cannot_be_read_fail_no_run(running: FakePlatform, error: Exception) -> None:
    running.faults["track"] = [Fault(error)] * 50
    events = events_of(running)
    assert not [e for e in events if isinstance(e, Measured)]
    assert [e.result for e in events if isinstance(e, Outcome)] == ["applied"]


STEPS = [(Count("tasks", done, 4),) for done in range(5)]


@pytest.fixture
def counted(running: FakePlatform) -> FakePlatform:
    """The same, whose runs tell how far they have come."""
    running.kinds = {**KINDS, "execution": replace(KINDS["execution"], counted=True)}
    return running


@pytest.mark.parametrize(("measures", "every"), [(True, EVERY), (False, SELDOM)])
def test_how_far_a_run_has_come_is_told_seldom_where_each_is_a_line(
    counted: FakePlatform, measures: bool, every: float
) -> None:
    counted.counts = [*STEPS]
    told = [e for e in events_of(counted, measures=measures) if isinstance(e, Advanced)]
    asked = [at for name, _, at in counted.calls if name == "progress"]
    assert [e.counts for e in told] == STEPS[: len(asked)]
    assert len(asked) in (range(5, 11) if measures else [1])
    assert all(later - earlier >= every for earlier, later in pairwise(asked))


def test_how_far_it_has_come_is_told_once_where_it_goes_no_further(counted: FakePlatform) -> None:
    counted.counts = [STEPS[1], (), STEPS[1], STEPS[1], STEPS[2]]
    told = [e.counts for e in events_of(counted) if isinstance(e, Advanced)]
    assert told == [STEPS[1], STEPS[2]]


@pytest.mark.parametrize("error", [ConnectionFailed("no"), Denied("no", status=403)])
def test_a_run_that_cannot_tell_how_far_it_is_goes_on(
    counted: FakePlatform, error: Exception
) -> None:
    counted.faults["progress"] = [Fault(error)] * 50
    events = events_of(counted)
    assert not [e for e in events if isinstance(e, Advanced)]
    assert [e.result for e in events if isinstance(e, Outcome)] == ["applied"]


def test_kinds_that_count_nothing_are_not_asked(running: FakePlatform) -> None:
    running.counts = [*STEPS]
    assert not [e for e in events_of(running) if isinstance(e, Advanced)]
    assert not [call for call in running.calls if call[0] == "progress"]


@pytest.mark.parametrize(
    ("points", "preferred", "expected"),
    [
        ((), set(), None),
        ((), {"loss"}, None),
        (POINTS, set(), POINTS[3]),
        (POINTS, {"accuracy"}, POINTS[2]),
        (POINTS, {"nosuch"}, POINTS[3]),
    ],
)
def test_the_last_point(
    points: tuple[MetricPoint, ...], preferred: set[str], expected: MetricPoint | None
) -> None:
    assert last_point(points, preferred) == expected
