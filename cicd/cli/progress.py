"""What is seen while an apply runs: a live tree on a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from cicd.apply.events import Answered, Began, Draining, Event, LogLine, Progress, Warned
from cicd.cli.console import EventLog, shown
from cicd.cli.options import Common
from cicd.model import Action, Key, Outcome, Plan, Result
from cicd.render.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

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


def open_display(plan: Plan, common: Common) -> AbstractContextManager[Display]:
    """The display that fits where standard error goes."""
    is_terminal = sys.stderr.isatty() and common.colour and plan.has_changes
    if is_terminal and common.log_format == "text" and common.verbosity >= 0:
        return Tree(plan)
    return nullcontext(Lines(common))


class Lines:
    """One line an event: for CI logs, pipes and machines."""

    def __init__(self, common: Common) -> None:
        self._log = EventLog(common)
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
                self._log.write(printable(entry.text), key=str(key))
            case Answered(key=key, request=request, answer=answer):
                self._log.write(f"{request} -> {answer}", key=str(key))
            case Draining(key=key, seconds=seconds, id=id_):
                self._log.write(f"draining for {seconds:g} s", key=str(key), id=id_)
            case Warned(key=key, message=message):
                self._log.write(f"warning: {message}", key=str(key))
            case Outcome() as outcome if outcome.result is not Result.UNCHANGED:
                self._log.write(describe(outcome), key=str(outcome.key))


def describe(outcome: Outcome) -> str:
    """One line about how a change ended."""
    if outcome.result in {Result.SKIPPED, Result.DEFERRED} and outcome.error:
        return outcome.error  # it took no time, and says itself what became of it
    text = f"{outcome.result.value.replace('_', ' ')} after {outcome.seconds:.1f} s"
    return f"{text}: {outcome.error}" if outcome.error else text


def has_failed(outcome: Outcome) -> bool:
    """Whether a change ended other than wished."""
    return outcome.result in {Result.FAILED, Result.TIMED_OUT}


class Tree:
    """A live tree of what is being done; log lines scroll by above it."""

    def __init__(self, plan: Plan) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=sys.stderr, highlight=False)
        self._rows: dict[Key, tuple[str, str]] = {
            change.key: ("dim", "waiting")
            for change in plan.changes
            if change.action is not Action.NO_OP
        }
        self._title = f"{plan.stage} · {plan.platform}"
        self._live = Live(
            self._picture(), console=self._console, refresh_per_second=8, transient=True
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
                self._set(key, "cyan", DOING[action])
            case Progress(key=key, status=status):
                self._set(key, "cyan", f"{status.raw} {status.message}".strip())
            case LogLine(key=key, entry=entry):
                self._print(key, entry.text)
            case Answered(key=key, request=request, answer=answer):
                self._print(key, f"{request} -> {answer}")
            case Draining(key=key, seconds=seconds):
                self._set(key, "cyan", f"draining for {seconds:g} s")
            case Warned(key=key, message=message):
                self._print(key, f"warning: {message}")
            case Outcome() as outcome if outcome.key in self._rows or has_failed(outcome):
                self._rows.setdefault(outcome.key, ("red", ""))
                style = "red" if has_failed(outcome) else "green"
                self._set(outcome.key, style, describe(outcome))

    def _print(self, key: Key, text: str) -> None:
        from rich.text import Text

        line = Text.assemble((shown(f"{key} │ "), "dim"), printable(shown(text)))
        self._console.print(line, soft_wrap=True)

    def _set(self, key: Key, style: str, text: str) -> None:
        if key in self._rows:
            self._rows[key] = (style, printable(shown(text)))
            self._live.update(self._picture())

    def _picture(self) -> RenderableType:
        from rich.spinner import Spinner
        from rich.text import Text
        from rich.tree import Tree as RichTree

        tree = RichTree(Text(shown(self._title), style="bold"))
        for key, (style, text) in _visible(self._rows.items()):
            line = Text.assemble(
                shown(f"{key}  "), (text, style), no_wrap=True, overflow="ellipsis"
            )
            tree.add(Spinner("dots", line) if style == "cyan" else line)
        return tree


def _visible(
    rows: Iterable[tuple[Key, tuple[str, str]]], most: int = 20
) -> list[tuple[Key, tuple[str, str]]]:
    """What fits a screen: what is going on first, then what waits, then what is done."""
    order = {"cyan": 0, "red": 1, "dim": 2, "green": 3}
    listed = list(rows)
    if len(listed) <= most:
        return listed
    return sorted(listed, key=lambda row: order[row[1][0]])[:most]
