"""What is seen while an apply runs: a live tree on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from cicd.apply.events import (
    Advanced,
    Answered,
    Began,
    Draining,
    Event,
    Fetched,
    LogLine,
    Measured,
    Moved,
    Progress,
    Reported,
    RollingBack,
    Warned,
)
from cicd.cli.console import EventLog, fitted, shown
from cicd.cli.options import Common
from cicd.model import Action, Key, Outcome, Plan, Result, State
from cicd.render.progress import Row, Stand, counted, draw
from cicd.words import count, log_line, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

QUEUED = frozenset({State.PENDING, State.UNKNOWN})
STYLES = {"doing": "cyan", "failed": "red", "waiting": "dim", "done": "green"}
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
INDENT = 6
"""Cells that the branches of the tree and their signs take."""
SPARE = 4
"""Lines of the screen that are left for the log above the tree, and for its title."""
MOST_FILES = 20
"""Files that are told one by one where many were fetched."""
DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.REPLACE: "replacing",
    Action.RUN: "running",
    Action.DELETE: "deleting",
    Action.NO_OP: "unchanged",
}


class Display(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None: ...


def can_draw(common: Common) -> bool:
    """Whether there is a terminal that can move its cursor, and that wants it."""
    can_move = sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
    return can_move and common.colour and common.log_format == "text" and common.verbosity >= 0


def rows_of(plan: Plan) -> dict[Key, Row]:
    """A row for each change, with what it waits for."""
    from cicd.apply.order import needs_of

    needs = needs_of(plan.changes)
    return {
        change.key: Row(
            change.key,
            timeout=change.desired.options.timeout if change.desired else None,
            needs=frozenset(plan.changes[n].key for n in needs.get(position, ())),
        )
        for position, change in enumerate(plan.changes)
        if change.action is not Action.NO_OP
    }


def open_display(plan: Plan, common: Common) -> AbstractContextManager[Display]:
    """The display that fits where standard error goes."""
    if can_draw(common) and plan.has_changes:  # else there is nothing to show in a tree
        return Tree(plan)
    return nullcontext(Lines(common))


class Lines:
    """One line an event: for CI logs, pipes and machines."""

    def __init__(self, common: Common) -> None:
        self._log = EventLog(common)
        self._is_json = common.log_format == "json"
        self._last: dict[Key, tuple[str, str]] = {}

    def show(self, event: Event) -> None:
        match event:
            case Began(key=key, action=action, id=id_):
                self._log.write(DOING[action], key=str(key), id=id_)
            case Progress(key=key, status=status):
                said = (status.raw, status.message)
                if status.raw and self._last.get(key) != said:
                    self._last[key] = said
                    self._log.write(status.raw, key=str(key), message=status.message)
            case LogLine(key=key, entry=entry):
                self._log.write(log_line(entry.text), key=str(key))
            case Advanced(key=key, counts=counts):
                self._log.write(counted(counts), key=str(key))
            case Answered(key=key, request=request, answer=answer):
                self._log.write(f"{request} -> {answer}", key=str(key))
            case Draining(key=key, seconds=seconds, id=id_):
                self._log.write(f"draining for {seconds:g} s", key=str(key), id=id_)
            case RollingBack(key=key, id=id_):
                self._log.write(rolling_back(event), key=str(key), id=id_)
            case Moved(key=key):
                self._log.write(moved(event), key=str(key))
            case Fetched(key=key):
                for line in fetched(event):
                    self._log.write(line, key=str(key))
            case Reported(key=key, name=name, report=report) if self._is_json:
                self._log.write(name, key=str(key), **report)
            case Warned(key=key, message=message):
                self._log.write(f"warning: {message}", key=str(key))
            case Outcome() as outcome if outcome.result is not Result.UNCHANGED:
                self._log.write(describe(outcome), key=str(outcome.key))


def rolling_back(event: RollingBack) -> str:
    """One line that an update is being taken back."""
    instead = f" (from {event.before})" if event.before else ""
    return f"it did not work out: rolls back to {event.to}{instead}"


def moved(event: Moved) -> str:
    """How far its files have come."""
    return f"{event.done * 100 // event.total} % of {event.total:,} bytes"


def fetched(event: Fetched) -> list[str]:
    """What was fetched, and a line for each of its files."""
    total = sum(size for _, size, _ in event.files)
    head = (
        f"{event.output} is in {event.folder}: {count(len(event.files), 'file')}, {total:,} bytes"
    )
    lines = [
        f"  {printable(name)}  {size:,} bytes  sha256 {digest}"
        for name, size, digest in event.files
    ]
    most = lines[:MOST_FILES]
    more = [f"  and {len(lines) - len(most)} more"] if len(lines) > len(most) else []
    return [head, *most, *more]


def describe(outcome: Outcome) -> str:
    """One line about how a change ended."""
    if outcome.result in {Result.SKIPPED, Result.DEFERRED} and outcome.error:
        return outcome.error  # it took no time, and says itself what became of it
    text = f"{outcome.word} after {outcome.seconds:.1f} s"
    return f"{text}: {outcome.error}" if outcome.error else text


def has_failed(outcome: Outcome) -> bool:
    """Whether a change ended other than wished."""
    return outcome.result in {Result.FAILED, Result.TIMED_OUT}


class Tree:
    """A live tree of what is being done; log lines scroll by above it."""

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=sys.stderr, highlight=False)
        self._clock = clock
        self._rows = rows_of(plan)
        self._title = f"{plan.stage} · {plan.platform}"
        # drawn by a thread of its own: time goes by without events
        self._live = Live(
            get_renderable=self._picture,
            console=self._console,
            refresh_per_second=8,
            transient=True,
        )

    def __enter__(self) -> Tree:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, event: Event) -> None:
        match event:
            case Began(key=key, action=action):
                self._set(key, "doing", DOING[action])
            case Progress(key=key, status=status):
                self._set(key, "doing", status.raw, status.message)
                if row := self._rows.get(key):
                    row.is_pending = status.state in QUEUED
            case LogLine(key=key, entry=entry):
                self._print(key, log_line(entry.text))
            case Measured(key=key, point=point):
                if row := self._rows.get(key):
                    row.point = point
            case Advanced(key=key, counts=counts):
                if row := self._rows.get(key):
                    row.counts = counts
            case Answered(key=key, request=request, answer=answer):
                self._print(key, f"{request} -> {answer}")
            case Draining(key=key, seconds=seconds):
                self._set(key, "doing", f"draining for {seconds:g} s")
            case RollingBack(key=key):
                self._print(key, rolling_back(event))
                self._set(key, "doing", "rolling back")
            case Moved(key=key):
                self._set(key, "doing", moved(event))
            case Fetched(key=key):
                for line in fetched(event):
                    self._print(key, line)
            case Warned(key=key, message=message):
                self._print(key, f"warning: {message}")
            case Outcome() as outcome if outcome.key in self._rows or has_failed(outcome):
                if outcome.key not in self._rows:
                    self._rows = {**self._rows, outcome.key: Row(outcome.key)}
                stand: Stand = "failed" if has_failed(outcome) else "done"
                self._set(outcome.key, stand, describe(outcome))

    def _print(self, key: Key, text: str) -> None:
        from rich.text import Text

        prefix = shown(f"{key} │ ")
        line = Text(fitted(f"{key} │ {text}", self._console.width))
        line.stylize("dim", 0, len(prefix))
        self._console.print(line, soft_wrap=True)

    def _set(self, key: Key, stand: Stand, text: str, message: str = "") -> None:
        if row := self._rows.get(key):
            row.stand, row.text, row.message = stand, shown(text), shown(message)
            if row.began is None and stand == "doing":
                row.began = self._clock()

    def _picture(self) -> RenderableType:
        from rich.text import Text
        from rich.tree import Tree as RichTree

        tree = RichTree(Text(shown(self._title), style="bold", no_wrap=True, overflow="ellipsis"))
        room = max(5, self._console.height - SPARE)
        width = self._console.width - INDENT
        now = self._clock()
        for line in draw([*self._rows.values()], now, width=width, most=room):
            name = shown(line.name)
            sign = FRAMES[int(now * 10) % len(FRAMES)] if line.stand == "doing" else " "
            named = f"{sign} {name}  " if name else ""
            text = Text.assemble(named, (line.text, STYLES[line.stand]))
            text.no_wrap, text.overflow = True, "ellipsis"
            tree.add(text)
        return tree
