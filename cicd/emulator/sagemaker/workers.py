"""Threads for what goes on after an operation has answered, until the emulator ends."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextvars import copy_context

LOG = logging.getLogger(__name__)
LOOKS = (0.02, 0.3)
"""Seconds between two looks at something, at first and at last."""


class Closing(Exception):
    """The emulator ends: stop, and leave everything as it is for the next one."""


class Workers:
    """One thread for each thing that lives; what it has done is in the store, so that another
    emulator goes on with it."""

    def __init__(self, closing: threading.Event) -> None:
        self._closing = closing

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Begin; what fault rules want of runs that this request starts counts there too."""
        context = copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._guarded, name, work), name=name, daemon=True
        )
        thread.start()

    @property
    def is_closing(self) -> bool:
        """Whether the emulator ends: what fails now says nothing."""
        return self._closing.is_set()

    def until(self, is_done: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until something is the case; False when it is not after so many seconds. Raises
        Closing."""
        pause, waited = LOOKS[0], 0.0
        while not is_done():
            if seconds is not None and waited >= seconds:
                return False
            if self._closing.wait(pause):
                raise Closing
            waited += pause
            pause = min(pause * 1.2, LOOKS[1])
        return True

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Closing:
            return
        except sqlite3.ProgrammingError:
            # the store has been closed under it
            if not self._closing.is_set():
                LOG.exception("%s failed", name)
        except Exception:
            LOG.exception("%s failed", name)
