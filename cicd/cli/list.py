"""``cicd list``: everything of one kind, what no stage of the project names marked."""

from __future__ import annotations

import click

from cicd.automation.listing import Wanted, kind_named, list_kind
from cicd.cli.completion import complete_kind, complete_stage
from cicd.cli.filters import run_filters
from cicd.cli.help import examples
from cicd.cli.listing import limit_option, show
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session
from cicd.platforms.registry import every_kind
from cicd.words import plural


def command() -> click.Command:
    """The command with the filters of whatever runs on any platform."""

    @click.command(
        "list",
        epilog=examples("cicd list deployments dev --unmanaged", "cicd list schedules prd -o json"),
    )
    @click.argument("kind", shell_complete=complete_kind)
    @click.argument("stage", required=False, shell_complete=complete_stage)
    @common_options()
    @run_filters([kind for kind in every_kind().values() if kind.runs])
    @click.option("--name", metavar="GLOB", help="Those with such a name.")
    @limit_option
    @output_option("text", "json")
    def listed(
        kind: str,
        stage: str | None,
        common: Common,
        wanted: Wanted,
        limit: int,
        output: str,
    ) -> None:
        """List everything of one kind in the resource group, newest first: deployments,
        executions, schedules, artifacts, configurations, applications, …

        What no stage file of the project names is marked unmanaged. Ends with 64 for a KIND that
        the platform does not have, and says which it has.
        """
        kind_named(kind, every_kind())  # a wrong word is told without a login
        with open_session(stage, common, needs_secrets=False) as session:
            name = kind_named(kind, session.platform.kinds)
            found = list_kind(session, name, wanted, limit)
            columns = session.platform.kinds[name].columns
        show(plural(name), columns, found, common, output)

    return listed
