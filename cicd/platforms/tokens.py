"""Tokens, whoever gives them: one at a time for all threads, renewed before it ends and when it is
refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cicd.errors import PlatformError

FOR_EVER = float("inf")
EARLY = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life if that is less."""
Fetch = Callable[[], tuple[str, float]]
"""Gets a token, and the seconds that it is good for. Raises Denied or ConnectionFailed."""


class Tokens:
    """The token of one client, shared by all threads. ``source``: what it comes from, such as the
    variables; empty where nobody told."""

    def __init__(
        self, fetch: Fetch, source: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.source = source
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._failure: PlatformError | None = None
        self._failed_at = 0.0

    def token(self) -> str:
        """A valid one. Raises Denied or ConnectionFailed."""
        asked = self._clock()
        with self._lock:
            # Whoever had to wait for the lock finds the token that another thread got meanwhile:
            # many threads that begin at once ask for one.
            if self._token and self._clock() < self._renew_at:
                return self._token
            if self._failure and self._failed_at >= asked:
                # of somebody who was waited for here: the next fails too
                raise self._failure.with_traceback(None)
            self._renew()
            return self._token

    def forget(self, token: str) -> bool:
        """Do not use this token again, it was refused; whether there may be another."""
        with self._lock:
            is_for_ever = token == self._token and self._renew_at == FOR_EVER
            if token == self._token:
                self._token = ""
            return not is_for_ever

    def probe(self) -> float:
        """Asks for a token as if there were none; the seconds it is good for. Raises as above."""
        with self._lock:
            return self._renew()

    def _renew(self) -> float:
        try:
            self._token, life = self._fetch()
        except PlatformError as error:
            self._failure, self._failed_at = error, self._clock()
            raise
        self._renew_at = self._clock() + life - min(EARLY, life / 10)
        return life
