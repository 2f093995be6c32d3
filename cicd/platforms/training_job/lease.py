"""Locks: an object that is made only where there is none of its name."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cicd.errors import Conflict, NotFound, PlatformError
from cicd.model import Holder, holders
from cicd.platforms.training_job.records import place_of
from cicd.platforms.training_job.statuses import moment
from cicd.platforms.training_job.storage import Storage

NOT_IMPLEMENTED = 501


class ObjectLock:
    """The object that stands for one lock. ``now``: the time by the server's clock."""

    def __init__(self, storage: Storage, name: str, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._key = f"cicd/locks/{place_of(name).removeprefix('cicd/')}"
        self._is_proven = False

    def take(self, holder: Holder, seconds: float) -> Holder:
        self._prove()
        taken = self._for(holder, seconds)
        self._storage.write(self._key, _text(taken), if_new=True)
        return taken

    def look(self) -> Holder | None:
        try:
            told = json.loads(self._storage.read(self._key))
        except NotFound:
            return None
        except (ValueError, RecursionError):
            return holders.UNREADABLE
        told = told if isinstance(told, dict) else {}
        texts = holders.texts(told)
        until = moment(texts.get("until"))
        has_expired = until is None or until <= self._now()
        return Holder(**texts, has_expired=has_expired)

    def renew(self, holder: Holder, seconds: float) -> None:
        until = _stamp(self._now() + timedelta(seconds=seconds))
        self._storage.write(self._key, _text(replace(holder, until=until)))

    def drop(self) -> None:
        with suppress(NotFound):
            self._storage.remove(self._key)

    def _for(self, holder: Holder, seconds: float) -> Holder:
        now = self._now()
        return replace(holder, since=_stamp(now), until=_stamp(now + timedelta(seconds=seconds)))

    def _prove(self) -> None:
        """Find out whether the storage honours the condition: old ones take no notice of it, and
        would give the lock to everybody."""
        if self._is_proven:
            return
        probe = f"cicd/locks/probe-{uuid.uuid4()}"
        self._storage.write(probe, b"1", if_new=True)
        try:
            self._storage.write(probe, b"2", if_new=True)
        except Conflict:
            self._is_proven = True
        finally:
            with suppress(PlatformError):
                self._storage.remove(probe)
        if not self._is_proven:
            text = "the storage of the API makes an object twice where it was asked to make it once"
            raise PlatformError(text, status=NOT_IMPLEMENTED)


def _text(holder: Holder) -> bytes:
    return json.dumps(holders.told(holder)).encode()


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
