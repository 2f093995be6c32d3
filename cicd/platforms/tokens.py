"""Tokens, whoever gives them: one at a time for all threads, renewed before it ends and when it is
refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FOR_EVER = float("inf")
EARLY = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life if that is less."""
Fetch = Callable[[], tuple[str, float]]
"""Gets a token, and the seconds that it is good for. Raises Denied or ConnectionFailed."""


class Tokens:
    """The token of one client. ``source``: the variables that it comes from."""

    def __init__(
        self, fetch: Fetch, source: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.source = source
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """A valid one. Raises Denied or ConnectionFailed."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._token, life = self._fetch()
                self._renew_at = self._clock() + life - min(EARLY, life / 10)
            return self._token

    def forget(self, token: str) -> bool:
        """Do not use this token again, it was refused; whether there may be another."""
        with self._lock:
            is_for_ever = token == self._token and self._renew_at == FOR_EVER
            if token == self._token:
                self._token = ""
            return not is_for_ever
