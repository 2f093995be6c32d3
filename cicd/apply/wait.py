"""Waiting for a status, with the log lines that come meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cicd.apply.events import LogLine, Warned
from cicd.apply.job import LAST_LINES, Job, ask, fetch, see
from cicd.apply.measure import advance, measure
from cicd.apply.resolve import Difference, differences
from cicd.apply.tasks import Pause, Task, read
from cicd.errors import CicdError, ConnectionFailed, PlatformError, TimedOut
from cicd.logs import NOT_BEGUN, LogPosition, Pace, has_more, is_transient, read_page
from cicd.model import Kind, LiveResource, State, Status
from cicd.platforms.base import LogPage

EARLY_LOG = 2.0  # seconds until the first look at the log of what has not begun, and between two
LATE_LINES = 2.0  # seconds that the last lines of a failure may be behind its status
END_OF_LOG = 5.0  # seconds for the end of a log that need not end: what ran before may still serve


class Overtaken(CicdError):
    """Somebody else has changed it meanwhile: what it is now is not ours to judge or to undo."""


class Passing(CicdError):
    """The platform itself has failed at it: the same again may do."""


@dataclass(frozen=True)
class Goal:
    """What a wait is for.

    ``word``: the platform's own word for the wanted status; None: any but a failed one; empty: only
    success. ``spec``: what must read back so in ``fields``. ``before``: what these were, and may
    still be or be again; any third value is somebody else's. ``outputs``: what must be there.
    ``stale``: a failed status from before, which may still show for a moment.
    """

    word: str | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    before: Mapping[str, Any] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()
    stale: Status | None = None


@dataclass(frozen=True)
class View:
    """How a live resource stands against a goal."""

    is_reached: bool
    rolled_back: tuple[Difference, ...] = ()
    overtaken: str = ""
    lacks_outputs: bool = False

    @property
    def is_ready(self) -> bool:
        return self.is_reached and not (self.rolled_back or self.lacks_outputs)


def view(goal: Goal, live: LiveResource, kind: Kind) -> View:
    """Pure: where a live resource stands. An unknown status never counts as reached."""
    found = differences(kind, goal.spec, live.spec, goal.fields)
    return View(
        is_reached=is_reached(live.status, goal.word),
        rolled_back=found,
        overtaken=overtaken(found, goal.before),
        lacks_outputs=not goal.outputs <= live.outputs.keys(),
    )


def overtaken(found: Iterable[Difference], before: Mapping[str, Any]) -> str:
    """Pure: that somebody else has changed what is neither as asked nor as before; else empty.

    An empty value is not yet known rather than changed.
    """
    foreign = [item for item in found if item.found and item.found != before.get(item.field)]
    changes = ", ".join(f"{item.field} {item.found}" for item in foreign)
    return f"was changed by someone else to {changes}" if changes else ""


def is_reached(status: Status, word: str | None) -> bool:
    """Whether a status is the wanted one, or the success that comes after it."""
    if word is None:
        return not status.has_failed
    return status.state is State.SUCCEEDED or (
        status.raw.lower() == word.lower() and status.state is not State.UNKNOWN
    )


def wait_for(job: Job, live: LiveResource, goal: Goal, *, after: float = 0.0) -> Task[LiveResource]:
    """The resource once it is as wanted; its log lines are told on the way, the last ones before
    the status that it ended with. The first look is ``after`` so many seconds.

    Raises CicdError when it ended otherwise or is not what was asked for, TimedOut after the
    timeout of its options.
    """
    clock = job.shared.clock
    deadline = clock() + job.options.timeout
    pause, status = job.polling.first, live.status
    unsettled_since: float | None = None
    settle = job.kind.settle or job.polling.settle
    paces = Paces(job, clock())
    while True:
        live = yield from fetch(job, live, deadline, after=after)
        is_stale = live.status.has_failed and live.status == goal.stale
        has_ended = live.status.has_ended and not is_stale
        if not has_ended:
            live = yield from see(job, live)
        page = NOT_READ
        seen = view(goal, live, job.kind)
        # The log of a service has no end. One that is up already, and whose log nobody had to read
        # so far, can go without.
        if has_ended or (paces.is_due(live, clock()) and not (seen.is_ready and paces.is_silent)):
            begun = clock()
            page = yield from read_log(job)
            paces.read(page, begun, clock())
        if has_ended:
            if live.status.has_failed or not page.is_end:
                yield from _tell_rest(job, live)
            live = yield from see(job, live)
        yield from measure(job, live)
        yield from advance(job, live)
        if seen.is_ready:
            for note in live.notes if job.kind.is_run else ():
                yield Warned(job.key, note)
            return live
        if not is_stale:
            _check_alive(job, live, seen)
        # Platforms write the parts of an answer at different moments. Only what still contradicts
        # itself after a while is taken at its word.
        if _contradicts_itself(seen, live, is_stale=is_stale):
            unsettled_since = clock() if unsettled_since is None else unsettled_since
            if clock() - unsettled_since >= settle:
                return (yield from _unsettled(job, live, seen))
        else:
            unsettled_since = None
        if clock() >= deadline:
            raise _late(job, live, seen)
        # After news there is mostly more of it soon; where nothing happens the looks get rarer.
        has_news = page.has_lines or live.status != status
        pause, status = (job.polling.first if has_news else job.polling.slower(pause)), live.status
        settled = float("inf") if unsettled_since is None else unsettled_since + settle
        due = min(settled, paces.next_of(live), job.next_report)
        until = min(clock() + pause, deadline, due)
        after = 0.0 if page.has_more else max(0.0, until - clock())


def _check_alive(job: Job, live: LiveResource, seen: View) -> None:
    """Raises CicdError for what is not, and never will be, as wanted, and ConnectionFailed for what
    nobody can tell of for as long as a platform may be out of reach."""
    if not job.kind.unknown or live.status.raw != job.kind.unknown:
        job.unknown_since = None
    elif job.unknown_since is None:
        job.unknown_since = job.shared.clock()
    elif job.shared.clock() - job.unknown_since >= job.polling.patience:
        hint = "it may go on; apply again to follow it, or run it anew with --rerun"
        raise ConnectionFailed(f"is {_words(live.status)}", hint=hint)
    # A stage may wait for STOPPED, which is an end that nobody wished for everywhere else.
    if live.status.has_failed and not seen.is_reached:
        raise _failure(seen, f"ended as {_words(live.status)}")
    # What cannot be stopped has one reason to go down.
    if live.status.state is State.STOPPING and not job.kind.stoppable:
        raise CicdError(f"is {_words(live.status)}: somebody is deleting it")


class Paces:
    """When to look at a log. That of a run is there once it has begun. A service that comes up
    quickly needs none, and one that does not may write why long before it is up. ``is_silent``: a
    service whose log nobody had to read so far."""

    def __init__(self, job: Job, began: float) -> None:
        self._is_run = job.kind.is_run
        self._pace = Pace(began, job.kind.log_pause or job.polling.longest)
        self.is_silent = not self._is_run
        self._next = 0.0 if self._is_run else began + EARLY_LOG

    def is_due(self, live: LiveResource, now: float) -> bool:
        """Whether it is time to read what this has written."""
        has_begun = live.status.state not in NOT_BEGUN or not self._is_run
        return has_begun and now >= self._next

    def next_of(self, live: LiveResource) -> float:
        """When this is to be read again."""
        return self._next if live.status.state not in NOT_BEGUN else float("inf")

    def read(self, page: LogRead, begun: float, told: float) -> None:
        """After this was read: those that write nothing are read less often."""
        self.is_silent = False
        due = self._pace.next(begun, told, has_lines=page.has_lines)
        self._next = told if page.has_more else due


def _contradicts_itself(seen: View, live: LiveResource, *, is_stale: bool) -> bool:
    """The status says done and the rest does not: either it settles soon, or it never will."""
    if is_stale or seen.overtaken:
        return True
    lacks = seen.lacks_outputs and live.status.has_ended
    return seen.is_reached and bool(seen.rolled_back or lacks)


def _unsettled(job: Job, live: LiveResource, seen: View) -> Task[LiveResource]:
    """The end of a wait that can go nowhere; missing outputs are for their readers to report."""
    yield from _tell_rest(job, live)
    if not seen.is_reached or seen.overtaken:
        raise _failure(seen, f"ended as {_words(live.status)}")
    if seen.rolled_back:
        told = "; ".join(map(str, seen.rolled_back))
        reason = live.status.message.rstrip(".")
        why = f": {reason}" if reason else ""
        text = f"is {live.status.raw}, but {told}: the platform went back by itself{why}"
        raise (Passing if live.status.is_passing else CicdError)(text)
    return live


def _failure(seen: View, text: str) -> CicdError:
    """The error for a bad end, which is about somebody else's change where there was one."""
    return Overtaken(seen.overtaken) if seen.overtaken else CicdError(text)


def _late(job: Job, live: LiveResource, seen: View) -> CicdError:
    """The error for what is not as wanted when its time is over."""
    if seen.overtaken:
        return Overtaken(seen.overtaken)
    text = f"still {_words(live.status)} after {job.options.timeout:g} s"
    told = "; ".join(map(str, seen.rolled_back))
    text = f"{text}, and {told}" if seen.is_reached and told else text
    return TimedOut(text, hint="it goes on; apply again to follow it")


def _words(status: Status) -> str:
    return f"{status.raw}: {status.message}" if status.message else status.raw


def open_log(job: Job, live: LiveResource, *, since: int | None = None) -> None:
    """Follow the log of this resource from now on, if its kind has one."""
    job.log = LogPosition(live, since=since) if job.kind.log else None


@dataclass(frozen=True)
class LogRead:
    """How a look at a log went. ``has_more``: more lines are ready right now; ``is_end``: all that
    there are have been told."""

    has_lines: bool = False
    has_more: bool = False
    is_end: bool = False


NOT_READ = LogRead()


def read_log(job: Job) -> Task[LogRead]:
    """Tell the next log lines.

    A log that cannot be read never fails a run: it is read again later, or given up with a warning.
    """
    if job.log is None:
        return NOT_READ
    position = job.log
    try:
        page, job.log = yield from read(read_page, job.platform, position)
    except PlatformError as error:
        if not is_transient(error):
            job.log = None
            yield Warned(job.key, f"its log cannot be read: {error}")
        return NOT_READ
    yield from _tell(job, page)
    is_more = has_more(position, page)
    return LogRead(bool(page.entries), is_more, is_end=not is_more)


def _tell(job: Job, page: LogPage) -> Task[None]:
    """The lines of a page as events; the last ones are remembered."""
    for entry in page.entries:
        job.tail.append(entry.text)
        yield LogLine(job.key, entry)


def _tell_rest(job: Job, live: LiveResource) -> Task[None]:
    """Tell the rest of the log of something that has ended, to an empty page.

    The last words of a failure matter most and may come late: a second look is taken for them.
    """
    looks_left = 2 if live.status.has_failed else 1
    over = float("inf") if job.kind.is_run else job.shared.clock() + END_OF_LOG
    while job.log is not None and live.status.has_ended:
        position = job.log
        deadline = job.shared.clock() + job.polling.patience
        try:
            page, job.log = yield from ask(
                job, deadline, partial(read_page, job.platform, position)
            )
        except PlatformError as error:
            yield Warned(job.key, f"the end of its log cannot be read: {error}")
            break
        yield from _tell(job, page)
        if has_more(position, page, to_the_end=True) and job.shared.clock() < over:
            continue
        looks_left -= 1
        if not looks_left:
            break
        yield Pause(LATE_LINES)
    if job.kind.tail and live.status.has_failed:
        yield from _take_tail(job, live)


def _take_tail(job: Job, live: LiveResource) -> Task[None]:
    """Its last words as the platform tells them, which knows where else it says something."""
    deadline = job.shared.clock() + job.polling.patience
    with suppress(PlatformError):  # then they are what its log has
        entries = yield from ask(job, deadline, partial(job.platform.tail, live, LAST_LINES))
        job.tail.clear()
        job.tail.extend(entry.text for entry in entries)
