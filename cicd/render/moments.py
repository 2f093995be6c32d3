"""Times and durations for people. Pure: the present is an argument."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def parse(text: str) -> datetime | None:
    """An ISO 8601 time, in UTC; None for anything else."""
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return None
    return then.replace(tzinfo=then.tzinfo or UTC).astimezone(UTC)


def age(created_at: str, now: datetime) -> str:
    """How long ago, in its largest unit: ``3d``, ``5h``, ``12m``, ``40s``; empty if unknown."""
    then = parse(created_at)
    if then is None:
        return ""
    seconds = int((now - then).total_seconds())
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(0, seconds)}s"


def took(begin: str, end: str) -> float | None:
    """Seconds between two ISO 8601 times; None where one is missing."""
    started, ended = parse(begin), parse(end)
    if started is None or ended is None:
        return None
    return max(0.0, (ended - started).total_seconds())


def duration(seconds: float | None) -> str:
    """``2d 3h``, ``1h 5m``, ``3m 20s``, ``40s``: two units at most; empty for None."""
    if seconds is None:
        return ""
    rest = round(seconds)
    parts: list[str] = []
    for unit, size in (*_UNITS, ("s", 1)):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count}{unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0s"


def stamp(nanoseconds: int) -> str:
    """``2026-01-31T12:00:00.5Z`` for nanoseconds since 1970; empty for 0, which means unknown."""
    if nanoseconds <= 0:
        return ""
    seconds, rest = divmod(nanoseconds, 10**9)
    try:
        when = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):
        return ""
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z"
