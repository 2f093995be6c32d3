"""Who was told of what and when, and what is still not well: one short text that the platform
keeps. Pure.

It keeps people from being told the same twice in an hour, whichever machine the second apply runs
on. Two at once both write that they will tell: only what is read back counts, so that just the last
of them does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.model import Happening

NAME = "notified"
"""What the platform keeps it under."""
PAUSE = 3600
"""Seconds in which nobody is told the same of a stage again."""
STANDING: tuple[Happening, ...] = ("failed", "drifted")
"""What lasts until it is over; then it has recovered."""
LONGEST_KEY = 80
LONGEST = 1900
"""Characters that any platform keeps."""

Claim = tuple[int, str]
"""Since when (seconds since 1970), and by which run."""


@dataclass(frozen=True)
class Marks:
    """``told``: happening and number of the address -> claim; ``open``: what is not well -> of
    which key."""

    told: Mapping[str, Claim] = field(default_factory=dict)
    open: Mapping[str, str] = field(default_factory=dict)

    def is_due(self, on: Happening, number: int, now: int) -> bool:
        """Whether nobody was told within the hour; a time to come is nobody's."""
        since = self.told.get(_name(on, number), (now - PAUSE, ""))[0]
        return not now - PAUSE < since <= now + PAUSE

    def claimed(self, on: Happening, number: int, now: int, run: str) -> Marks:
        """With this run as the one that tells it."""
        return replace(self, told={**self.told, _name(on, number): (now, run)})

    def is_claimed_by(self, on: Happening, number: int, run: str) -> bool:
        """Whether it is this run that tells it."""
        return self.told.get(_name(on, number), (0, ""))[1] == run

    def without(self, on: Happening, number: int) -> Marks:
        """As if it had not been told."""
        name = _name(on, number)
        return replace(self, told={key: claim for key, claim in self.told.items() if key != name})

    def opened(self, on: Happening, key: str) -> Marks:
        """With something that is not well."""
        return replace(self, open={**self.open, on: key[:LONGEST_KEY]})

    def closed(self) -> Marks:
        """With all well."""
        return replace(self, open={})


def read(text: str) -> Marks:
    """What was kept; nothing of what nobody can read."""
    try:
        found: Any = json.loads(text or "{}")
        told = {str(name): (int(claim[0]), str(claim[1])) for name, claim in found["told"].items()}
        return Marks(told, {str(on): str(key) for on, key in found["open"].items()})
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return Marks()


def write(marks: Marks, now: int) -> str:
    """The text to keep, without what is too old to count, nor the oldest of what is too much."""
    fresh = {name: claim for name, claim in marks.told.items() if now - PAUSE < claim[0]}
    told = dict(sorted(fresh.items(), key=lambda one: -one[1][0]))
    while len(text := _text(told, marks.open)) > LONGEST and told:
        told.popitem()
    return text


def _text(told: Mapping[str, Claim], open: Mapping[str, str]) -> str:
    return json.dumps({"told": told, "open": dict(open)}, separators=(",", ":"))


def _name(on: Happening, number: int) -> str:
    return f"{on}.{number}"
