"""Following the logs of runs: pages become lines, in order, each line once.

Also says how often to look (``Polling``) and sits out failures of a read that pass by themselves
(``patiently``). ``cicd logs`` uses ``follow``; ``apply`` reads page by page between its looks at
the status.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeVar

from cicd.errors import ConnectionFailed, LostAnswer, NotFound, PlatformError, Throttled
from cicd.model import Key, LiveResource, LogEntry, State, Status
from cicd.platforms.base import LogPage

T = TypeVar("T")

READERS = 10
"""Runs that are read at once."""
WORTH = 200
"""Items of a list that are read as quickly as one more request is answered."""
SOON = 0.9
"""Seconds within which a line of a log that has lines is told, with the look that finds it: a tenth
of a second is left for what else goes on."""
SILENCE = 0.2
"""The part of the time without a line that the next look may be off."""
NOT_BEGUN = frozenset({State.PENDING, State.UNKNOWN})
"""A run in such a state has no log yet."""


@dataclass(frozen=True)
class Polling:
    """How often to look and how long to be patient; all times in seconds.

    ``gap``: what one read of a run takes of its time: with 0.5 never more than two a second.
    ``glance``: how long after a thing was made it is looked at first: meanwhile others are made,
    and one list tells of all. ``first``, ``factor``, ``longest``: the pause after something
    happened, and how it grows.
    ``patience``: how long the platform may be unreachable. ``grace``: how long a new id may be
    unknown, ``vanish``: how long one that was there, ``lag``: how far lists may be behind.
    ``settle``: how long status and content may contradict each other.
    ``removal``: bound on stopping and deleting one thing that has no timeout of its own.
    ``tries``: how often a write is sent.
    """

    gap: float = 0.5
    glance: float = 0.2
    first: float = 0.5
    factor: float = 1.2
    longest: float = 15.0
    patience: float = 60.0
    grace: float = 60.0
    vanish: float = 5.0
    lag: float = 30.0
    settle: float = 60.0
    removal: float = 900.0
    tries: int = 3

    def slower(self, pause: float) -> float:
        """The next pause when nothing has happened after ``pause``."""
        return min(max(pause, self.first) * self.factor, self.longest)


@dataclass(frozen=True)
class LogPosition:
    """How far the log of one run has been read. ``since`` in nanoseconds since 1970."""

    live: LiveResource
    cursor: str = ""
    since: int | None = None


class Source(Protocol):
    """The part of a platform that following needs."""

    def get(self, live: LiveResource) -> LiveResource: ...

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]: ...

    def logs(
        self, live: LiveResource, cursor: str = "", *, since: int | None = None
    ) -> LogPage: ...


class Pace:
    """When to read a log again: for ``logs --follow`` and for ``apply`` alike."""

    def __init__(self, now: float, longest: float) -> None:
        self._heard = now  # when it had a line last
        self._longest = longest

    def next(self, begun: float, told: float, *, has_lines: bool) -> float:
        """When to look again after a look, by when that began and by when all it found was told.

        What is written right after a log was read waits for the next look to begin and to be told,
        which takes as long as this one did. A log that has been silent for long is read less often.
        """
        if has_lines:
            self._heard = begun
        silent = min(SILENCE * (begun - self._heard), self._longest)
        return begun + max(SOON - (told - begun), silent)


def look_up(source: Source, lives: Iterable[LiveResource]) -> dict[str, LiveResource]:
    """What one list of each kind tells of these, by id; nothing where there is only one of a kind,
    or the list is so long that to ask for each of them takes less."""
    kinds: dict[str, list[LiveResource]] = {}
    for live in lives:
        kinds.setdefault(live.key.kind, []).append(live)
    found: dict[str, LiveResource] = {}
    for alike in kinds.values():
        if len(alike) > 1:
            found |= source.listed(alike, most=WORTH * len(alike))
    return found


def read_page(source: Source, position: LogPosition) -> tuple[LogPage, LogPosition]:
    """The next lines and the position after them; a run that has no log yet gives an empty page."""
    try:
        page = source.logs(position.live, position.cursor, since=position.since)
    except NotFound:
        page = LogPage((), position.cursor)
    return page, replace(position, cursor=page.cursor)


def has_more(position: LogPosition, page: LogPage, *, to_the_end: bool = False) -> bool:
    """Whether to read on at once after this page, which was read from ``position`` on.

    A page may be empty and not the last: the platform leaves out lines that are not the run's own.
    ``to_the_end``: also after the last page, until one is empty.
    """
    has_moved = page.cursor != position.cursor
    return has_moved and (not page.is_last or (to_the_end and bool(page.entries)))


def is_transient(error: PlatformError) -> bool:
    """Whether a read that failed like this may succeed when it is simply repeated."""
    passing = isinstance(error, ConnectionFailed | Throttled | LostAnswer)
    return passing or error.status >= 500


def follow(
    source: Source,
    lives: Mapping[Key, LiveResource],
    *,
    since: int | None = None,
    follow: bool = False,
    runs: Collection[str] = (),
    pauses: Mapping[str, float] = MappingProxyType({}),
    polling: Polling = Polling(),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[Key, LogEntry]]:
    """The lines of many runs, merged by time within one look; each line once.

    Without ``follow`` one look at what is there; with it until every run has ended and its last
    line was read. ``runs``: kinds that have no log before they have begun; ``pauses``: kind -> its
    longest pause between two looks, where it has its own. Failures that pass are sat out for
    ``polling.patience`` seconds, others raise.
    """
    patient = _Patient(source, polling, clock, sleep)
    positions = {key: LogPosition(live, since=since) for key, live in lives.items()}
    paces = {key: Pace(clock(), pauses.get(key.kind) or polling.longest) for key in positions}
    due = dict.fromkeys(positions, clock())
    pool = ThreadPoolExecutor(min(READERS, len(positions)) or 1, "cicd-logs")

    try:
        while positions:
            begun = clock()
            seen = _statuses(patient, pool, positions) if follow else dict.fromkeys(positions)
            # The status is asked for before the log: what a run wrote until it had ended is then in
            # this look at its log, and no line is missed.
            over = {key for key, status in seen.items() if not status or status.has_ended}
            looked = [key for key in positions if key in over or due[key] <= clock()]
            ready = [key for key in looked if key.kind not in runs or _has_begun(seen[key])]
            pages = {key: pool.submit(read_page, source, positions[key]) for key in ready}
            streams = [_lines(patient, pool, pages[key], positions, key) for key in ready]
            told: set[Key] = set()
            for key, entry in heapq.merge(*streams, key=lambda line: line[1].time):
                told.add(key)
                yield key, entry
            now = clock()
            due |= {key: paces[key].next(begun, now, has_lines=key in told) for key in looked}
            positions = {key: position for key, position in positions.items() if key not in over}
            if positions:
                sleep(max(0.0, begun + polling.gap - now, min(due[key] for key in positions) - now))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _has_begun(status: Status | None) -> bool:
    return status is None or status.state not in NOT_BEGUN


def _lines(
    source: _Patient,
    pool: Executor,
    page_read: Future[tuple[LogPage, LogPosition]] | None,
    positions: dict[Key, LogPosition],
    key: Key,
) -> Iterator[tuple[Key, LogEntry]]:
    """The lines of one run in one look; while a page is told, the next one is read."""
    while page_read:
        before = positions[key]
        page, positions[key] = _sit_out(page_read, partial(read_page, source, before))
        is_more = has_more(before, page)
        page_read = pool.submit(read_page, source.direct, positions[key]) if is_more else None
        for entry in page.entries:
            yield key, entry


def _sit_out(answer: Future[T], again: Callable[[], T]) -> T:
    """The answer; after a failure that may pass it is asked for patiently, and here: what sleeps in
    a thread of the pool would keep a command from ending."""
    try:
        return answer.result()
    except PlatformError as error:
        if not is_transient(error):
            raise
    return again()


def _statuses(
    source: _Patient, pool: Executor, positions: Mapping[Key, LogPosition]
) -> dict[Key, Status | None]:
    """What each of them is at, by one list where it tells, else each asked for alone; None for one
    that is gone."""
    listed: Mapping[str, LiveResource] = {}
    with suppress(PlatformError):  # who asks for each alone hears of it
        listed = look_up(source.direct, [position.live for position in positions.values()])
    alone = {key: position for key, position in positions.items() if position.live.id not in listed}
    looks = {key: pool.submit(_status, source.direct, position) for key, position in alone.items()}
    found: dict[Key, Status | None] = {
        key: listed[position.live.id].status
        for key, position in positions.items()
        if key not in alone
    }
    for key, position in alone.items():
        found[key] = _sit_out(looks[key], partial(_status, source, position))
    return found


def _status(source: Source, position: LogPosition) -> Status | None:
    try:
        return source.get(position.live).status
    except NotFound:
        return None


class _Patient:
    """A source that sits out failures which may pass. ``direct``: the same without that."""

    def __init__(
        self,
        source: Source,
        polling: Polling,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.direct = source
        self._polling = polling
        self._clock = clock
        self._sleep = sleep

    def get(self, live: LiveResource) -> LiveResource:
        return self._repeat(lambda: self.direct.get(live))

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        return self._repeat(lambda: self.direct.listed(lives, most=most))

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        return self._repeat(lambda: self.direct.logs(live, cursor, since=since))

    def _repeat(self, read: Callable[[], T]) -> T:
        return patiently(read, polling=self._polling, clock=self._clock, sleep=self._sleep)


def patiently(
    read: Callable[[], T],
    *,
    polling: Polling = Polling(),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What a read answers; failures that may pass are sat out for ``polling.patience`` seconds,
    then raised like any other."""
    last_chance = clock() + polling.patience
    pause = polling.first
    while True:
        try:
            return read()
        except PlatformError as error:
            if not is_transient(error) or clock() >= last_chance:
                raise
        sleep(pause)
        pause = polling.slower(pause)
