"""Tables for a terminal or a pipe: columns that line up, also where characters are wide."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cicd.words import printable

GAP = "  "
NARROWEST = 8
"""Cells a column keeps when a terminal is too narrow for the table."""
BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "31", "32", "33", "36"


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None = None,
    whole: Collection[str] = (),
    numbers: Collection[str] = (),
) -> list[str]:
    """The lines of a table, its head first. A column that is empty everywhere is left out, a cell
    with nothing in it is ``-``.

    ``width``: cells of the terminal; None (a pipe) cuts nothing. ``whole``: columns never cut.
    ``numbers``: columns that stand to the right.
    """
    shown = [column for column in range(len(head)) if any(row[column] for row in rows)]
    names = [head[column] for column in shown]
    cells = [[printable(row[column]) or "-" for column in shown] for row in rows]
    lines = [names, *cells]
    widths = [max(cell_width(line[i]) for line in lines) for i in range(len(names))]
    if width is not None:
        fixed = {i for i, name in enumerate(names) if name in whole}
        widths = narrowed(widths, fixed, width)
    right = {i for i, name in enumerate(names) if name in numbers}
    return [_line(line, widths, right) for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    fitted = [
        pad(cut(cell, width), width, right=i in right)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return GAP.join(fitted).rstrip()


def narrowed(widths: Sequence[int], fixed: Collection[int], width: int) -> list[int]:
    """The widths so that a line fits into ``width`` cells, the widest cut first; where even the
    narrowest do not fit, lines stay too long."""
    found = list(widths)
    free = [i for i in range(len(found)) if i not in fixed]
    while free and sum(found) + len(GAP) * (len(found) - 1) > width:
        widest = max(free, key=lambda i: found[i])
        if found[widest] <= NARROWEST:
            break
        found[widest] -= 1
    return found


def cell_width(text: str) -> int:
    """How many cells of a terminal a text takes: ideographs and emoji two, combining marks none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # 20 ms, for the few texts that need it

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` cells, its end as ``…`` where it is longer."""
    if cell_width(text) <= width:
        return text
    while text and cell_width(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled up with blanks to ``width`` cells; ``right``: blanks before it."""
    blanks = " " * (width - cell_width(text))
    return blanks + text if right else text + blanks


def paint(text: str, code: str, colour: bool) -> str:
    """The text in an ANSI colour where ``colour`` is wanted."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text
