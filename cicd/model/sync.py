"""How a controller keeps a stage: what it may do by itself, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Window:
    """A time in which things may, or may not, be changed: it begins whenever ``cron`` comes by the
    clocks of ``zone`` (IANA), and goes on for ``length`` seconds."""

    kind: Literal["allow", "deny"]
    cron: str
    length: float
    zone: str = "UTC"


@dataclass(frozen=True)
class Retry:
    """What failed and may pass is tried again so many times at most: after ``first`` seconds, then
    each time ``factor`` as long, at most ``most`` seconds."""

    limit: int = 5
    first: float = 30.0
    factor: float = 2.0
    most: float = 600.0


@dataclass(frozen=True)
class Sync:
    """``auto``: newer commits are applied; ``heal``: what differs from the commit that was applied
    last is put back. ``every``: seconds between two looks, None as the controller has it.
    ``suspended``: nothing is changed, for the reason ``why``."""

    auto: bool = False
    heal: bool = False
    every: float | None = None
    windows: tuple[Window, ...] = ()
    suspended: bool = False
    why: str = ""
    retry: Retry = Retry()
