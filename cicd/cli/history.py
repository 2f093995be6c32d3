"""``cicd history``: what has been applied to a stage, by whom, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cicd.cli.completion import complete_stage
from cicd.cli.console import print_json, print_note, print_result, terminal_width, uses_colour
from cicd.cli.database import VARIABLE, checked
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session

if TYPE_CHECKING:
    from cicd.automation.past import Source
    from cicd.automation.stage import StageSession


@click.command("history", epilog=examples("cicd history prd", "cicd history prd --limit 5 -o json"))
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option(
    "--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="Show so many."
)
@click.option(
    "--database",
    envvar=VARIABLE,
    metavar="URL",
    help=f"Also what a controller remembers. With a password only in {VARIABLE}.",
)
@output_option("text", "json")
@click.pass_context
def command(
    ctx: click.Context,
    stage: str | None,
    common: Common,
    limit: int,
    database: str | None,
    output: str,
) -> None:
    """Show what was applied, newest first: when, which commit, by whom, how it ended, how long it
    took, who approved it, what it changed.

    Read from what the platform keeps of runs and versions, from deployments of the forge where
    there is a token for it, and from Git.
    """
    from cicd.render.past import render_past

    with (
        open_session(stage, common, needs_secrets=False) as session,
        remembering(session, checked(ctx, database)) as sources,
    ):
        document = session.history(limit=limit, sources=sources)
    if output == "json":
        print_json(document)
        return
    if document["applies"]:
        colour, width = uses_colour(common), terminal_width()
        print_result(
            render_past(document["applies"], datetime.now(UTC), colour=colour, width=width)
        )
    else:
        print_result(f"Nothing is known of any apply of {document['stage']}.")
    if common.verbosity >= 0:
        for source in document["sources"]:
            if source["problem"]:
                print_note(f"without what the {source['name']} knows: {source['problem']}")


@contextmanager
def remembering(session: StageSession, url: str) -> Iterator[Sequence[Source]]:
    """What a controller remembers of a stage; nothing without the URL of its database."""
    if not url:
        yield ()
        return
    from cicd.automation.past import Source
    from cicd.controller.database import Database
    from cicd.controller.remembered import SOURCE, Remembered

    database = Database(url)
    try:
        told = Remembered(database)
        yield (Source(SOURCE, lambda limit: told.applies(session.stage.name, limit)),)
    finally:
        database.close()
