"""``cicd rollback``: a service goes back to a configuration that it had before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from cicd.automation.rollback import version_word
from cicd.cli.completion import complete_replace, complete_stage
from cicd.cli.console import print_json, print_result, terminal_width, uses_colour
from cicd.cli.help import examples
from cicd.cli.lock import lock_option
from cicd.cli.operate import ask, operate
from cicd.cli.options import Common, common_options, consent_option, output_option
from cicd.cli.progress import can_draw
from cicd.cli.project import open_session
from cicd.cli.words import stage_first
from cicd.errors import Usage
from cicd.model import Plan


@click.command(
    "rollback",
    epilog=examples("cicd rollback prd serve --list", "cicd rollback prd deployment/serve --yes"),
)
@click.argument("stage", shell_complete=complete_stage)
@click.argument("key", shell_complete=complete_replace)
@common_options()
@click.option("--to", "wanted", metavar="ID", help="This configuration, by its id or its start.")
@click.option("--list", "is_listing", is_flag=True, help="Show what it can go back to.")
@output_option("text", "json", help="Of --list.")
@consent_option()
@lock_option
def command(
    stage: str,
    key: str,
    common: Common,
    wanted: str | None,
    is_listing: bool,
    output: str,
    yes: bool,
    lock_timeout: int,
) -> int:
    """Give service KEY, a deployment or an endpoint, the configuration that it had before.

    Nothing else changes, and the stage file stays as it is: revert it in Git too, or the next apply
    brings the present configuration back.
    """
    stage, (key,) = stage_first(stage, [key])
    if output == "json" and not is_listing:
        raise Usage("--output json is for --list", hint="add --list")
    with open_session(stage, common, needs_secrets=False) as session:
        if is_listing:
            print_history(session.versions(key), version_word(session, key), output, common)
            return 0
        operation = session.rolling_back(
            key,
            to=wanted,
            approve=None if yes else agree,
            lock_timeout=lock_timeout,
            measures=can_draw(common),
        )
        return operate(operation, common)


def agree(plan: Plan) -> bool:
    """Whether a person agrees."""
    # the service comes before what points to it
    return ask(f"Roll {plan.changes[0].key} back?", hint="add --yes")


def print_history(
    rows: Sequence[Mapping[str, Any]], word: str, output: str, common: Common
) -> None:
    """The versions, newest first, on standard output; ``word``: what one is called."""
    from cicd.render.history import render_history

    if output == "json":
        print_json(rows)
        return
    moment, colour = datetime.now(UTC), uses_colour(common)
    print_result(render_history(rows, moment, word=word, colour=colour, width=terminal_width()))
