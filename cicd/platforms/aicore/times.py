"""RFC 3339 in all the spellings that AI Core has for it. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)


def moment(text: Any) -> int | None:
    """RFC 3339 -> nanoseconds since 1970 without losing a digit; None for anything else."""
    parts = MOMENT.fullmatch(str(text).strip()) if text else None
    if parts is None:
        return None
    day, clock, fraction, zone = parts.groups()
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        # in UTC, as there even a valid time may lie outside the years 1 to 9999
        seconds = datetime.fromisoformat(f"{day}T{clock}{zone}").astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))


def rfc3339(time: int) -> str:
    """Nanoseconds since 1970 -> ``2026-01-31T12:00:00.000000001Z``."""
    seconds, rest = divmod(time, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:09d}Z"


def utc_seconds(text: Any) -> str:
    """A time of any spelling -> ``2026-01-31T12:00:00Z``, empty for what is none."""
    with suppress(ValueError, TypeError):  # as it is in nearly all of many
        if datetime.fromisoformat(text).isoformat() == f"{text[:19]}+00:00":
            return f"{text[:19]}Z"
    time = moment(text)
    return "" if time is None else rfc3339(time)[:19] + "Z"
