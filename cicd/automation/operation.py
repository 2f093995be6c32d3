"""Something that is done to a stage, as an iterator of events that anybody can end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from cicd.apply import events as change_events
from cicd.automation import events
from cicd.automation.events import Event
from cicd.automation.holder import Presence
from cicd.automation.lock import StageLock, open_lease
from cicd.automation.result import Result
from cicd.automation.session import Session
from cicd.automation.standing import Standing
from cicd.errors import CicdError, Refused
from cicd.model import LifecycleStatus, Outcome, Plan

Approve = Callable[[Plan], bool]
"""Asked with the plan before anything is changed; what is not true refuses it. It may raise."""
Work = Generator[Event, None, Result]
Locked = Callable[[StageLock], Work]
Tell = Callable[["Operation", Result | CicdError], Iterator[Event]]
"""Tells people what became of it, or why there was nothing."""


class _Stopped(BaseException):
    """Somebody has cancelled: goes through all that takes an exception for the end of one task."""


@dataclass(frozen=True)
class Settings:
    """How an operation goes on. ``approve``: who agrees to the plan; None where whoever calls has
    agreed to whatever it is. ``lock_timeout``: seconds to wait for the lock of the stage.
    ``workers``: calls at once. ``measures``: also tell what runs record while they go on.
    ``presence``: who does it, where that is not just this process."""

    approve: Approve | None = None
    lock_timeout: float = 0.0
    workers: int = 10
    measures: bool = False
    presence: Presence | None = None


class Operation(Iterator[Event]):
    """What is being done to a stage: its events, one by one, as it goes on.

    Nothing is done but while somebody reads on. ``result`` is there at the end, after the event
    ``Ended``. Without a stage that is open it opens and closes it itself. ``standing``: how far
    everything has come. ``has_begun``: whether it was agreed to. ``unsaid``: notes for which it was
    too late when it was closed.

    Raises while it is read: InvalidStage for a wrong stage file, Denied or another PlatformError
    where nobody can plan. What is refused ends in a Result.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        work: Callable[[Operation], Work],
        tell: Tell = lambda operation, came: iter(()),
    ) -> None:
        self.session = session
        self.settings = settings
        self.standing = Standing()
        self.plan: Plan | None = None
        self.has_begun = False
        self.result: Result | None = None
        self.unsaid: list[events.Noted] = []
        self.lifecycle: LifecycleStatus | None = None
        self._cancelled = threading.Event()
        self._tell = tell
        self._events = self._run(work)

    def __iter__(self) -> Operation:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def run(self, on_event: Callable[[Event], object] | None = None) -> Result:
        """Do all of it; ``on_event`` is given every event as it comes, in this thread."""
        try:
            for event in self:
                if on_event:
                    on_event(event)
        finally:
            self.close()
        assert self.result is not None
        return self.result

    def cancel(self) -> None:
        """Stop waiting, from any thread and at any time: within a second nothing more is begun,
        what was started goes on, and the operation ends with a Result that says so. The next apply
        adopts what goes on."""
        self._cancelled.set()

    def close(self) -> None:
        """The same for whoever reads the events and wants no more of them: nothing more is told."""
        self._events.close()

    def so_far(self) -> Result:
        """How everything stands, as what becomes of it when nobody goes on."""
        plan = self.plan
        outcomes = tuple(self.standing.outcomes(plan)) if plan else ()
        return self.ended(plan, outcomes, is_cancelled=True)

    def ended(
        self,
        plan: Plan | None,
        outcomes: tuple[Outcome, ...],
        *,
        is_cancelled: bool = False,
        remarks: tuple[str, ...] = (),
    ) -> Result:
        """The result of this operation."""
        name = plan.stage if plan else ""
        argument = self.session.stage_argument if plan else ""
        lifecycle = self.lifecycle or (plan.lifecycle if plan else None)
        return Result(name, plan, outcomes, None, is_cancelled, remarks, argument, lifecycle)

    def sleep(self, seconds: float) -> None:
        """Wait, unless it is cancelled."""
        if self._cancelled.wait(seconds):
            raise _Stopped

    def check(self) -> None:
        """Go on, unless it is cancelled."""
        if self._cancelled.is_set():
            raise _Stopped

    def _run(self, work: Callable[[Operation], Work]) -> Generator[Event, None, None]:
        try:
            with self.session.opened():
                self.check()
                try:
                    self.result = yield from work(self)
                except CicdError as error:
                    yield from self._tell(self, error)
                    raise
                yield events.Ended(self.result.summary, self.result)
                yield from self._say()
                yield from self._tell(self, self.result)
        except Refused as error:
            stage = getattr(self.session, "stage", None)
            self.result = Result(stage.name if stage else "", self.plan, refusal=error)
            yield events.Refused(error)
            yield events.Ended(self.result.summary, self.result)
        except _Stopped:
            self.result = self.so_far()
            yield events.Ended(self.result.summary, self.result)

    def _say(self) -> Iterator[Event]:
        while self.unsaid:
            yield self.unsaid.pop(0)


def locked(operation: Operation, command: str, work: Locked) -> Work:
    """Do ``work`` while the lock of the stage is held, as far as there can be one yet."""
    session, settings = operation.session, operation.settings
    presence = settings.presence
    lease = open_lease(session, command, operation.sleep, presence)
    stands = [presence.problem] if presence else []
    lock = StageLock(session, lease, settings.lock_timeout, *stands)
    try:
        yield from lock.take()
        result = yield from work(lock)
        if lost := lock.lost():
            yield events.Noted(f"somebody else may have changed the stage too: {lost}")
    finally:
        if problem := lock.give_back():  # it may be closed already: nothing can be told from here
            operation.unsaid.append(events.Noted(problem))
    return result


def agree(operation: Operation, plan: Plan) -> None:
    """Get consent to a plan where somebody has to be asked. Raises Refused without it."""
    approve = operation.settings.approve
    if approve and not approve(plan):
        raise Refused("nothing was done: consent was not given")


def execute(
    operation: Operation, plan: Plan, lock: StageLock, *, wait: bool
) -> Generator[Event, None, tuple[Outcome, ...]]:
    """Make a plan true, and tell what happens; what became of each change."""
    from cicd.apply import execute
    from cicd.apply.hold import Hold
    from cicd.automation.lifecycle import masked
    from cicd.automation.releasing import release_of

    session, settings = operation.session, operation.settings
    release = release_of(session, plan)
    hold = Hold(release.keys, release, release.tests) if release else None
    told = execute(
        plan,
        session.platform,
        workers=settings.workers,
        wait=wait,
        known={live.id for live in session.live},
        halted=lock.problem,
        measures=settings.measures and plan.has_changes,
        sleep=operation.sleep,
        checkpoint=operation.check,
        root=session.root,
        hold=hold,
    )
    try:
        return (yield from follow(operation, plan, told))
    finally:
        if release:
            release.close()
            operation.lifecycle = masked(release.status, session.mask)


def follow(
    operation: Operation, plan: Plan, told: Generator[change_events.Event, None, None]
) -> Generator[Event, None, tuple[Outcome, ...]]:
    """Tell the events of a plan that is made true, without secrets; all outcomes among them."""
    yield events.Executing(plan)
    outcomes: list[Outcome] = []
    try:
        for event in told:
            safe = hidden(event, operation.session)
            operation.standing.hear(safe)
            if isinstance(safe, Outcome):
                outcomes.append(safe)
            yield safe
    finally:
        told.close()
    yield events.Executed(plan, tuple(outcomes))
    return tuple(outcomes)


def hidden(event: change_events.Event, session: Session) -> change_events.Event:
    """The event without a secret in what a server or a program has said."""
    hide = session.mask.hide
    match event:
        case Outcome():
            log = tuple(session.hide(line) for line in event.log)
            return replace(event, error=hide(event.error), log=log)
        case change_events.LogLine(entry=entry):
            return replace(event, entry=replace(entry, text=hide(entry.text)))
        case change_events.Progress(status=status) if status.message:
            return replace(event, status=replace(status, message=hide(status.message)))
        case change_events.Answered(answer=answer):
            return replace(event, answer=hide(answer))
        case change_events.Warned(message=message):
            return replace(event, message=hide(message))
        case change_events.Reported(report=report):
            return replace(event, report=session.mask.hide_in(report))
    return event
