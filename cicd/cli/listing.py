"""What all lists share: everything of one kind, who names it, filters, newest first, so many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import click

from cicd.automation.listing import (
    Listing,
    Wanted,
)
from cicd.cli.completion import complete_key
from cicd.cli.console import print_json, print_note, print_result, terminal_width, uses_colour
from cicd.cli.options import Common
from cicd.platforms.registry import every_kind
from cicd.render.listing import how_many_more, render_listing

limit_option = click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="Show so many."
)
unmanaged_option = click.option(
    "--unmanaged", "is_unmanaged", is_flag=True, help="Only what no stage of the project names."
)


OWN = frozenset({"id", "status", "managed_by", "name", "age", "duration", "url"})
"""Columns that every kind may have: they are no word of a platform."""


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters of what runs; the command gets them as ``wanted``."""
    kinds = [kind for kind in every_kind().values() if kind.runs]
    versions = {f"{kind.version[0]}_name" for kind in kinds if kind.version}
    fields = {
        name: head.lower()
        for kind in kinds
        for name, head in kind.columns.items()
        if head and name not in OWN
    }

    @functools.wraps(command)
    def wrapper(**given: Any) -> Any:
        asked = {name: given.pop(f"field_{name}") for name in fields}
        chosen = {name: given.pop(name) for name in ("key", "statuses", "since", "is_unmanaged")}
        runs = [name for name in asked if name in versions and asked[name]]
        chosen["version"] = asked[runs[0]] if runs else None
        asked = {name: (text,) for name, text in asked.items() if text and name not in versions}
        wanted = Wanted(fields=asked, name=given.pop("name", None), **chosen)
        return command(wanted=wanted, **given)

    for option in (
        unmanaged_option,
        click.option("--since", metavar="7d", help="Started in the last 30m, 12h, 7d."),
        *(
            click.option(
                f"--{word.replace(' ', '-')}",
                f"field_{name}",
                metavar="NAME|ID" if name in versions else "ID",
                help=f"Those of this {word}.",
            )
            for name, word in fields.items()
        ),
        click.option(
            "--status", "statuses", multiple=True, metavar="S", help="DEAD, COMPLETED, failed …"
        ),
        click.option(
            "--key", metavar="GLOB", shell_complete=complete_key, help="Those of these keys."
        ),
    ):
        wrapper = option(wrapper)
    return wrapper


def show(
    what: str, columns: Mapping[str, str], found: Listing, common: Common, output: str
) -> None:
    """A listing as a table or as JSON; ``what``: the kind, as a plural."""
    if output == "json":
        rows = [
            {name: value for name, value in row.items() if name != "managed_by"}
            for row in found.rows
        ]
        print_json({"total": found.total, what: rows})
    else:
        colour, width = uses_colour(common), terminal_width()
        print_result(render_listing(columns, found.rows, colour=colour, width=width))
    if common.verbosity < 0:
        return
    # a table in a pipe holds nothing but its rows
    more = how_many_more(len(found.rows), found.total, what)
    if more and output != "json":
        print_note(more)
    for file in found.unread:
        print_note(f"warning: {file} cannot be read: what it names counts as unmanaged")
