"""``cicd logs``: the lines of runs and deployments, also of old ones, many at once."""

from __future__ import annotations

import os

import click

from cicd.automation.followed import chosen, has_failed, read_lines
from cicd.automation.periods import seconds
from cicd.automation.runs import Runs
from cicd.cli.completion import complete_run, complete_stage
from cicd.cli.console import print_result, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options
from cicd.cli.project import open_session
from cicd.cli.words import stage_first
from cicd.errors import CicdError, Usage
from cicd.model import Key
from cicd.render.table import DIM, paint
from cicd.words import log_line


@click.command(
    "logs",
    epilog=examples("cicd logs dev execution/train --follow", "cicd logs dev train~1 --since 12h"),
)
@click.argument("stage", shell_complete=complete_stage)
@click.argument("keys", nargs=-1, metavar="KEY...", shell_complete=complete_run)
@common_options()
@click.option("--follow", is_flag=True, help="Go on until every run has ended.")
@click.option("--since", metavar="1h", help="Only lines of the last 90s, 30m, 1h, 2d.")
@click.option("--stream", default="", metavar="NAME", help="One of several logs: stderr.")
@click.option("--run", "ids", multiple=True, metavar="ID", help="This very run, also an old one.")
def command(
    stage: str,
    keys: tuple[str, ...],
    common: Common,
    follow: bool,
    since: str | None,
    stream: str,
    ids: tuple[str, ...],
) -> int:
    """Show the log lines of each KEY: execution/train or just train, train~1 for the run before,
    a glob, or the id of any run or deployment.
    """
    if not keys and not ids:
        raise Usage("logs of what?", hint="say a key, a glob or an id: cicd logs STAGE KEY")
    stage, keys = stage_first(stage, keys)
    if since:
        seconds(since)  # a wrong one is told without a login
    with open_session(stage, common, needs_secrets=False) as session:
        found = chosen(Runs(session), keys, ids)
        is_prefixed = len(found) > 1 or os.environ.get("GITHUB_ACTIONS") == "true"
        colour = uses_colour(common)
        for key, entry in read_lines(session, found, since=since, follow=follow, stream=stream):
            line = log_line(entry.text)
            print_result(f"{prefix(key, colour)}{line}" if is_prefixed else line, is_whole=True)
        return CicdError.exit_code if follow and has_failed(session, found) else 0


def prefix(key: Key, colour: bool) -> str:
    """``execution/train │ ``, as apply writes it."""
    return paint(f"{key} │ ", DIM, colour)
