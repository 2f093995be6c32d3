"""Where ``{{=…}}`` gets the time and chance from: both are always the same at one place of a run.

A run is walked through again and again, also after a restart. What is drawn therefore follows from
the run, the node and the place in the template alone; the time is when the node began.
"""

from __future__ import annotations

import random


class Chance:
    """``place``: what tells this evaluation from all others. ``now``: seconds since 1970."""

    def __init__(self, place: str = "", now: float = 0.0) -> None:
        self.now = now
        self._source = random.Random(place)  # noqa: S311 (no secret comes of it)

    def text(self, alphabet: str, count: int) -> str:
        """So many characters out of ``alphabet``."""
        return "".join(self._source.choice(alphabet) for _ in range(count))

    def data(self, count: int) -> bytes:
        return self._source.randbytes(count)

    def below(self, lowest: int, highest: int) -> int:
        """A whole number from ``lowest`` to below ``highest``."""
        return self._source.randrange(lowest, highest)

    def mixed(self, value: str) -> str:
        """The characters in another order."""
        return "".join(self._source.sample(value, len(value)))
