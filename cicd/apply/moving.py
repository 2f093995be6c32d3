"""How far files that are being sent or fetched have come, told now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from cicd.apply.events import Moved
from cicd.model import Key

EVERY = 2.0
"""Seconds between two words about one file."""
SMALL = 16 * 2**20
"""Bytes up to which nothing is told: they are there before it is read."""


class Meter:
    """Hears of bytes on any thread, and tells of them on the one that reads events."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._new: dict[Key, tuple[int, int]] = {}
        self._told: dict[Key, float] = {}

    def hear(self, key: Key, done: int, total: int) -> None:
        """So many bytes of how many have been moved for a key."""
        if total > SMALL:
            with self._lock:
                self._new[key] = (done, total)

    def tell(self) -> Iterator[Moved]:
        """What is new since it was told last, not too often, and always the end."""
        with self._lock:
            found, now = dict(self._new), self._clock()
            due = {
                key
                for key, (done, total) in found.items()
                if done == total or now - self._told.get(key, 0.0) >= EVERY
            }
            for key in due:
                del self._new[key]
                self._told[key] = now
        for key in sorted(due):
            yield Moved(key, *found[key])
