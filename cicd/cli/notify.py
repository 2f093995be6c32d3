"""``cicd notify``: whether those whom a stage names can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import click

from cicd.cli.completion import complete_stage
from cicd.cli.console import print_json, print_result, terminal_width, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import loader_of
from cicd.errors import Usage
from cicd.values import Happening


@click.group("notify", epilog=examples("cicd notify test prd", "cicd notify test prd --on failed"))
def command() -> None:
    """Try whether those can be told whom notify of a stage file names."""


@command.command(
    "test",
    short_help="Send a sample to each address.",
    epilog=examples("cicd notify test prd", "cicd notify test prd --on failed -o json"),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option(
    "--on", type=click.Choice(get_args(Happening)), help="Only those who want to hear of this."
)
@output_option("text", "json")
def test(stage: str | None, common: Common, on: Happening | None, output: str) -> int:
    """Send a sample to each address and say what came back.

    Needs no login, and counts for nothing: what really happens is told all the same. Ends with 1
    where somebody could not be told.
    """
    from cicd.automation.notices import try_addresses

    loader = loader_of(common)
    _, loaded = loader.load(stage, needs_secrets=False)
    if not loaded.notify:
        raise Usage(f"{loaded.name} names nobody to tell", hint="add notify to the stage file")
    rows = try_addresses(loader, loaded, on)
    if not rows:
        raise Usage(f"{loaded.name} tells nobody of {on}", hint="add it to on of an address")
    show(rows, output, common)
    return 0 if all(row["delivered"] for row in rows) else 1


def show(rows: Sequence[Mapping[str, Any]], output: str, common: Common) -> None:
    """What came of each, on standard output."""
    from cicd.render.notices import render_deliveries

    if output == "json":
        print_json(rows)
        return
    colour, width = uses_colour(common), terminal_width()
    print_result(render_deliveries(rows, colour=colour, width=width))
