"""One change being applied: what it shares with the others and what is known of it so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from cicd.apply.events import Progress, Reported
from cicd.apply.tasks import Look, Pause, Task, read
from cicd.errors import CicdError, ConnectionFailed, NotFound, PlatformError, TimedOut
from cicd.logs import LogPosition, Polling, is_transient
from cicd.model import Change, Count, Key, Kind, LiveResource, Options, Plan, State
from cicd.platforms.base import Platform

T = TypeVar("T")

REPORT = 50.0
"""Seconds after which a status that has not changed is reported again: with all that goes on
meanwhile that is at least once a minute."""
LAST_LINES = 10
"""Lines of a log that a failure is told with."""


@dataclass
class Shared:
    """What all jobs of one apply share. ``clock`` is in seconds.

    ``known`` are all ids that existed before or were made here: what is found after a lost answer
    must not be one of them. ``made`` are things identified by content, made or being made here.
    ``measures``: whether to tell what runs record while they go on. ``root``: the project, where
    what runs have made is brought to. ``tests``: runs that others wait for to end well.
    """

    plan: Plan
    platform: Platform
    polling: Polling
    clock: Callable[[], float]
    known: set[str] = field(default_factory=set)
    made: dict[Key, LiveResource | None] = field(default_factory=dict)
    measures: bool = False
    root: Path = Path()
    tests: frozenset[Key] = frozenset()


@dataclass
class Job:
    """One change under way. ``live`` is the newest view of what it made, changed or follows.

    ``waits``: whether it goes on until the wanted status. ``outputs``: what later changes need.
    ``is_freed``: what had its name before is gone. ``found``: the id under which the platform has
    shown it. ``listed``: how a list has shown it last. ``counts``: how far it has come, as told
    last. ``unknown_since``: when nobody could tell any more how it is. ``tail``: the last lines of
    its log.
    """

    shared: Shared
    change: Change
    waits: bool
    outputs: frozenset[str] = frozenset()
    live: LiveResource | None = None
    log: LogPosition | None = None
    is_freed: bool = False
    found: str = ""
    listed: LiveResource | None = None
    began: float = 0.0
    next_measure: float = 0.0
    next_report: float = float("inf")
    unknown_since: float | None = None
    next_count: float | None = None
    counts: tuple[Count, ...] = ()
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    @property
    def key(self) -> Key:
        return self.change.key

    @property
    def platform(self) -> Platform:
        return self.shared.platform

    @property
    def polling(self) -> Polling:
        return self.shared.polling

    @property
    def kind(self) -> Kind:
        return self.platform.kinds[self.key.kind]

    @property
    def options(self) -> Options:
        return self.change.desired.options if self.change.desired else Options()


def see(job: Job, live: LiveResource) -> Task[LiveResource]:
    """Remember this view of the live resource and tell when its status moved."""
    before = job.live
    job.live = live
    if before is None or (before.id, before.status) != (live.id, live.status):
        yield Progress(job.key, live.status, live.id)
    if job.kind.report and live.report:
        is_new = before is None or (before.id, before.report) != (live.id, live.report)
        if is_new or job.shared.clock() >= job.next_report:
            job.next_report = job.shared.clock() + REPORT
            yield Reported(job.key, job.kind.report, live.report)
    return live


def look(job: Job, live: LiveResource, deadline: float) -> Task[LiveResource]:
    """The resource as it is now, told when its status moved. Raises as ``fetch`` does."""
    return (yield from see(job, (yield from fetch(job, live, deadline))))


def fetch(
    job: Job, live: LiveResource, deadline: float, *, after: float = 0.0
) -> Task[LiveResource]:
    """The resource as it is ``after`` so many seconds, or somewhat earlier, when somebody else asks
    about another one like it. Raises NotFound, TimedOut and whatever does not pass.

    A new id may be unknown for a while; one that was there has been deleted.
    """
    if job.kind.runs:
        listed = cast("LiveResource | None", (yield Look(live, after)))
        if listed and _is_enough(job, listed):
            job.found, job.listed = listed.id, listed
            return listed
    elif after:
        yield Pause(after)
    was_there = live.id in {job.found, job.change.id}
    grace = job.polling.vanish if was_there else job.polling.grace
    try:
        fresh = yield from ask(job, deadline, lambda: job.platform.get(live), grace=grace)
    except NotFound as error:
        if not was_there:
            raise
        text = f"{live.id} was there and is no more: somebody has deleted it"
        raise CicdError(text, hint="apply again to make it anew") from error
    except PlatformError as error:
        if job.shared.clock() < deadline:
            raise
        raise TimedOut(f"no good answer in time: {error}") from error
    job.found = fresh.id
    return fresh


def _is_enough(job: Job, listed: LiveResource) -> bool:
    """Whether a list tells all that matters of what it shows: why something has failed, and what
    comes out of it, only the thing itself may tell."""
    if listed.status.has_failed or not listed.status.raw:
        return False
    if not all(listed.spec.get(name) for name in job.kind.verify):
        return False
    is_done = listed.status.state is (State.SUCCEEDED if job.kind.is_run else State.RUNNING)
    wanted = job.outputs if job.kind.is_run else job.outputs | {"url"}
    return not is_done or wanted <= listed.outputs.keys()


def ask(
    job: Job, deadline: float, question: Callable[[], T], *, grace: float | None = None
) -> Task[T]:
    """The answer to a read, asked again while its failure may pass.

    An unknown id is sat out for ``grace`` seconds (None: as long as a new one), an unreachable
    platform for ``patience`` seconds, a busy or stumbling one until the deadline. Then the error is
    raised as it is.
    """
    clock, polling = job.shared.clock, job.polling
    failing_since = None
    pause = polling.first
    while True:
        try:
            return (yield from read(question))
        except PlatformError as error:
            failing_since = clock() if failing_since is None else failing_since
            has_patience = clock() - failing_since < _patience(error, polling, grace)
            if not has_patience or clock() >= deadline:
                raise
        yield Pause(max(0.0, min(pause, deadline - clock())))
        pause = polling.slower(pause)


def _patience(error: PlatformError, polling: Polling, grace: float | None) -> float:
    """How many seconds a failure of this sort is sat out."""
    if isinstance(error, NotFound):
        return polling.grace if grace is None else grace
    if isinstance(error, ConnectionFailed):
        return polling.patience
    return float("inf") if is_transient(error) else 0.0
