"""A stand-in for a history server, with the answers of Spark's documentation (Monitoring and
Instrumentation, REST API): ``/api/v1`` of applications, numbered attempts or not."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.platforms.stub_server import Reply, Request, StubServer, running


@dataclass
class HistoryServer:
    """``rows``: application -> what is asked of it -> answer. Each path is one that the
    documentation has: others are a mistake of who asks."""

    stub: StubServer
    url: str
    applications: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, dict[str, str]] = field(default_factory=dict)
    """Application -> file of its event log -> content."""

    def add(self, id: str, name: str = "n", attempt: str = "", **rows: Any) -> None:
        """An application that has ended, as ``rows`` say it."""
        known: Mapping[str, Any] = {
            "startTime": "2026-11-30T10:00:00.000GMT",
            "endTime": "2026-11-30T10:05:00.000GMT",
            "lastUpdated": "2026-11-30T10:05:01.000GMT",
            "duration": 300000,
            "sparkUser": "ann",
            "completed": True,
            "appSparkVersion": "3.5.9",
        }
        attempts = [{**({"attemptId": attempt} if attempt else {}), **known}]
        self.applications[id] = {"id": id, "name": name, "attempts": attempts}
        self.rows[id] = rows

    def answer(self, request: Request) -> Reply:
        assert request.method == "GET" and request.path.startswith("/api/v1/"), request
        parts = request.path.removeprefix("/api/v1/").split("/")
        if parts == ["version"]:
            return Reply(200, {"spark": "3.5.9"})
        assert parts[0] == "applications", request
        if len(parts) == 1:
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", request.query["minDate"]), request
            return Reply(200, list(reversed(self.applications.values())))
        application = self.applications.get(parts[1])
        if application is None:
            return Reply(404, "unknown app: " + parts[1])
        attempt = application["attempts"][0].get("attemptId")
        if len(parts) == 2:
            return Reply(200, application)
        if attempt and parts[2] != attempt:
            return Reply(404, f"unknown app {parts[1]}, attempt {parts[2]}")
        [what] = parts[3:] if attempt else parts[2:]
        if what == "logs" and (files := self.events.get(parts[1])) is not None:
            return Reply(200, zipped(files))
        return Reply(200, self.rows[parts[1]].get(what, []))


def zipped(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


@contextmanager
def history_server() -> Iterator[HistoryServer]:
    """One that answers on a port of its own."""
    with running() as (stub, url):
        found = HistoryServer(stub, url)
        stub.otherwise = found.answer
        yield found
