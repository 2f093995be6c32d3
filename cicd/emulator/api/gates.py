"""How many requests a server gets at once: the others wait in line, a long line is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

WAITING_PER_REQUEST = 10
"""As many wait per request that is admitted, as in Knative's queue proxy."""


class QueueFull(Exception):
    """The line is too long: the request is refused."""


class Gates:
    """One line per key, which is forgotten with its last request. For one event loop."""

    def __init__(self) -> None:
        self._gates: dict[Hashable, _Gate] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable, limit: int) -> AsyncIterator[None]:
        """Wait until it is this request's turn; ``limit`` of one key go on at once, 0 for any
        number. Raises QueueFull."""
        if not limit:
            yield
            return
        gate = self._gates.setdefault(key, _Gate(limit))
        if gate.inside >= limit * (1 + WAITING_PER_REQUEST):
            raise QueueFull
        gate.inside += 1
        try:
            async with gate.admitted:
                yield
        finally:
            gate.inside -= 1
            if not gate.inside:
                self._gates.pop(key, None)


class _Gate:
    """``inside``: requests in line and admitted."""

    def __init__(self, limit: int) -> None:
        self.inside = 0
        self.admitted = asyncio.Semaphore(limit)
