"""Ports of this machine for servers that have no network of their own: no two get the same."""

from __future__ import annotations

from threading import Lock

from cicd.emulator.runner.plain import free_port, is_free


class Ports:
    """What was handed out and not given back; a program needs a moment to listen there."""

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._lock = Lock()

    def take(self, wanted: int = 0) -> int:
        """``wanted`` if nobody has it, else any free port."""
        with self._lock:
            port = wanted
            while port in self._taken or not port or not is_free(port):
                port = free_port()
            self._taken.add(port)
            return port

    def give_back(self, port: int) -> None:
        """Its program is gone; a port that was never handed out is no harm."""
        with self._lock:
            self._taken.discard(port)
