"""``cicd status``: what of a stage is there now, once or as it moves."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import click

from cicd.automation.claims import tell_unclaimed
from cicd.automation.session import Session
from cicd.automation.status import (
    Row,
    look,
    looks,
    moved,
    named,
    unread_row,
    whose,
)
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
from cicd.cli.project import open_session, project_here
from cicd.errors import CicdError, Usage
from cicd.model import place_of
from cicd.render.status import render_status, status_line

Unread = tuple[str, CicdError]
"""The name of a stage that could not be looked at, and why."""


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
    project = project_here()
    found = project.stages
    if not found:
        raise Usage("the project has no stage", hint="cicd init writes some")
    return [str(project.root / file) for file in found]


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


def about(session: Session, error: CicdError, *, is_alone: bool) -> CicdError:
    """The error, and of which stage it is where there are several."""
    if not is_alone and error.message:
        error.message = f"{session.stage.identity}: {error.message}"
    return error


def table_of(
    session: Session, rows: Sequence[Row], *, colour: bool, width: int | None, is_alone: bool
) -> str:
    """One stage as text, under its name where there are several."""
    place = place_of(session.stage.target)
    title = "" if is_alone else " · ".join(filter(None, ["stage " + session.stage.identity, place]))
    return render_status(
        rows,
        colour=colour,
        width=width,
        remarks=warnings(session),
        hints=tell_unclaimed(session),
        title=title,
    )


def warnings(session: Session) -> list[str]:
    """What the platform had against the stage file at the last look, such as a model about to
    retire."""
    return [f"{problem.place}: {problem.message}" for problem in session.problems]


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
