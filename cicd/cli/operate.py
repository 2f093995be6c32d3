"""Shows an operation while it goes on: its plan, who is waited for, what happens, what became of
it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from cicd.automation import events
from cicd.automation.events import Event
from cicd.automation.operation import Operation
from cicd.automation.result import Result
from cicd.cli.console import EventLog, confirms, is_interactive, print_result, uses_colour
from cicd.cli.notified import write_notified
from cicd.cli.options import Common
from cicd.cli.plan import print_plan
from cicd.cli.progress import Display, open_display
from cicd.cli.signals import terminable
from cicd.errors import Interrupted, Refused
from cicd.model import Plan
from cicd.model import Result as Ending
from cicd.render.text import render_outcomes

if TYPE_CHECKING:
    from cicd.apply.events import Event as ChangeEvent

GOES_ON = "what was started goes on; give the same command again to follow it to the end"
Record = Callable[[Mapping[str, Any]], None]


def operate(
    operation: Operation,
    common: Common,
    *,
    title: str = "apply",
    hint: str = GOES_ON,
    show_plan: Callable[[Plan, Common], None] = print_plan,
    record: Record = lambda summary: None,
    is_terminable: bool = True,
) -> int:
    """Do it and show it; the exit code.

    ``record`` gets the summary, also of what was cut short. ``is_terminable``: SIGTERM ends it as
    Ctrl-C does. Raises Refused, and Interrupted with the hint, when it has printed how everything
    stands.
    """
    screen = _Screen(operation, common, title, show_plan, record)
    with terminable() if is_terminable else nullcontext():
        try:
            for event in operation:
                screen.show(event)
        except KeyboardInterrupt:
            # Whoever interrupts has to know what still goes on, and costs money.
            was_executing = screen.tell_standing()
            if operation.has_begun:
                record(operation.so_far().summary)
            if was_executing:
                raise Interrupted(hint) from None
            raise
        finally:
            operation.close()
            screen.close()
    assert operation.result is not None
    return operation.result.exit_code


class _Screen:
    """What is seen of an operation."""

    def __init__(
        self,
        operation: Operation,
        common: Common,
        title: str,
        show_plan: Callable[[Plan, Common], None],
        record: Record,
    ) -> None:
        self._operation = operation
        self._common = common
        self._title = title
        self._show_plan = show_plan
        self._record = record
        self._log = EventLog(common)
        self._plan: Plan | None = None
        self._stack = ExitStack()
        self._display: Display | None = None

    def show(self, event: Event) -> None:
        match event:
            case events.Planned(plan=plan):
                self._show_plan(plan, self._common)
            case events.Waiting(holder=holder, seconds=seconds):
                from cicd.render.lock import render_holder

                told = render_holder(holder)
                self._log.write(f"waiting up to {seconds:g} s for the lock: {told}")
            case events.Noted(message=message):
                self._log.write(f"warning: {message}")
            case events.Notified():
                write_notified(self._log, event)
            case events.Executing(plan=plan):
                self._log.group(f"{self._title} {plan.stage}")
                self._plan = plan
                self._display = self._stack.enter_context(open_display(plan, self._common))
            case events.Executed():
                self._stop_display()
                self._end_group()
            case events.Refused(error=error):
                raise error
            case events.Ended(result=result):
                print_outcomes(self._operation, result, self._common)
                self._record(result.summary)
            case _:
                self._show_change(event)

    def tell_standing(self) -> bool:
        """Print how far the plan has come that is being made true; False where none is."""
        self._stop_display()
        if not self._plan:
            return False
        outcomes = self._operation.standing.outcomes(self._plan)
        print_result(render_outcomes(outcomes, colour=uses_colour(self._common)))
        return True

    def close(self) -> None:
        """Say what it was too late for while it went on."""
        self._stop_display()
        self._end_group()
        for note in self._operation.unsaid:
            self.show(note)

    def _show_change(self, event: ChangeEvent) -> None:
        assert self._display
        self._display.show(event)

    def _stop_display(self) -> None:
        self._stack.close()
        self._display = None

    def _end_group(self) -> None:
        if self._plan:
            self._plan = None
            self._log.end_group()


def print_outcomes(operation: Operation, result: Result, common: Common) -> None:
    """What became of a plan, where there was something to do."""
    plan = result.plan
    if plan is None or not (plan.has_changes or result.exit_code):
        return
    # the plan has named what a destroy leaves alone, and some of it has gone with its group
    shown = [
        outcome
        for outcome in result.outcomes
        if not plan.is_destroy or outcome.result is not Ending.UNCHANGED
    ]
    more = operation.session.explain_command
    print_result(render_outcomes(shown, colour=uses_colour(common), more=more))
    if not result.exit_code:
        for remark in result.remarks:
            print_result(remark)


def ask(question: str, *, hint: str = "add --yes, or apply a saved --plan") -> bool:
    """Whether a person agrees. Raises Refused where nobody is there."""
    if not is_interactive():
        raise Refused("nobody is there to say yes", hint=hint)
    return confirms(question)
