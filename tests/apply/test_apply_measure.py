"""What runs record while they go on: told where somebody looks on, no trouble where it fails."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cicd.apply.events import Event, Measured
from cicd.apply.measure import EVERY, last_point
from cicd.errors import ConnectionFailed, Denied
from cicd.model import Gate, MetricPoint, Options, Outcome, Track
from tests.apply.fake_apply_platform import COMPLETED, RUNNING, FakePlatform, Fault, apply
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
