"""Many tasks at once: plain generators that a worker never waits for.

A task yields what it needs: a ``Call`` (run on a worker, its answer is sent back), a ``Pause`` (go
on when it is over) or an event (handed to whoever reads the scheduler). All code of tasks runs in
the one thread that reads the scheduler, so tasks share data without locks.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Generic, ParamSpec, TypeVar, cast

from cicd.apply.events import Event
from cicd.errors import CicdError

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_WAIT = 1.0  # seconds; Windows delivers Ctrl-C only between two waits
BURST = 2  # reads of one task that may come together: a status with its log
FAREWELL = 2.0  # seconds that calls under way get to end when nobody reads on


@dataclass(frozen=True)
class Call:
    """Run this on a worker. Reads of one task keep a distance, all else goes at once; writes only
    while nothing is halted."""

    function: Callable[[], Any]
    is_read: bool
    is_write: bool = False


@dataclass(frozen=True)
class Pause:
    """Go on after so many seconds."""

    seconds: float


Step = Call | Pause | Event
Task = Generator[Step, Any, T]


def write(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """The answer of a call that changes something; its error is raised here."""
    return cast(T, (yield Call(partial(function, *args, **kwargs), is_read=False, is_write=True)))


def once(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """The answer of a call that is none of a row of reads; its error is raised here."""
    return cast(T, (yield Call(partial(function, *args, **kwargs), is_read=False)))


def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Task[T]:
    """The answer of a call that only looks; its error is raised here."""
    return cast(T, (yield Call(partial(function, *args, **kwargs), is_read=True)))


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
        self.pending: Call | None = None
        self.reads: deque[float] = deque(maxlen=BURST)


class Scheduler(Generic[T]):
    """Runs tasks; at most ``workers`` calls at once, and at most BURST reads of one task in
    BURST times ``gap`` seconds. Once ``halted`` says why, no write is sent any more."""

    def __init__(
        self,
        workers: int,
        gap: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        halted: Callable[[], str] = str,
    ) -> None:
        self._halted = halted
        self._pool = ThreadPoolExecutor(workers, "cicd-apply") if workers > 1 else _Inline()
        self._gap = gap
        self._clock = clock
        self._sleep = sleep
        self._numbers = count()
        self._ready: deque[_Running] = deque()
        self._timers: list[tuple[float, int, _Running]] = []
        self._calls: dict[Future[Any], _Running] = {}
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

    def close(self) -> None:
        """Start nothing more. Calls under way are given a moment, and are not waited for after."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        under_way = [future for future in self._calls if not future.cancelled()]
        if not wait(under_way, timeout=FAREWELL).not_done:
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
            if isinstance(step, Call):
                self._call(running, step)
                return
            if isinstance(step, Pause):
                running.answer = lambda: None
                self._set_timer(running, self._clock() + step.seconds)
                return
            yield step
            answer = lambda: None  # noqa: E731

    def _call(self, running: _Running, call: Call) -> None:
        now = self._clock()
        is_full = call.is_read and len(running.reads) == BURST
        if is_full and now < (due := running.reads[0] + BURST * self._gap):
            running.pending = call
            self._set_timer(running, due)
            return
        if call.is_read:
            running.reads.append(now)
        running.order = next(self._numbers)
        function = partial(self._unless_halted, call.function) if call.is_write else call.function
        future = self._pool.submit(function)
        self._calls[future] = running
        future.add_done_callback(self._ended.put)

    def _unless_halted(self, function: Callable[[], T]) -> T:
        # asked on the worker: a call may have waited long for one
        if cause := self._halted():
            raise CicdError(f"not sent: {cause}")
        return function()

    def _set_timer(self, running: _Running, due: float) -> None:
        heapq.heappush(self._timers, (due, next(self._numbers), running))

    def _await_next(self) -> None:
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
            running = heapq.heappop(self._timers)[2]
            if running.pending is None:
                self._ready.append(running)
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
        for future in sorted(ended, key=lambda future: self._calls[future].order):
            running = self._calls.pop(future)
            running.answer = future.result
            self._ready.append(running)


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
