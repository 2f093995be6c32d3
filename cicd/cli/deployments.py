"""``cicd deployments``: what serves, newest first. Short for ``cicd list deployments``."""

from __future__ import annotations

import click

from cicd.automation.listing import Wanted, kind_named, list_kind
from cicd.cli.completion import complete_stage
from cicd.cli.help import examples
from cicd.cli.listing import RunCommand, limit_option, run_options, show
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session
from cicd.words import plural

KIND = "deployment"


@click.command(
    "deployments",
    cls=RunCommand,
    epilog=examples(
        "cicd deployments dev --unmanaged", "cicd deployments dev --status RUNNING -o json"
    ),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@run_options
@limit_option
@output_option("text", "json")
def command(stage: str | None, common: Common, wanted: Wanted, limit: int, output: str) -> None:
    """List the deployments of the resource group, newest first, also those of nobody."""
    with open_session(stage, common, needs_secrets=False) as session:
        kind_named(KIND, session.platform.kinds)
        found = list_kind(session, KIND, wanted, limit)
        columns = session.platform.kinds[KIND].columns
    show(plural(KIND), columns, found, common, output)
