"""What a run tells of itself: metrics and log lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MetricPoint:
    """One value that a run recorded. ``time`` is nanoseconds since 1970, 0 where it tells none."""

    name: str
    value: float
    step: int = 0
    time: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Count:
    """How far a run has come: ``done`` of the ``total`` that are known so far. ``unit``: what these
    are, in the plural."""

    unit: str
    done: int
    total: int


@dataclass(frozen=True)
class Track:
    """All that a run recorded about itself; ``points`` in the order of time, then step."""

    points: tuple[MetricPoint, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    info: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class LogEntry:
    """One log line; ``time`` is nanoseconds since 1970 (an int: a float would lose digits)."""

    time: int
    text: str
