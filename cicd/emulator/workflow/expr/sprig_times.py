"""Sprig's functions of times; ``Local`` is UTC here, as in the containers of Argo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cicd.emulator.workflow.expr.chance import Chance
from cicd.emulator.workflow.expr.layouts import parsed, written
from cicd.emulator.workflow.expr.operators import BadExpression, text
from cicd.emulator.workflow.expr.sprig_numbers import atoi
from cicd.emulator.workflow.expr.times import (
    SECOND,
    BadTime,
    Duration,
    Moment,
    at,
    duration_of,
    zone_of,
)

NO_TIME = Moment(-62135596800 * SECOND)
"""The first day of the year 1: what sprig has for what is no date."""
SPANS = (
    ("y", 365 * 86400 * SECOND),
    ("mo", 30 * 86400 * SECOND),
    ("d", 86400 * SECOND),
    ("h", 3600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
)


def moment(chance: Chance, value: Any) -> Moment:
    """A time as it is, seconds since 1970 as one, and now for anything else."""
    if isinstance(value, Moment):
        return value
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return Moment(value * SECOND) if is_number else at(chance.now)


def shown(chance: Chance, layout: Any, value: Any, zone: Any = "UTC") -> str:
    found = moment(chance, value)
    try:
        place = zone_of(text(zone))
    except BadTime:
        place = zone_of("UTC")
    return written(Moment(found.nanoseconds, place), text(layout))


def ago(chance: Chance, value: Any) -> str:
    span = at(chance.now).nanoseconds - moment(chance, value).nanoseconds
    return str(Duration((span + SECOND // 2) // SECOND * SECOND))


def moved(by: Any, value: Any) -> Moment:
    try:
        return must_move(by, value)
    except BadExpression:
        return _time(value)


def must_move(by: Any, value: Any) -> Moment:
    try:
        return _time(value).moved(duration_of(text(by)))
    except BadTime as error:
        raise BadExpression(str(error)) from None


def _time(value: Any) -> Moment:
    if isinstance(value, Moment):
        return value
    raise BadExpression(f"{value!r} is no time; toDate() makes one of it")


def to_date(layout: Any, value: Any) -> Moment:
    try:
        return parsed(text(layout), text(value))
    except BadTime:
        return NO_TIME


def must_to_date(layout: Any, value: Any) -> Moment:
    try:
        return parsed(text(layout), text(value))
    except BadTime as error:
        raise BadExpression(str(error)) from None


def seconds(value: Any) -> str:
    """A number of seconds as ``1m30s``."""
    count = atoi(value) if isinstance(value, str) else value
    return str(Duration((count if isinstance(count, int) else 0) * SECOND))


def roughly(chance: Chance, value: Any) -> str:
    """A duration in its largest unit."""
    span = 0
    if isinstance(value, Moment):
        span = at(chance.now).nanoseconds - value.nanoseconds
    elif isinstance(value, int):
        span = value
    elif isinstance(value, str):
        try:
            span = duration_of(value).nanoseconds
        except BadTime:
            span = 0
    return next((f"{abs(span) // size}{unit}" for unit, size in SPANS if abs(span) > size), "0s")


TIMES: dict[str, Callable[..., Any]] = {
    "dateModify": moved,
    "date_modify": moved,
    "mustDateModify": must_move,
    "must_date_modify": must_move,
    "toDate": to_date,
    "mustToDate": must_to_date,
    "unixEpoch": lambda value: str(_time(value).nanoseconds // SECOND),
    "duration": seconds,
}
TIMES_DRAWN: dict[str, Callable[..., Any]] = {
    "now": lambda chance: at(chance.now),
    "date": shown,
    "dateInZone": shown,
    "date_in_zone": shown,
    "htmlDate": lambda chance, value: shown(chance, "2006-01-02", value),
    "htmlDateInZone": lambda chance, value, zone: shown(chance, "2006-01-02", value, zone),
    "ago": ago,
    "durationRound": roughly,
}
