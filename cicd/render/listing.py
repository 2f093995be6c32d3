"""Lists of what is live as tables, and how many run that nobody names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cicd.render.table import BOLD, paint, table
from cicd.words import count, plural

COLUMNS = {"id": "ID", "status": "STATUS", "managed_by": "KEY", "name": "NAME", "age": "AGE"}
"""Field -> head of its column, for a kind that says nothing of its own; empty ones are left out."""
MOST_FILES = 3
"""How many files a line names."""


def tell_unmanaged(counts: Mapping[str, int], stage: str, unread: Sequence[str] = ()) -> str:
    """``2 running deployments that no stage names: cicd list deployments dev --unmanaged``; empty
    where there are none. ``unread``: stage files that could not be read."""
    if not counts:
        return ""
    named = " and ".join(count(number, f"running {kind}") for kind, number in counts.items())
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
    """One line for each row; ``columns``: field -> head, empty for one that has no column."""
    columns = {name: head for name, head in (columns or COLUMNS).items() if head}
    if not rows:
        return "Nothing fits."
    cells = [[str(row.get(name) or "") for name in columns] for row in rows]
    whole = {"ID", "STATUS", "AGE", "DURATION", "KIND", "CRON", "URL"}
    head, *body = table(list(columns.values()), cells, width=width, whole=whole)
    return "\n".join([paint(head, BOLD, colour), *body])


def how_many_more(shown: int, total: int, what: str) -> str:
    """``50 of 123 executions; --limit 123 shows all``; empty when all are shown."""
    return f"{shown} of {total} {what}; --limit {total} shows all" if shown < total else ""
