"""What a run recorded: metrics as series over steps, their summaries, and all of it as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cicd.model import MetricPoint, Track
from cicd.render.moments import stamp
from cicd.render.table import BOLD, paint, table
from cicd.words import printable


@dataclass(frozen=True)
class Summary:
    """One metric in a line. ``last`` is the newest point; ``least`` and ``most`` leave out what is
    not finite, and are NaN when nothing is."""

    name: str
    last: MetricPoint
    least: float
    most: float
    count: int


def series_name(point: MetricPoint) -> str:
    """What tells one series from another: the metric's name and its labels, ``loss{set=test}``."""
    if not point.labels:
        return point.name
    inside = ",".join(
        f"{name.rpartition('/')[2]}={value}" for name, value in sorted(point.labels.items())
    )
    return f"{point.name}{{{inside}}}"


def series(track: Track) -> dict[str, list[MetricPoint]]:
    """The points of each series in the order of time, then step; series in that of their first."""
    found: dict[str, list[MetricPoint]] = {}
    for point in track.points:
        found.setdefault(series_name(point), []).append(point)
    return found


def summaries(track: Track) -> list[Summary]:
    """One line for each series, by name."""
    return [_summary(name, points) for name, points in sorted(series(track).items())]


def last_values(track: Track) -> dict[str, float]:
    """Metric name -> its last value."""
    return {point.name: point.value for point in track.points}


def _summary(name: str, points: list[MetricPoint]) -> Summary:
    finite = [point.value for point in points if math.isfinite(point.value)]
    least = min(finite, default=math.nan)
    return Summary(name, points[-1], least, max(finite, default=math.nan), len(points))


def number(value: float) -> str:
    """A value for people: six digits are enough to compare, and more are noise."""
    return f"{value:.6g}"


def plain_number(value: float) -> float | str:
    """A value for JSON, which has no word for what is not finite."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def render_track(
    title: str, track: Track, *, colour: bool = False, width: int | None = None
) -> str:
    """The last value of each metric with its bounds, then tags and info."""
    lines = [paint(printable(title), BOLD, colour)]
    found = summaries(track)
    if not found:
        lines.append("no metrics")
    else:
        head = ("METRIC", "LAST", "STEP", "TIME", "MIN", "MAX", "POINTS")
        numbers = set(head) - {"METRIC", "TIME"}
        rows = [_row(item) for item in found]
        first, *body = table(head, rows, width=width, whole=set(head[1:]), numbers=numbers)
        lines += [paint(first, BOLD, colour), *body]
    for name, values in (("TAGS", track.tags), ("INFO", track.info)):
        if values:
            lines += [paint(name, BOLD, colour), *_pairs(values)]
    return "\n".join(lines)


def _row(item: Summary) -> list[str]:
    last = item.last
    bounds = [number(item.least), number(item.most)]
    return [
        item.name,
        number(last.value),
        str(last.step),
        stamp(last.time),
        *bounds,
        str(item.count),
    ]


def _pairs(values: Mapping[str, str]) -> Iterable[str]:
    for name, value in sorted(values.items()):
        # custom info may be a whole document
        text = "\n".join(printable(line) for line in value.splitlines()).replace("\n", "\n    ")
        yield f"  {printable(name)}: {text}"


def point_line(point: MetricPoint) -> str:
    """One new point on one line: ``2026-01-01T00:00:00Z loss=0.25 step 3``."""
    parts = [stamp(point.time), f"{series_name(point)}={number(point.value)}", f"step {point.step}"]
    return printable(" ".join(part for part in parts if part))


def point_document(point: MetricPoint) -> dict[str, Any]:
    """One point as plain data for JSON."""
    return {
        "name": point.name,
        "value": plain_number(point.value),
        "step": point.step,
        "time": stamp(point.time),
        "labels": dict(point.labels),
    }


def track_document(track: Track) -> dict[str, Any]:
    """All that a run recorded as plain data for JSON: summaries, tags, info and every point."""
    return {
        "metrics": [
            {
                **point_document(item.last),
                "series": item.name,
                "min": plain_number(item.least),
                "max": plain_number(item.most),
                "count": item.count,
            }
            for item in summaries(track)
        ],
        "tags": dict(track.tags),
        "info": dict(track.info),
        "points": [point_document(point) for point in track.points],
    }
