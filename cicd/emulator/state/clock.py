"""What time it is for schedules and times to live: this machine's time, and as much more as tests
have let go by. What is stored of everything else has the machine's own time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from cicd.emulator.errors import invalid
from cicd.emulator.state.store import Store

SETTING = "clock"
FARTHEST = timedelta(days=36500)


class Clock:
    """Kept over restarts: else what was made before one would lie in the future after it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        row = store.row("SELECT value FROM settings WHERE key = ?", (SETTING,))
        self._ahead = timedelta(seconds=json.loads(row["value"]) if row else 0)

    @property
    def ahead(self) -> float:
        """Seconds before the machine's clock."""
        return self._ahead.total_seconds()

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC) + self._ahead

    def stamp(self, later: float = 0) -> str:
        """The moment ``later`` seconds from now, as it is stored: ``2021-11-22T06:52:27Z``."""
        return (self.now() + timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def set(self, moment: datetime) -> None:
        """Let it be this moment, from which time goes on; 400 for one too far away."""
        ahead = moment - datetime.now(UTC)
        if abs(ahead) > FARTHEST:
            raise invalid("the clock can be at most 100 years from the present")
        self.put(ahead)

    def put(self, ahead: timedelta) -> None:
        """Be so far before the machine's clock."""
        seconds = json.dumps(ahead.total_seconds())
        self._store.write("INSERT OR REPLACE INTO settings VALUES (?, ?)", (SETTING, seconds))
        self._ahead = ahead
