"""``sync`` of a stage file: whether its windows ever open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cicd.config.draft import Draft
from cicd.config.tree import did_you_mean
from cicd.errors import Problem

_FIELDS = 5


def check_sync(draft: Draft[Any, Any]) -> Iterator[Problem]:
    """Windows that never open: no cron expression, a day that no month has, no such time zone."""
    sync = draft.file.sync
    for index, window in enumerate(sync.windows if sync else ()):
        for field, problem in (
            ("cron", _cron_problem(window.cron)),
            ("zone", _zone_problem(window.zone)),
        ):
            if problem:
                place = draft.place("sync", "windows", index, field)
                yield place.problem(problem, "bad-window")


def _cron_problem(text: str) -> str:
    # loaded where there is a window: few stage files have one
    from cronsim import CronSim, CronSimError

    if len(text.split()) != _FIELDS:
        return "must have 5 fields: minute hour day month weekday"
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return f'"{text}" never comes: write minute hour day month weekday, as in 0 22 * * 1-5'
    return ""


def _zone_problem(text: str) -> str:
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        known = available_timezones()  # none on a machine that has no such data
        return f'no time zone is called "{text}"{did_you_mean(text, known)}' if known else ""
    return ""
