"""How much of a run's log is kept: what is oldest goes, as on a cluster, and the log says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from cicd.emulator.jobs import Line

MOST = 128 * 2**20
"""Bytes of one run's log."""
ROW = 150
"""About what the database needs for a line beside its text."""
PARTS = 8
"""One of so many goes at a time."""


class Rotation:
    """Counts what was logged; all calls within the transaction that logs."""

    def __init__(self, most: int | None = None) -> None:
        self._most = MOST if most is None else most
        self._sizes: dict[str, int] = {}

    def count(self, db: sqlite3.Connection, run_id: str, lines: Sequence[Line]) -> None:
        """Lines were added; drop old ones when it has become too much."""
        if run_id in self._sizes:
            size = self._sizes[run_id] + sum(len(line.text) + ROW for line in lines)
        else:
            # The first lines since the emulator began; what it wrote before counts as well.
            size = measured(db, run_id)
        if size > self._most:
            size -= self._drop(db, run_id)
        self._sizes[run_id] = size

    def _drop(self, db: sqlite3.Connection, run_id: str) -> int:
        """Delete the oldest part, and say so where the log begins now; the bytes that are free."""
        found = last = 0
        rows = db.execute(
            "SELECT time, length(text) FROM logs WHERE run_id = ? ORDER BY time", (run_id,)
        )
        for time, length in rows:
            found, last = found + length + ROW, time
            if found >= self._most // PARTS:
                break
        rows.close()
        # An eighth at once: dropping line by line would cost a deletion for each line that is
        # logged.
        db.execute("DELETE FROM logs WHERE run_id = ? AND time <= ?", (run_id, last))
        text = f"what is older was dropped: {self._most / 2**20:.3g} MiB of a log are kept"
        # Dated as the last line that went, so that it stands before all that is kept.
        line = (run_id, last, text, "main", run_id, "stderr")
        db.execute("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)", line)
        return found


def measured(db: sqlite3.Connection, run_id: str) -> int:
    """Bytes of what is kept of the log of a run."""
    sql = "SELECT coalesce(sum(length(text) + ?), 0) FROM logs WHERE run_id = ?"
    return int(db.execute(sql, (ROW, run_id)).fetchone()[0])
