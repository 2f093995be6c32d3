"""Moments for the page: exact where it has no script, relative where it does. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cicd.render.moments import parse


@dataclass(frozen=True)
class Moment:
    """``exact``: ISO 8601 for machines; ``text``: for people, in UTC."""

    exact: str
    text: str


def moment(text: str) -> Moment | None:
    """An ISO 8601 time; None for what is none."""
    return of(parse(text))


def of(then: datetime | None) -> Moment | None:
    """The same of a time."""
    if then is None:
        return None
    then = then.astimezone(UTC)
    return Moment(f"{then:%Y-%m-%dT%H:%M:%SZ}", f"{then:%Y-%m-%d %H:%M:%S} UTC")
