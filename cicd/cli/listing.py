"""What ``executions`` and ``artifacts`` share: newest first, so many, and how many more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from cicd.cli.console import print_json, print_result, terminal_width, uses_colour
from cicd.cli.options import Common
from cicd.cli.periods import seconds
from cicd.model import LiveResource
from cicd.render.listing import how_many_more, render_listing
from cicd.render.moments import parse

limit_option = click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="Show so many."
)


def newest(lives: Sequence[LiveResource]) -> list[LiveResource]:
    """Newest first; those of one second stay in one order."""
    return sorted(lives, key=lambda live: (live.created_at, live.id), reverse=True)


def is_since(live: LiveResource, since: str | None, now: datetime | None = None) -> bool:
    """Whether it was made within the last ``7d``; what tells no time was. Raises Usage."""
    if since is None:
        return True
    try:
        begin = (now or datetime.now(UTC)) - timedelta(seconds=seconds(since))
    except OverflowError:
        return True
    created = parse(live.created_at)
    return created is None or created >= begin


def show(
    what: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    total: int,
    common: Common,
    output: str,
) -> None:
    """The rows, which are the newest of ``total``, as a table or as JSON."""
    if output == "json":
        print_json({"total": total, what: list(rows)})
        return
    colour = uses_colour(common)
    print_result(render_listing(columns, rows, colour=colour, width=terminal_width()))
    more = how_many_more(len(rows), total, what)
    if more and common.verbosity >= 0:
        click.echo(more, err=True)  # a table in a pipe holds nothing but its rows
