"""So many at once, and the rest in a queue: owners take turns, each one's own in their order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Go = Callable[[], None]
PATIENCE = 0.1
"""Seconds between two looks whether waiting is over."""


class Slots:
    """``most`` is asked each time. What is given is given back once."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._taken = 0
        # the owner whose turn it is comes first
        self._waiting: dict[str, deque[Go]] = {}
        self._lock = threading.Lock()

    @property
    def most(self) -> int:
        """How many there are."""
        return self._most()

    def ask(self, owner: str, go: Go) -> bool:
        """Whether one is free now; if not, ``go`` is called, by any thread, when one is given."""
        with self._lock:
            if not self._waiting and self._taken < self._most():
                self._taken += 1
                return True
            self._waiting.setdefault(owner, deque()).append(go)
        self._hand_out()
        return False

    def give_back(self) -> None:
        """One is free again."""
        with self._lock:
            self._taken -= 1
        self._hand_out()

    def cancel(self, owner: str) -> int:
        """Whatever an owner still waits for it wants no more; how many that were. For the others
        ``go`` was called, or will be at once."""
        with self._lock:
            return len(self._waiting.pop(owner, ()))

    def take(self, owner: str, is_over: threading.Event, on_wait: Go) -> bool:
        """Wait for one, in a thread of the owner, who asks for no other; False when it is over
        before. ``on_wait`` is called when it takes a while."""
        given = threading.Event()
        if self.ask(owner, given.set):
            return True
        if not given.wait(PATIENCE):
            on_wait()
        while not given.wait(PATIENCE):
            if is_over.is_set():
                # One was given in this very moment, and it has to go back or it is lost for ever.
                if not self.cancel(owner):
                    given.wait()
                    self.give_back()
                return False
        return True

    def _hand_out(self) -> None:
        called = []
        with self._lock:
            while self._waiting and self._taken < self._most():
                owner, queue = next(iter(self._waiting.items()))
                called.append(queue.popleft())
                self._taken += 1
                del self._waiting[owner]
                if queue:
                    self._waiting[owner] = queue
        # Outside the lock, as what is called may ask for the next one.
        for go in called:
            go()
