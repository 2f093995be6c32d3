"""How far jobs are, as the pages of their drivers tell it, which nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from cicd.errors import CicdError
from cicd.model import Count
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.history import Applications
from cicd.platforms.spark.runs import Run

TIMEOUT = (1.0, 3.0)
"""Seconds to connect and to wait for an answer: nobody follows the log of a job meanwhile."""
FIRST, LONGEST = 10.0, 300.0
"""Seconds that a page which does not answer is left alone, each time twice as long."""


class Progress:
    """Of all runs, for all threads. ``page``: finds the page of a run's driver; ``connect``: makes
    calls of little patience, once they are needed, as that may find nobody to log in as."""

    def __init__(
        self,
        page: Callable[[Run, Calls], str],
        connect: Callable[[], Calls],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._page = page
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Applications, str]] = {}
        self._rests: dict[str, tuple[float, float]] = {}

    @cached_property
    def _calls(self) -> Calls:
        return self._connect()

    def of(self, run: Run) -> Sequence[Count]:
        """Stages and tasks of all that it computes just now; none where nobody tells. An error is
        none."""
        with self._lock:
            until, pause = self._rests.get(run.name, (0.0, FIRST))
        if self._clock() < until:
            return ()
        try:
            found = self._known.get(run.name) or self._found(run)
            if found is None:
                return ()
            applications, id = found
            rows = applications.rows(id, "jobs", status="running")
        except (CicdError, ValueError):  # the latter: an address that is none
            with self._lock:
                self._known.pop(run.name, None)
                self._rests[run.name] = (self._clock() + pause, min(2 * pause, LONGEST))
            return ()
        with self._lock:
            self._known[run.name] = found
            self._rests.pop(run.name, None)
        return counts(rows)

    def _found(self, run: Run) -> tuple[Applications, str] | None:
        """Where its application is, and what it is called there; None where nobody knows yet. A
        driver on this machine writes that into no log."""
        if not (page := self._page(run, self._calls)):
            return None
        applications = Applications(self._calls, page)
        id = run.application or applications.named(run.name)
        return (applications, id) if id else None

    def close(self) -> None:
        """Give connections back."""
        if "_calls" in vars(self):
            self._calls.close()


def counts(jobs: Iterable[Mapping[str, Any]]) -> tuple[Count, ...]:
    """Of the jobs that an application runs at once (``JobData`` of Spark), without what they need
    not do; none where there is none. Pure."""
    found = [(_stages(job), _tasks(job)) for job in jobs]
    parts = zip(("stages", "tasks"), zip(*found, strict=True), strict=False)
    told = (
        Count(unit, sum(done for done, _ in each), sum(total for _, total in each))
        for unit, each in parts
    )
    return tuple(count for count in told if count.total > 0)


def _stages(job: Mapping[str, Any]) -> tuple[int, int]:
    ids = job.get("stageIds")
    known = len(ids) if isinstance(ids, list) else 0
    return _kept(_number(job, "numCompletedStages"), known - _number(job, "numSkippedStages"))


def _tasks(job: Mapping[str, Any]) -> tuple[int, int]:
    known = _number(job, "numTasks") - _number(job, "numSkippedTasks")
    return _kept(_number(job, "numCompletedTasks"), known)


def _kept(done: int, total: int) -> tuple[int, int]:
    """A stage that is tried again counts once more than there are."""
    return min(done, max(0, total)), max(0, total)


def _number(job: Mapping[str, Any], name: str) -> int:
    value = job.get(name)
    return value if isinstance(value, int) else 0
