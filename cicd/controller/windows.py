"""Whether a stage may be changed at a moment, by the windows of its file. Pure.

A window begins by the clocks of its zone and lasts real time: across a change of the clocks three
hours stay three hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

from cicd.model import Window

MOST_LOOKED_AT = 100
"""Beginnings of each window that are looked at to find when it opens next."""


def is_open(windows: Sequence[Window], at: datetime) -> bool:
    """Whether anything may be changed ``at`` (aware): nothing denies it, and where any window
    allows something, one of them does."""
    allowing = [window for window in windows if window.kind == "allow"]
    if any(_covers(window, at) for window in windows if window.kind == "deny"):
        return False
    return not allowing or any(_covers(window, at) for window in allowing)


def opens_at(windows: Sequence[Window], at: datetime) -> datetime | None:
    """When that will be so next, in UTC; ``at`` itself where it is so, None where no window opens
    within sight."""
    if is_open(windows, at):
        return at.astimezone(UTC)
    # It can only begin where something begins that allows, or ends that denies.
    moments = sorted(moment for window in windows for moment in _moments(window, at))
    return next((moment for moment in moments if is_open(windows, moment)), None)


def _covers(window: Window, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(window.zone)) + timedelta(seconds=1)
    began = next(CronSim(window.cron, local, reverse=True), None)
    # Both in UTC: of two times in one zone Python takes the clocks' difference.
    return began is not None and _seconds(began, at) < window.length


def _seconds(began: datetime, at: datetime) -> float:
    return (at.astimezone(UTC) - began.astimezone(UTC)).total_seconds()


def _moments(window: Window, at: datetime) -> Iterator[datetime]:
    local = at.astimezone(ZoneInfo(window.zone))
    length = timedelta(seconds=window.length if window.kind == "deny" else 0)
    last = next(CronSim(window.cron, local + timedelta(seconds=1), reverse=True), None)
    comes = CronSim(window.cron, local)
    begun = [*([last] if last else []), *islice(comes, MOST_LOOKED_AT)]
    ends = (began.astimezone(UTC) + length for began in begun)
    yield from (end for end in ends if end > at)
