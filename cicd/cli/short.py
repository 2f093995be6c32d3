"""Commands that are called like a kind, short for ``cicd list``: ``cicd jobs dev``."""

from __future__ import annotations

import click

from cicd.automation.listing import Wanted, kind_named, list_kind
from cicd.cli.completion import complete_stage
from cicd.cli.filters import filters_of
from cicd.cli.help import examples
from cicd.cli.listing import limit_option, show
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session
from cicd.platforms.commands import Short
from cicd.platforms.registry import kinds_called
from cicd.words import plural


def command_of(name: str, kind: str, short: Short) -> click.Command:
    """The command ``name`` for all platforms that have such a kind."""

    @click.command(
        name,
        help=short.about,
        epilog=examples(*(f"cicd {name} {arguments}" for arguments in short.examples)),
    )
    @click.argument("stage", required=False, shell_complete=complete_stage)
    @common_options()
    @filters_of(kind, kinds_called(kind), short.filters)
    @limit_option
    @output_option("text", "json")
    def command(stage: str | None, common: Common, wanted: Wanted, limit: int, output: str) -> None:
        with open_session(stage, common, needs_secrets=False) as session:
            kind_named(kind, session.platform.kinds)
            found = list_kind(session, kind, wanted, limit)
            columns = session.platform.kinds[kind].columns
        show(plural(kind), columns, found, common, output)

    return command
