"""The applies of a stage, as a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cicd.render.commits import short_commit
from cicd.render.moments import age, duration
from cicd.render.table import BOLD, GREEN, RED, YELLOW, paint, table
from cicd.words import some

HEADS = ("AGE", "COMMIT", "BY", "ENDED", "TOOK", "APPROVED BY", "CHANGED", "SUBJECT")
MOST_KEYS = 4
COLOURS = {"failed": RED, "applied": GREEN, "running": YELLOW, "held": YELLOW}


def render_past(
    applies: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """One line for each, in their order."""
    cells = [
        [
            age(one["at"], now),
            short_commit(one["commit"]),
            one["by"] or one["author"],
            one["result"],
            duration(one["seconds"]),
            one["approved_by"],
            changed(one["changes"]),
            one["subject"],
        ]
        for one in applies
    ]
    head, *lines = table(HEADS, cells, width=width, whole=("AGE", "COMMIT", "ENDED", "TOOK"))
    colours = [COLOURS.get(one["result"], "") for one in applies]
    body = [paint(line, code, colour) for line, code in zip(lines, colours, strict=True)]
    return "\n".join([paint(head, BOLD, colour), *body])


def changed(changes: Sequence[Mapping[str, Any]]) -> str:
    """What was made, by its keys; a run that ended as it should needs no further word."""
    told = [
        one["key"] if one["what"] in {"run", "new"} else f"{one['key']} ({one['what']})"
        for one in changes
    ]
    return some(told, MOST_KEYS)
