"""One submission, whatever happens on the way: lost answers, crashes, forgetful masters; and what
is left behind of a job that has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.errors import ConnectionFailed, LostAnswer, NotFound
from cicd.model import Hidden, LiveResource, State
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.runs import Run, Runs
from tests.platforms.contract import all_lines, wait_for
from tests.platforms.spark.samples import PROGRAM, job, stage_of, write_home, write_program
from tests.platforms.spark.stand_in import Cluster, cluster_in

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    write_program(tmp_path)
    with cluster_in(tmp_path / "cluster") as found:
        yield found


Connect = Callable[[], Spark]


@pytest.fixture
def spark(tmp_path: Path, cluster: Cluster) -> Iterator[Spark]:
    with connected(tmp_path, cluster) as found:
        yield found


@contextmanager
def connected(root: Path, cluster: Cluster) -> Iterator[Spark]:
    """What the next command would have."""
    found = connect(stage_of(root, cluster.url, [job()]), {})
    try:
        yield found
    finally:
        found.close()


def runs_in(root: Path) -> list[Run]:
    with connected(root, Cluster(root, "http://127.0.0.1:1")) as found:
        return Runs(found._records).all()


def staged(root: Path) -> list[str]:
    return [path.name for path in (root / ".cicd/spark").glob("*/staged/*/*/*")]


def test_a_lost_answer_is_looked_up_and_never_sent_again(cluster: Cluster, spark: Spark) -> None:
    cluster.loses = 1
    with pytest.raises(LostAnswer):
        spark.create(job(), "token")
    found = spark.find(job(), frozenset())
    again = spark.create(job(), "token")
    assert found and found.id == again.id == next(iter(cluster.drivers))
    assert cluster.creates == 1


def test_a_create_that_never_arrived_is_sent_again(cluster: Cluster, spark: Spark) -> None:
    cluster.drops = 1
    with pytest.raises(LostAnswer):
        spark.create(job(), "token")
    assert spark.find(job(), frozenset()) is None
    assert spark.create(job(), "token").id in cluster.drivers
    assert len(cluster.drivers) == 1


def test_a_lost_driver_that_has_no_worker_yet_is_waited_for(cluster: Cluster, spark: Spark) -> None:
    cluster.loses, cluster.holds = 1, True
    with pytest.raises(LostAnswer):
        spark.create(job(), "token")
    found = spark.find(job(), frozenset())
    assert found and found.status.state is State.PENDING and found.id not in cluster.drivers
    with pytest.raises(LostAnswer):
        spark.create(job(), "token")
    assert cluster.creates == 1
    cluster.release()
    ended = wait_for(spark, found, "FINISHED")
    assert ended.id == next(iter(cluster.drivers))


def test_the_driver_of_somebody_else_is_not_ours(cluster: Cluster, spark: Spark) -> None:
    cluster.drops, cluster.holds = 1, True
    with pytest.raises(LostAnswer):
        spark.create(job(), "token")
    theirs = cluster.create({"sparkProperties": {"spark.app.name": "nightly"}, "appArgs": []})
    assert spark.find(job(), frozenset())  # it may be ours for all that anybody knows
    cluster.drivers.pop(theirs["submissionId"])
    assert spark.find(job(), frozenset()) is None


def test_older_drivers_are_not_looked_at(cluster: Cluster, spark: Spark) -> None:
    first = spark.create(job(), "first")
    wait_for(spark, first, "FINISHED")
    cluster.drops = 1
    with pytest.raises(LostAnswer):
        spark.create(job(inputs="fedcba98"), "second")
    cluster.requests.clear()
    assert spark.find(job(inputs="fedcba98"), frozenset()) is None
    assert [path for _, path in cluster.requests] == ["/json/"]


def test_a_killed_apply_leaves_nothing_to_trip_over(
    tmp_path: Path, cluster: Cluster, spark: Spark
) -> None:
    """Killed after it was written down and before it was sent."""
    cluster.drops = 1
    with pytest.raises(LostAnswer):
        spark.create(job(), "token")
    with connected(tmp_path, cluster) as later:
        assert later.read([job()]) == []
        assert later.create(job(), "token").id in cluster.drivers
    assert len(runs_in(tmp_path)) == len(cluster.drivers) == 1


def test_what_a_lost_job_has_measured_is_read_before_anybody_wrote_down_that_it_is_there(
    tmp_path: Path, cluster: Cluster
) -> None:
    wish = job(metrics={"accuracy": "accuracy=([0-9.]+)"})
    cluster.loses = 1
    spark = connect(stage_of(tmp_path, cluster.url, [wish]), {})
    with pytest.raises(LostAnswer):
        spark.create(wish, "token")
    [driver] = cluster.drivers.values()
    assert driver.process and driver.process.wait(60) == 0
    [read] = spark.read([wish])
    assert (read.status.raw, read.metrics) == ("FINISHED", {"accuracy": 0.75})
    spark.close()


def test_how_a_job_ended_outlives_the_master(cluster: Cluster, spark: Spark) -> None:
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    cluster.forget()
    assert spark.get(ended).status.state is State.SUCCEEDED
    [read] = spark.read([job()])
    assert (read.status.state, read.id) == (State.SUCCEEDED, ended.id)


def test_what_a_restarted_master_forgot_is_unknown_and_no_success(
    cluster: Cluster, spark: Spark
) -> None:
    live = spark.create(job(), "token")
    cluster.forget()
    status = spark.get(live).status
    assert status.state is State.UNKNOWN and not status.has_ended
    assert "does not know" in spark.get(live).notes[0]


@pytest.mark.parametrize("end", ["FINISHED", "FAILED", "KILLED"])
def test_a20_nothing_is_left_in_staging_however_it_ends(
    tmp_path: Path, cluster: Cluster, spark: Spark, end: str
) -> None:
    write_program(tmp_path, {"FINISHED": PROGRAM, "FAILED": "exit(3)"}.get(end, ENDLESS))
    live = spark.create(job(reads={"a": {"url": "file:///a"}}), "token")
    assert sorted(staged(tmp_path)) == ["cicd_assets.py", "score.py"]
    if end == "KILLED":
        spark.stop(live)
    while not spark.get(live).status.has_ended:
        pass
    assert spark.get(live).status.raw == end
    assert staged(tmp_path) == []


def test_a20_what_a_crash_left_in_staging_goes_at_the_next_run(
    tmp_path: Path, cluster: Cluster, spark: Spark
) -> None:
    spark.create(job(), "first")
    [driver] = cluster.drivers.values()
    assert driver.process and driver.process.wait(60) == 0  # and nobody has looked
    assert staged(tmp_path) == ["score.py"]
    write_program(tmp_path, ENDLESS)
    with connected(tmp_path, cluster) as later:
        running = later.create(job(inputs="fedcba98"), "second")
    [run] = [run for run in runs_in(tmp_path) if run.submission == running.id]
    assert [path.name for path in (tmp_path / ".cicd/spark").glob("*/staged/*")] == [run.name]


def test_a_running_job_keeps_its_files_while_another_begins(
    tmp_path: Path, cluster: Cluster, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    spark.create(job(), "first")
    spark.create(job("other"), "second")
    assert staged(tmp_path) == ["score.py", "score.py"]


@pytest.mark.parametrize("is_done", [False, True])
def test_what_is_just_handed_over_keeps_its_files_while_another_begins(
    tmp_path: Path, cluster: Cluster, spark: Spark, is_done: bool
) -> None:
    """Nothing on the cluster tells of it yet, as of what a crash has left."""
    found = []

    def begin_another(count: int, is_done_now: bool) -> None:
        if cluster.requests[-1][1].endswith("/create") and is_done_now == is_done:
            cluster.strike = lambda count, is_done: None
            spark.create(job("other"), "second")
            found.extend(staged(tmp_path))

    cluster.strike = begin_another
    first = spark.create(job(), "first")
    assert found == ["score.py", "score.py"]
    assert wait_for(spark, first, "FINISHED").status.state is State.SUCCEEDED


def test_data_is_named_as_hadoop_takes_it_whatever_the_folder_is_called(
    tmp_path: Path, cluster: Cluster
) -> None:
    root = tmp_path / "grüße an alle"
    write_program(root, "import cicd_assets\nprint(cicd_assets.INPUTS, cicd_assets.OUTPUTS)\n")
    (root / "c d.csv").write_text("1\n", encoding="utf-8")
    wish = job(reads={"a": {"url": "c d.csv"}}, writes={"b": {"url": "build/b"}})
    spark = connect(stage_of(root, cluster.url, [wish]), {})
    live = wait_for(spark, spark.create(wish, "token"), "FINISHED")
    [line] = all_lines(spark, live)
    assert f"'url': 'file://{root}/build/b'" in line.text
    assert "/c d.csv'" in line.text and "%" not in line.text
    assert live.outputs["outputs.b"] == f"file://{root}/build/b"
    spark.close()


def test_a_refusal_leaves_nothing_behind(tmp_path: Path, cluster: Cluster, spark: Spark) -> None:
    (tmp_path / "jobs/score.py").unlink()
    with pytest.raises(Exception, match=r"jobs/score.py cannot be read"):
        spark.create(job(), "token")
    assert cluster.creates == 0 and runs_in(tmp_path) == [] and staged(tmp_path) == []


def test_why_a_job_waits_is_told(cluster: Cluster, spark: Spark, tmp_path: Path) -> None:
    """For a worker for its driver, and for one for its executors."""
    write_program(tmp_path, ENDLESS)
    cluster.holds = True
    asks = {"resources": {"driver_memory": "64g", "driver_cores": 4}}
    live = spark.create(job(**asks), "token")
    free = "1 alive, 2 cores and 2048 MB free"
    assert live.status.raw == "WAITING"
    assert live.status.message == f"its driver, of 4 cores and 64g, has no worker yet: {free}"
    cluster.release()
    cluster.starves = True
    status = spark.get(live).status
    assert (status.state, status.raw) == (State.PENDING, "WAITING")
    assert status.message == f"its driver runs, its executors have no worker yet: {free}"
    cluster.starves = False
    assert spark.get(live).status.raw == "RUNNING"


MADE = "from pathlib import Path\nfrom cicd_assets import OUTPUTS\nprint('done')\n"
MAKE = "Path(OUTPUTS[{number}]['url'].removeprefix('file://')).mkdir(parents=True)\n"


@pytest.mark.parametrize(
    ("made", "missing"), [((0, 1), ()), ((0,), ("b",)), ((1,), ("a",)), ((), ("a", "b"))]
)
def test_an_output_that_a_job_has_not_written_is_said_and_is_no_failure(
    tmp_path: Path, cluster: Cluster, made: tuple[int, ...], missing: tuple[str, ...]
) -> None:
    write_program(tmp_path, MADE + "".join(MAKE.format(number=number) for number in made))
    urls = {"a": "build/a", "b": (tmp_path / "über b").as_uri(), "c": "s3a://bucket/c"}
    wish = job(writes={name: {"url": url} for name, url in urls.items()})
    with closing(connect(stage_of(tmp_path, cluster.url, [wish]), {})) as spark:
        live = wait_for(spark, spark.create(wish, "token"), "FINISHED")
        assert live.status.state is State.SUCCEEDED
        said = [part.split(":")[0] for note in live.notes for part in note.split("; ")]
        assert said == [f"it wrote no output {name}" for name in missing]
        [read] = spark.read([wish])
        assert read.notes == live.notes


def test_nothing_is_said_of_an_output_whose_place_is_a_text_of_the_environment(
    tmp_path: Path, cluster: Cluster
) -> None:
    write_program(tmp_path, MADE + MAKE.format(number=0))
    place = (tmp_path / "there").as_uri()
    wish, clear = (job(writes={"a": {"url": url}}) for url in (Hidden(place), place))
    with closing(connect(stage_of(tmp_path, cluster.url, [wish]), {})) as spark:
        live = wait_for(spark, spark.create(clear, "token"), "FINISHED")
        assert (tmp_path / "there").is_dir()
        assert live.notes == ()


def test_of_a_cluster_elsewhere_nobody_says_what_its_disks_have(
    tmp_path: Path, cluster: Cluster
) -> None:
    wish = job(writes={"a": {"url": "file:///build/nowhere"}})
    stage = stage_of(tmp_path, cluster.url, [wish], "spark://elsewhere:7077")
    with closing(connect(stage, {})) as spark:
        live = wait_for(spark, spark.create(wish, "token"), "FINISHED")
        assert live.notes == ()


JAVA = """\
import sys
print({printed!r})
for line in {said!r}:
    print(line, file=sys.stderr)
raise SystemExit(1)
"""
CHATTER = [
    "WARNING: Using incubator modules: jdk.incubator.vector",
    "Using Spark's default log4j profile: org/apache/spark/log4j2-defaults.properties",
    "26/11/30 20:00:00 INFO SparkContext: Running",
    "26/11/30 20:00:00 WARN Utils: loopback",
]
STACK = [
    "java.base/java.lang.Thread.run(Thread.java:840)",
    "\tat org.acme.Main.main(Main.java:7)",
    "\t... 12 more",
    "",
]


@pytest.mark.parametrize(
    ("main_class", "printed", "said", "told"),
    [
        ("org.acme.Main", "reads", [*CHATTER, "Exception: no x", *STACK], "Exception: no x"),
        ("org.acme.Main", "reads", [*CHATTER, *STACK], "reads"),
        ("", "Traceback", ["26/11/30 20:00:00 ERROR Executor: lost"], "Traceback"),
        ("", "OutOfMemoryError\n\tat java.base/java.util.List.add(List.java:1)\n", [], "OutOfM"),
    ],
)
def test_what_a_failure_is_told_with_says_what_it_was(
    tmp_path: Path, cluster: Cluster, main_class: str, printed: str, said: list[str], told: str
) -> None:
    write_program(tmp_path, JAVA.format(printed=printed, said=said))
    wish = job(**({"main_class": main_class} if main_class else {}))
    stage = stage_of(tmp_path, "", [wish], submit="spark-submit")
    home = str(write_home(tmp_path / "home"))
    with closing(connect(replace(stage, settings={**stage.settings, "spark_home": home}), {})) as s:
        live = wait_for(s, s.create(wish, "token"), "FAILED")
        assert s.tail(live, 10)[-1].text.startswith(told)
        assert len(s.tail(live, 10)) <= 2


def test_a_job_that_fails_is_told_with_its_last_lines(
    tmp_path: Path, cluster: Cluster, spark: Spark
) -> None:
    write_program(tmp_path, "print('reading')\nraise ValueError('no column x')\n")
    live = spark.create(job(), "token")
    while not (live := spark.get(live)).status.has_ended:
        pass
    assert live.status.state is State.FAILED
    assert spark.tail(live, 2)[-1].text == "ValueError: no column x"


def test_of_a_job_that_never_came_to_print_the_words_of_spark_are_told(
    tmp_path: Path, cluster: Cluster, spark: Spark
) -> None:
    write_program(tmp_path, "exit(1)")
    live = spark.create(job(), "token")
    while not (live := spark.get(live)).status.has_ended:
        pass
    assert spark.tail(live, 5)[0].text.startswith("Launch Command")


def test_a_cluster_that_is_away_is_said_and_picked_up_again(
    tmp_path: Path, cluster: Cluster, spark: Spark
) -> None:
    live = spark.create(job(), "token")
    gone = stage_of(tmp_path, "http://127.0.0.1:1", [job()])
    away = connect(gone, {})
    with pytest.raises(ConnectionFailed, match=r"cannot reach http://127\.0\.0\.1:1"):
        away.get(live)
    away.close()
    assert wait_for(spark, live, "FINISHED").id == live.id


def test_a19_each_stream_of_a_job_can_be_read(
    tmp_path: Path, cluster: Cluster, spark: Spark
) -> None:
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    names = ["stdout", "stderr", "executor-0", "executor-10"]
    assert spark.streams(live) == names
    told = {name: [entry.text for entry in spark.stream(live, name).entries] for name in names}
    assert told["stdout"][-1] == "accuracy=0.75"
    assert told["stderr"][0].startswith("Launch Command")
    assert told["executor-10"] == ["stderr of 10"]
    page = spark.stream(live, "executor-0")
    assert spark.stream(live, "executor-0", page.cursor).entries == ()
    cluster.forget()
    assert spark.stream(live, "executor-0").entries == ()


def test_two_stages_of_one_state_folder_keep_apart(tmp_path: Path, cluster: Cluster) -> None:
    made: list[LiveResource] = []
    for name in ("dev", "prd"):
        stage = replace(stage_of(tmp_path, cluster.url, [job()]), name=name)
        platform = connect(stage, {})
        made.append(platform.create(job(), "token"))
        assert [live.id for live in platform.browse("job")] == [made[-1].id]
        platform.close()
    assert made[0].id != made[1].id


def test_a_text_of_the_environment_is_kept_nowhere_in_clear(
    tmp_path: Path, cluster: Cluster
) -> None:
    from cicd.model import Hidden, opened

    wish = job(env={"TOKEN": Hidden("s3cr3t-of-mine")})
    platform = connect(stage_of(tmp_path, cluster.url, [wish]), {})
    write_program(tmp_path, "import os\nprint(os.environ['TOKEN'][:3])\n")
    clear = replace(wish, spec={**wish.spec, "env": {"TOKEN": opened(wish.spec["env"]["TOKEN"])}})
    live = wait_for(platform, platform.create(clear, "token"), "FINISHED")
    assert [entry.text for entry in all_lines(platform, live)] == ["s3c"]
    assert live.spec["env"] == {"TOKEN": "s3cr3t-of-mine"}  # known again by who has it
    kept = [path.read_text() for path in (tmp_path / "state").rglob("*.json")]
    assert kept and "s3cr3t" not in "".join(kept)
    platform.close()


def test_what_nobody_knows_is_not_there(spark: Spark, cluster: Cluster) -> None:
    live = spark.create(job(), "token")
    spark.delete(live)
    with pytest.raises(NotFound):
        spark.get(live)
