"""Spark's own REST API: of a driver's page or a history server (A19)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.errors import ConnectionFailed, Denied, NotFound, PlatformError, Throttled
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.history import Applications, attempt_of
from tests.platforms.spark.history_stand_in import HistoryServer, history_server
from tests.platforms.stub_server import Reply


@pytest.fixture(scope="module")
def server() -> Iterator[HistoryServer]:
    with history_server() as found:
        yield found


@pytest.fixture
def applications(server: HistoryServer) -> Iterator[Applications]:
    calls = Calls(sleep=lambda seconds: None)
    yield Applications(calls, f"{server.url}/")
    calls.close()
    server.stub.answers.clear()


@pytest.mark.parametrize(
    ("id", "attempt"),
    [("app-20261130-0001", ""), ("application_17_0001", "2"), ("local-1700000000000", "")],
)
def test_rows_are_those_of_the_newest_attempt_where_attempts_are_numbered(
    server: HistoryServer, applications: Applications, id: str, attempt: str
) -> None:
    server.add(id, attempt=attempt, jobs=[{"jobId": 0, "status": "SUCCEEDED"}])
    assert applications.rows(id, "jobs") == [{"jobId": 0, "status": "SUCCEEDED"}]
    assert applications.rows(id, "stages") == []
    assert attempt_of(applications.application(id))["sparkUser"] == "ann"
    assert applications.version() == "3.5.9"


def test_an_application_that_is_not_there_is_not_found(applications: Applications) -> None:
    with pytest.raises(NotFound, match="unknown app"):
        applications.rows("app-nobody", "jobs")
    with pytest.raises(NotFound):
        applications.application("../../version")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(200, {"jobs": []}), ConnectionFailed),
        (Reply(200, "<html><title>Sign in</title></html>"), ConnectionFailed),
        (Reply(200, ["a"]), ConnectionFailed),
        (Reply(401, "no"), Denied),
        (Reply(429, "later"), Throttled),
        (Reply(503, "starting"), ConnectionFailed),
        (Reply(302, ""), PlatformError),
    ],
)
def test_what_is_no_list_of_rows_is_told(
    server: HistoryServer, applications: Applications, reply: Reply, kind: type[PlatformError]
) -> None:
    server.add("app-1")
    server.stub.on("GET", "/api/v1/applications/app-1/jobs", reply)
    with pytest.raises(kind):
        applications.rows("app-1", "jobs")


@pytest.mark.parametrize("told", [{}, {"attempts": []}, {"attempts": None}, {"attempts": ["x"]}])
def test_an_application_without_attempts_has_none(told: dict[str, Any]) -> None:
    assert attempt_of(told) == {}
