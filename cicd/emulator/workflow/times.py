"""Go's times and durations: read and written by layouts such as ``2006-01-02 15:04:05``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND = 1_000_000_000
DAY = 86400
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
RFC3339 = "2006-01-02T15:04:05Z07:00"
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
PART = re.compile(
    r"January|Jan|Monday|Mon|MST|_2006|2006|002|__2|_2|01|02|03|04|05|06|15|PM|pm"
    r"|[-Z]07:00:00|[-Z]070000|[-Z]07:00|[-Z]0700|[-Z]07|[.,](?:0+|9+)(?!\d)|[12345]"
)
"""What a layout may have between other characters."""
NAMES = "|".join
PATTERNS = {
    "January": f"(?P<month_name>(?i:{NAMES(MONTHS)}))",
    "Jan": f"(?P<month_name>(?i:{NAMES(name[:3] for name in MONTHS)}))",
    "Monday": f"(?i:{NAMES(DAYS)})",
    "Mon": f"(?i:{NAMES(name[:3] for name in DAYS)})",
    "MST": r"(?P<zone_name>UTC|GMT[-+]\d{1,2}|ChST|MeST|[A-Z]{3,4}|[A-Z]{4}T|[-+]\d\d(?:\d\d)?)",
    "2006": r"(?P<year>\d{4})",
    "_2006": r"_(?P<year>\d{4})",
    "06": r"(?P<short_year>\d\d)",
    "01": r"(?P<month>\d\d)",
    "1": r"(?P<month>\d\d?)",
    "02": r"(?P<day>\d\d)",
    "_2": r" ?(?P<day>\d\d?)",
    "2": r"(?P<day>\d\d?)",
    "002": r"(?P<day_of_year>\d{3})",
    "__2": r" {0,2}(?P<day_of_year>\d{1,3})",
    "15": r"(?P<hour>\d\d?)",
    "03": r"(?P<half_hour>\d\d)",
    "3": r"(?P<half_hour>\d\d?)",
    "04": r"(?P<minute>\d\d)",
    "4": r"(?P<minute>\d\d?)",
    "05": r"(?P<second>\d\d)",
    "5": r"(?P<second>\d\d?)",
    "PM": "(?P<half>AM|PM)",
    "pm": "(?P<half>am|pm)",
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

    @property
    def offset(self) -> int:
        """Seconds that the zone is ahead of UTC then."""
        if self.zone is UTC:
            return 0
        then = datetime.fromtimestamp(self.nanoseconds // SECOND, UTC).astimezone(self.zone)
        return int((then.utcoffset() or timedelta()).total_seconds())

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month and day."""
        return _civil((self.nanoseconds // SECOND + self.offset) // DAY)

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
        return _days(year, month, day) - _days(year, 1, 1) + 1

    def moved(self, by: Duration) -> Moment:
        return Moment(self.nanoseconds + by.nanoseconds, self.zone)

    def since(self, other: Moment) -> Duration:
        return Duration(self.nanoseconds - other.nanoseconds)

    def __str__(self) -> str:
        return written(self, "2006-01-02 15:04:05.999999999 -0700 MST")


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


def written(moment: Moment, layout: str) -> str:
    """The time in a layout."""
    return PART.sub(lambda match: _written(moment, match[0]), layout)


def parsed(layout: str, text: str, zone: tzinfo = UTC) -> Moment:
    """The time that a text stands for; without a zone of its own it is in ``zone``.
    Raises BadTime."""
    match = _reader(layout).fullmatch(text)
    found = _moment(match.groupdict(), zone) if match else None
    if found is None:
        raise BadTime(f'parsing time "{text}" as "{layout}": cannot parse it')
    return found


def _written(moment: Moment, part: str) -> str:
    year, month, day = moment.date
    hour, minute, second, nanosecond = moment.clock
    half = hour % 12 or 12
    if part[0] in ".,":
        digits = f"{nanosecond:09}"[: len(part) - 1]
        if part[1] == "9":
            digits = digits.rstrip("0")
        return f"{part[0]}{digits}" if digits else ""
    if part[0] in "-Z":
        return _zone(moment.offset, part)
    texts = {
        "January": MONTHS[month - 1],
        "Jan": MONTHS[month - 1][:3],
        "Monday": DAYS[moment.weekday],
        "Mon": DAYS[moment.weekday][:3],
        "MST": _zone_name(moment),
        "2006": f"{year:04}",
        "_2006": f"_{year:04}",
        "06": f"{year % 100:02}",
        "01": f"{month:02}",
        "1": str(month),
        "02": f"{day:02}",
        "_2": f"{day:2}",
        "2": str(day),
        "002": f"{moment.day_of_year:03}",
        "__2": f"{moment.day_of_year:3}",
        "15": f"{hour:02}",
        "03": f"{half:02}",
        "3": str(half),
        "04": f"{minute:02}",
        "4": str(minute),
        "05": f"{second:02}",
        "5": str(second),
        "PM": "PM" if hour > 11 else "AM",
        "pm": "pm" if hour > 11 else "am",
    }
    return texts[part]


def _zone(offset: int, part: str) -> str:
    """``Z`` or ``+01:00`` in one of the ways to write it."""
    if part[0] == "Z" and not offset:
        return "Z"
    rest = abs(offset)
    colon = ":" if ":" in part else ""
    digits = [f"{rest // 3600:02}", f"{rest % 3600 // 60:02}", f"{rest % 60:02}"]
    count = len(part.replace(":", "")) // 2
    return ("-" if offset < 0 else "+") + colon.join(digits[:count])


def _zone_name(moment: Moment) -> str:
    if moment.zone is UTC:
        return "UTC"
    if isinstance(moment.zone, ZoneInfo):
        then = datetime.fromtimestamp(moment.nanoseconds // SECOND, moment.zone)
        return then.tzname() or ""
    return _zone(moment.offset, "-0700")


@lru_cache(maxsize=200)
def _reader(layout: str) -> re.Pattern[str]:
    """A layout as a pattern; what occurs twice is read once."""
    found, position, named = "", 0, set()
    for match in [*PART.finditer(layout), None]:
        literal = layout[position : match.start() if match else None]
        found += re.sub(r"(?:\\ )+", " +", re.escape(literal))
        if match:
            position = match.end()
            part = _pattern(match[0], layout[position:])
            for name in re.findall(r"\?P<(\w+)>", part):
                part = part.replace(f"?P<{name}>", "?:") if name in named else part
                named.add(name)
            found += part
    return re.compile(found, re.ASCII)


def _pattern(part: str, rest: str) -> str:
    if part[0] in ".,":
        digits = rf"\d{{{len(part) - 1}}}" if part[1] == "0" else r"\d+"
        found = rf"[.,](?P<fraction>{digits})"
        return found if part[1] == "0" else f"(?:{found})?"
    if part[0] in "-Z":
        colon = ":" if ":" in part else ""
        names = ("over", "under", "least")[: len(part.replace(":", "")) // 2]
        digits = colon.join(rf"(?P<{name}>\d\d)" for name in names)
        found = rf"(?P<sign>[-+]){digits}"
        return f"(?:(?P<utc>Z)|{found})" if part[0] == "Z" else found
    found = PATTERNS[part]
    if part in ("05", "5") and not re.match(r"[.,](?:0+|9+)(?!\d)", rest):
        found += r"(?:[.,](?P<fraction>\d+))?"
    return found


def _moment(parts: dict[str, str | None], zone: tzinfo) -> Moment | None:
    def number(name: str, default: int = 0) -> int:
        return int(parts.get(name) or default)

    hour, minute, second = number("hour"), number("minute"), number("second")
    if parts.get("half_hour"):
        hour = number("half_hour")
        if hour > 12:
            return None
    if half := parts.get("half"):
        hour = hour % 12 + (12 if half.lower() == "pm" else 0) if hour <= 12 else hour
    if max(hour, 23) > 23 or max(minute, second) > 59:
        return None
    year, month, day = number("year"), number("month", 1), number("day", 1)
    if short := parts.get("short_year"):
        year = int(short) + (2000 if int(short) < 69 else 1900)
    if name := parts.get("month_name"):
        month = [item[:3].lower() for item in MONTHS].index(name[:3].lower()) + 1
    if not 1 <= month <= 12 or not 1 <= day <= _length(year, month):
        return None
    first = _days(year, month, day)
    if parts.get("day_of_year"):
        first = _days(year, 1, 1) + number("day_of_year") - 1
    seconds = first * DAY + hour * 3600 + minute * 60 + second
    fraction = (parts.get("fraction") or "").ljust(9, "0")[:9]
    if parts.get("sign"):
        if number("over") > 24 or number("under") > 59:
            return None
        ahead = number("over") * 3600 + number("under") * 60 + number("least")
        ahead = -ahead if parts["sign"] == "-" else ahead
        zone = timezone(timedelta(seconds=ahead)) if ahead else UTC
        seconds -= ahead
    elif parts.get("utc") or parts.get("zone_name"):
        zone = UTC
    elif zone is not UTC:
        local = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=zone)
        seconds -= int((local.utcoffset() or timedelta()).total_seconds())
    return Moment(seconds * SECOND + int(fraction), zone)


def _length(year: int, month: int) -> int:
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return _days(*following, 1) - _days(year, month, 1)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970, in the calendar of today, also long ago."""
    year -= month < 3
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _civil(days: int) -> tuple[int, int, int]:
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


def later(moment: Moment, years: int, months: int, days: int) -> Moment:
    """Go's AddDate."""
    year, month, day = moment.date
    carried, month = divmod(month - 1 + months, 12)
    moved = _days(year + years + carried, month + 1, 1) + day - 1 + days
    return Moment(moment.nanoseconds + (moved - _days(*moment.date)) * DAY * SECOND, moment.zone)


def rounded(moment: Moment, by: Duration) -> Moment:
    """Go's Truncate: down to a multiple."""
    since = moment.nanoseconds - _days(1, 1, 1) * DAY * SECOND
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
        "String": str,
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
