"""The runner's patience, in one place; all in seconds unless the name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field

from cicd.emulator.runner.bounds import Bounds
from cicd.emulator.runner.sandbox import Choice


@dataclass(frozen=True)
class Settings:
    """``grace``: from asking a program to stop to killing it. ``ready``: until a server must be
    up. ``drain``: how long requests in flight may take when a server is replaced. ``crashes``: how
    many ends before it was ever ready are too many. ``backoff``: before the first restart, doubled
    for each further one up to ``backoff_limit``."""

    sandbox: Choice = "auto"
    bounds: Bounds = field(default_factory=Bounds)
    grace: float = 10.0
    ready: float = 60.0
    drain: float = 60.0
    crashes: int = 3
    backoff: float = 0.5
    backoff_limit: float = 30.0
