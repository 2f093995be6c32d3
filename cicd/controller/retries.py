"""When what has failed is tried again, and when healing stops for a while. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cicd.model import Retry

LOOP_HEALS, LOOP_SECONDS, LOOP_PAUSE = 3, 1800.0, 3600.0
"""So many heals of the same field within so many seconds are a loop, which is then tried again
after so many."""
PROBE = Retry(limit=0, first=5.0, factor=2.0, most=300.0)
"""Pauses for what does not answer: it is asked for ever."""
JITTER = 0.2
"""Of a pause, either way: what has failed together is not tried again together."""


@dataclass(frozen=True)
class Healed:
    """Fields (``service/ride size``) that were put back, and when, in seconds since 1970."""

    at: float
    fields: frozenset[str]


def pause(retry: Retry, tries: int, chance: float = 0.5) -> float:
    """Seconds until the next try, after so many that failed. ``chance``: between 0 and 1."""
    # as a power alone, 1,000 tries would be no number any more
    steps = min(max(tries - 1, 0), 64)
    length = min(retry.first * retry.factor**steps, retry.most)
    return length * (1 + JITTER * (2 * chance - 1))


def is_looping(healed: Sequence[Healed], fields: Collection[str], now: float) -> bool:
    """Whether to put these fields back would go on with a loop: somebody else keeps changing one
    of them. Once an hour it is tried, until one of them holds for two."""
    return any(
        _loops(sorted(one.at for one in healed if field in one.fields), now) for field in fields
    )


def _loops(times: Sequence[float], now: float) -> bool:
    is_loop = False
    for number, at in enumerate(times):
        goes_on = is_loop and at - times[number - 1] < 2 * LOOP_PAUSE
        first = times[number - LOOP_HEALS + 1] if number >= LOOP_HEALS - 1 else None
        is_loop = goes_on or (first is not None and at - first <= LOOP_SECONDS)
    return is_loop and now - times[-1] < LOOP_PAUSE
