"""Lists of executions and artifacts as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cicd.render.table import BOLD, paint, table

EXECUTIONS = {
    "id": "ID",
    "status": "STATUS",
    "key": "KEY",
    "age": "AGE",
    "duration": "DURATION",
    "configuration_name": "CONFIGURATION",
    "executable_id": "EXECUTABLE",
    "scenario_id": "SCENARIO",
}
ARTIFACTS = {
    "id": "ID",
    "kind": "KIND",
    "name": "NAME",
    "age": "AGE",
    "scenario_id": "SCENARIO",
    "execution_id": "EXECUTION",
    "url": "URL",
}


def render_listing(
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, object]],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """One line for each row; ``columns``: field -> head."""
    if not rows:
        return "Nothing fits."
    cells = [[str(row.get(name) or "") for name in columns] for row in rows]
    whole = {"ID", "STATUS", "AGE", "DURATION", "KIND", "URL"}
    head, *body = table(list(columns.values()), cells, width=width, whole=whole)
    return "\n".join([paint(head, BOLD, colour), *body])


def how_many_more(shown: int, total: int, what: str) -> str:
    """``50 of 123 executions; --limit 123 shows all``; empty when all are shown."""
    return f"{shown} of {total} {what}; --limit {total} shows all" if shown < total else ""
