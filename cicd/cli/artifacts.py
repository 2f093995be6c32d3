"""``cicd artifacts``: data and models registered in the resource group. Short for ``cicd list``."""

from __future__ import annotations

import click

from cicd.automation.listing import Wanted, kind_named, list_kind
from cicd.cli.completion import complete_stage
from cicd.cli.help import examples
from cicd.cli.listing import limit_option, show, unmanaged_option
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session
from cicd.words import plural

KIND = "artifact"


@click.command(
    "artifacts",
    epilog=examples(
        "cicd artifacts dev --kind model", "cicd artifacts dev --name 'churn-*' -o json"
    ),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="model, dataset, resultset …")
@click.option("--scenario", metavar="ID", help="Artifacts of this scenario.")
@click.option("--name", metavar="GLOB", help="Artifacts with such a name.")
@click.option("--execution", metavar="ID", help="What this run has made.")
@unmanaged_option
@limit_option
@output_option("text", "json")
def command(
    stage: str | None,
    common: Common,
    kinds: tuple[str, ...],
    scenario: str | None,
    name: str | None,
    execution: str | None,
    is_unmanaged: bool,
    limit: int,
    output: str,
) -> None:
    """List the artifacts of the resource group, newest first."""
    wanted = Wanted(
        name=name,
        fields={"scenario_id": (scenario,) if scenario else (), "kind": kinds},
        maker=execution,
        is_unmanaged=is_unmanaged,
    )
    with open_session(stage, common, needs_secrets=False) as session:
        kind_named(KIND, session.platform.kinds)
        found = list_kind(session, KIND, wanted, limit)
        columns = session.platform.kinds[KIND].columns
    show(plural(KIND), columns, found, common, output)
