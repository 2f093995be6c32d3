"""Line charts: well-formed, bounded, and no point out of the frame."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from cicd.model import MetricPoint
from cicd.render.chart import HEIGHT, WIDTH, Line, has_course, line_chart, lines_of, thinned, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*lines: Line) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart("<b>&", "step", lines))


def dots(svg: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in svg.iter(f"{SVG}circle")]


def test_a_line_goes_up_and_says_its_points() -> None:
    svg = drawn(Line("train<1>", 0, [(0, 1.0), (5, 2.0)]))
    (first, second) = dots(svg)
    assert first[0] < second[0]
    assert first[1] > second[1]
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert titles == ["train<1>", "train<1> · 0: 1", "train<1> · 5: 2"]


@pytest.mark.parametrize(
    "points",
    [
        [(0.0, 1.0)],
        [(0.0, 0.0), (1.0, 0.0)],
        [(0.0, -1e299), (1.0, 1e299)],
        [(0.0, 1e-300), (1.0, 2e-300)],
        [(3.0, 5.0), (3.0, 6.0)],
        [(0.0, 1.0), (1.0, math.nan), (2.0, math.inf), (3.0, 2.0)],
        [(0.0, 1e20), (1.0, 1e20 + 1e5)],
        [(0.0, 7.0), (1e9, 8.0)],
    ],
)
def test_every_point_is_inside(points: list[tuple[float, float]]) -> None:
    svg = drawn(Line("a", 0, points))
    places = dots(svg)
    assert len(places) == sum(math.isfinite(y) for _, y in points)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert len(list(svg.iter(f"{SVG}text"))) < 30


def test_a_line_is_broken_where_there_is_no_value() -> None:
    svg = drawn(Line("a", 0, [(0, 1.0), (1, 2.0), (2, math.nan), (3, 1.0), (4, 2.0)]))
    (path,) = [p.get("d", "") for p in svg.iter(f"{SVG}path") if p.get("class") == "line"]
    assert re.sub(r"[^ML]", "", path) == "MLML"


def test_nothing_to_draw() -> None:
    assert "no finite value" in line_chart("x", "step", [Line("a", 0, [(0, math.nan)])])
    assert "no finite value" in line_chart("x", "step", [])


def test_thinning_keeps_ends_and_peaks() -> None:
    points = [(float(n), 100.0 if n == 777 else math.sin(n)) for n in range(10_000)]
    kept = thinned(points, 300)
    assert len(kept) <= 310
    assert (777.0, 100.0) in kept
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert kept == sorted(kept)
    assert thinned(points[:3], 300) == points[:3]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 1e6), (0.1, 0.10001), (-1e-9, 1e-9)])
def test_ticks_are_few_and_within(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 7
    slack = (high - low) * 1e-6
    assert all(low - slack <= value <= high + slack for value in found)


def test_points_without_steps_are_counted() -> None:
    points = [MetricPoint("a", float(n), 0, n) for n in range(3)]
    axis, (line,) = lines_of({2: points}, ["x", "y", "z"])
    assert (axis, line.label, [x for x, _ in line.points]) == ("point", "z", [1, 2, 3])
    stepped = [MetricPoint("a", 5.0, 9), MetricPoint("a", 4.0, 1)]
    axis, (line,) = lines_of({0: stepped}, ["x"])
    assert (axis, line.points) == ("step", [(1, 4.0), (9, 5.0)])
    assert has_course({0: stepped})
    assert not has_course({0: stepped[:1], 1: stepped[:1]})
