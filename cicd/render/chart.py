"""Line charts as inline SVG: no script, nothing outside. Colours are those of the page around."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cicd.model import MetricPoint
from cicd.render.metrics import number
from cicd.words import printable

LIGHT = (
    "#1f6fd0",
    "#d1590a",
    "#1d8348",
    "#b03060",
    "#7d4fc0",
    "#8a6d00",
    "#0e8a94",
    "#c2308f",
    "#5a6472",
    "#7a4a2b",
)
DARK = (
    "#6cb0ff",
    "#ff9f5a",
    "#63d08a",
    "#ff7fa8",
    "#bb9bff",
    "#e6c84a",
    "#4fd0da",
    "#ff86d3",
    "#aab4c2",
    "#d3a07c",
)
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4")
"""With ten colours and five dashes fifty lines can be told apart."""
WIDTH, HEIGHT = 480, 240
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 10, 36
MOST_IN_LINE = 300
"""Points drawn of one line; more would not be seen and make the page heavy."""
MOST_DOTS = 600
"""Points with a tooltip in one chart."""
FEW_DOTS = 80
"""Up to so many are drawn large; more would hide the lines."""
HUGE = 1e300

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One run in a chart. ``place``: which colour and dash; y may be NaN or infinite."""

    label: str
    place: int
    points: Sequence[tuple[float, float]]


def lines_of(
    points: Mapping[int, Sequence[MetricPoint]], labels: Sequence[str]
) -> tuple[str, list[Line]]:
    """What the horizontal axis is, and a line for each run: over steps where there are any, else
    over the points as they came."""
    has_steps = any(len({point.step for point in found}) > 1 for found in points.values())
    lines = []
    for place, found in sorted(points.items()):
        if has_steps:
            ordered = sorted(found, key=lambda point: point.step)
            xy = [(float(point.step), point.value) for point in ordered]
        else:
            xy = [(float(n), point.value) for n, point in enumerate(found, 1)]
        lines.append(Line(labels[place], place, xy))
    return ("step" if has_steps else "point"), lines


def has_course(points: Mapping[int, Sequence[MetricPoint]]) -> bool:
    """Whether there is a line to draw: two values of one run that have a place in a chart."""
    return any(sum(is_drawn(point.value) for point in run) > 1 for run in points.values())


def thinned(points: Sequence[tuple[float, float]], most: int) -> Points:
    """At most about ``most`` of the points: of each stretch the lowest and the highest, so that no
    peak is lost; the first and the last stay."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / (most / 2))
    kept: Points = [points[0]]
    for start in range(1, len(points) - 1, size):
        stretch = points[start : min(start + size, len(points) - 1)]
        places = {
            min(range(len(stretch)), key=lambda i: _order(stretch[i][1])),
            max(range(len(stretch)), key=lambda i: _order(stretch[i][1])),
        }
        kept += [stretch[i] for i in sorted(places)]
    return [*kept, points[-1]]


def _order(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About ``count`` round numbers from ``low`` to ``high``."""
    span = high - low
    raw = span / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Where an axis begins and ends; never nothing in between."""
    low, high = min(values), max(values)
    if high - low <= abs(high) * 1e-12:
        space = abs(high) * 0.1 or 1.0
        return low - space, high + space
    return low, high


def is_drawn(value: float) -> bool:
    """Whether a value has a place in a chart."""
    return math.isfinite(value) and abs(value) < HUGE


def line_chart(title: str, axis: str, lines: Sequence[Line]) -> str:
    """One chart as an ``<svg>`` element; ``axis`` names the horizontal one. Where nothing is finite
    there is a word about it instead of lines."""
    label = html.escape(printable(title))
    drawn = [point for line in lines for point in line.points if is_drawn(point[1])]
    head = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" '
        'xmlns="http://www.w3.org/2000/svg">'
    )
    if not drawn:
        text = f'<text class="none" x="{WIDTH / 2:g}" y="{HEIGHT / 2:g}">no finite value</text>'
        return f"{head}{text}</svg>"
    frame = _Frame(_range([x for x, _ in drawn]), _padded(_range([y for _, y in drawn])))
    room = max(2, MOST_DOTS // len(lines))
    radius = 3.0 if sum(min(len(line.points), room) for line in lines) <= FEW_DOTS else 1.5
    body = [*_grid(frame, axis)]
    for line in lines:
        body += _draw(line, frame, room, radius)
    return "\n".join([head, *body, "</svg>"])


def _padded(bounds: tuple[float, float]) -> tuple[float, float]:
    space = (bounds[1] - bounds[0]) * 0.05
    return bounds[0] - space, bounds[1] + space


@dataclass(frozen=True)
class _Frame:
    """From values to places in the picture."""

    across: tuple[float, float]
    along: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.across
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.along
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _grid(frame: _Frame, axis: str) -> Iterator[str]:
    for value in ticks(*frame.along):
        y = frame.y(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text class="y" x="{LEFT - 6}" y="{y + 4:.1f}">{number(value)}</text>'
    bottom = HEIGHT - BOTTOM
    for value in ticks(*frame.across):
        if value == int(value):  # there is no half step
            x = frame.x(value)
            yield f'<path class="grid" d="M{x:.1f} {bottom}v4"/>'
            yield f'<text class="x" x="{x:.1f}" y="{bottom + 16}">{number(value)}</text>'
    yield f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text class="x name" x="{middle:g}" y="{HEIGHT - 3}">{axis}</text>'


def _draw(line: Line, frame: _Frame, room: int, radius: float) -> Iterator[str]:
    """A line, broken where values are not finite, and dots that say what they are."""
    label = html.escape(printable(line.label))
    yield f'<g class="{style_of(line.place)}">'
    path, is_open = [], False
    for x, y in thinned(line.points, MOST_IN_LINE):
        if is_drawn(y):
            path.append(f"{'L' if is_open else 'M'}{frame.x(x):.1f} {frame.y(y):.1f}")
        is_open = is_drawn(y)
    if len(path) > 1:
        yield f'<path class="line" d="{"".join(path)}"><title>{label}</title></path>'
    dots = [point for point in thinned(line.points, room) if is_drawn(point[1])]
    for x, y in dots:
        title = f"{label} · {number(x)}: {number(y)}"
        yield (
            f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="{radius:g}">'
            f"<title>{title}</title></circle>"
        )
    yield "</g>"


def style_of(place: int) -> str:
    """The classes of a run's line: its colour and its dash."""
    return f"c{place % len(LIGHT)} d{place // len(LIGHT) % len(DASHES)}"


def swatch(place: int) -> str:
    """A short piece of a run's line, for legends."""
    return (
        f'<svg class="swatch" viewBox="0 0 26 8" aria-hidden="true"><g class="{style_of(place)}">'
        '<path class="line" d="M1 4H25"/></g></svg>'
    )


def style_sheet() -> str:
    """The rules that charts need, in both colour schemes."""
    rules = [
        "svg text { font: 11px system-ui, sans-serif; fill: currentColor; opacity: .8; }",
        "svg text.y { text-anchor: end; } svg text.x, svg text.none { text-anchor: middle; }",
        "svg .grid { stroke: currentColor; opacity: .15; fill: none; }",
        "svg .axis { stroke: currentColor; opacity: .5; fill: none; }",
        "svg .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }",
        "svg circle { stroke: none; } svg circle:hover { stroke-width: 5; }",
        "svg g:hover > .line { stroke-width: 3.5; }",
    ]
    for i, colour in enumerate(LIGHT):
        rules.append(f".c{i} .line, .c{i} circle {{ stroke: {colour}; }}")
        rules.append(f".c{i} circle {{ fill: {colour}; stroke-width: 0; }}")
    for i, dash in enumerate(DASHES[1:], 1):
        rules.append(f".d{i} .line {{ stroke-dasharray: {dash}; }}")
    dark = [f".c{i} .line, .c{i} circle {{ stroke: {c}; }}" for i, c in enumerate(DARK)]
    dark += [f".c{i} circle {{ fill: {colour}; }}" for i, colour in enumerate(DARK)]
    return "\n".join([*rules, f"@media (prefers-color-scheme: dark) {{ {' '.join(dark)} }}"])
