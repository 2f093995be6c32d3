"""Dates that govaluate takes for numbers: which quoted texts are one, and of how many seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
MONTH = f"(?P<word>{'|'.join(MONTHS)})"
CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,]\d+)?"
DAY = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
ZONE = r"(?P<sign>[-+])(?P<over>\d\d)(?P<under>\d\d)"
ZONE_COLON = r"(?P<sign>[-+])(?P<over>\d\d):(?P<under>\d\d)"
NAMED_ZONE = r"(?:GMT[-+]\d{1,2}|ChST|MeST|[A-Z]{3,4}|[A-Z]{4}T|[-+]\d\d(?:\d\d)?)"
FORMATS = tuple(
    re.compile(pattern.replace(" ", " +"), re.ASCII)
    for pattern in (
        rf"(?i:{WEEKDAY} {MONTH}) (?P<day>\d{{1,2}}) {CLOCK} (?P<year>\d{{4}})",
        rf"(?i:{WEEKDAY} {MONTH}) (?P<day>\d{{1,2}}) {CLOCK} {NAMED_ZONE} (?P<year>\d{{4}})",
        rf"(?i:{WEEKDAY} {MONTH}) (?P<day>\d\d) {CLOCK} {ZONE} (?P<year>\d{{4}})",
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?P<half>AM|PM)",
        rf"{DAY}T{CLOCK}(?:Z|{ZONE_COLON})",
        DAY,
        rf"{DAY} (?P<hour>\d{{1,2}}):(?P<minute>\d\d)",
        rf"{DAY} {CLOCK}",
        rf"{DAY} {CLOCK}{ZONE_COLON}",
        rf"{DAY}T(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?(?:Z|{ZONE})",
        rf"{DAY}T{CLOCK}(?:Z|{ZONE})",
    )
)
"""ANSIC, UnixDate, RubyDate, Kitchen, RFC 3339, days with and without a time, ISO 8601."""
YEAR_ZERO = 62_167_219_200
"""Seconds from the first day of the year 0, on which a time without a day is, to 1970."""


def seconds_of(text: str) -> float | None:
    """Seconds since 1970 of a date, in UTC if it names no zone; None for any other text."""
    for pattern in FORMATS:
        match = pattern.fullmatch(text)
        if match:
            seconds = _seconds(match.groupdict())
            if seconds is not None:
                return seconds
    return None


def _seconds(parts: dict[str, str | None]) -> float | None:
    def number(name: str) -> int:
        return int(parts.get(name) or 0)

    hour, minute, second = number("hour"), number("minute"), number("second")
    if half := parts.get("half"):
        if hour > 12:
            return None
        hour = hour % 12 + (12 if half == "PM" else 0)
    if hour > 23 or minute > 59 or second > 59 or number("over") > 24 or number("under") > 59:
        return None
    clock = hour * 3600 + minute * 60 + second
    if half:
        return float(clock - YEAR_ZERO)
    word = parts.get("word")
    month = MONTHS.index(word.lower()) + 1 if word else number("month")
    try:
        day = datetime(number("year"), month, number("day"), tzinfo=UTC)
    except ValueError:
        return None
    ahead = timedelta(hours=number("over"), minutes=number("under")).total_seconds()
    return day.timestamp() + clock - (-ahead if parts.get("sign") == "-" else ahead)
