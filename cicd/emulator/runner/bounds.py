"""How much of this machine runs may take: how many at once, and each of them how much.

What was chosen is a file in the data folder, read anew each time: a running emulator obeys too.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cicd.emulator.errors import EmulatorError
from cicd.emulator.state.private import write_private

FILE_NAME = "bounds.json"
GIB = 2**30
SERVERS = 8
"""So many times more servers than containers may be up: most of them wait for requests."""
PLANS: Mapping[str, float] = {
    "starter": 3,
    "basic": 11,
    "basic.8x": 116,
    "train.l": 55,
    "infer.s": 10,
    "infer.m": 26,
    "infer.l": 58,
}
"""GiB of memory, https://help.sap.com/docs/sap-ai-core: Choose a Resource Plan."""
PLAN_LABEL = "ai.sap.com/resourcePlan"


@dataclass(frozen=True)
class Chosen:
    """What ``cicd emulator start`` was told; None for what it was not. Sizes in GiB."""

    parallel: int | None = None
    memory: float | None = None
    disk: float | None = None


@dataclass(frozen=True)
class Limits:
    """What one container may have at once: processes, threads, bytes of memory, open files of each
    process, bytes that it writes to disk."""

    processes: int = 500
    threads: int = 8000
    memory: int = 4 * GIB
    files: int = 8192
    disk: int = 20 * GIB

    @property
    def tasks(self) -> int:
        """Processes and threads together, where they can only be counted as one."""
        return min(4 * self.processes, self.threads)


class Bounds:
    """Those of a data folder; without one, the defaults."""

    def __init__(self, data: Path | None = None, limits: Limits | None = None) -> None:
        self._file = data / FILE_NAME if data else None
        self._limits = limits

    @property
    def parallel(self) -> int:
        """How many containers run at once."""
        return self._chosen().parallel or 2 * (os.cpu_count() or 1)

    @property
    def servers(self) -> int:
        """How many servers are up at once."""
        return SERVERS * self.parallel

    def limits(self, folder: Path, labels: Mapping[str, Any]) -> Limits:
        """For a container with these labels that writes below ``folder``.

        Memory is that of its resource plan, never more than three quarters of this machine's; disk
        never more than half of what is free.
        """
        chosen, limits = self._chosen(), self._limits or Limits()
        gib = chosen.memory or (not self._limits and PLANS.get(str(labels.get(PLAN_LABEL))))
        memory = int(gib * GIB) if gib else limits.memory
        disk = int(chosen.disk * GIB) if chosen.disk else limits.disk
        # The plan's machine may be larger than this one, which has to survive the program.
        most = _machine_memory() * 3 // 4
        return replace(
            limits,
            memory=min(memory, most) if most else memory,
            disk=min(disk, shutil.disk_usage(folder).free // 2),
        )

    def choose(self, chosen: Chosen) -> None:
        """Put it into force, for later starts as well; what it leaves open stays as it was."""
        assert self._file
        known = {name: value for name, value in asdict(chosen).items() if value is not None}
        if wrong := [name for name, value in known.items() if not 0 < value < math.inf]:
            raise EmulatorError(
                f"{wrong[0]} must be a number above 0", "leave it out for the default"
            )
        write_private(self._file, json.dumps(asdict(self._chosen()) | known))

    def _chosen(self) -> Chosen:
        try:
            assert self._file
            return Chosen(**json.loads(self._file.read_text(encoding="utf-8")))
        except (AssertionError, OSError, ValueError, TypeError):
            return Chosen()


def _machine_memory() -> int:
    """Bytes; 0 where nobody says."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
