"""Many stops and deletes as one request, where the tenant offers it.

``apply`` stops and deletes one by one from many threads. Calls that come within a few ms travel
together; what the answer says against one of them is asked again on its own, so that every caller
gets the very error that a single call gives.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cicd.errors import ConnectionFailed, Denied, PlatformError, Throttled
from cicd.platforms.aicore.rest import Http

GATHER = 0.01
"""Seconds that a call waits for others to come along."""
LIMIT = 100
"""Items that one request may hold."""
ASIDE = (ConnectionFailed, Denied, Throttled)
"""Failures that a single call would meet too. A lost answer is none: stopping and deleting may be
repeated safely."""


class Capabilities:
    """What ``/lm/meta`` offers; asked once, when it first matters."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._lock = threading.Lock()
        self._offered: dict[str, Any] | None = None

    def has_bulk(self, noun: str) -> bool:
        """Whether many ``executions`` or ``deployments`` can be changed by one request."""
        with self._lock:
            if self._offered is None:
                self._offered = self._ask()
            return self._offered.get(noun) is True

    def _ask(self) -> dict[str, Any]:
        try:
            found = self._http.call("GET", "/lm/meta")
            offered = found["aiApi"]["capabilities"]["bulkUpdates"]
        except (PlatformError, KeyError, TypeError):
            return {}  # not told is not offered
        return offered if isinstance(offered, dict) else {}


@dataclass(frozen=True)
class Item:
    """One wish. ``is_done``: False when its caller has to send it alone."""

    id: str
    target: str
    is_done: Future[bool] = field(default_factory=Future)


class Bulk:
    """Gathers the changes of one noun, ``executions`` or ``deployments``. Safe for many threads."""

    def __init__(self, http: Http, noun: str, capabilities: Capabilities) -> None:
        self._http = http
        self._noun = noun
        self._capabilities = capabilities
        self._lock = threading.Lock()
        self._waiting: list[Item] = []
        self._is_sending = False

    def change(self, id: str, target: str, alone: Callable[[], object]) -> None:
        """Have ``id`` become ``STOPPED`` or ``DELETED``; ``alone`` is the call for just this one.

        Raises what ``alone`` raises, or why nothing could be sent.
        """
        item = Item(id, target)
        with self._lock:
            self._waiting.append(item)
            # A thread lives while there is something to send; it sets this back under the same
            # lock, so that nothing is left behind unseen.
            begins, self._is_sending = not self._is_sending, True
        if begins:
            threading.Thread(target=self._send_all, name="bulk", daemon=True).start()
        if not item.is_done.result():
            alone()

    def _send_all(self) -> None:
        time.sleep(GATHER)
        while batch := self._take():
            settle = partial(_settle, batch)
            try:
                settle(self._send(batch))
            except Exception as error:
                settle(error)

    def _take(self) -> list[Item]:
        """The next items, each id once: what comes twice waits for the next request."""
        with self._lock:
            chosen: dict[str, Item] = {}
            for item in self._waiting:
                if len(chosen) < LIMIT:
                    chosen.setdefault(item.id, item)
            taken = list(chosen.values())
            self._waiting = [item for item in self._waiting if chosen.get(item.id) is not item]
            self._is_sending = bool(taken)
            return taken

    def _send(self, batch: list[Item]) -> set[str]:
        """The ids whose change was accepted. Raises one of ASIDE."""
        # Empty: each caller sends its own, and gets its own answer.
        if len(batch) == 1 or not self._capabilities.has_bulk(self._noun):
            return set()
        body = {self._noun: [{"id": i.id, "targetStatus": i.target} for i in batch]}
        # The API document asks for this type here.
        headers = {"Content-Type": "application/merge-patch+json"}
        try:
            answer = self._http.call("PATCH", f"/lm/{self._noun}", body=body, headers=headers)
            results = answer[self._noun]
            return {str(r["id"]) for r in results if r.get("id") and not r.get("error")}
        except ASIDE:
            raise
        except (PlatformError, KeyError, TypeError, AttributeError):
            return set()


def _settle(batch: list[Item], result: set[str] | Exception) -> None:
    for item in batch:
        if isinstance(result, Exception):
            item.is_done.set_exception(result)
        else:
            item.is_done.set_result(item.id in result)
