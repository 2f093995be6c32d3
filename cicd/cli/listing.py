"""What all lists share: everything of one kind, who names it, filters, newest first, so many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from cicd.automation.listing import (
    Listing,
    Wanted,
)
from cicd.cli.completion import complete_key
from cicd.cli.console import print_json, print_note, print_result, terminal_width, uses_colour
from cicd.cli.options import Common
from cicd.model import Kind
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


class RunCommand(click.Command):
    """A command with the filters of ``run_options``. One for each column that something that runs
    has on any platform is among them: which there are is looked up when it is asked for."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        at = [param.name for param in params].index("statuses") + 1
        found = ctx.meta.setdefault(__name__, [*_field_options(_running())])
        return [*params[:at], *found, *params[at:]]


def _running() -> list[Kind]:
    return [kind for kind in every_kind().values() if kind.runs]


def _versions(kinds: Iterable[Kind]) -> set[str]:
    """The fields that hold the names of versions: filters of these take ids as well."""
    return {f"{kind.version[0]}_name" for kind in kinds if kind.version}


def _field_options(kinds: Sequence[Kind]) -> Iterator[click.Option]:
    words = {
        name: head.lower()
        for kind in kinds
        for name, head in kind.columns.items()
        if head and name not in OWN
    }
    versions = _versions(kinds)
    for name, word in reversed(words.items()):
        yield click.Option(
            [f"--{word.replace(' ', '-')}", f"field_{name}"],
            metavar="NAME|ID" if name in versions else "ID",
            help=f"Those of this {word}.",
        )


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters of what runs to a ``RunCommand``; its function gets them as ``wanted``."""

    @functools.wraps(command)
    def wrapper(**given: Any) -> Any:
        names = [name for name in given if name.startswith("field_")]
        asked = {name.removeprefix("field_"): given.pop(name) for name in names}
        chosen = {name: given.pop(name) for name in ("key", "statuses", "since", "is_unmanaged")}
        versions = _versions(_running())
        runs = [text for name, text in asked.items() if name in versions and text]
        chosen["version"] = runs[0] if runs else None
        asked = {name: (text,) for name, text in asked.items() if text and name not in versions}
        wanted = Wanted(fields=asked, name=given.pop("name", None), **chosen)
        return command(wanted=wanted, **given)

    for option in (
        unmanaged_option,
        click.option("--since", metavar="7d", help="Started in the last 30m, 12h, 7d."),
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
