"""Containers beside the main one of a pod, for as long as that runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.process import Exit, Process

SENT_AWAY = (128 + 9, 128 + 15)
"""How a sidecar ends that was asked to."""


class Sidecar:
    """One sidecar, in a thread of its own. ``error``: what it failed with by itself.

    ``run`` runs it to its end, and puts its process into the list that it gets.
    """

    def __init__(self, name: str, run: Callable[[list[Process]], Exit]) -> None:
        self.name = name
        self.error = ""
        self._own: list[Process] = []

        def run_beside() -> None:
            try:
                ended = run(self._own)
            except (NotRunnable, OSError) as error:
                self.error = str(error)
                return
            if ended.excess or (ended.code and ended.code not in SENT_AWAY):
                self.error = ended.words

        self._thread = threading.Thread(target=run_beside, name=f"sidecar {self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send it away and wait until it has gone."""
        # Its process may not be in the list yet when this is called, so it is told again until it
        # ends.
        while self._thread.is_alive():
            for process in self._own:
                process.stop()
            self._thread.join(0.05)
