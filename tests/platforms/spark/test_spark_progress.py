"""How far a job is, as the page of its driver tells: told where it is there, and waited for by
nobody where it is not."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cicd.apply.events import Advanced, Progress
from cicd.cli.options import Common
from cicd.cli.progress import Lines, Tree
from cicd.model import Action, Change, Count, Key, LiveResource, Plan, Resource, State, Status
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.process import page_in
from cicd.platforms.spark.progress import FIRST, counts
from tests.platforms.spark.history_stand_in import HistoryServer, history_server
from tests.platforms.spark.samples import stage_of
from tests.platforms.spark.stand_in import Cluster, cluster_in
from tests.platforms.stub_server import Reply

APP = "app-20261130-0001"
HALF = {
    "jobId": 1,
    "status": "RUNNING",
    "stageIds": [1, 2, 3, 4],
    "numTasks": 400,
    "numCompletedTasks": 120,
    "numSkippedTasks": 100,
    "numCompletedStages": 1,
    "numSkippedStages": 1,
}
TOLD = (Count("stages", 1, 3), Count("tasks", 120, 300))
LIVE = LiveResource(
    Key("job", "score"),
    "driver-1",
    {},
    Status(State.RUNNING, "RUNNING"),
    facts={"application": "cicd.dev.score.0.1", "application_id": APP},
)


@pytest.fixture
def driver() -> Iterator[HistoryServer]:
    """The page of a driver, which has the same API as a history server."""
    with history_server() as found:
        found.add(APP, jobs=[HALF])
        yield found


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with cluster_in(tmp_path / "cluster") as found:
        yield found


@pytest.fixture
def spark(tmp_path: Path, cluster: Cluster) -> Iterator[Spark]:
    found = connect(stage_of(tmp_path, cluster.url), {})
    yield found
    found.close()


def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return f"http://127.0.0.1:{one.getsockname()[1]}"


def test_what_is_computed_just_now_is_counted(
    spark: Spark, cluster: Cluster, driver: HistoryServer
) -> None:
    """The page is found by that of the master, and then known."""
    cluster.page = driver.url
    assert spark.progress(LIVE) == TOLD
    assert spark.progress(LIVE) == TOLD
    assert [path for _, path in cluster.requests] == [f"/app/?appId={APP}"]
    assert {request.query.get("status") for request in driver.stub.sent("GET")} == {None, "running"}
    driver.rows[APP]["jobs"] = []
    assert spark.progress(LIVE) == ()


def test_a_page_behind_that_of_the_master_is_found(spark: Spark, cluster: Cluster) -> None:
    """``spark.ui.reverseProxy``: links are relative, and one server answers for all."""
    cluster.page = "/proxy/app&amp;1"
    run, calls = spark._jobs.shown(LIVE), spark._progress._calls
    assert spark._submitter.page(run, calls) == f"{cluster.url}/proxy/app&1"
    assert spark.progress(LIVE) == ()  # which the stand-in has not


@pytest.mark.parametrize("page", ["", "nobody", "ftp://127.0.0.1/", "http://[::", "/nothing"])
def test_a_page_that_cannot_be_read_tells_nothing_and_is_left_alone_for_a_while(
    spark: Spark, cluster: Cluster, driver: HistoryServer, page: str
) -> None:
    now = 0.0
    spark._progress._clock = lambda: now
    cluster.page = nobody() if page == "nobody" else page
    assert [spark.progress(LIVE) for _ in range(3)] == [()] * 3
    asked = [path for _, path in cluster.requests if path.startswith("/app/")]
    assert len(asked) == (3 if page == "" else 1)
    cluster.page = driver.url
    assert spark.progress(LIVE) == (TOLD if page == "" else ())
    now = FIRST + 1
    assert spark.progress(LIVE) == TOLD


def test_the_longer_a_page_is_away_the_less_often_it_is_asked(
    spark: Spark, cluster: Cluster
) -> None:
    times: list[float] = []
    cluster.page = nobody()
    for second in range(0, 1300, 10):
        before = len(cluster.requests)
        spark._progress._clock = lambda now=float(second): now  # type: ignore[misc]
        spark.progress(LIVE)
        if len(cluster.requests) > before:
            times.append(second)
    assert times == [0, 10, 30, 70, 150, 310, 610, 910, 1210]


def test_a_master_that_is_away_tells_nothing(tmp_path: Path) -> None:
    found = connect(stage_of(tmp_path, nobody()), {})
    assert found.progress(LIVE) == ()
    assert found.progress(replace(LIVE, facts={})) == ()
    found.close()


@pytest.mark.parametrize(
    "answer", ["", "<html>", '{"a": 1}', "[1]", '[{"stageIds": "x", "numTasks": null}]', "[" * 9999]
)
def test_garbage_for_an_answer_tells_nothing(
    spark: Spark, cluster: Cluster, driver: HistoryServer, answer: str
) -> None:
    cluster.page = driver.url
    driver.rows[APP]["jobs"] = answer
    assert spark.progress(LIVE) == ()


def test_livy_tells_where_the_page_is(tmp_path: Path, driver: HistoryServer) -> None:
    live = replace(LIVE, id="cicd.dev.score.0.1@7")
    asked = f"/batches/{live.id.rpartition('@')[2]}"
    known: Any = {"id": 7, "name": live.facts["application"]}
    for info in ({"sparkUiUrl": driver.url}, {"sparkUiUrl": None}, {}, None):
        driver.stub.on("GET", asked, Reply(200, {**known, "appInfo": info}))
        found = connect(stage_of(tmp_path, "", master=driver.url), {})
        assert found.progress(live) == (TOLD if info and info.get("sparkUiUrl") else ())
        found.close()


def test_yarn_shows_it_behind_the_resource_manager(tmp_path: Path, driver: HistoryServer) -> None:
    stage = stage_of(
        tmp_path, "", master="yarn", yarn_urls=["http://rm:8088/"], submit="spark-submit"
    )
    found = connect(stage, {})
    run, calls = found._jobs.shown(LIVE), found._progress._calls
    assert found._submitter.page(run, calls) == f"http://rm:8088/proxy/{APP}"
    assert found._submitter.page(replace(run, application=""), calls) == ""
    found.close()


def test_a_driver_on_this_machine_is_asked_for_the_application_of_the_run(
    tmp_path: Path, driver: HistoryServer
) -> None:
    """With ``local[*]`` no log tells its id; and a port may be had by somebody else since."""
    found = connect(stage_of(tmp_path, "", master="local[*]"), {})
    live = replace(LIVE, facts={"application": LIVE.facts["application"]})
    run = found._jobs.shown(live)
    [process] = [found._submitter]
    folder = process._folder / run.name  # type: ignore[attr-defined]
    folder.mkdir(parents=True)
    assert found.progress(live) == ()
    port = driver.url.rpartition(":")[2]
    told = f"INFO Utils: Successfully started service 'SparkUI' on port {port}.\n"
    (folder / "stderr").write_text(told, encoding="utf-8")
    assert found.progress(live) == ()
    driver.add("local-1764500000000", name=run.name, jobs=[HALF])
    assert found.progress(live) == TOLD
    asked = len(driver.stub.requests)
    assert found.progress(live) == TOLD
    assert len(driver.stub.requests) - asked == 2
    found.close()


@pytest.mark.parametrize(
    ("log", "page"),
    [
        ("", ""),
        ("INFO Utils: Successfully started service 'sparkDriver' on port 4041.", ""),
        (
            "INFO Utils: Successfully started service 'SparkUI' on port 4040.",
            "http://127.0.0.1:4040",
        ),
        (
            "INFO JettyUtils: Start Jetty 0.0.0.0:4040 for SparkUI\n"
            "WARN Utils: Service 'SparkUI' could not bind on port 4040. Attempting port 4041.\n"
            "INFO Utils: Successfully started service 'SparkUI' on port 4041.",
            "http://127.0.0.1:4041",
        ),
        (
            "INFO JettyUtils: Start Jetty 10.0.0.7:4040 for SparkUI\n"
            "INFO Utils: Successfully started service 'SparkUI' on port 4040.\n",
            "http://10.0.0.7:4040",
        ),
    ],
)
def test_the_log_of_a_driver_here_tells_its_page(log: str, page: str) -> None:
    assert page_in(log) == page


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], ()),
        ([HALF], TOLD),
        ([HALF, HALF], (Count("stages", 2, 6), Count("tasks", 240, 600))),
        ([{}], ()),
        ([{"numTasks": 3, "numCompletedTasks": 5}], (Count("tasks", 3, 3),)),
        ([{"numTasks": 3, "numSkippedTasks": 9}], ()),
        ([{"stageIds": [1], "numTasks": True}], (Count("stages", 0, 1), Count("tasks", 0, 1))),
    ],
)
def test_jobs_of_spark_are_counted_together(
    jobs: list[Mapping[str, Any]], expected: tuple[Count, ...]
) -> None:
    assert counts(jobs) == expected


def test_it_is_a_line_in_ci_and_a_part_of_its_row_in_the_tree(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = Advanced(LIVE.key, TOLD)
    Lines(Common(colour=False)).show(told)
    assert capsys.readouterr().err.strip() == "job/score │ 1/3 stages, 120/300 tasks"
    change = Change(LIVE.key, Action.RUN, "new", desired=Resource(LIVE.key, {}))
    tree = Tree(Plan("dev", "spark", {}, "", "", (change,), ""))
    tree.show(Progress(LIVE.key, LIVE.status))
    tree.show(told)
    picture = io.StringIO()
    Console(file=picture, width=90).print(tree._picture())
    assert "RUNNING · 0s of 30m · 1/3 stages, 120/300 tasks" in picture.getvalue()
