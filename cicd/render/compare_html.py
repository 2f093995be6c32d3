"""Runs side by side as one page that needs nothing else: no script, no file, no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cicd.model import State
from cicd.render.chart import has_course, line_chart, lines_of, style_sheet, swatch
from cicd.render.comparison import Comparison, Metric, Row
from cicd.render.page import as_text, whole_page
from cicd.words import plural

_STYLE = """\
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --red: #c62828; --green: #2e7d32;
  --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --red: #ff8a80; --green: #81c784; --page: #16181c; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  background: var(--page); }
h1 { margin-bottom: 0; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.2rem; font-size: 1.15rem; }
p.about { opacity: .75; margin-top: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: 40%; }
th, td { border-top: 1px solid var(--line); padding: .25rem 1.4rem .25rem 0; text-align: left;
  vertical-align: top; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
thead th { border-top: 0; }
th.section { border-top: 0; padding-top: 1.1rem; font-size: 1.05rem; }
tbody th:not(.section) { font-weight: 400; opacity: .75; position: sticky; left: 0;
  background: var(--page); }
td { font-family: ui-monospace, monospace; font-size: 13px; max-width: 26rem; overflow: hidden;
  text-overflow: ellipsis; }
td.best { color: var(--green); font-weight: 700; }
td.best::after { content: " ★"; }
td.failed { color: var(--red); }
td.none { opacity: .4; }
details { margin: .6rem 0; }
summary { cursor: pointer; opacity: .8; }
.charts { display: grid; gap: 1.2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); }
figure { margin: 0; border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem; }
figcaption { font-weight: 600; overflow-wrap: anywhere; }
figcaption small { font-weight: 400; opacity: .7; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: .3rem 0 0;
  padding: 0; font-size: 13px; }
svg { width: 100%; height: auto; display: block; }
svg.swatch { display: inline-block; width: 26px; height: 8px; margin-right: .4rem;
  vertical-align: middle; }
@media print { body { margin: 0; max-width: none; } figure { break-inside: avoid; } }
"""
_LEGEND_IN_CHART = 10
"""Up to so many runs every chart has its own legend; with more there is one for all of them."""


def render_comparison_page(comparison: Comparison) -> str:
    """The whole page: the table, then a chart for each metric with more than one point."""
    title = f"Runs of stage {comparison.stage}"
    body = [
        f"<h1>{as_text(title)}</h1>",
        f'<p class="about">{len(comparison.runs)} side by side, '
        f"{len(comparison.metrics)} metrics</p>",
        *_tables(comparison),
        *_charts(comparison),
    ]
    return whole_page(title, f"{_STYLE}{style_sheet()}\n", body)


def _tables(comparison: Comparison) -> Iterator[str]:
    """One table, so that the columns of a run stand below each other; what is equal in all runs is
    behind a line that can be opened."""
    is_alone = len(comparison.runs) == 1
    word = f"Input {plural(comparison.inputs_word)}" if comparison.inputs_word else "Inputs"
    bound = {"Parameters": comparison.parameters, word: comparison.inputs}
    yield '<div class="wide"><table><thead><tr><th></th>'
    yield from _heads(comparison)
    yield "</tr></thead>"
    yield from _section(comparison, "", comparison.about)
    yield from _section(comparison, "Metrics, last value", comparison.values)
    for title, rows in bound.items():
        shown = [row for row in rows if row.differs or is_alone]
        yield from _section(comparison, title, shown)
    yield "</table></div>"
    if not comparison.metrics:
        yield "<p>No metrics.</p>"
    for title, rows in bound.items():
        yield from _equal(title, [row for row in rows if not row.differs and not is_alone])


def _heads(comparison: Comparison) -> Iterator[str]:
    for place, run in enumerate(comparison.runs):
        name = as_text(run.label)
        if run.link.startswith(("https://", "http://")):
            name = f'<a href="{as_text(run.link)}">{name}</a>'
        yield f"<th>{swatch(place)}{name}</th>"


def _section(comparison: Comparison, title: str, rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    yield "<tbody>"
    if title:
        span = len(comparison.runs) + 1
        yield f'<tr><th class="section" colspan="{span}">{as_text(title)}</th></tr>'
    for row in rows:
        cells = [
            _cell(cell, _class(comparison, row, place)) for place, cell in enumerate(row.cells)
        ]
        yield f"<tr><th>{as_text(row.name)}</th>{''.join(cells)}</tr>"
    yield "</tbody>"


def _equal(title: str, rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    yield f"<details><summary>{as_text(title)}: {len(rows)} equal in all runs</summary>"
    yield '<div class="wide"><table><tbody>'
    for row in rows:
        yield f"<tr><th>{as_text(row.name)}</th>{_cell(row.cells[0])}</tr>"
    yield "</tbody></table></div></details>"


def _class(comparison: Comparison, row: Row, place: int) -> str:
    if place in row.best:
        return "best"
    has_failed = comparison.runs[place].state is State.FAILED
    return "failed" if row.name == "status" and has_failed else ""


def _cell(text: str, name: str = "") -> str:
    if not text:
        return '<td class="none">–</td>'
    start = f'<td class="{name}"' if name else "<td"
    return f'{start} title="{as_text(text)}">{as_text(text)}</td>'


def _charts(comparison: Comparison) -> Iterator[str]:
    """A chart for each metric that has a course; one value in each run says all in the table."""
    drawn = [metric for metric in comparison.metrics if has_course(metric.points)]
    if not drawn:
        return
    yield "<h2>Over steps</h2>"
    has_many = len(comparison.runs) > _LEGEND_IN_CHART
    if has_many:
        yield from _legend(comparison, range(len(comparison.runs)))
    yield '<div class="charts">'
    for metric in drawn:
        yield from _figure(comparison, metric, has_legend=not has_many)
    yield "</div>"


def _figure(comparison: Comparison, metric: Metric, *, has_legend: bool) -> Iterator[str]:
    axis, lines = lines_of(metric.points, [run.label for run in comparison.runs])
    better = f" <small>{metric.direction} is better</small>" if metric.direction else ""
    yield f"<figure><figcaption>{as_text(metric.name)}{better}</figcaption>"
    yield line_chart(metric.name, axis, lines)
    if has_legend:
        yield from _legend(comparison, sorted(metric.points))
    yield "</figure>"


def _legend(comparison: Comparison, places: Sequence[int]) -> Iterator[str]:
    yield '<ul class="legend">'
    for place in places:
        yield f"<li>{swatch(place)}{as_text(comparison.runs[place].label)}</li>"
    yield "</ul>"
