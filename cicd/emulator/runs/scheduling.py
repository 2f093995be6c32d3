"""Execution schedules as time goes by: when the next run is due, and starting it then."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError

from cicd.emulator.errors import invalid
from cicd.emulator.state.clock import Clock
from cicd.emulator.state.store import Row, Store

LOG = logging.getLogger(__name__)
LOOK = 5.0
"""Seconds between two looks for schedules that are due."""
MOST_RUNS = 100
"""How many moments with runs may lie between two times of a clock that is moved."""
LATE = timedelta(minutes=1)
"""A run that is later than this was missed (the machine slept) and is not caught up."""
PART = r"(\*|(\d+|[A-Z]{3})(-(\d+|[A-Z]{3}))?)(/\d+)?"
FIELD = re.compile(rf"{PART}(,{PART})*")


def check_cron(cron: str) -> str:
    """``cron`` if it has five fields and at least an hour between two runs, else a 400."""
    fields = _five(cron).upper().split()
    try:
        # the library knows more than crontab does: seconds, L, W, #
        if len(fields) != 5 or not all(FIELD.fullmatch(field) for field in fields):
            raise CronSimError("five fields are needed: minute hour day month weekday")
        simulation = CronSim(_five(cron), datetime(2024, 1, 1, tzinfo=UTC))
        next(simulation)
    except (CronSimError, ValueError, StopIteration) as error:
        reason = str(error) or "it never comes"
        raise invalid(f"cron {cron[:80]!r} is not valid: {reason}") from None
    if len(simulation.minutes) > 1:
        raise invalid(f"cron {cron[:80]!r} is too frequent, the minimum is one hour between runs")
    return cron


def _five(cron: str) -> str:
    """SAP's own example of an hourly schedule has a sixth field, ``0 * * * * *``."""
    fields = cron.split()
    return " ".join(fields[:5]) if len(fields) == 6 and fields[5] == "*" else cron


def is_due(schedule: Row, since: datetime, until: datetime) -> bool:
    """Whether a run of the schedule falls after ``since`` and not after ``until``."""
    start, begin = moment(schedule["starts_at"]), max(since, moment(schedule["modified_at"]))
    if start > until:
        return False
    if start > begin:
        # a run at the very start counts, one at the moment of a change does not
        begin = start - timedelta(seconds=1)
    due = next(CronSim(_five(schedule["cron"]), begin), None)
    return due is not None and due <= until and not has_ended(schedule["ends_at"], due)


def has_ended(end: str | None, at: datetime) -> bool:
    """Whether the end of a schedule, if it has one, lies before ``at`` or is it."""
    return end is not None and moment(end) <= at


def moment(text: str) -> datetime:
    """A stored time."""
    return datetime.fromisoformat(text)


def moments(schedule: Row, since: datetime, until: datetime) -> Iterator[datetime]:
    """When runs of the schedule fall after ``since`` and not after ``until``, its end aside."""
    begin = max(since, moment(schedule["modified_at"]), moment(schedule["starts_at"]))
    # a run at the very start counts; is_due() knows whether there is one
    for due in CronSim(_five(schedule["cron"]), begin - timedelta(seconds=1)):
        if due > until:
            return
        yield due


class Scheduler:
    """One thread that looks at the clock. Nothing is stored of what was due before it began."""

    def __init__(self, store: Store, clock: Clock, start: Callable[[Row], None]) -> None:
        """``start`` starts a run of a schedule; it raises nothing."""
        self._store = store
        self._clock = clock
        self._start = start
        self._lock = threading.Lock()
        self._moving = threading.Lock()
        self._is_over = threading.Event()
        self._looked = datetime.max.replace(tzinfo=UTC)
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin; runs that were due before are not caught up."""
        self._looked = self._clock.now()
        self._thread = threading.Thread(target=self._work, name="schedules", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._is_over.set()
        if self._thread:
            self._thread.join()

    def look(self) -> None:
        """Start every run that became due since the last look; end what is over."""
        with self._lock:
            now = self._clock.now()
            since, self._looked = max(self._looked, now - LATE), now
            for row in self._store.rows("SELECT * FROM schedules WHERE status = 'ACTIVE'"):
                if is_due(row, since, now):
                    self._start(row)
                if has_ended(row["ends_at"], now):
                    sql = "UPDATE schedules SET status = 'INACTIVE' WHERE id = ?"
                    self._store.write(sql, (row["id"],))

    def go_to(self, until: datetime) -> None:
        """Let time go by at once: whatever is due until then happens, one after the other.

        400 when that would be more than MOST_RUNS runs. Into the past, nothing happens.
        """
        with self._moving:
            rows = self._store.rows("SELECT * FROM schedules WHERE status = 'ACTIVE'")
            now = self._clock.now()
            due = {at for row in rows for at in islice(moments(row, now, until), MOST_RUNS + 1)}
            if len(due) > MOST_RUNS:
                raise invalid(f"more than {MOST_RUNS} runs are due until then; use smaller steps")
            for at in (*sorted(due), until):
                self._clock.set(at)
                self.look()

    def _work(self) -> None:
        while not self._is_over.wait(LOOK):
            try:
                self.look()
            except Exception:
                # the thread must outlive whatever one schedule does to it
                LOG.exception("looking for schedules that are due failed")
