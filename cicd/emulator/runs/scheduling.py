"""Execution schedules as time goes by: when the next run is due, and starting it then."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

from cicd.emulator.api.lm import runs
from cicd.emulator.api.web import Call
from cicd.emulator.errors import ApiError, GatewayError, invalid
from cicd.emulator.state.store import Row

if TYPE_CHECKING:
    from cicd.emulator.world import World

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

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moving = threading.Lock()
        self._is_over = threading.Event()
        self._looked = datetime.max.replace(tzinfo=UTC)
        self._thread: threading.Thread | None = None

    def open(self, world: World) -> None:
        """Begin; runs that were due before are not caught up."""
        self._looked = world.clock.now()
        self._thread = threading.Thread(
            target=self._work, args=(world,), name="schedules", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._is_over.set()
        if self._thread:
            self._thread.join()

    def look(self, world: World) -> None:
        """Start every run that became due since the last look; end what is over."""
        with self._lock:
            now = world.clock.now()
            since, self._looked = max(self._looked, now - LATE), now
            for row in world.store.rows("SELECT * FROM schedules WHERE status = 'ACTIVE'"):
                if is_due(row, since, now):
                    start(world, row)
                if has_ended(row["ends_at"], now):
                    sql = "UPDATE schedules SET status = 'INACTIVE' WHERE id = ?"
                    world.store.write(sql, (row["id"],))

    def go_to(self, world: World, until: datetime) -> None:
        """Let time go by at once: whatever is due until then happens, one after the other.

        400 when that would be more than MOST_RUNS runs. Into the past, nothing happens.
        """
        with self._moving:
            rows = world.store.rows("SELECT * FROM schedules WHERE status = 'ACTIVE'")
            now = world.clock.now()
            due = {at for row in rows for at in islice(moments(row, now, until), MOST_RUNS + 1)}
            if len(due) > MOST_RUNS:
                raise invalid(f"more than {MOST_RUNS} runs are due until then; use smaller steps")
            for at in (*sorted(due), until):
                world.clock.set(at)
                self.look(world)

    def _work(self, world: World) -> None:
        while not self._is_over.wait(LOOK):
            try:
                self.look(world)
            except Exception:
                # the thread must outlive whatever one schedule does to it
                LOG.exception("looking for schedules that are due failed")


def start(world: World, schedule: Row) -> None:
    """Do what a client would: post an execution. What is refused is in the log file only."""
    body = json.dumps({"configurationId": schedule["configuration_id"]}).encode()
    headers = {"ai-resource-group": schedule["resource_group"]}
    call = Call(world, "POST", world.base_url, {}, {}, headers, body)
    try:
        runs.insert(call, "execution", schedule_id=schedule["id"])
    except (ApiError, GatewayError) as error:
        LOG.warning("schedule %s (%s) started nothing: %s", schedule["id"], schedule["name"], error)
