"""Runs side by side as text: a column for each run, what differs first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cicd.render.comparison import Comparison, Row
from cicd.render.table import BOLD, DIM, GAP, GREEN, cell_width, cut, pad, paint
from cicd.words import printable

MARK = " *"
MAX_CELL = 40
"""Cells of the terminal that one value may take; in a pipe nothing is cut."""


def render_comparison(
    comparison: Comparison, *, colour: bool = False, width: int | None = None
) -> str:
    """The whole comparison. On a terminal of ``width`` cells runs that do not fit side by side
    follow below; None (a pipe) keeps one column for each run."""
    sections = [
        ("", comparison.about, False),
        ("PARAMETERS", comparison.parameters, True),
        ("INPUTS", comparison.inputs, True),
        ("METRICS", comparison.values, False),
    ]
    lines: list[str] = []
    for chosen in _blocks(comparison, sections, width):
        if lines:
            lines.append("")
        lines += _block(comparison, sections, chosen, colour, width)
    if not comparison.metrics:
        lines.append("no metrics")
    if any(metric.best for metric in comparison.metrics):
        lines.append(paint("* best of these", DIM, colour))
    return "\n".join(lines)


Section = tuple[str, list[Row], bool]
"""Title, rows, and whether rows that are equal everywhere are folded into one line."""


def _block(
    comparison: Comparison,
    sections: Sequence[Section],
    chosen: Sequence[int],
    colour: bool,
    width: int | None,
) -> Iterator[str]:
    """The table of some of the runs."""
    names = _name_width(sections, width)
    widths = [_column_width(comparison, sections, place, width) for place in chosen]
    labels = [comparison.runs[place].label for place in chosen]
    yield paint(_line("", names, labels, widths, frozenset(), False, width), BOLD, colour)
    for title, rows, is_folded in sections:
        shown = [row for row in rows if row.differs or not is_folded or len(comparison.runs) == 1]
        equal = [row for row in rows if row not in shown]
        if title and (shown or (equal and chosen[0] == 0)):
            yield paint(title, BOLD, colour)
        for row in shown:
            cells = [row.cells[place] for place in chosen]
            best = frozenset(i for i, place in enumerate(chosen) if place in row.best)
            yield _line(row.name, names, cells, widths, best, colour, width)
        if equal and chosen[0] == 0:  # in the first block only
            yield paint(_limited(f"  {folded(equal)}", width), DIM, colour)


def folded(rows: Sequence[Row]) -> str:
    """``equal: epochs=200, rate=0.1``: what every run has alike."""
    return f"equal: {', '.join(f'{row.name}={row.cells[0]}' for row in rows)}"


def _line(
    name: str,
    names: int,
    cells: Sequence[str],
    widths: Sequence[int],
    best: frozenset[int],
    colour: bool,
    width: int | None,
) -> str:
    parts = [pad(_shown(f"  {name}" if name else "", width), names)]
    for place, (cell, size) in enumerate(zip(cells, widths, strict=True)):
        text = _shown(cell, width) or "-"
        text = f"{text}{MARK}" if place in best else text
        blanks = pad(text, size)[len(text) :]
        parts.append(paint(text, GREEN if place in best else "", colour) + blanks)
    return GAP.join(parts).rstrip()


def _shown(text: str, width: int | None) -> str:
    return printable(text) if width is None else cut(printable(text), MAX_CELL)


def _limited(text: str, width: int | None) -> str:
    return printable(text) if width is None else cut(printable(text), width)


def _name_width(sections: Sequence[Section], width: int | None) -> int:
    names = [row.name for _, rows, _ in sections for row in rows]
    return max(cell_width(_shown(f"  {name}", width)) for name in ["", *names])


def _column_width(
    comparison: Comparison, sections: Sequence[Section], place: int, width: int | None
) -> int:
    found = [cell_width(_shown(comparison.runs[place].label, width))]
    for _, rows, is_folded in sections:
        for row in rows:
            if row.differs or not is_folded or len(comparison.runs) == 1:
                mark = len(MARK) if place in row.best else 0
                found.append(cell_width(_shown(row.cells[place], width)) + mark)
    return max(found)


def _blocks(
    comparison: Comparison, sections: Sequence[Section], width: int | None
) -> Iterator[list[int]]:
    """Places of the runs that fit side by side, block by block."""
    room = None if width is None else width - _name_width(sections, width)
    block: list[int] = []
    used = 0
    for place in range(len(comparison.runs)):
        size = _column_width(comparison, sections, place, width) + len(GAP)
        if block and room is not None and used + size > room:
            yield block
            block, used = [], 0
        block.append(place)
        used += size
    if block:
        yield block
