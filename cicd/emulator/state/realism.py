"""How long things take: one table of numbers, and which column of it is in force.

The numbers of ``real`` are what was seen on AI Core; where nothing was seen they are a guess, and
say so. A run's own delay follows from its id, so that a restart does not begin it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from cicd.emulator.errors import EmulatorError
from cicd.emulator.state.private import write_private

Level = Literal["instant", "fast", "real"]
LEVELS: tuple[Level, ...] = get_args(Level)
DEFAULT: Level = "fast"
FILE_NAME = "realism"
LONGEST_SYNC = 86400
SYNC_RANGE = f"use 1 to {LONGEST_SYNC}"
Range = tuple[float, float]
NONE: Range = (0, 0)


@dataclass(frozen=True)
class Timings:
    """Seconds, from and to."""

    unknown: Range = NONE
    """A new run has no other status yet."""
    execution_pending: Range = NONE
    deployment_pending: Range = NONE
    """After UNKNOWN, or after the change of a deployment: until its program is started."""
    stopping: Range = NONE
    deletion: Range = NONE
    """What is to be deleted is still shown, with target status DELETED."""
    provisioning: Range = NONE
    """A new resource group is not ready."""
    refresh: Range = NONE
    """From a refresh of an application to its sync."""
    secret: Range = NONE
    """Until a written secret reaches the runs of its resource groups."""
    sync_every: float = 60
    """Between two looks at Git, unless another time was chosen."""
    waits: bool = False
    """Answers wait for what can be finished at once, such as a resource group or a deletion."""

    def pending(self, kind: str) -> Range:
        """How long a run of this kind is PENDING before its program is started."""
        return self.execution_pending if kind == "execution" else self.deployment_pending


TIMINGS: Mapping[Level, Timings] = {
    "instant": Timings(waits=True, sync_every=5),
    "fast": Timings(),
    "real": Timings(
        unknown=(10, 20),
        execution_pending=(4, 69),
        deployment_pending=(40, 50),
        stopping=(5, 10),  # a guess
        deletion=(20, 60),
        provisioning=(25, 35),
        refresh=(10, 20),
        secret=(2, 5),
        sync_every=180,  # Argo CD's
    ),
}


class Pace:
    """The level in force for a data folder, and the chosen seconds between two looks at Git if any
    were: ``fast 10``. The file is the truth: others may write it."""

    def __init__(self, data: Path) -> None:
        self._file = data / FILE_NAME

    @property
    def level(self) -> Level:
        """What was chosen last."""
        word = (*self._words(), "")[0]
        return next((level for level in LEVELS if level == word), DEFAULT)

    @property
    def sync_every(self) -> float:
        """Seconds between two looks at Git."""
        chosen = self._words()[1:2]
        if chosen and chosen[0].isdecimal():
            return min(max(int(chosen[0]), 1), LONGEST_SYNC)
        return self.timings.sync_every

    def _words(self) -> list[str]:
        try:
            return self._file.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError):
            return []

    @property
    def timings(self) -> Timings:
        """The numbers of the level."""
        return TIMINGS[self.level]

    def choose(self, level: str, sync_every: int | None = None) -> None:
        """Put a level into force, for later starts as well; ``sync_every`` in whole seconds."""
        if level not in LEVELS:
            raise EmulatorError(f"no realism is called {level[:50]!r}", f"use {', '.join(LEVELS)}")
        if sync_every is not None and not 1 <= sync_every <= LONGEST_SYNC:
            raise EmulatorError(f"Git cannot be looked at every {sync_every} s", SYNC_RANGE)
        write_private(self._file, level if sync_every is None else f"{level} {sync_every}")


def share(span: Range, seed: str) -> float:
    """A number from the range that is always the same for the same seed."""
    low, high = span
    part = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") / 2**32
    return low + (high - low) * part


def remaining(since: str | None, seconds: float) -> float:
    """Seconds until ``seconds`` after a stored moment are over; 0 when they are."""
    if not seconds or not since:
        return 0.0
    gone = (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()
    return max(0.0, seconds - gone)
