"""What can be called on times and durations in ``{{=…}}``: ``now().Format("2006")``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cicd.emulator.workflow.expr.layouts import DAYS, MONTHS, PRINTED, written
from cicd.emulator.workflow.expr.times import DAY, SECOND, Duration, Moment, days_of


def later(moment: Moment, years: int, months: int, days: int) -> Moment:
    """Go's AddDate."""
    year, month, day = moment.date
    carried, month = divmod(month - 1 + months, 12)
    moved = days_of(year + years + carried, month + 1, 1) + day - 1 + days
    return Moment(moment.nanoseconds + (moved - days_of(*moment.date)) * DAY * SECOND, moment.zone)


def rounded(moment: Moment, by: Duration) -> Moment:
    """Go's Truncate: down to a multiple."""
    since = moment.nanoseconds - days_of(1, 1, 1) * DAY * SECOND
    cut = since % by.nanoseconds if by.nanoseconds > 0 else 0
    return Moment(moment.nanoseconds - cut, moment.zone)


METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    Moment: {
        "Year": lambda moment: moment.date[0],
        "Month": lambda moment: MONTHS[moment.date[1] - 1],
        "Day": lambda moment: moment.date[2],
        "Hour": lambda moment: moment.clock[0],
        "Minute": lambda moment: moment.clock[1],
        "Second": lambda moment: moment.clock[2],
        "Nanosecond": lambda moment: moment.clock[3],
        "Weekday": lambda moment: DAYS[moment.weekday],
        "YearDay": lambda moment: moment.day_of_year,
        "Unix": lambda moment: moment.nanoseconds // SECOND,
        "UnixMilli": lambda moment: moment.nanoseconds // 1_000_000,
        "UnixMicro": lambda moment: moment.nanoseconds // 1_000,
        "UnixNano": lambda moment: moment.nanoseconds,
        "Format": written,
        "Add": Moment.moved,
        "Sub": Moment.since,
        "AddDate": later,
        "Truncate": rounded,
        "Before": lambda moment, other: moment.nanoseconds < other.nanoseconds,
        "After": lambda moment, other: moment.nanoseconds > other.nanoseconds,
        "Equal": lambda moment, other: moment.nanoseconds == other.nanoseconds,
        "UTC": lambda moment: Moment(moment.nanoseconds),
        "In": lambda moment, zone: Moment(moment.nanoseconds, zone),
        "String": lambda moment: written(moment, PRINTED),
    },
    Duration: {
        "Hours": lambda span: span.nanoseconds / (3600 * SECOND),
        "Minutes": lambda span: span.nanoseconds / (60 * SECOND),
        "Seconds": lambda span: span.nanoseconds / SECOND,
        "Milliseconds": lambda span: int(span.nanoseconds / 1_000_000),
        "Microseconds": lambda span: int(span.nanoseconds / 1_000),
        "Nanoseconds": lambda span: span.nanoseconds,
        "String": str,
    },
}
"""What can be called on them."""
