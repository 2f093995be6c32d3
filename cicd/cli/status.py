"""``cicd status``: what of a stage is there now, once or as it moves."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from cicd.cli.completion import complete_stage
from cicd.cli.console import print_json, print_result, terminal_width, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.runs import BOTH, Runs
from cicd.cli.session import Session, open_session
from cicd.logs import patiently
from cicd.model import LiveResource, Resource, State
from cicd.render.moments import age
from cicd.render.status import render_status, status_line

Row = dict[str, Any]

SHOWN = frozenset(
    {
        "resource_group",
        "node_reservation",
        "application",
        "execution",
        "schedule",
        "deployment",
        "destination",
    }
)
CALM, BUSY = 5.0, 2.0
"""Seconds between two looks: when nothing is under way, and when something is."""
SHARE = 5
"""A look that took a second is followed by at least this many seconds of rest."""
UNDER_WAY = frozenset({State.PENDING, State.STOPPING, State.UNKNOWN})


@click.command("status", epilog=examples("cicd status dev", "cicd status dev --watch"))
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option("--watch", is_flag=True, help="Go on and show what moves, until Ctrl-C.")
@output_option("text", "json")
def command(stage: str | None, common: Common, watch: bool, output: str) -> None:
    """Show what runs now."""
    with open_session(stage, common, needs_secrets=False) as session:
        if watch:
            show_changes(session, common, output)
            return
        rows = look(session)
        remarks = warnings(session)
    if output == "json":
        print_json(rows)
    else:
        colour = uses_colour(common)
        print_result(render_status(rows, colour=colour, width=terminal_width(), remarks=remarks))


def warnings(session: Session) -> list[str]:
    """What the platform had against the stage file at the last look, such as a model about to
    retire."""
    return [f"{problem.place}: {problem.message}" for problem in session.problems]


def look(session: Session) -> list[Row]:
    """A row for each thing of the stage that can be up or down, as it is now."""
    from cicd.plan.match import Matcher

    desired = session.platform.complete(session.stage.resources)
    wishes = [wish for wish in desired if wish.key.kind in SHOWN]
    session.problems, live = session.platform.review(desired, session.platform.read(wishes))
    lists = {kind: [item for item in live if item.key.kind == kind] for kind in BOTH}
    runs = Runs(session, lists=lists.__getitem__)
    others = [wish for wish in wishes if wish.key.kind not in BOTH]
    matcher = Matcher(others, live, session.platform.kinds)
    now = datetime.now(UTC)
    rows = []
    for wish in wishes:
        found = runs.current(wish) if wish.key.kind in BOTH else matcher.take(wish)
        link = session.platform.link(found) if found else None
        rows.append(row(wish, found, link or "", now))
    return rows


def row(wish: Resource, live: LiveResource | None, link: str, now: datetime) -> Row:
    """All that is known of one thing; texts are empty where there is nothing live."""
    configuration = {"configuration": "", "configuration_name": ""}
    if live is None:
        nothing = {"id": "", "state": "", "age": "", "created_at": "", "url": "", "link": ""}
        empty = {"message": "", "notes": [], "facts": {}}
        return {"key": str(wish.key), "status": "missing", **nothing, **configuration, **empty}
    if wish.key.kind in {*BOTH, "schedule"}:
        configuration = {name: str(live.spec.get(name) or "") for name in configuration}
    is_well = live.status.state in {State.SUCCEEDED, State.RUNNING}
    return {
        "key": str(wish.key),
        "status": live.status.raw,
        "id": live.id,
        "state": live.status.state.value,
        "age": age(live.created_at, now),
        "created_at": live.created_at,
        "url": live.outputs.get("url", ""),
        "link": link,
        **configuration,
        "message": "" if is_well else live.status.message,
        "notes": list(live.notes),
        "facts": dict(live.facts),
    }


def show_changes(session: Session, common: Common, output: str) -> None:
    """Look again and again: a table redrawn in place on a terminal, else a line (of JSON) for each
    thing that moved. Ctrl-C ends it, and that is no failure."""
    try:
        if output == "text" and sys.stdout.isatty():
            redraw(session, uses_colour(common))
        else:
            print_moves(session, output)
    except KeyboardInterrupt:
        return


def looks(session: Session) -> Iterator[list[Row]]:
    """The rows, again and again: sooner while something is under way, later where looking is slow.

    A platform that cannot be reached for a moment is sat out.
    """
    while True:
        began = time.monotonic()
        rows = patiently(lambda: look(session))
        cost = time.monotonic() - began
        yield rows
        time.sleep(pause(rows, cost))


def pause(rows: Sequence[Row], cost: float) -> float:
    """Seconds of rest after a look that took ``cost`` seconds."""
    is_busy = any(row["state"] in UNDER_WAY for row in rows)
    is_busy = is_busy or any(
        row["state"] == State.RUNNING and row["key"].startswith("execution/") for row in rows
    )
    return max(BUSY if is_busy else CALM, SHARE * cost)


def print_moves(session: Session, output: str) -> None:
    """A line for everything that is there, then one for each thing that moved."""
    from json import dumps

    before: Mapping[str, Row] = {}
    for rows in looks(session):
        for row in moved(before, rows):
            print_result(dumps(row, ensure_ascii=False) if output == "json" else status_line(row))
        sys.stdout.flush()
        before = {row["key"]: row for row in rows}


def moved(before: Mapping[str, Row], rows: Sequence[Row]) -> list[Row]:
    """The rows that say something else than the last time; that time went by does not count."""

    def told(row: Row | None) -> Row:
        return {name: value for name, value in (row or {}).items() if name != "age"}

    return [row for row in rows if told(before.get(row["key"])) != told(row)]


def redraw(session: Session, colour: bool) -> None:
    """The table, redrawn in place."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        for rows in looks(session):
            remarks = warnings(session)
            text = render_status(rows, colour=colour, width=console.width, remarks=remarks)
            when = f"{datetime.now():%H:%M:%S} · Ctrl-C ends this"
            live.update(Text.from_ansi(f"{text}\n{when}", overflow="fold"), refresh=True)
