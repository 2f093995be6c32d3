"""``cicd executions``: the runs of the resource group, newest first. Short for ``cicd list``."""

from __future__ import annotations

import click

from cicd.automation.listing import Wanted, kind_named, list_kind
from cicd.cli.completion import complete_stage
from cicd.cli.help import examples
from cicd.cli.listing import RunCommand, limit_option, run_options, show
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session
from cicd.words import plural

KIND = "execution"


@click.command(
    "executions",
    cls=RunCommand,
    epilog=examples(
        "cicd executions dev --status DEAD --since 7d",
        "cicd executions dev --key train --limit 5 -o json",
    ),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@run_options
@limit_option
@output_option("text", "json")
def command(stage: str | None, common: Common, wanted: Wanted, limit: int, output: str) -> None:
    """List the runs of the resource group, newest first, also those of nobody's stage file."""
    with open_session(stage, common, needs_secrets=False) as session:
        kind_named(KIND, session.platform.kinds)
        found = list_kind(session, KIND, wanted, limit)
        columns = session.platform.kinds[KIND].columns
    show(plural(KIND), columns, found, common, output)
