"""Locks: an object that is made only where there is none of its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta

from cicd.errors import NotFound
from cicd.model import Holder
from cicd.platforms.sagemaker.storage import Storage


class ObjectLock:
    """The object that stands for one lock. ``now``: the time by AWS's clock, in ns since 1970."""

    def __init__(self, storage: Storage, key: str, now: Callable[[], int]) -> None:
        self._storage = storage
        self._key = key
        self._now = now
        self._tag = ""

    def take(self, holder: Holder, seconds: float) -> Holder:
        taken = self._for(holder, seconds)
        self._tag = self._storage.write(self._key, _text(taken), if_new=True)
        return taken

    def look(self) -> Holder | None:
        try:
            told = json.loads(self._storage.read(self._key))
        except NotFound:
            return None
        except ValueError:
            return Holder(run="", name="nobody who can be read", has_expired=True)
        known = {field.name for field in fields(Holder)} - {"has_expired"}
        texts = {name: str(value) for name, value in dict(told).items() if name in known}
        return Holder(**{"run": "", **texts}, has_expired=self._has_expired(texts.get("until", "")))

    def renew(self, holder: Holder, seconds: float) -> None:
        renewed = replace(holder, until=self._stamp(seconds))
        # of one that somebody else took over meanwhile the tag is another
        self._tag = self._storage.write(self._key, _text(renewed), if_is=self._tag)

    def drop(self) -> None:
        self._storage.remove(self._key)

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


def _text(holder: Holder) -> bytes:
    told = {name: text for name, text in asdict(holder).items() if name != "has_expired"}
    return json.dumps(told).encode()
