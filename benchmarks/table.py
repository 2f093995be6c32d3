"""Rows of the table that a benchmark prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure; ``bound``: what the project asks of it, empty where it asks nothing."""

    what: str
    value: str | int
    bound: str = ""


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    cells = [("what", "measured", "asked")]
    cells += [(row.what, str(row.value), row.bound) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    lines = [
        "| " + " | ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (n + 2) for n in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:], ""])
