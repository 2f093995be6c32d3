"""A lock between processes that ends with its holder, however that ends."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import IO


class FileLock:
    """An exclusive lock on a file; the holder's text (its process id) can be read by others."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def acquire(self, *, timeout: float = 0.0) -> bool:
        """Take it, waiting up to ``timeout`` seconds; False when somebody else holds it."""
        deadline = time.monotonic() + timeout
        file = self.path.open("ab")
        try:
            while not try_lock(file):
                if time.monotonic() >= deadline:
                    file.close()
                    return False
                time.sleep(0.02)
        except BaseException:
            file.close()
            raise
        self._file = file
        return True

    def write(self, text: str) -> None:
        """Leave a text for others while holding it."""
        assert self._file
        self._file.truncate(0)
        self._file.write(text.encode())
        self._file.flush()

    def release(self) -> None:
        """Give it back; twice does no harm."""
        if self._file:
            self._file.close()
            self._file = None

    def is_held(self) -> bool:
        """Whether any process holds it now."""
        if not self.path.exists():
            return False
        probe = FileLock(self.path)
        if probe.acquire():
            probe.release()
            return False
        return True


if sys.platform == "win32":
    import msvcrt

    FAR = 1 << 30
    """Where the locked byte is: Windows lets nobody read a locked one."""

    def try_lock(file: IO[bytes]) -> bool:
        """Lock without waiting; False when another process has it."""
        file.seek(FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Lock without waiting; False when another process has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
