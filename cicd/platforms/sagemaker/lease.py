"""Locks: a text that is put where there is none, and says who has it until when."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cicd.errors import Conflict, ConnectionFailed, LostAnswer, NotFound, PlatformError, Throttled
from cicd.model import Holder, holders
from cicd.platforms.sagemaker.lock_places import Place

PASSING = (Conflict, ConnectionFailed, LostAnswer, Throttled)
"""What says nothing of whether a place can hold a lock."""


class TextLock:
    """One lock. It lies in the first of its ``places`` that can hold it: all who may write there
    meet. ``now``: the time by AWS's clock, in ns since 1970."""

    def __init__(self, places: Sequence[Place], now: Callable[[], int]) -> None:
        self._places = places
        self._now = now
        self._place: Place | None = None
        self._tag = ""

    def take(self, holder: Holder, seconds: float) -> Holder:
        taken = self._for(holder, seconds)
        self._tag = self._put(_text(taken))
        return taken

    def _put(self, text: str) -> str:
        refused: PlatformError | None = None
        for place in [self._place] if self._place else self._places:
            try:
                tag = place.make(text)
            except PASSING:
                self._place = place
                raise
            except PlatformError as error:
                refused = _both(refused, error)
            else:
                self._place = place
                return tag
        assert refused
        raise refused

    def look(self) -> Holder | None:
        refused: list[PlatformError] = []
        places = [self._place] if self._place else self._places
        for place in places:
            try:
                text = place.read()
            except NotFound:
                continue
            except PASSING:
                raise
            except PlatformError as error:
                refused.append(error)
                continue
            self._place = place
            return self._holder(text)
        if len(refused) == len(places):
            raise refused[0]
        return None

    def _holder(self, text: str) -> Holder:
        try:
            told = dict(json.loads(text))
        except (TypeError, ValueError):
            return holders.UNREADABLE
        texts = holders.texts(told)
        return Holder(**texts, has_expired=self._has_expired(texts.get("until", "")))

    def renew(self, holder: Holder, seconds: float) -> None:
        renewed = replace(holder, until=self._stamp(seconds))
        # of one that somebody else took over meanwhile the tag is another
        place = self._place or self._places[0]
        self._tag = place.replace(_text(renewed), self._tag)

    def drop(self) -> None:
        place = self._place or self._places[0]
        place.remove()

    def _for(self, holder: Holder, seconds: float) -> Holder:
        return replace(holder, since=self._stamp(0), until=self._stamp(seconds))

    def _stamp(self, later: float) -> str:
        return (self._time() + timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now() / 10**9, UTC)

    def _has_expired(self, until: str) -> bool:
        try:
            return datetime.fromisoformat(until) <= self._time()
        except (ValueError, TypeError):
            return True


def _both(first: PlatformError | None, second: PlatformError) -> PlatformError:
    """The error of the first place, which is what a person can do something about, with the words
    of both."""
    if first is None or first.message == second.message:
        return second
    text = f"{first.message}; nor is there another place for it: {second.message}"
    return type(first)(text, hint=first.hint, status=first.status, code=first.code)


def _text(holder: Holder) -> str:
    return json.dumps(holders.told(holder))
