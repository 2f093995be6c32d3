"""Spark's own REST API (``/api/v1``): what a driver's page, or a history server, tells of an
application. Answers: Apache Spark, Monitoring and Instrumentation.

A driver has it for as long as it lives. A history server reads it from the event log, where there
is no word of how the program ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cicd.platforms.spark.calls import Calls

EVER = "2010-01-01"
"""The day from which on applications are told where nobody says another, by Spark itself."""


class Applications:
    """Those of one page. ``url``: of it, without ``/api/v1``. All raise NotFound for one that it
    does not have."""

    def __init__(self, calls: Calls, url: str) -> None:
        self._calls = calls
        self.url = url.rstrip("/")
        self._api = f"{self.url}/api/v1"

    def version(self) -> str:
        """The version of Spark that answers."""
        return str(self._calls.json("GET", f"{self._api}/version").get("spark", ""))

    def application(self, id: str) -> Mapping[str, Any]:
        """``id``, ``name`` and ``attempts``, newest first."""
        return self._calls.json("GET", f"{self._api}/applications/{quote(id, safe='')}")

    def named(self, name: str, since: str = EVER) -> str:
        """The id of the newest that is called so; empty where there is none. ``since``: the day
        that it began at the earliest, as 2026-11-30."""
        rows = self._calls.rows(f"{self._api}/applications", minDate=since)
        return next((str(row.get("id")) for row in rows if row.get("name") == name), "")

    def rows(self, id: str, what: str, **parameters: str) -> list[dict[str, Any]]:
        """What its newest attempt has of that: ``jobs``, ``stages``, ``executors``,
        ``allexecutors`` with those that are gone."""
        return self._calls.rows(f"{self._place(id)}/{what}", **parameters)

    def events(self, id: str, most: int) -> bytes:
        """The event log of its newest attempt, as a zip. Raises PlatformError where that has more
        than ``most`` bytes."""
        return self._calls.whole(f"{self._place(id)}/logs", most)

    def _place(self, id: str) -> str:
        """Where the newest attempt of an application is: only some masters number them."""
        place = f"{self._api}/applications/{quote(id, safe='')}"
        attempt = attempt_of(self.application(id)).get("attemptId")
        return f"{place}/{quote(str(attempt), safe='')}" if attempt else place


def attempt_of(application: Mapping[str, Any]) -> Mapping[str, Any]:
    """The newest attempt of an application: ``startTime``, ``endTime``, ``completed``,
    ``sparkUser``, ``appSparkVersion``; empty where none is told. Pure."""
    attempts = application.get("attempts")
    found = attempts[0] if isinstance(attempts, list) and attempts else {}
    return found if isinstance(found, dict) else {}
