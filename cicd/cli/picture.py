"""Runs side by side as a picture for reports. The only module that draws with matplotlib."""

from __future__ import annotations

import importlib.util
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cicd.cli.console import check_writable
from cicd.errors import CicdError, Usage
from cicd.render.chart import DASHES, LIGHT, Line, has_course, is_drawn, lines_of
from cicd.render.comparison import Comparison, Metric
from cicd.render.table import cut
from cicd.version import install
from cicd.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 2
"""Charts in one row."""
INCHES, ROW_HEIGHT, DPI = 12.0, 0.25, 130
MOST_IN_TABLE = 6
"""Runs in the table of a picture: more could not be read. The charts have all of them."""
MOST_CHARTS, MOST_ROWS = 20, 40
LEGEND = 12
"""Up to so many runs every chart has its own legend; with more there is one for all."""
FONTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Yu Gothic", "PingFang SC")
"""For letters that the usual font lacks, where one of these is installed."""
NAME_WIDTH, CELL_WIDTH = 30, 21


def check_picture(path: Path | None) -> Path:
    """The file for the picture. Raises Usage without one, CicdError where it cannot be made,
    before all the work."""
    if path is None:
        raise Usage("a picture needs a file", hint="--out report.png")
    check_writable(path)
    if importlib.util.find_spec("matplotlib") is None:
        raise CicdError(
            "pictures need matplotlib, which is not installed",
            hint=install("reports"),
        )
    return path


def write_picture(comparison: Comparison, path: Path) -> None:
    """Draw the table and a chart for each metric with a course. Raises CicdError."""
    from matplotlib import font_manager, rc_context
    from matplotlib.figure import Figure

    charts = [metric for metric in comparison.metrics if has_course(metric.points)][:MOST_CHARTS]
    rows = table_rows(comparison)
    chart_rows = math.ceil(len(charts) / ACROSS)
    top = ROW_HEIGHT * (len(rows) + 3)
    known = set(font_manager.get_font_names())
    fonts = ["DejaVu Sans", *(font for font in FONTS if font in known)]
    with warnings.catch_warnings(), rc_context({"font.family": fonts}):
        warnings.simplefilter("ignore")  # a letter that the font lacks is shown as a box
        figure = Figure(figsize=(INCHES, top + 3.2 * chart_rows), dpi=DPI, layout="constrained")
        grid = figure.add_gridspec(1 + chart_rows, ACROSS, height_ratios=[top, *[3.2] * chart_rows])
        _draw_table(figure.add_subplot(grid[0, :]), comparison, rows)
        if charts and len(comparison.runs) > LEGEND:
            _draw_legend(figure, comparison)
        for place, metric in enumerate(charts):
            axes = figure.add_subplot(grid[1 + place // ACROSS, place % ACROSS])
            _draw_chart(axes, comparison, metric)
        try:
            figure.savefig(path, format="png")
        except OSError as error:
            raise CicdError(f"cannot write {path}: {error.strerror}") from error


Cells = list[tuple[list[str], frozenset[int]]]


def table_rows(comparison: Comparison) -> Cells:
    """The rows of the table with the places of their best values: the runs' own facts, what
    differs, then the metrics."""
    count = min(MOST_IN_TABLE, len(comparison.runs))
    differing = [r for r in (*comparison.parameters, *comparison.inputs) if r.differs]
    rows = [*comparison.about, *differing, *comparison.values][:MOST_ROWS]
    return [
        (
            [
                _shown(row.name, NAME_WIDTH),
                *(_shown(cell, CELL_WIDTH) or "–" for cell in row.cells[:count]),
            ],
            row.best,
        )
        for row in rows
    ]


def _shown(text: str, width: int) -> str:
    return cut(printable(text), width).replace("$", r"\$")


def _draw_table(axes: Axes, comparison: Comparison, rows: Cells) -> None:
    axes.axis("off")
    runs = comparison.runs[:MOST_IN_TABLE]
    title = f"Runs of stage {comparison.stage}"
    left = len(comparison.runs) - len(runs)
    title += f" ({left} more only in the charts)" if left else ""
    axes.set_title(_shown(title, 90), loc="left", fontweight="bold")
    if not rows:
        return
    head = ["", *(_shown(run.label, CELL_WIDTH) for run in runs)]
    table = axes.table(
        [head, *(cells for cells, _ in rows)],
        loc="upper left",
        cellLoc="left",
        edges="horizontal",
        colWidths=[0.2, *[0.133] * len(runs)],
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8.5)
    table.scale(1, 1.25)
    for (line, column), cell in table.get_celld().items():
        cell.set_edgecolor("#c9cdd3")
        if line == 0:
            cell.set_text_props(fontweight="bold", color=LIGHT[(column - 1) % len(LIGHT)])
        elif column == 0:
            cell.set_text_props(color="#5a6472")
        elif column - 1 in rows[line - 1][1]:
            cell.set_text_props(color="#1d7a33", fontweight="bold")


def _draw_chart(axes: Axes, comparison: Comparison, metric: Metric) -> None:
    from matplotlib.ticker import MaxNLocator

    axis, lines = lines_of(metric.points, [run.label for run in comparison.runs])
    for line in lines:
        _draw_line(axes, line)
    better = f" ({metric.direction} is better)" if metric.direction else ""
    axes.set_title(_shown(f"{metric.name}{better}", 60), loc="left", fontsize=10)
    axes.set_xlabel(axis, fontsize=9)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(comparison.runs) <= LEGEND:
        axes.legend(fontsize=8, frameon=False)


def _draw_legend(figure: Figure, comparison: Comparison) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], **{**_style(Line(run.label, place, ())), "marker": ""})
        for place, run in enumerate(comparison.runs)
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=8,
        fontsize=8,
        frameon=False,
        handlelength=4,
    )


def _draw_line(axes: Axes, line: Line) -> None:
    xs = [x for x, _ in line.points]
    axes.plot(xs, [y if is_drawn(y) else math.nan for _, y in line.points], **_style(line))


def _style(line: Line) -> dict[str, Any]:
    """How matplotlib is told the colour and dash of a run, as in the page."""
    style: dict[str, Any] = {
        "color": LIGHT[line.place % len(LIGHT)],
        "label": _shown(line.label, 30),
        "linewidth": 1.5,
        "marker": "o" if len(line.points) <= 30 else "",
        "markersize": 3,
    }
    dash = DASHES[line.place // len(LIGHT) % len(DASHES)]
    if dash:
        style["linestyle"] = (0, tuple(float(part) for part in dash.split()))
    return style
