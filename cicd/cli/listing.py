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
from cicd.render.listing import how_many_more, render_listing

limit_option = click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="Show so many."
)
unmanaged_option = click.option(
    "--unmanaged", "is_unmanaged", is_flag=True, help="Only what no stage of the project names."
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters of what runs; the command gets them as ``wanted``."""

    @functools.wraps(command)
    def wrapper(**given: Any) -> Any:
        fields = {"scenario_id": given.pop("scenario"), "executable_id": given.pop("executable")}
        names = ("key", "statuses", "configuration", "since", "is_unmanaged")
        chosen = {name: given.pop(name) for name in names}
        wanted = Wanted(fields=fields, name=given.pop("name", None), **chosen)
        return command(wanted=wanted, **given)

    for option in (
        unmanaged_option,
        click.option("--since", metavar="7d", help="Started in the last 30m, 12h, 7d."),
        click.option("--configuration", metavar="NAME|ID", help="Those of this configuration."),
        click.option("--executable", metavar="ID", help="Those of this executable."),
        click.option("--scenario", metavar="ID", help="Those of this scenario."),
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
