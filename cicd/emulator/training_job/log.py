"""The log of a job as bytes, from any of them on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from cicd.emulator.runs.starting import Runs

PAGE = 1000
"""Lines that are read at once."""
BEGIN = (0, -1, -1)
Mark = tuple[int, int, int]
"""Bytes before a line, and the time and number of the line before it."""


class Logs:
    """Who follows a log asks again and again for what is new: where it ended last is known, so that
    nobody reads a long one from its beginning each time."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._ends: dict[str, Mark] = {}
        self._forgotten: dict[str, int] = {}
        self._lock = threading.Lock()

    def read(self, run_id: str, offset: int) -> Iterator[bytes]:
        """What was logged from this byte on, in pieces."""
        offset += self._forgotten.get(run_id, 0)
        end = self._ends.get(run_id, BEGIN)
        position, *after = end if end[0] <= offset else BEGIN
        while rows := self._runs.log_after(run_id, (after[0], after[1]), PAGE):
            piece = "".join(f"{row['text']}\n" for row in rows).encode("utf-8", "replace")
            if len(piece) > offset - position:
                yield piece[max(0, offset - position) :]
            position += len(piece)
            after = [rows[-1]["time"], rows[-1]["rowid"]]
        with self._lock:
            # where a log has lost its beginning, who reads it anew counts less than who follows it
            self._ends[run_id] = max((position, after[0], after[1]), self._ends.get(run_id, BEGIN))

    def shorten(self, run_id: str) -> None:
        """Forget half of what was logged so far."""
        left = sum(map(len, self.read(run_id, 0)))
        with self._lock:
            self._forgotten[run_id] = self._forgotten.get(run_id, 0) + (left + 1) // 2
