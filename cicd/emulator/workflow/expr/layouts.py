"""Go's layouts: times read and written as ``2006-01-02 15:04:05`` shows it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from cicd.emulator.workflow.expr.times import DAY, SECOND, BadTime, Moment, days_of, length_of

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
PRINTED = "2006-01-02 15:04:05.999999999 -0700 MST"
"""As Go prints a time."""
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
    if not 1 <= month <= 12 or not 1 <= day <= length_of(year, month):
        return None
    first = days_of(year, month, day)
    if parts.get("day_of_year"):
        first = days_of(year, 1, 1) + number("day_of_year") - 1
    seconds = first * DAY + hour * 3600 + minute * 60 + second
    fraction = (parts.get("fraction") or "").ljust(9, "0")[:9]
    if parts.get("sign"):
        if number("over") > 23 or number("under") > 59:
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
