"""``cicd status``: what of a stage is there now, once or as it moves."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from cicd.automation.claims import tell_strangers
from cicd.automation.ends import learn_end
from cicd.automation.git import every_stage, find_root
from cicd.automation.runs import BOTH, Runs
from cicd.automation.session import Session, open_session
from cicd.cli.completion import complete_stage
from cicd.cli.console import (
    print_error,
    print_json,
    print_result,
    shown,
    terminal_width,
    uses_colour,
)
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.errors import CicdError, Usage
from cicd.logs import patiently
from cicd.model import Key, LiveResource, Resource, Stage, State, Track, identity
from cicd.render.metrics import last_values
from cicd.render.moments import age
from cicd.render.status import render_status, status_line

Row = dict[str, Any]
Unread = tuple[str, CicdError]
"""The name of a stage that could not be looked at, and why."""

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


@click.command(
    "status",
    epilog=examples("cicd status dev", "cicd status --all -o json", "cicd status dev --watch"),
)
@click.argument("stages", nargs=-1, metavar="[STAGE]...", shell_complete=complete_stage)
@common_options()
@click.option(
    "--all", "is_all", is_flag=True, help="Every stage of the project, or of all projects below."
)
@click.option("--watch", is_flag=True, help="Go on and show what moves, until Ctrl-C.")
@output_option("text", "json")
def command(stages: tuple[str, ...], common: Common, is_all: bool, watch: bool, output: str) -> int:
    """Show what runs now.

    Of several stages one that cannot be looked at is told, and ends the command with its code when
    all others have been shown.
    """
    names = chosen_stages(stages, is_all=is_all)
    with ExitStack() as stack:
        sessions, unread = open_all(names, common, stack)
        failures = [error for _, error in unread]
        if not watch:
            failures += show_once(sessions, unread, common, output, is_alone=len(names) == 1)
        # what all stages lack, such as the login, is told once
        failures = [*{str(failure): failure for failure in failures}.values()]
        goes_on = watch and bool(sessions)
        for failure in failures if goes_on else failures[:-1]:
            print_error(failure, is_json=common.log_format == "json")
        if goes_on:
            show_changes(sessions, common, output)
        elif failures:
            raise failures[-1]
    return failures[-1].exit_code if failures else 0


def chosen_stages(stages: Sequence[str], *, is_all: bool) -> list[str | None]:
    """The stages that are meant; None for the one whose branch is checked out. Raises Usage."""
    if not is_all:
        return list(dict.fromkeys(stages)) or [None]
    if stages:
        raise Usage("--all is every stage", hint="leave out --all, or the names")
    here = find_root(Path.cwd())
    found = every_stage(here)
    if not found:
        raise Usage("the project has no stage", hint="cicd init writes some")
    return [str(here / file) for file in found]


def open_all(
    names: Sequence[str | None], common: Common, stack: ExitStack
) -> tuple[list[Session], list[Unread]]:
    """A session of each stage, and those that cannot be had."""
    sessions: list[Session] = []
    failures: list[Unread] = []
    for name in names:
        try:
            opened = open_session(name, common, needs_secrets=False)
            sessions.append(stack.enter_context(opened))
        except CicdError as error:
            failures.append((Path(name).stem if name else "", error))
    return sessions, failures


def show_once(
    sessions: Sequence[Session],
    unread: Sequence[Unread],
    common: Common,
    output: str,
    *,
    is_alone: bool,
) -> list[CicdError]:
    """One look at each stage, told; the errors of those that could not be looked at. As JSON these
    have a row each, and those that were ``unread`` before."""
    failures: list[CicdError] = []
    untold = [unread_row(stage, error) for stage, error in unread]
    found: list[tuple[Session, list[Row]]] = []
    for session in sessions:
        try:
            found.append((session, look(session)))
        except CicdError as error:
            untold.append(unread_row(session.stage.name, error) | whose(session.stage))
            failures.append(about(session, error, is_alone=is_alone))
    if output == "json":
        print_json([*(row for _, rows in found for row in rows), *untold])
        return failures
    colour, width = uses_colour(common), terminal_width()
    texts = [
        table_of(session, rows, colour=colour, width=width, is_alone=is_alone)
        for session, rows in found
    ]
    if texts:
        print_result("\n\n".join(texts))
    return failures


def unread_row(stage: str, error: CicdError) -> Row:
    """In place of the rows of a stage that could not be looked at: why not."""
    nothing = dict.fromkeys(("id", "state", "age", "created_at", "url", "link"), "")
    named = {"stage": stage, "key": "", "status": "unreadable", **nothing}
    configuration = {"configuration": "", "configuration_name": ""}
    return {**named, **configuration, "message": str(error), "notes": [], "facts": {}}


def about(session: Session, error: CicdError, *, is_alone: bool) -> CicdError:
    """The error, and of which stage it is where there are several."""
    if not is_alone and error.message:
        error.message = f"{session.stage.identity}: {error.message}"
    return error


def table_of(
    session: Session, rows: Sequence[Row], *, colour: bool, width: int | None, is_alone: bool
) -> str:
    """One stage as text, under its name where there are several."""
    place = session.stage.target.get("resource_group", "")
    title = "" if is_alone else " · ".join(filter(None, ["stage " + session.stage.identity, place]))
    return render_status(
        rows,
        colour=colour,
        width=width,
        remarks=warnings(session),
        hints=tell_strangers(session),
        title=title,
    )


def warnings(session: Session) -> list[str]:
    """What the platform had against the stage file at the last look, such as a model about to
    retire."""
    return [f"{problem.place}: {problem.message}" for problem in session.problems]


def look(session: Session) -> list[Row]:
    """A row for each thing of the stage that can be up or down, as it is now."""
    from cicd.plan.awaited import awaited
    from cicd.plan.drift import explain, strayed
    from cicd.plan.match import Matcher
    from cicd.plan.versions import behind_runs

    desired = session.platform.complete(session.stage.resources)
    wishes = [wish for wish in desired if wish.key.kind in SHOWN]
    needed = {wish.key for wish in [*wishes, *behind_runs(desired, session.platform.kinds)]}
    wanted = [wish for wish in desired if wish.key in needed]
    session.problems, live = session.platform.review(desired, session.platform.read(wanted))
    session.live = live
    lists = {kind: [item for item in live if item.key.kind == kind] for kind in BOTH}
    runs = Runs(session, lists=lists.__getitem__, live=live)
    others = [wish for wish in wishes if wish.key.kind not in BOTH]
    matcher = Matcher(others, live, session.platform.kinds)
    now = datetime.now(UTC)
    rows = []
    there = {w.key: runs.current(w) if w.key.kind in BOTH else matcher.take(w) for w in wishes}
    unmet = missed_gates(session, there)
    waits = awaited(desired, there, session.platform.kinds)
    for wish in wishes:
        found = there[wish.key]
        link = session.platform.link(found) if found else None
        one = {**whose(session.stage), **row(wish, found, link or "", now)}
        if found:
            one |= trouble(session, wish.key, found, unmet.get(wish.key, []))
            changes = strayed(found, wish, session.platform.kinds[wish.key.kind])
            notes = [f"{explain(changes)}; apply puts it back"] if changes else []
            one["notes"] = [*notes, *inputs_note(runs, wish), *one["notes"]]
        if need := waits.get(wish.key):
            one["notes"] = [*one["notes"], f"waits for {need}: the apply after that goes on"]
        rows.append(one)
    return rows


def whose(stage: Stage) -> Row:
    """The stage of a row, and its project where that is not the top of the repository."""
    return {"stage": stage.name, **({"project": stage.project} if stage.project else {})}


def named(row: Row) -> str:
    """What the stage of a row is called among others."""
    return identity(row.get("project", ""), row["stage"])


def trouble(session: Session, key: Key, live: LiveResource, unmet: Sequence[str]) -> Row:
    """What is wrong with a thing, and the command that tells more; nothing where it is well."""
    more = {"more": session.explain_command(key)}
    if end := learn_end(session, live):
        message = {"message": end.message} if end.message else {}
        return {**message, "log": list(end.log), **more}
    if unmet:
        return {"message": f"its gate is not met: {'; '.join(unmet)}", "unmet": [*unmet], **more}
    return {}


def inputs_note(runs: Runs, wish: Resource) -> list[str]:
    """Where a run is not the newest of its key, or does not have what the stage asks for now."""
    if newer := runs.newer(wish):
        return [f"a newer run with other inputs: {newer.id}"]
    if runs.is_outdated(wish):
        return ["it ran with other inputs than the stage asks for now: cicd plan tells which"]
    return []


def missed_gates(
    session: Session, there: Mapping[Key, LiveResource | None]
) -> dict[Key, list[str]]:
    """Key -> the bounds that the run there does not keep, though it did what it was to do."""
    from cicd.apply.verify import unmet_gates

    gates = {wish.key: wish.options.require for wish in session.stage.resources}
    gated = {
        key: live
        for key, live in there.items()
        if live and live.status.state is State.SUCCEEDED and gates.get(key)
    }
    tracks = session.platform.track([*gated.values()]) if gated else {}
    found = {
        key: unmet_gates(gates[key], last_values(tracks.get(live.id, Track())))
        for key, live in gated.items()
    }
    return {key: texts for key, texts in found.items() if texts}


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


def show_changes(sessions: Sequence[Session], common: Common, output: str) -> None:
    """Look again and again: a table redrawn in place on a terminal, else a line (of JSON) for each
    thing that moved. Ctrl-C ends it, and that is no failure."""
    try:
        if output == "text" and sys.stdout.isatty():
            redraw(sessions, uses_colour(common))
        else:
            print_moves(sessions, output)
    except KeyboardInterrupt:
        return


def looks(sessions: Sequence[Session]) -> Iterator[list[list[Row]]]:
    """The rows of each stage, again and again: sooner while something is under way, later where
    looking is slow.

    A platform that cannot be reached for a moment is sat out.
    """
    while True:
        began = time.monotonic()
        found = [patiently(partial(look, session)) for session in sessions]
        cost = time.monotonic() - began
        yield found
        time.sleep(pause([row for rows in found for row in rows], cost))


def pause(rows: Sequence[Row], cost: float) -> float:
    """Seconds of rest after a look that took ``cost`` seconds."""
    is_busy = any(row["state"] in UNDER_WAY for row in rows)
    is_busy = is_busy or any(
        row["state"] == State.RUNNING and row["key"].startswith("execution/") for row in rows
    )
    return max(BUSY if is_busy else CALM, SHARE * cost)


def print_moves(sessions: Sequence[Session], output: str) -> None:
    """A line for everything that is there, then one for each thing that moved."""
    before: Mapping[tuple[str, str], Row] = {}
    for found in looks(sessions):
        rows = {(named(row), row["key"]): row for rows in found for row in rows}
        for row in moved(before, rows):
            prefix = f"{named(row)}: " if len(sessions) > 1 else ""
            if output == "json":
                print_json(row, indent=None)
            else:
                print_result(prefix + status_line(row))
        sys.stdout.flush()
        before = rows


def moved(before: Mapping[tuple[str, str], Row], rows: Mapping[tuple[str, str], Row]) -> list[Row]:
    """The rows that say something else than the last time; that time went by does not count."""

    def told(row: Row | None) -> Row:
        return {name: value for name, value in (row or {}).items() if name != "age"}

    return [row for name, row in rows.items() if told(before.get(name)) != told(row)]


def redraw(sessions: Sequence[Session], colour: bool) -> None:
    """The tables, redrawn in place."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    is_alone = len(sessions) == 1
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        for found in looks(sessions):
            texts = [
                table_of(session, rows, colour=colour, width=console.width, is_alone=is_alone)
                for session, rows in zip(sessions, found, strict=True)
            ]
            texts.append(f"{datetime.now():%H:%M:%S} · Ctrl-C ends this")
            between = "\n" if is_alone else "\n\n"
            picture = shown(between.join(texts), has_colour=True)
            live.update(Text.from_ansi(picture, overflow="fold"), refresh=True)
