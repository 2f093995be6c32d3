"""Runs side by side as one page: what ``pages/comparison.html`` shows of them."""

from __future__ import annotations

from functools import partial

from cicd.model import State
from cicd.render.chart import has_course, line_chart, lines_of, style_sheet, swatch
from cicd.render.comparison import Comparison, Metric, Row
from cicd.render.page import page
from cicd.words import plural

_LEGEND_IN_CHART = 10
"""Up to so many runs every chart has its own legend; with more there is one for all of them."""


def render_comparison_page(comparison: Comparison) -> str:
    """The whole page: the table, then a chart for each metric with more than one point; one value
    in each run says all in the table.

    One table, so that the columns of a run stand below each other; what is equal in all runs is
    behind a line that can be opened."""
    is_alone = len(comparison.runs) == 1
    word = f"Input {plural(comparison.inputs_word)}" if comparison.inputs_word else "Inputs"
    bound = {"Parameters": comparison.parameters, word: comparison.inputs}
    sections = {
        "": comparison.about,
        "Metrics, last value": comparison.values,
        **{
            title: [row for row in rows if row.differs or is_alone] for title, rows in bound.items()
        },
    }
    equal = {
        title: [row for row in rows if not row.differs and not is_alone]
        for title, rows in bound.items()
    }
    drawn = [metric for metric in comparison.metrics if has_course(metric.points)]
    return page(
        "comparison.html",
        title=f"Runs of stage {comparison.stage}",
        runs=comparison.runs,
        metrics=len(comparison.metrics),
        sections=sections.items(),
        equal=equal.items(),
        charts=[(metric, _chart(comparison, metric)) for metric in drawn],
        has_one_legend=len(comparison.runs) > _LEGEND_IN_CHART,
        class_of=partial(_class, comparison),
        swatch=swatch,
        chart_style=style_sheet(),
    )


def _class(comparison: Comparison, row: Row, place: int) -> str:
    if place in row.best:
        return "best"
    has_failed = comparison.runs[place].state is State.FAILED
    return "failed" if row.name == "status" and has_failed else ""


def _chart(comparison: Comparison, metric: Metric) -> str:
    axis, lines = lines_of(metric.points, [run.label for run in comparison.runs])
    return line_chart(metric.name, axis, lines)
