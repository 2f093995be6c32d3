"""Small formats of AI Core: names, ids, cron, urls. Pure; limits are AI Core's own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cicd.config.tree import did_you_mean

if TYPE_CHECKING:
    from cronsim import CronSim

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
_CRON_FIELDS = (
    "minute (0 to 59)",
    "hour (0 to 23)",
    "day of month (1 to 31)",
    "month (1 to 12)",
    "day of week (0 to 7)",
)
_CRON_END = "([0-9]{1,3}|[A-Za-z]{3})"
_CRON_PART = re.compile(rf"(\*|{_CRON_END}(-{_CRON_END})?)(/[0-9]{{1,3}})?")


def plan_problem(plan: str) -> str:
    """What is wrong with a resource plan, empty when nothing is; a tenant may have others."""
    if plan in RESOURCE_PLANS:
        return ""
    hint = did_you_mean(plan, RESOURCE_PLANS) or f" (there are: {', '.join(RESOURCE_PLANS)})"
    return f"is no resource plan that AI Core documents{hint}"


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
    for place, (field, name) in enumerate(zip(fields, _CRON_FIELDS, strict=True)):
        for part in field.split(","):
            # the library knows more than crontab does: L, W, #
            if not (_CRON_PART.fullmatch(part) and _cron(_alone(part, place))):
                return f'"{part}" is not a {name}'
    minutes = _cron(_alone(fields[0], 0))
    if minutes and len(minutes.minutes) > 1:
        return "runs more than once an hour, the least time between runs: give one minute"
    return ""


def cron_doubt(text: str) -> str:
    """What is odd with a cron expression that has no problem, empty when nothing is."""
    *fields, weekdays = text.split()
    if len(fields) == len(_CRON_FIELDS):
        return "has 6 fields, of which AI Core documents only 5: leave the last one out"
    week = _cron(_alone(weekdays, len(fields)))
    is_any_weekday = week and week.weekdays >= set(range(1, 7)) and week.weekdays & {0, 7}
    if not _cron(" ".join([*fields, "*" if is_any_weekday else weekdays])):
        return "never comes: no such day in that month"
    return ""


def _alone(field: str, place: int) -> str:
    """A cron expression of which only this field says something."""
    return " ".join([*["*"] * place, field, *["*"] * (len(_CRON_FIELDS) - 1 - place)])


def _cron(expression: str) -> CronSim | None:
    """What an expression stands for; None when it is none, or its day is in none of its months."""
    # loaded where there is a schedule: few stage files have one
    from cronsim import CronSim, CronSimError

    try:
        return CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError:
        return None


def utc_time(text: str) -> datetime | None:
    """A time like ``2026-01-31T06:00:00Z``, None when it is none: AI Core takes no fractions."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
