"""Go's times and durations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND = 1_000_000_000
DAY = 86400
UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}


class BadTime(ValueError):
    """Not a time, duration or zone; the message says what is wrong."""


@dataclass(frozen=True)
class Duration:
    """A span of time."""

    nanoseconds: int

    def __str__(self) -> str:
        rest = abs(self.nanoseconds)
        if rest < SECOND:
            units = [("ns", 1), ("µs", 1_000), ("ms", 1_000_000)]
            unit, size = next((u for u in reversed(units) if rest >= u[1]), ("s", 1))
            found = f"{_decimal(rest, size)}{unit}"
        else:
            hours, rest = divmod(rest, 3600 * SECOND)
            minutes, rest = divmod(rest, 60 * SECOND)
            found = f"{hours}h" if hours else ""
            found += f"{minutes}m" if minutes or hours else ""
            found += f"{_decimal(rest, SECOND)}s"
        return f"-{found}" if self.nanoseconds < 0 else found


@dataclass(frozen=True)
class Moment:
    """A point in time, and the zone in which it is shown."""

    nanoseconds: int
    zone: tzinfo = field(default=UTC, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.zone, tzinfo):
            raise BadTime(f"{self.zone!r} is no time zone; timezone() makes one of its name")

    @property
    def offset(self) -> int:
        """Seconds that the zone is ahead of UTC then."""
        ahead = self.zone.utcoffset(None)
        if ahead is None:
            then = datetime.fromtimestamp(self.nanoseconds // SECOND, UTC)
            ahead = then.astimezone(self.zone).utcoffset() or timedelta()
        return int(ahead.total_seconds())

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month and day."""
        return civil_of((self.nanoseconds // SECOND + self.offset) // DAY)

    @property
    def clock(self) -> tuple[int, int, int, int]:
        """Hour, minute, second, nanosecond."""
        second = (self.nanoseconds // SECOND + self.offset) % DAY
        return second // 3600, second % 3600 // 60, second % 60, self.nanoseconds % SECOND

    @property
    def weekday(self) -> int:
        """0 for a Sunday."""
        return ((self.nanoseconds // SECOND + self.offset) // DAY + 4) % 7

    @property
    def day_of_year(self) -> int:
        year, month, day = self.date
        return days_of(year, month, day) - days_of(year, 1, 1) + 1

    def moved(self, by: Duration) -> Moment:
        return Moment(self.nanoseconds + by.nanoseconds, self.zone)

    def since(self, other: Moment) -> Duration:
        return Duration(self.nanoseconds - other.nanoseconds)


def at(seconds: float) -> Moment:
    """Seconds since 1970, in UTC."""
    return Moment(int(seconds * 1_000_000) * 1_000)


def zone_of(name: str) -> tzinfo:
    """``UTC``, ``Local`` (the same here) or a name such as ``Europe/Berlin``. Raises BadTime."""
    if name in ("", "UTC", "Local"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadTime(f"unknown time zone {name}") from None


def duration_of(text: str) -> Duration:
    """``1h30m``, ``-1.5s``, ``0``. Raises BadTime."""
    match = re.fullmatch(r"([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)", text)
    if not match:
        raise BadTime(f'time: invalid duration "{text}"')
    found = 0
    for digits, unit in re.findall(r"([\d.]+)([a-zµμ]+)", match[2]):
        whole, _, fraction = digits.partition(".")
        found += int(whole or 0) * UNITS[unit]
        found += int(fraction or 0) * UNITS[unit] // 10 ** len(fraction)
    return Duration(-found if match[1] == "-" else found)


def length_of(year: int, month: int) -> int:
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return days_of(*following, 1) - days_of(year, month, 1)


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970, in the calendar of today, also long ago."""
    year -= month < 3
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def civil_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of that many days since 1970."""
    era, of_era = divmod(days + 719468, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    part = (5 * of_year + 2) // 153
    month = part + 3 if part < 10 else part - 9
    return year + era * 400 + (month < 3), month, of_year - (153 * part + 2) // 5 + 1


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    digits = str(rest).rjust(len(str(size)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
