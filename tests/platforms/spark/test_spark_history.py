"""Spark's own REST API, of a driver's page or a history server; and what is recalled from it of a
job that all others have forgotten (A19)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.config import load_stage
from cicd.errors import ConnectionFailed, Denied, NotFound, PlatformError, Throttled
from cicd.model import LiveResource, State
from cicd.platforms.base import LogPage
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.calls import ONCE, Calls
from cicd.platforms.spark.history import Applications, attempt_of
from cicd.platforms.spark.recall import History, unpacked
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.statuses import status_of
from cicd.platforms.spark.submitter import Seen
from tests.platforms.contract import wait_for
from tests.platforms.spark.history_stand_in import HistoryServer, history_server, zipped
from tests.platforms.spark.samples import job, stage_of, write_home, write_program
from tests.platforms.spark.stand_in import Cluster, cluster_in
from tests.platforms.spark.test_spark_dialect import around, changed, findings
from tests.platforms.spark.test_spark_dialect import stage_of as stage_of_text
from tests.platforms.stub_server import DROP, Reply

APPLICATION = "app-20261130-0007"
"""What the stand-in for spark-submit calls every application."""


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


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    write_program(tmp_path)
    with cluster_in(tmp_path / "cluster") as found:
        yield found


def connected(root: Path, cluster: Cluster, url: str, **more: Any) -> Spark:
    stage = stage_of(root, cluster.url, [job()], history_url=url, **more)
    return connect(stage, {})


def logs_at(url: str) -> dict[str, str]:
    return {name: f"{url}&logType={name}" for name in ("stdout", "stderr")}


def lines(spark: Spark, live: LiveResource, stream: str) -> list[str]:
    found, page = list[str](), LogPage((), "", is_last=False)
    while not page.is_last:
        page = spark.stream(live, stream, page.cursor)
        found += [entry.text for entry in page.entries]
    return found


def test_a19_a_job_that_a_restarted_master_forgot_is_recalled_and_is_no_success(
    tmp_path: Path, cluster: Cluster, server: HistoryServer
) -> None:
    spark = connected(tmp_path, cluster, server.url)
    live = spark.create(job(), "token")
    cluster.forget()
    status = spark.get(live).status
    assert status.state is State.UNKNOWN and status.message.endswith("nor does the history server")
    jobs = [{"status": "SUCCEEDED"}, {"status": "SUCCEEDED"}, {"status": "FAILED"}]
    server.add("app-recalled-1", name=live.facts["application"], jobs=jobs)
    found = spark.get(live)
    assert found.status.state is State.UNKNOWN and not found.status.has_ended
    assert "has app-recalled-1, which ended at 2026-11-30T10:05" in found.status.message
    assert found.facts["application_id"] == "app-recalled-1"
    assert found.facts["spark_jobs"] == "1 FAILED, 2 SUCCEEDED"
    assert found.facts["spark_user"] == "ann" and found.facts["spark_version"] == "3.5.9"
    assert found.facts["completed_at"] == "2026-11-30T10:05:00.000+00:00"
    assert found.facts["history"] == f"{server.url}/history/app-recalled-1/"
    spark.close()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(503, "<html><title>Loading</title></html>"), "does not tell: GET .*Loading"),
        (Reply(401, "no"), "does not tell: .*HTTP 401"),
        (Reply(200, "<html>"), "does not tell: .* does not answer like Spark"),
        (DROP, "does not tell: "),
    ],
)
def test_a19_a_history_server_that_is_missing_is_said_and_fails_nothing(
    tmp_path: Path, cluster: Cluster, server: HistoryServer, reply: Reply, said: str
) -> None:
    spark = connected(tmp_path, cluster, server.url)
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert lines(spark, live, "stdout")[-1] == "accuracy=0.75"
    application = live.facts["application_id"]
    for path in ("", f"/{application}"):
        server.stub.on("GET", f"/api/v1/applications{path}", reply)
    assert spark.streams(live) == ["stdout", "stderr", "executor-0", "executor-10"]
    other = spark.create(job(inputs="fedcba98"), "other")
    cluster.forget()
    status = spark.get(other).status
    assert status.state is State.UNKNOWN and re.search(said, status.message), status
    server.stub.answers.clear()
    spark.close()


def test_a_history_server_that_is_away_is_left_alone_for_a_while(server: HistoryServer) -> None:
    now = 0.0
    history = History(Calls(retries=ONCE), server.url, clock=lambda: now)
    unknown = Seen(status_of(State.UNKNOWN, "gone"))
    run = Run("a-run", "score", {}, application="app-1")
    server.stub.on("GET", "/api/v1/applications/app-1", Reply(503, "starting"))
    before = len(server.stub.requests)
    for _ in range(3):
        told = history.recalled(run, unknown).status.message
        assert told.startswith("gone; the history server does not tell: ") and "starting" in told
    assert len(server.stub.requests) == before + 1
    now = 31.0
    server.stub.answers.clear()
    server.add("app-1")
    assert "has app-1, which ended at" in history.recalled(run, unknown).status.message
    history.close()


def test_a19_what_executors_said_is_read_where_the_history_server_tells_that_it_is(
    tmp_path: Path, cluster: Cluster, server: HistoryServer
) -> None:
    """The master has been restarted and knows no worker; the pages of these are still there."""
    spark = connected(tmp_path, cluster, server.url)
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    application, pages = live.facts["application_id"], f"{cluster.url}/logPage/?appId="
    gone = "http://127.0.0.1:1/logPage/?appId=a&executorId=2"
    people = "https://logs.example.com/of/it?x=1"
    rows = [
        {"id": "driver", "executorLogs": {}},
        {"id": "10", "executorLogs": logs_at(f"{pages}{application}&executorId=10")},
        {"id": "2", "executorLogs": logs_at(gone)},
        {"id": "3", "executorLogs": logs_at(people)},
        {"id": "4"},
    ]
    server.add(application, allexecutors=rows)
    cluster.forget()
    assert spark.streams(live)[2:] == ["executor-2", "executor-3", "executor-10", "events"]
    assert lines(spark, live, "executor-10") == ["stderr of 10"]
    [said] = lines(spark, live, "executor-2")
    assert said.startswith("cicd: what executor-2 said is gone with its node: cannot reach")
    assert lines(spark, live, "executor-3") == [
        f"cicd: its log is at {people}&logType=stderr, where only people can read it"
    ]
    assert lines(spark, live, "executor-4") == []
    spark.close()


def test_a19_a_driver_on_yarn_is_read_where_the_history_server_tells_that_it_was(
    server: HistoryServer,
) -> None:
    page = f"{server.url}/node/containerlogs/container_1_2_01_000001/ann/stdout?start=-4096"
    place = "/ws/v1/node/containerlogs/container_1_2_01_000001/stdout"
    server.stub.on("GET", place, Reply(200, "LogType:stdout\nLogLength:2\nLogContents:\na\nb\n"))
    rows = [{"id": "driver", "executorLogs": {"stdout": page}}]
    server.add("application_1_2", attempt="1", allexecutors=rows)
    history = History(Calls(), server.url)
    assert history.executor_log("application_1_2", "stdout", 2, 100).text == "b\n"
    assert history.executors("application_1_2") == []
    # the node has it no more, and the log server of YARN has
    server.stub.on("GET", place, Reply(302, "", {"Location": "http://elsewhere"}))
    kept = "/ws/v1/history/containerlogs/container_1_2_01_000001/stdout"
    server.stub.on("GET", kept, Reply(200, "a\nb\n"))
    said = history.executor_log("application_1_2", "stdout", 0, 100).text
    assert said.endswith("it redirects to http://elsewhere (HTTP 302)\n")
    later = History(Calls(), server.url, server.url)
    assert later.executor_log("application_1_2", "stdout", 2, 100).text == "b\n"
    later.close()
    assert history.executor_log("application_1_2", "stderr", 0, 100).text == ""
    history.close()
    server.stub.answers.clear()


EVENT = '{"Event":"SparkListenerApplicationEnd","Timestamp":1}'
EVENTS: list[tuple[dict[str, str], list[str]]] = [
    ({"app-1": f"{EVENT}\n{EVENT}\n"}, [EVENT, EVENT]),
    (
        {
            "eventlog_v2_a/appstatus_a": "",
            "eventlog_v2_a/events_10_a": "third\n",
            "eventlog_v2_a/events_9_a": "second\n",
            "eventlog_v2_a/events_1_a": "first\n",
        },
        ["first", "second", "third"],
    ),
    ({"app-1.zstd": "x"}, ["cicd: its events cannot be read: Spark has compressed them as zstd"]),
    (
        {"eventlog_v2_a/events_1_a.lz4": "x"},
        ["cicd: its events cannot be read: Spark has compressed them as lz4"],
    ),
    ({}, []),
    ({"app-1": "ü" * 200000 + "\n" + "ö\n"}, ["ü" * 200000, "ö"]),
]


@pytest.mark.parametrize(("files", "told"), EVENTS)
def test_a19_the_events_of_an_application_are_a_stream(
    tmp_path: Path,
    cluster: Cluster,
    server: HistoryServer,
    files: dict[str, str],
    told: list[str],
) -> None:
    spark = connected(tmp_path, cluster, server.url)
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    server.add(live.facts["application_id"])
    server.events[live.facts["application_id"]] = files
    assert spark.streams(live)[-1] == "events"
    found = lines(spark, live, "events")
    assert "".join(found) == "".join(told) and found[-1:] == told[-1:]
    spark.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 is no zip", "gives no zip of them"),
        (b"<html>", "gives no zip of them"),
        (zipped({"a": "x" * 3000}), "have more than 0 MiB"),
        (zipped({"a": "x" * 500, "b": "y" * 600}), "have more than 0 MiB"),
        (zipped({"a": "x" * 3000})[:-30], "gives no zip of them"),
    ],
    ids=["broken", "a page", "one too large", "together too large", "cut off"],
)
def test_events_that_are_none_or_too_many_are_told(content: bytes, said: str) -> None:
    with pytest.raises(PlatformError, match=said):
        unpacked(content, 1000)
    assert unpacked(zipped({"a": "x" * 1000}), 1000) == b"x" * 1000


def test_an_answer_without_end_is_not_read(server: HistoryServer) -> None:
    server.stub.on("GET", "/long", Reply(200, b"x" * 5000))
    calls = Calls()
    assert calls.whole(f"{server.url}/long", 5000) == b"x" * 5000
    with pytest.raises(PlatformError, match="/long has more than 0 MiB"):
        calls.whole(f"{server.url}/long", 4999)
    calls.close()
    server.stub.answers.clear()


def test_a19_executors_under_spark_submit_are_read_from_the_pages_of_their_workers(
    tmp_path: Path, cluster: Cluster
) -> None:
    """In client mode, where the driver is on this machine, and the executors are not."""
    told = spark = connected(
        tmp_path,
        cluster,
        "",
        submit="spark-submit",
        spark_home=str(write_home(tmp_path / "home")),
    )
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert live.facts["application_id"] == APPLICATION
    assert spark.streams(live) == ["stdout", "stderr"]
    cluster.executors.append({"id": 3, "appid": APPLICATION})
    assert spark.streams(live) == ["stdout", "stderr", "executor-3"]
    assert lines(spark, live, "executor-3") == ["stderr of 3"]
    assert lines(spark, live, "stdout")[-1] == "accuracy=0.75"
    told.close()


def test_a19_a_job_of_this_machine_alone_has_no_executors(tmp_path: Path) -> None:
    write_program(tmp_path)
    home = str(write_home(tmp_path / "home"))
    stage = stage_of(tmp_path, "http://127.0.0.1:1", [job()], "local[*]", spark_home=home)
    spark = connect(stage, {})
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert spark.streams(live) == ["stdout", "stderr"]
    spark.close()


def test_a_page_of_the_master_that_is_away_takes_no_stream_of_the_driver_away(
    tmp_path: Path, cluster: Cluster
) -> None:
    home = str(write_home(tmp_path / "home"))
    away = {"submit": "spark-submit", "spark_home": home, "ui_url": "http://127.0.0.1:1"}
    stage = stage_of(tmp_path, cluster.url, [job()], **away)
    spark = connect(stage, {})
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert spark.streams(live) == ["stdout", "stderr"]
    assert lines(spark, live, "stdout")[-1] == "accuracy=0.75"
    with pytest.raises(ConnectionFailed, match=r"cannot reach http://127\.0\.0\.1:1"):
        spark.stream(live, "executor-0")
    spark.close()


def test_doctor_asks_the_history_server(
    tmp_path: Path, cluster: Cluster, server: HistoryServer
) -> None:
    spark = connected(tmp_path, cluster, server.url)
    found = {one.check: one for one in spark.diagnose()}
    assert found["history"].text == "the history server of Spark 3.5.9 answers"
    spark.close()
    spark = connected(tmp_path, cluster, "http://127.0.0.1:1")
    found = {one.check: one for one in spark.diagnose()}
    assert found["history"].state == "warning" and "cannot reach" in found["history"].text
    spark.close()


@pytest.mark.parametrize("master", ["spark://127.0.0.1:7077", "local[*]"])
def test_a_history_server_goes_with_any_master(tmp_path: Path, master: str) -> None:
    place = "  master: spark://127.0.0.1:7077\n"
    text = changed(place, f"  master: {master}\n  history_url: http://history:18080\n")
    assert findings(tmp_path, text) == []
    assert stage_of_text(tmp_path, text).settings["history_url"] == "http://history:18080"
    local = load_stage("dev", around(tmp_path, {"API_KEY": "a key"}, stand_ins="local"))
    assert "history_url" not in local.settings
    wrong = text.replace("http://history:18080", "history:18080")
    assert any("spark.history_url" in one for one in findings(tmp_path, wrong))
