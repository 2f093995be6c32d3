"""The versions that a service has had, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cicd.render.moments import age
from cicd.render.table import BOLD, paint, table
from cicd.render.text import show
from cicd.words import printable


def render_history(
    rows: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    word: str = "version",
    colour: bool = False,
    width: int | None = None,
) -> str:
    """One line for each, in the order of ``rows``; ``*`` marks the one that runs, ``✗`` one that
    failed its test. ``word``: what one is called."""
    cells = [
        [
            f"{_mark(row)} {row['id']}",
            age(row["created_at"], now),
            _against(row),
        ]
        for row in rows
    ]
    if not cells:
        return f"It has no {word} that is known."
    heads = (f"  {word.upper()}", "AGE", "AGAINST THE RUNNING ONE")
    head, *body = table(list(heads), cells, width=width, whole=heads[:2])
    return "\n".join([paint(head, BOLD, colour), *body])


def _mark(row: Mapping[str, Any]) -> str:
    if row["running"]:
        return "*"
    return "✗" if row.get("failed") else " "


def _against(row: Mapping[str, Any]) -> str:
    """How it differs, after why it failed: nobody goes back to that unseen."""
    failed = f"failed its test: {printable(row['failed'])}" if row.get("failed") else ""
    differs = "running" if row["running"] else _differences(row)
    return f"{failed}; {differs}" if failed else differs


def _differences(row: Mapping[str, Any]) -> str:
    fields = [
        f"{field['path']}: {show(field['before'])} → {show(field['after'])}"
        for field in row["fields"]
    ]
    return "; ".join(fields) or "the same parameters and inputs"
