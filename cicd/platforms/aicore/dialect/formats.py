"""Small formats of AI Core: names, ids, cron, urls. Pure; limits are AI Core's own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cicd.config.formats import slug
from cicd.config.tree import did_you_mean

NAME = r"""^[A-Za-z0-9_\s.!?,;:\[\](){}<>"'=+*/\\^&%@~$#|-]+$"""
ID = r"^[A-Za-z0-9_.-]{4,64}$"
RESOURCE_GROUP = r"^[a-zA-Z0-9][a-zA-Z0-9.-]{1,251}[a-zA-Z0-9]$"
APPLICATION = r"^[a-z0-9-]{3,54}$"
ARTIFACT_URL = r"[a-z0-9-]+://.+"
"""Not anchored, as in the API document."""
REPOSITORY_URL = r"^(https?|file)://.+"
DESTINATION = r"^[A-Za-z0-9_-]+$"
TTL = r"^[0-9]+[mMhHdD]$"
DRAIN = r"^(0|[1-9][0-9]{0,5})[smhd]$"
LAUNCHPAD_URL = r"^https?://.+"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

OBJECT_STORE = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
DOCKER_REGISTRY = r"^[a-z0-9](_?[a-z0-9.-])*[a-z0-9]$"
GENERIC = r"^[a-z0-9.-]+$"
SECRET_ENTRY = re.compile(r"[A-Za-z0-9._-]{1,253}")
MAX_KEY = 256
"""Longest name of a parameter, an input or a label on AI Core."""

RESOURCE_PLANS = ("basic", "basic.8x", "infer.l", "infer.m", "infer.s", "starter", "train.l")
"""Those that AI Core documents."""
MIN_TTL = 600
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CRON_FIELDS = (
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day of month", 1, 31, ""),
    ("month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    ("day of week", 0, 7, "sun mon tue wed thu fri sat"),
)


def plan_problem(plan: str) -> str:
    """What is wrong with a resource plan, empty when nothing is; a tenant may have others."""
    if plan in RESOURCE_PLANS:
        return ""
    hint = did_you_mean(plan, RESOURCE_PLANS) or f" (there are: {', '.join(RESOURCE_PLANS)})"
    return f"is no resource plan that AI Core documents{hint}"


def repository_name(url: str) -> str:
    """A name for a Git repository on AI Core: owner and repository, 51 characters at most."""
    parts = [part for part in urlsplit(url).path.removesuffix(".git").split("/") if part]
    kept = parts[-2:] if urlsplit(url).netloc else parts[-1:]
    return slug("-".join(kept))[:51].strip("-") or "repository"


def cron_problem(text: str) -> str:
    """What is wrong with a cron expression, empty when nothing is. Five fields; SAP's
    documentation has an hourly one with a sixth, ``*``."""
    fields = text.split()
    has_sixth = len(fields) == len(_CRON_FIELDS) + 1 and fields[-1] == "*"
    if has_sixth and not cron_problem(" ".join(fields[:-1])):
        return ""
    if len(fields) != len(_CRON_FIELDS):
        seconds = ": leave the seconds out" if len(fields) == len(_CRON_FIELDS) + 1 else ""
        return f"needs 5 fields (minute hour day month weekday), has {len(fields)}{seconds}"
    for field, (name, low, high, words) in zip(fields, _CRON_FIELDS, strict=True):
        for part in field.split(","):
            if not _is_cron_part(part, low, high, words):
                return f'"{part}" is not a {name} ({low} to {high})'
    if len(_cron_values(fields[0], *_CRON_FIELDS[0][1:])) > 1:
        return "runs more than once an hour, the least time between runs: give one minute"
    return ""


def cron_doubt(text: str) -> str:
    """What is odd with a cron expression that has no problem, empty when nothing is."""
    fields = text.split()
    if len(fields) > len(_CRON_FIELDS):
        return "has 6 fields, of which AI Core documents only 5: leave the last one out"
    _, _, days, months, weekdays = (
        _cron_values(field, low, high, words)
        for field, (_, low, high, words) in zip(fields, _CRON_FIELDS, strict=True)
    )
    is_any_weekday = len({day % 7 for day in weekdays}) == 7
    if is_any_weekday and not any(min(days) <= _MONTH_DAYS[month - 1] for month in months):
        return "never comes: no such day in that month"
    return ""


def _is_cron_part(part: str, low: int, high: int, words: str) -> bool:
    span, _, step = part.partition("/")
    if "/" in part and not (re.fullmatch("[0-9]{1,3}", step) and int(step) > 0):
        return False
    if span == "*":
        return True
    ends = [_cron_number(end, low, words) for end in span.split("-")]
    known = [end for end in ends if end is not None and low <= end <= high]
    return len(known) == len(ends) <= 2 and known == sorted(known)


def _cron_values(field: str, low: int, high: int, words: str) -> set[int]:
    """All numbers that a valid field stands for; ``5/10`` goes on to the end of the range."""
    values: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, last = low, high
        if span != "*":
            ends = [_cron_number(end, low, words) or 0 for end in span.split("-")]
            first, last = ends[0], high if slash and len(ends) == 1 else ends[-1]
        values |= set(range(first, last + 1, int(step or 1)))
    return values


def _cron_number(text: str, low: int, words: str) -> int | None:
    if text.lower() in words.split():
        return words.split().index(text.lower()) + low
    return int(text) if re.fullmatch("[0-9]{1,3}", text) else None


def utc_time(text: str) -> datetime | None:
    """A time like ``2026-01-31T06:00:00Z``, None when it is none: AI Core takes no fractions."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
