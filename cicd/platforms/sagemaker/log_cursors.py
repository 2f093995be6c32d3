"""How far the streams of a log have been read, as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Position:
    """How far one stream has been read.

    ``token``: behind which page, empty for none. ``told``: so many events behind that were told.
    ``at``: the time of the last that was told, in ms since 1970; ``same``: how many of that time
    were: both for when AWS knows the token no more.
    """

    token: str = ""
    told: int = 0
    at: int = 0
    same: int = 0

    def asked(self, begin: int) -> dict[str, Any]:
        """What is asked for the events behind, none of them before ``begin`` (ms since 1970)."""
        if self.token:
            # both go together: a token alone would tell what came before that time
            more = {"startTime": begin} if begin else {}
            return {"nextToken": self.token, "startFromHead": True, **more}
        start = max(begin, self.at)
        return {"startFromHead": True} | ({"startTime": start} if start else {})

    def untold(self, events: Sequence[Event]) -> Sequence[Event]:
        """Those of the page behind that were not told yet."""
        return events[self._known(events) :]

    def _known(self, events: Sequence[Event]) -> int:
        if self.token:
            return min(self.told, len(events))
        return sum(event["timestamp"] == self.at for event in events[: self.same])

    def after(self, events: Sequence[Event]) -> Position:
        """The position when these of the page behind were told as well."""
        at, same = self.at, self.same
        for event in events:
            same = same + 1 if event["timestamp"] == at else 1
            at = event["timestamp"]
        return Position(self.token, self.told + len(events), at, same)

    def behind(self, page: Sequence[Event], token: str) -> Position:
        """The position when all of the page behind was told: at the token after it. What was told
        of it before may go on there."""
        events = self.untold(page)
        known = self.told if self.token else self.same
        left = 0 if events else max(0, known - len(page))
        return replace(self.after(events), token=token, told=left)

    def without_token(self) -> Position:
        """The same place, by its time."""
        return replace(self, token="", told=0)


BEGINNING = Position()


@dataclass
class Part:
    """What was read of one stream. ``position``: where that begins; ``is_whole``: whether it was
    read to its end."""

    position: Position
    is_whole: bool = True
    count: int = 0
    _pages: list[tuple[Position, Sequence[Event], Position]] = field(default_factory=list)

    def add(self, page: Sequence[Event], before: Position, token: str) -> Position:
        """A page, where it begins, and the token behind it; the position there."""
        events = before.untold(page)
        behind = before.behind(page, token)
        self._pages.append((before, events, behind))
        self.count += len(events)
        return behind

    @property
    def last(self) -> int:
        """The time of its last event, in ms since 1970."""
        return max(int(event["timestamp"]) for _, events, _ in self._pages for event in events)

    def until(self, bound: int | None) -> tuple[list[Event], Position]:
        """Its events up to a time, and the position behind them."""
        found: list[Event] = []
        position = self.position
        for before, events, behind in self._pages:
            told = [event for event in events if bound is None or event["timestamp"] <= bound]
            found += told
            if len(told) < len(events):
                return found, before.after(told)
            position = behind
        return found, position


def read_cursor(text: str) -> dict[str, Position]:
    """Stream -> position."""
    told: Mapping[str, Any] = json.loads(text) if text else {}
    return {stream: Position(*fields) for stream, fields in told.items()}


def write_cursor(positions: Mapping[str, Position]) -> str:
    """The same as text."""
    told = {stream: astuple(position) for stream, position in positions.items()}
    return json.dumps(told, separators=(",", ":"))
