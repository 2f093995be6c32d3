"""How much a program has written to disk, looked at now and then."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

PAUSE = 1.0
"""Seconds between two looks, and more where a look takes long."""
SHARE = 20
BLOCK = 512
"""Bytes; what stat counts in."""
ENTRY = 4096
"""Bytes that a file counts for beside its content: there is no end of empty ones either."""


class Disk:
    """What grows in ``folders`` from now on, at most ``most`` bytes."""

    def __init__(self, folders: Iterable[Path], most: int) -> None:
        self._folders = tuple(folders)
        self._most = most
        self._before = self._used()
        self._next = time.monotonic() + PAUSE
        self._is_full = False
        gib = most / 2**30
        self.excess = f"Evicted: more than {gib:.3g} GiB written to disk"

    def is_full(self, now: float) -> bool:
        """Whether it has become too much; looks only when it is time to."""
        if now < self._next or self._is_full:
            return self._is_full
        self._is_full = self._used() - self._before > self._most
        after = time.monotonic()
        self._next = after + max(PAUSE, SHARE * (after - now))
        return self._is_full

    def is_cause(self, code: int) -> bool:
        """Whether the disk is why a program ended so: no file may be larger than all together."""
        return self._is_full or (code != 0 and self._used() - self._before >= self._most)

    def _used(self) -> int:
        found = 0
        todo = list(map(str, self._folders))
        while todo:
            try:
                with os.scandir(todo.pop()) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            todo.append(entry.path)
                        else:
                            found += entry.stat(follow_symlinks=False).st_blocks * BLOCK + ENTRY
            except OSError:
                # gone meanwhile, or not to be read
                continue
        return found
