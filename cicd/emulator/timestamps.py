"""Moments as AI Core writes and reads them. Inside, a moment is nanoseconds since 1970 (an int)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?"
    r"(?:([Zz])|([+ -])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)


def now() -> str:
    """The present second: ``2021-11-22T06:52:27Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_precise() -> str:
    """The present microsecond: ``2021-11-22T06:52:27.831955Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now_offset() -> str:
    """The present microsecond as templates carry it: ``2021-11-22T06:52:27.831955+00:00``."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def now_ns() -> int:
    """Nanoseconds since 1970."""
    return time.time_ns()


def format_ns(moment: int) -> str:
    """Nanoseconds since 1970 -> ``2021-11-22T06:52:27.831955906+00:00``."""
    seconds, rest = divmod(moment, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:09d}+00:00"


def in_seconds(moment: int) -> str:
    """Nanoseconds since 1970 -> ``2021-11-22T06:52:27Z``."""
    # not strftime: that writes the year 800 with three digits
    return datetime.fromtimestamp(moment // SECOND, UTC).isoformat()[:19] + "Z"


def parse_ns(text: str) -> int:
    """RFC 3339 with up to nine digits of fraction -> nanoseconds since 1970; else ValueError.

    A blank for the plus sign is what an unescaped ``+`` in a query string arrives as.
    """
    match = RFC3339.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not an RFC 3339 date and time: {text!r}")
    day, clock, fraction, _, sign, hours, minutes = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        try:
            moment += offset if sign == "-" else -offset
        except OverflowError:
            raise ValueError(f"out of range: {text!r}") from None
    whole = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return whole * SECOND + int((fraction or "").ljust(9, "0"))
