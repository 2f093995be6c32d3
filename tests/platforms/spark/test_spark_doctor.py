"""What doctor says of a cluster: who may submit, its version, what is free of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import ConnectionFailed
from cicd.model import Secret
from cicd.platforms.base import Finding
from cicd.platforms.spark.adapter import connect
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.master import free
from cicd.platforms.spark.process import version_of
from cicd.platforms.spark.runs import Run, Runs
from tests.platforms.spark.samples import job, stage_of, write_home
from tests.platforms.stub_server import Reply, Request, StubServer, running

TOKEN = "s3cr3t-token"
ALIVE = {"status": "ALIVE", "aliveworkers": 2, "cores": 8, "coresused": 1, "memory": 4096}
LOGIN = {"token": Secret(TOKEN), "source": "SPARK_TOKEN"}


@pytest.fixture
def server() -> Iterator[StubServer]:
    """A master, a Livy, a node of YARN: whoever is asked, without a login unless one is set."""
    with running() as (stub, url):
        stub.url = url.replace("127.0.0.1", "0.0.0.0")
        told = {"success": False, "serverSparkVersion": "4.0.1"}
        stub.on("GET", "/v1/submissions/status/driver-cicd", Reply(200, told))
        stub.on("GET", "/json/", Reply(200, ALIVE))
        stub.on("GET", "/batches", Reply(200, {"total": 3, "sessions": []}))
        yield stub


def guarded(status: int, answer: Any) -> Any:
    """Answers only who has the token."""

    def reply(request: Request) -> Reply:
        is_right = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        return Reply(200, answer) if is_right else Reply(status, "<title>no</title>")

    return reply


def found_of(tmp_path: Path, url: str, **settings: Any) -> dict[str, Finding]:
    platform = connect(stage_of(tmp_path, url, **settings), {})
    try:
        return {finding.check: finding for finding in platform.diagnose()}
    finally:
        platform.close()


@pytest.mark.parametrize("login", [{}, {"login": LOGIN}])
@pytest.mark.parametrize("master", ["spark://cluster:7077", "livy"])
def test_a_server_that_asks_nobody_for_a_login_is_warned_of(
    server: StubServer, tmp_path: Path, master: str, login: dict[str, Any]
) -> None:
    """Also where cicd sends one: it protects nothing."""
    place = server.url if master == "livy" else master
    told = found_of(tmp_path, server.url, master=place, **login)
    assert told["access"].state == "warning"
    host = server.url.partition("://")[2]
    assert told["access"].text.startswith(f"everybody who reaches {host} may run programs")
    assert "inside your network" in told["access"].cure
    last = server.sent("GET", "/batches" if master == "livy" else "")[-1 if master == "livy" else 1]
    assert "Authorization" not in last.headers


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("master", ["spark://cluster:7077", "livy"])
def test_a_server_that_asks_for_a_login_is_no_matter(
    server: StubServer, tmp_path: Path, master: str, status: int
) -> None:
    rest = {"success": False, "serverSparkVersion": "4.0.1"}
    server.on("GET", "/v1/submissions/status/driver-cicd", guarded(status, rest))
    server.on("GET", "/batches", guarded(status, {"total": 0}))
    place = server.url if master == "livy" else master
    told = found_of(tmp_path, server.url, master=place, login=LOGIN)
    assert (told["access"].state, told["access"].text) == ("ok", "it asks for a login")
    assert told["submission"].state == "ok"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_one_that_this_machine_alone_reaches_is_no_matter(
    server: StubServer, tmp_path: Path, host: str
) -> None:
    told = found_of(tmp_path, server.url.replace("0.0.0.0", host))
    assert "access" not in told
    assert told["submission"].text == "the master of Spark 4.0.1 takes jobs"


def test_one_that_is_away_is_an_error_and_says_nothing_of_access(tmp_path: Path) -> None:
    with running() as (_, url):
        gone = url.replace("127.0.0.1", "0.0.0.0")
    platform = connect(stage_of(tmp_path, gone), {})
    platform._submitter._submitter._calls._sleep = lambda _: None  # type: ignore[attr-defined]
    told = {finding.check: finding for finding in platform.diagnose()}
    assert (told["submission"].state, told["workers"].state) == ("error", "error")
    assert "cannot reach" in told["submission"].text and "access" not in told
    platform.close()


@pytest.mark.parametrize("master", ["spark://cluster:7077", "livy", "yarn"])
def test_a_cluster_that_cannot_be_reached_is_told_with_exit_code_4(
    tmp_path: Path, master: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where something is remembered of which only the cluster can tell how it is."""
    with running() as (_, gone):
        pass
    defaults: Any = Calls.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "sleep", lambda _: None)
    place = gone if master == "livy" else master
    more = {"yarn_urls": [gone], "submit": "spark-submit"} if master == "yarn" else {}
    wish = job()
    platform = connect(stage_of(tmp_path, gone, [wish], master=place, **more), {})
    name = "cicd.dev.score.01234567.89abcdef"
    Runs(platform._records).begin(Run(name, "score", wish.spec, submission=f"{name}@7"))
    with pytest.raises(ConnectionFailed, match="cannot reach") as error:
        platform.read([wish])
    assert error.value.exit_code == 4
    platform.close()


def test_spark_submit_tells_its_version_and_what_is_free_of_its_master(
    server: StubServer, tmp_path: Path
) -> None:
    home = write_home(tmp_path / "home")
    (home / "jars").mkdir()
    (home / "jars/spark-core_2.12-3.5.9.jar").write_bytes(b"")
    settings = {"submit": "spark-submit", "spark_home": str(home)}
    told = found_of(tmp_path, server.url, master="spark://cluster:7077", **settings)
    program = home / "bin/spark-submit"
    assert told["submission"].text == f"{program} (Spark 3.5.9) for spark://cluster:7077"
    assert told["workers"].text == "2 alive, 7 cores and 4096 MB free"
    here = found_of(tmp_path, "", master="local[*]", spark_home=str(home))
    assert "workers" not in here and here["submission"].state == "ok"


@pytest.mark.parametrize(
    ("jars", "version"),
    [
        ([], ""),
        (["spark-core_2.13-4.0.0.jar", "spark-sql_2.13-4.0.0.jar"], "4.0.0"),
        (["spark-core_2.13-4.1.0-preview1.jar"], "4.1.0-preview1"),
        (["other.jar"], ""),
    ],
)
def test_the_version_of_a_home(tmp_path: Path, jars: list[str], version: str) -> None:
    (tmp_path / "jars").mkdir()
    for jar in jars:
        (tmp_path / "jars" / jar).write_bytes(b"")
    assert version_of(tmp_path) == version


@pytest.mark.parametrize(
    ("changes", "least", "state", "said"),
    [
        ({}, 2, "ok", "2 alive, 7 cores and 4096 MB free"),
        ({"coresused": 7}, 2, "warning", "2 alive, 1 cores and 4096 MB free"),
        ({"coresused": 7}, 1, "ok", "2 alive, 1 cores and 4096 MB free"),
        ({"coresused": 8, "memoryused": 4096}, 1, "warning", "2 alive, 0 cores and 0 MB free"),
        ({"status": "STANDBY"}, 2, "error", "the master is STANDBY"),
        ({"status": "RECOVERING"}, 1, "error", "the master is RECOVERING"),
    ],
)
def test_what_is_free_of_a_master(
    changes: dict[str, Any], least: int, state: str, said: str
) -> None:
    found = free({**ALIVE, **changes}, least)
    assert (found.state, found.text) == (state, said)
