"""``cicd list``: everything of one kind, what no stage of the project names marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import click

from cicd.automation.listing import Wanted, kind_named, list_kind
from cicd.cli.completion import complete_kind, complete_stage
from cicd.cli.filters import run_filters
from cicd.cli.help import examples
from cicd.cli.listing import limit_option, show
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import loader_of, open_session
from cicd.errors import CicdError, Usage
from cicd.model import Kind
from cicd.platforms.registry import PLATFORMS, every_kind, kinds_of, kinds_on
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
        try:
            kind_named(kind, every_kind())
        except Usage:  # a wrong word is told without a login, with the words of this platform alone
            kind_named(kind, kinds_read(stage, common))
            raise
        with open_session(stage, common, needs_secrets=False) as session:
            name = kind_named(kind, session.platform.kinds)
            found = list_kind(session, name, wanted, limit)
            columns = session.platform.kinds[name].columns
        show(plural(name), columns, found, common, output)

    return listed


def kinds_read(stage: str | None, common: Common) -> Mapping[str, Kind]:
    """The kinds of the platform of a stage, as its file alone tells; where that cannot be read,
    of the platform of stage files which name none."""
    try:
        return kinds_of(loader_of(replace(common, local=False)).load(stage, is_offline=True)[1])
    except CicdError:
        return kinds_on(next(iter(PLATFORMS)))
