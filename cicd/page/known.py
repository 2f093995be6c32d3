"""What was read of each thing last: read again in the background where somebody looks at it, so
that a slow platform never holds up a page."""

from __future__ import annotations

import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from cicd.errors import CicdError

MOMENT = 0.3
"""Seconds that whoever looks waits for something of which nothing is known yet."""
CALM = 5.0
"""Seconds after which a look reads again."""
SHARE = 5
"""Something that took a second to read is not read again for at least so many seconds."""
MOST = 200
"""Things that are kept of one sort; what nobody has looked at for longest goes first."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Look(Generic[Value]):
    """What is known of a thing. ``value``: as it was ``as_of``, None before it was ever read;
    ``problem``: why it could not be read the last time, empty where it could."""

    value: Value | None = None
    as_of: datetime | None = None
    problem: str = ""
    is_reading: bool = False

    @property
    def is_new(self) -> bool:
        """Whether nothing is known yet, and soon will be."""
        return self.value is None and not self.problem


@dataclass
class _Entry(Generic[Value]):
    look: Look[Value]
    under_way: Future[None] | None = None
    due: float = 0.0


class Known(Generic[Value]):
    """Things of one sort by their names, each read by ``read`` in a thread of the pool."""

    def __init__(self, read: Callable[[str], Value], pool: Executor) -> None:
        self._read = read
        self._pool = pool
        self._lock = Lock()
        self._entries: OrderedDict[str, _Entry[Value]] = OrderedDict()

    def look(self, name: str, *, patience: float = MOMENT) -> Look[Value]:
        """What is known of it by now; where that is old it is read again meanwhile. ``patience``:
        seconds to wait where nothing is known at all."""
        with self._lock:
            entry = self._entries.setdefault(name, _Entry(Look()))
            self._entries.move_to_end(name)
            while len(self._entries) > MOST:
                self._entries.popitem(last=False)
            if entry.under_way is None and time.monotonic() >= entry.due:
                entry.under_way = self._pool.submit(self._renew, name, entry)
            under_way, is_new = entry.under_way, entry.look.is_new
        if under_way and is_new and patience:
            wait([under_way], timeout=patience)
        with self._lock:
            found = entry.look
            return Look(found.value, found.as_of, found.problem, entry.under_way is not None)

    def forget(self, name: str) -> None:
        """Read it again with the next look, however new it is; until then it is as it was."""
        with self._lock:
            if entry := self._entries.get(name):
                entry.due = 0.0

    def _renew(self, name: str, entry: _Entry[Value]) -> None:
        began = time.monotonic()
        before = entry.look
        try:
            found = Look(self._read(name), datetime.now(UTC))
        except CicdError as error:
            found = Look(before.value, before.as_of, str(error) or type(error).__name__)
        except Exception as error:  # of one thing; all others are shown
            found = Look(before.value, before.as_of, told_bug(error))
        ended = time.monotonic()
        with self._lock:
            entry.look = found
            entry.under_way = None
            entry.due = ended + max(CALM, SHARE * (ended - began))


def told_bug(error: BaseException) -> str:
    """Where something failed that should not: no text of it, which may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"this is a bug in cicd: {type(error).__name__}{place}"
