"""``cicd logs``: the lines of the newest run, or of a deployment."""

from __future__ import annotations

import re
import time

import click

from cicd.cli.completion import complete_run, complete_stage
from cicd.cli.console import print_result
from cicd.cli.options import Common, common_options
from cicd.cli.session import open_session
from cicd.errors import CicdError, Usage
from cicd.model import Change, Plan
from cicd.render.text import printable

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command("logs")
@click.argument("stage", shell_complete=complete_stage)
@click.argument("key", shell_complete=complete_run)
@common_options()
@click.option("--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--since", metavar="1h", help="Only lines of the last 90s, 30m, 1h, 2d.")
def command(stage: str, key: str, common: Common, follow: bool, since: str | None) -> int:
    """Show the log lines of KEY (execution/train, or just train)."""
    from cicd import logs

    start = max(0, time.time_ns() - seconds(since) * 1_000_000_000) if since else None
    with open_session(stage, common) as session:
        change = pick(session.plan(), key)
        live = session.latest(change)
        if live is None:
            raise CicdError(f"{change.key} has not been started yet", hint="cicd apply starts it")
        lines = logs.follow(session.platform, {change.key: live}, since=start, follow=follow)
        for _, entry in lines:
            print_result(printable(entry.text))
        if follow and session.platform.get(live).status.has_failed:
            return CicdError.exit_code
    return 0


def seconds(text: str) -> int:
    """``1h`` in seconds. Raises Usage."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not match:
        raise Usage(f"--since {text!r} is not a time", hint="write 90s, 30m, 1h or 2d")
    return int(match[1]) * UNITS[match[2]]


def pick(plan: Plan, key: str) -> Change:
    """The change whose key is meant. Raises Usage when none or several are."""
    with_logs = [c for c in plan.changes if c.key.kind in {"execution", "deployment"}]
    named = [c for c in with_logs if key in {str(c.key), c.key.name}]
    if not named:
        known = ", ".join(str(c.key) for c in with_logs) or "none"
        raise Usage(f"{plan.stage} has no run or deployment {key}", hint=f"it has: {known}")
    if len(named) > 1:
        raise Usage(f"{key} is more than one", hint=f"say {' or '.join(str(c.key) for c in named)}")
    return named[0]
