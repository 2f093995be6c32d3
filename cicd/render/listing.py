"""Lists of what is live as tables, and how many run that nobody names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cicd.render.table import BOLD, paint, table

_OWN = {"id": "ID", "status": "STATUS", "managed_by": "KEY"}
_RUN = {
    "configuration_name": "CONFIGURATION",
    "executable_id": "EXECUTABLE",
    "scenario_id": "SCENARIO",
}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "execution": {**_OWN, "age": "AGE", "duration": "DURATION", **_RUN},
    "deployment": {**_OWN, "age": "AGE", **_RUN, "url": "URL"},
    "artifact": {
        "id": "ID",
        "kind": "KIND",
        "name": "NAME",
        "managed_by": "KEY",
        "age": "AGE",
        "scenario_id": "SCENARIO",
        "execution_id": "EXECUTION",
        "url": "URL",
    },
    "": {
        **_OWN,
        "name": "NAME",
        "age": "AGE",
        **_RUN,
        "cron": "CRON",
        "scope": "SCOPE",
        "path": "PATH",
        "revision": "REVISION",
        "repository": "REPOSITORY",
        "url": "URL",
    },
}
"""Kind -> field -> head of its column, under "" for the other kinds; empty ones are left out."""


MOST_FILES = 3
"""How many files a line names."""


def plural(kind: str) -> str:
    """``deployments``, ``repositories``."""
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def tell_unmanaged(counts: Mapping[str, int], stage: str, unread: Sequence[str] = ()) -> str:
    """``2 running deployments that no stage names: cicd list deployments dev --unmanaged``; empty
    where there are none. ``unread``: stage files that could not be read."""
    if not counts:
        return ""
    parts = [
        f"{count} running {kind if count == 1 else plural(kind)}" for kind, count in counts.items()
    ]
    named = " and ".join(parts)
    commands = ", ".join(f"cicd list {plural(kind)} {stage} --unmanaged" for kind in counts)
    files = [
        *unread[:MOST_FILES],
        *([f"{more} more"] if (more := len(unread) - MOST_FILES) > 0 else []),
    ]
    rest = f" ({', '.join(files)} cannot be read, and may name some)" if unread else ""
    return f"{named} that no stage names{rest}: {commands}"


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
    whole = {"ID", "STATUS", "AGE", "DURATION", "KIND", "CRON", "URL"}
    head, *body = table(list(columns.values()), cells, width=width, whole=whole)
    return "\n".join([paint(head, BOLD, colour), *body])


def how_many_more(shown: int, total: int, what: str) -> str:
    """``50 of 123 executions; --limit 123 shows all``; empty when all are shown."""
    return f"{shown} of {total} {what}; --limit {total} shows all" if shown < total else ""
