"""What of a stage is there now, as a table with remarks under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cicd.model import State
from cicd.render.commits import short_commit
from cicd.render.table import BOLD, CYAN, DIM, GREEN, RED, YELLOW, cell_width, paint, table
from cicd.words import log_line, printable

Row = Mapping[str, Any]
"""One resource: texts by name, ``notes`` a list, ``facts`` a map (see ``cicd.cli.status``)."""

_BEFORE, _AFTER = ("key", "status", "id", "age"), ("details", "url")
"""The columns, with what a thing runs between them."""
_NAME = "_name"
_HIDDEN = frozenset({"last_operation", "last_log", "exit_code", "arn"})
"""Facts that have a place of their own, or none, or that tell the id again."""
_COLOURS = {
    State.SUCCEEDED: GREEN,
    State.RUNNING: GREEN,
    State.PENDING: CYAN,
    State.STOPPING: CYAN,
    State.FAILED: RED,
    State.STOPPED: YELLOW,
    State.UNKNOWN: YELLOW,
}


def render_status(
    rows: Iterable[Row],
    *,
    colour: bool = False,
    width: int | None = None,
    remarks: Sequence[str] = (),
    hints: Sequence[str] = (),
    title: str = "",
) -> str:
    """An aligned table of what is live, messages, notes and links below their lines; ``width`` as
    in ``cicd.render.table``; ``remarks`` and ``hints`` are about the stage as a whole, ``title``
    says which it is."""
    lines = [paint(printable(title), BOLD, colour)] if title else []
    lines += _table(list(rows), colour=colour, width=width)
    lines += [paint(f"warning: {printable(text)}", YELLOW, colour) for text in remarks]
    lines += [paint(printable(text), DIM, colour) for text in hints]
    return "\n".join(lines)


def _table(present: Sequence[Row], *, colour: bool, width: int | None) -> list[str]:
    if not any(row.get("key") for row in present):
        return ["Nothing is there yet."]
    told = [name for name in dict.fromkeys(n for row in present for n in row) if _is_name(name)]
    columns = (*_BEFORE, *told, *_AFTER)
    head, *body = _lines(present, columns, None)
    has_room = width is None or max(map(cell_width, [head, *body])) <= width
    if not has_room:  # the URL goes below its line, so that it can still be clicked
        head, *body = _lines(present, columns[:-1], width)
    lines = [paint(head, BOLD, colour)]
    for row, line in zip(present, body, strict=True):
        lines.append(paint(line, _colour(row), colour))
        below = [*([] if has_room else _urls(row)), *_below(row)]
        lines += [paint(f"    {text}", DIM, colour) for text in below]
    return lines


def _lines(rows: Sequence[Row], columns: Sequence[str], width: int | None) -> list[str]:
    cells = [[_cell(row, name) for name in columns] for row in rows]
    heads = [name.removesuffix(_NAME).upper() for name in columns]
    return table(heads, cells, width=width, whole={"KEY", "STATUS", "ID", "AGE"})


def status_line(row: Row) -> str:
    """One resource on one line, for a log: ``execution/train │ RUNNING (e123)``."""
    parts = [str(row["status"])] if row.get("status") else []
    parts += [f"({row['id']})"] if row.get("id") else []
    parts += [str(row["message"])] if row.get("message") else []
    return printable(f"{row['key']} │ {' '.join(parts)}")


def details(row: Row) -> str:
    """The facts worth a column: ``model gpt-4o, schedule …``; times are told as age."""
    facts = row.get("facts") or {}
    shown = {name: value for name, value in facts.items() if not (_is_hidden(name) or name in row)}
    if "commit" in shown:
        shown["commit"] = short_commit(str(shown["commit"]))
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _is_name(column: str) -> bool:
    """Whether a field of a row is the name of what a thing runs."""
    return column.endswith(_NAME)


def _is_hidden(name: str) -> bool:
    return name.endswith(("_at", "_id")) or name in _HIDDEN


def _cell(row: Row, name: str) -> str:
    if name == "details":
        return details(row)
    unmet = ", gate not met" if name == "status" and row.get("unmet") else ""
    value = row.get(name) or (row.get(name.removesuffix(_NAME)) if _is_name(name) else "")
    return f"{value or ''}{unmet}"


def _colour(row: Row) -> str:
    if not row.get("id"):
        return DIM
    if row.get("unmet"):
        return RED
    return _COLOURS.get(row.get("state", ""), "")


def _urls(row: Row) -> Iterator[str]:
    if row.get("url"):
        yield printable(str(row["url"]))


def _below(row: Row) -> Iterator[str]:
    if row.get("message"):
        yield printable(str(row["message"]))
    for text in row.get("log") or ():
        yield f"│ {log_line(str(text))}"
    if row.get("more"):
        yield f"more: {printable(str(row['more']))}"
    for note in row.get("notes") or ():
        yield f"note: {printable(str(note))}"
    if row.get("link"):
        yield printable(str(row["link"]))
