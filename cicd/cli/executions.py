"""``cicd executions``: the runs of the resource group, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import click

from cicd.cli.completion import complete_key, complete_stage
from cicd.cli.help import examples
from cicd.cli.listing import is_since, limit_option, newest, show
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.periods import seconds
from cicd.cli.runs import Runs, browse
from cicd.cli.session import open_session
from cicd.model import Key, LiveResource
from cicd.render.listing import EXECUTIONS
from cicd.render.moments import age, duration, took


@click.command(
    "executions",
    epilog=examples(
        "cicd executions dev --status DEAD --since 7d",
        "cicd executions dev --key train --limit 5 -o json",
    ),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option("--key", metavar="GLOB", shell_complete=complete_key, help="Runs of these keys.")
@click.option("--status", "statuses", multiple=True, metavar="S", help="DEAD, COMPLETED, failed …")
@click.option("--scenario", metavar="ID", help="Runs of this scenario.")
@click.option("--executable", metavar="ID", help="Runs of this executable.")
@click.option("--configuration", metavar="NAME|ID", help="Runs of this configuration.")
@click.option("--since", metavar="7d", help="Started in the last 30m, 12h, 7d.")
@limit_option
@output_option("text", "json")
def command(
    stage: str | None,
    common: Common,
    key: str | None,
    statuses: tuple[str, ...],
    scenario: str | None,
    executable: str | None,
    configuration: str | None,
    since: str | None,
    limit: int,
    output: str,
) -> None:
    """List the runs of the resource group, newest first, also those of nobody's stage file."""
    if since:
        seconds(since)  # said before anything is asked, also where nothing is there
    wanted = {"scenario_id": scenario, "executable_id": executable}
    with open_session(stage, common, needs_secrets=False) as session:
        lives = newest(browse(session, "execution"))
        runs = Runs(session, kinds=("execution",), lists=lambda _: lives)
        found = [
            (live, runs.key_of(live))
            for live in lives
            if has_status(live, statuses)
            and all(value in (None, live.spec.get(name)) for name, value in wanted.items())
            and is_of(live, configuration)
            and is_since(live, since)
        ]
        found = [(live, known) for live, known in found if fits(known, key)]
        rows = [
            row(live, known, session.platform.link(live) or "") for live, known in found[:limit]
        ]
    show("executions", EXECUTIONS, rows, len(found), common, output)


def has_status(live: LiveResource, statuses: tuple[str, ...]) -> bool:
    """Whether it is in one of these: the platform's own word or ours, in any case."""
    words = {live.status.raw.upper(), live.status.state.value}
    return not statuses or bool(words & {status.upper() for status in statuses})


def is_of(live: LiveResource, configuration: str | None) -> bool:
    """Whether it runs the configuration of this name or id."""
    names = (live.spec.get("configuration"), live.spec.get("configuration_name"))
    return configuration is None or configuration in names


def fits(key: Key | None, glob: str | None) -> bool:
    """Whether a key is meant by ``execution/train``, ``train`` or a glob."""
    if glob is None:
        return True
    return key is not None and any(fnmatchcase(text, glob) for text in (str(key), key.name))


def row(live: LiveResource, key: Key | None, link: str) -> dict[str, Any]:
    """One run as plain data."""
    started = live.facts.get("started_at") or live.created_at
    seconds = took(started, live.facts.get("completed_at", ""))
    return {
        "id": live.id,
        "status": live.status.raw,
        "state": live.status.state.value,
        "key": str(key) if key else "",
        "age": age(live.created_at, datetime.now(UTC)),
        "created_at": live.created_at,
        "duration": duration(seconds),
        "seconds": seconds,
        "configuration": live.spec.get("configuration", ""),
        **{name: live.spec.get(name, "") for name in EXECUTIONS if name.endswith(("_id", "_name"))},
        "message": live.status.message,
        "link": link,
    }
