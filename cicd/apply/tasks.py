"""Many tasks at once: plain generators that a worker never waits for.

A task yields what it needs: a ``WorkerCall`` (run on a worker, its answer is sent back), a
``Look`` (a call that it shares with all who wait for a thing of the same kind), a ``Pause`` (go on
when it is over) or an event (handed to whoever reads the scheduler). All code of tasks runs in the
one thread that reads the scheduler, so tasks share data without locks.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Generic, ParamSpec, TypeVar, cast

from cicd.apply.events import Event
from cicd.errors import CicdError, PlatformError
from cicd.model import LiveResource

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_WAIT = 1.0  # seconds; Windows delivers Ctrl-C only between two waits
BURST = 2  # reads of one task that may come together: a status with its log
CLOSING_SECONDS = 2.0  # seconds that calls under way get to end when nobody reads on


@dataclass(frozen=True)
class WorkerCall:
    """Run this on a worker. Reads of one task keep a distance, all else goes at once; writes only
    while nothing is halted."""

    function: Callable[[], Any]
    is_read: bool
    is_write: bool = False


@dataclass(frozen=True)
class Pause:
    """Go on after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Look:
    """How is this now? Asked after so many ``seconds`` at the latest, and as soon as somebody else
    asks about a thing of its kind: one list tells of all. The answer is None where none does, as
    for the only one that is waited for: then it has to be asked for alone."""

    live: LiveResource
    seconds: float


Lookup = Callable[[Sequence[LiveResource]], Mapping[str, LiveResource]]
"""Things of one kind -> what a list tells of them, by their ids."""
Step = WorkerCall | Pause | Look | Event
Task = Generator[Step, Any, T]


def write(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """The answer of a call that changes something; its error is raised here."""
    return cast(
        T, (yield WorkerCall(partial(function, *args, **kwargs), is_read=False, is_write=True))
    )


def once(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """The answer of a call that is none of a row of reads; its error is raised here."""
    return cast(T, (yield WorkerCall(partial(function, *args, **kwargs), is_read=False)))


def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """The answer of a call that only looks; its error is raised here."""
    return cast(T, (yield WorkerCall(partial(function, *args, **kwargs), is_read=True)))


@dataclass(frozen=True)
class Finished(Generic[T]):
    """The end of a task: its value, or the exception it ended with."""

    name: int
    value: T | None = None
    error: Exception | None = None


class _Running:
    """One task, what it does next and when it may read again."""

    def __init__(self, name: int, task: Task[Any], order: int) -> None:
        self.name = name
        self.task = task
        self.order = order
        self.answer: Callable[[], Any] = lambda: None
        self.pending: WorkerCall | Look | None = None
        self.timer = 0
        self.reads: deque[float] = deque(maxlen=BURST)

    def may_read_at(self, gap: float) -> float:
        """When its next read is due at the earliest."""
        return self.reads[0] + BURST * gap if len(self.reads) == BURST else 0.0


class Scheduler(Generic[T]):
    """Runs tasks; at most ``workers`` calls at once, at most BURST reads of one task in BURST times
    ``gap`` seconds, and in ``gap`` seconds one look at many of a kind. Once ``halted`` says why, no
    write is sent any more. ``checkpoint`` is called before each wait, in the thread that reads and
    once a second while calls are under way: what it raises ends all of it. ``news``: events that
    come of calls under way, asked for after each wait."""

    def __init__(
        self,
        workers: int,
        gap: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        halted: Callable[[], str] = str,
        checkpoint: Callable[[], object] = lambda: None,
        lookup: Lookup = lambda _: {},
        news: Callable[[], Iterable[Event]] = tuple,
    ) -> None:
        self._halted = halted
        self._checkpoint = checkpoint
        self._lookup = lookup
        self._news = news
        self._pool = ThreadPoolExecutor(workers, "cicd-apply") if workers > 1 else _Inline()
        self._gap = gap
        self._clock = clock
        self._sleep = sleep
        self._numbers = count(1)
        self._ready: deque[_Running] = deque()
        self._timers: list[tuple[float, int, _Running]] = []
        self._calls: dict[Future[Any], list[_Running]] = {}
        self._looks: dict[str, list[_Running]] = {}  # kind -> who waits to look at one
        self._looked: dict[str, float] = {}  # kind -> when many were looked at last
        self._ended: SimpleQueue[Future[Any]] = SimpleQueue()

    def start(self, name: int, task: Task[T]) -> None:
        """Add a task; it begins when the scheduler is read on."""
        self._ready.append(_Running(name, task, next(self._numbers)))

    def run(self) -> Iterator[Event | Finished[T]]:
        """Events as they come and the end of every task, until no task is left."""
        while self._ready or self._timers or self._calls:
            while self._ready:
                yield from self._resume(self._ready.popleft())
            self._await_next()
            yield from self._news()
            self._forget_timers()

    def close(self) -> None:
        """Start nothing more. Calls under way are given a moment, and are not waited for after."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        under_way = [future for future in self._calls if not future.cancelled()]
        if not wait(under_way, timeout=CLOSING_SECONDS).not_done:
            self._pool.shutdown(wait=True)

    def _resume(self, running: _Running) -> Iterator[Event | Finished[T]]:
        answer = running.answer
        while True:
            try:
                step = _go_on(running.task, answer)
            except StopIteration as end:
                yield Finished(running.name, value=end.value)
                return
            except Exception as error:
                yield Finished(running.name, error=error)
                return
            if isinstance(step, WorkerCall):
                self._call(running, step)
                return
            if isinstance(step, Pause):
                running.answer = lambda: None
                self._set_timer(running, self._clock() + step.seconds)
                return
            if isinstance(step, Look):
                running.pending = step
                self._looks.setdefault(step.live.key.kind, []).append(running)
                due = max(self._clock() + step.seconds, running.may_read_at(self._gap))
                self._set_timer(running, due)
                return
            yield step
            answer = lambda: None  # noqa: E731

    def _call(self, running: _Running, call: WorkerCall) -> None:
        now = self._clock()
        # A log with many pages is read without a pause in between, and a status may be asked for
        # just after. Only this keeps one run from asking all the time.
        if call.is_read and now < (due := running.may_read_at(self._gap)):
            running.pending = call
            self._set_timer(running, due)
            return
        if call.is_read:
            running.reads.append(now)
        function = partial(self._unless_halted, call.function) if call.is_write else call.function
        running.answer = self._submit(function, [running]).result

    def _submit(self, function: Callable[[], Any], waiting: list[_Running]) -> Future[Any]:
        """Have a worker do what these wait for."""
        for running in waiting:
            running.order = next(self._numbers)
        future = self._pool.submit(function)
        self._calls[future] = waiting
        future.add_done_callback(self._ended.put)
        return future

    def _look(self, running: _Running, kind: str) -> None:
        """Look at all of a kind that somebody waits for, and that may be looked at again."""
        due = self._looked.get(kind, float("-inf")) + self._gap
        if len(self._looks[kind]) > 1 and self._clock() < due:
            self._set_timer(running, due)
            return
        now, waiting = self._clock(), self._looks.pop(kind)
        ready = [running for running in waiting if running.may_read_at(self._gap) <= now]
        self._looks[kind] = [running for running in waiting if running not in ready]
        # A list of all runs is longer than one run. Without an answer it is asked for alone (see
        # Look).
        if len(ready) == 1:
            ready[0].pending, ready[0].answer = None, lambda: None
            self._ready += ready
            return
        self._looked[kind], lives = now, []
        for running in ready:
            assert isinstance(running.pending, Look)
            lives.append(running.pending.live)
            running.pending, running.timer = None, 0
            running.reads.append(now)
        future = self._submit(partial(self._looked_up, lives), ready)
        for running, live in zip(ready, lives, strict=True):
            running.answer = partial(_told, future, live)

    def _looked_up(self, lives: Sequence[LiveResource]) -> Mapping[str, LiveResource]:
        try:
            return self._lookup(lives)
        except PlatformError:  # whoever asks for each alone hears of it
            return {}

    def _unless_halted(self, function: Callable[[], T]) -> T:
        # asked on the worker: a call may have waited long for one
        if cause := self._halted():
            raise CicdError(f"not sent: {cause}")
        return function()

    def _set_timer(self, running: _Running, due: float) -> None:
        running.timer = next(self._numbers)
        heapq.heappush(self._timers, (due, running.timer, running))

    def _forget_timers(self) -> None:
        """Those of who has got an answer before the time was up."""
        while self._timers and self._timers[0][1] != self._timers[0][2].timer:
            heapq.heappop(self._timers)

    def _await_next(self) -> None:
        self._checkpoint()
        self._fire_timers()
        if self._ready:
            return
        until_due = self._timers[0][0] - self._clock() if self._timers else LONGEST_WAIT
        if self._calls:
            self._collect(min(max(until_due, 0.0), LONGEST_WAIT))
        elif self._timers and until_due > 0:
            self._sleep(until_due)

    def _fire_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self._clock():
            _, number, running = heapq.heappop(self._timers)
            # A heap cannot drop an entry in its middle: a look that somebody else's list has
            # answered, or that was put off, has left its timer behind.
            if number != running.timer:
                continue
            if running.pending is None:
                self._ready.append(running)
            elif isinstance(running.pending, Look):
                self._look(running, running.pending.live.key.kind)
            else:
                call, running.pending = running.pending, None
                self._call(running, call)

    def _collect(self, timeout: float) -> None:
        """Take up what has ended, in the order of the calls; waits for the first."""
        ended: list[Future[Any]] = []
        with suppress(Empty):
            ended.append(self._ended.get(timeout=timeout))
            while True:
                ended.append(self._ended.get_nowait())
        for future in sorted(ended, key=lambda future: self._calls[future][0].order):
            self._ready += self._calls.pop(future)


def _told(found: Future[Mapping[str, LiveResource]], live: LiveResource) -> LiveResource | None:
    """What a list has told of one thing, None for nothing."""
    return found.result().get(live.id)


def _go_on(task: Task[Any], answer: Callable[[], Any]) -> Step:
    """Send the answer, or the exception it raises, into the task; the step it wants next."""
    try:
        value = answer()
    except Exception as error:
        return task.throw(error)
    return task.send(value)


class _Inline(Executor):
    """Runs a call at once in this thread: one worker, in a fixed order."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
