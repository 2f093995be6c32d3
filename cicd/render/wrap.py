"""Long lines for a terminal: broken between words, the rest below where the text began."""

from __future__ import annotations

import re

from cicd.render.table import cell_width

NARROWEST = 30
"""Cells below which breaking lines makes nothing easier to read."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_WORD = re.compile(r" *[^ ]+")
_COLUMN = re.compile(r"  +(?=[^ ])|│ ")


def wrapped(text: str, width: int | None) -> str:
    """The text with no line wider than ``width`` cells, but for words that alone are; None, or too
    few cells, changes nothing."""
    if width is None or width < NARROWEST:
        return text
    return "\n".join(_broken(line, width) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    if _cells(line) <= width:
        return line
    hang = _hang(_COLOUR.sub("", line), width)
    lines = [""]
    for word in _WORD.findall(line):
        if lines[-1] and _cells(lines[-1] + word) > width:
            rest = word.lstrip()  # what is too long to begin there begins further left
            lines.append(" " * max(0, min(hang, width - _cells(rest))) + rest)
        else:
            lines[-1] += word
    return "\n".join(lines)


def _hang(line: str, width: int) -> int:
    """Where the text of a line begins: behind its last column in the first half of the screen,
    else a little behind its indentation."""
    columns = [match.end() for match in _COLUMN.finditer(line) if match.start() > 0]
    near = [cell_width(line[:end]) for end in columns]
    indent = len(line) - len(line.lstrip(" "))
    return max([indent + 2, *(cells for cells in near if cells <= width // 2)])


def _cells(text: str) -> int:
    return cell_width(_COLOUR.sub("", text))
