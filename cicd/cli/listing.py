"""What all lists share: how they are shown, and how many."""

from __future__ import annotations

from collections.abc import Mapping

import click

from cicd.automation.listing import Listing
from cicd.cli.console import print_json, print_note, print_result, terminal_width, uses_colour
from cicd.cli.options import Common
from cicd.render.listing import how_many_more, render_listing

limit_option = click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="Show so many."
)


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
