"""What came of messages to people, as a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cicd.render.table import BOLD, GREEN, RED, paint, table

HEADS = ("CHANNEL", "HOST", "ON", "CAME BACK")


def render_deliveries(
    rows: Sequence[Mapping[str, Any]], *, colour: bool = False, width: int | None = None
) -> str:
    """One line for each address."""
    cells = [
        [
            f"{row['channel']} #{row['number']}",
            row["host"],
            ", ".join(row["on"]),
            "delivered" if row["delivered"] else f"not delivered: {row['problem']}",
        ]
        for row in rows
    ]
    head, *lines = table(HEADS, cells, width=width, whole=("CHANNEL",))
    colours = [GREEN if row["delivered"] else RED for row in rows]
    body = [paint(line, code, colour) for line, code in zip(lines, colours, strict=True)]
    return "\n".join([paint(head, BOLD, colour), *body])
