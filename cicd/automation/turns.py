"""One process at a time, for a moment: while it is decided who tells people."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cicd.automation.holder import make_holder
from cicd.automation.session import Session
from cicd.errors import Conflict, PlatformError
from cicd.platforms.base import Lock

PAUSES = (0.0, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each try. Nobody has it for longer than a few requests."""
LONGEST = 30.0
"""Seconds after which one that was killed no longer counts."""


@contextmanager
def alone(session: Session) -> Iterator[None]:
    """Nobody else is in this block for the stage, as far as the platform can tell and this login
    may say so; it is entered all the same."""
    lock = session.platform.lock(f"{session.stage.identity}/notify")
    is_held = lock is not None and _take(session, lock)
    try:
        yield
    finally:
        if lock is not None and is_held:
            with suppress(PlatformError):
                lock.drop()


def _take(session: Session, lock: Lock) -> bool:
    holder = make_holder("cicd notify", session.environ)
    for pause in PAUSES:
        time.sleep(pause)
        try:
            lock.take(holder, LONGEST)
        except Conflict:
            _drop_expired(lock)
        except PlatformError:
            return False
        else:
            return True
    return False


def _drop_expired(lock: Lock) -> None:
    with suppress(PlatformError):
        other = lock.look()
        if other and other.has_expired:
            lock.drop()
