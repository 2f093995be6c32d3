"""One thread that does what it is given, in order, some of it later."""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger(__name__)
PATIENCE = 5.0
"""Seconds that anybody waits at most for a task."""
Task = Callable[[], None]


class Agenda:
    """A queue and timers. What is still waited for at the end is dropped."""

    def __init__(self, name: str, idle: Task, look: float) -> None:
        """``idle`` is done whenever there was nothing else for ``look`` seconds."""
        self._idle = idle
        self._look = look
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        # only the thread itself looks at the timers
        self._timers: list[tuple[float, int, Task]] = []
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def open(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Finish what was asked for and end the thread."""
        if self._thread.is_alive():
            # At the end of the queue: everything asked for before is still done.
            self._queue.put(None)
            self._thread.join()

    def put(self, task: Task, *, waits: bool = False) -> None:
        """Have a task done; wait for it if asked to, unless this is the thread that would do it."""
        if not waits or threading.current_thread() is self._thread:
            self._queue.put(task)
            return
        done = threading.Event()

        def told() -> None:
            try:
                task()
            finally:
                done.set()

        self._queue.put(told)
        # Whoever waits holds up an answer to a client, which must not hang on a slow task.
        done.wait(PATIENCE)

    def later(self, seconds: float, task: Task) -> None:
        """Do a task after some time; to be called by tasks."""
        # The number decides between equal times, since tasks cannot be compared, and keeps their
        # order.
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), task))

    def make_all_due(self) -> None:
        """Do now what waits for its time; whatever is too early asks for more."""

        def make_due() -> None:
            self._timers = [(0.0, number, task) for _, number, task in sorted(self._timers)]

        self._queue.put(make_due)

    def _next(self) -> Task | None:
        until = self._timers[0][0] - time.monotonic() if self._timers else self._look
        if until <= 0:
            return heapq.heappop(self._timers)[2]
        try:
            return self._queue.get(timeout=min(until, self._look))
        except queue.Empty:
            return self._idle

    def _work(self) -> None:
        while task := self._next():
            try:
                task()
            except Exception:
                # the thread must outlive whatever one task does to it
                LOG.exception("a request to the runner failed")
