"""Livy: a name is taken once, what it has forgotten is no success, logs go by lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.errors import LostAnswer
from cicd.model import State
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.livy import LINES, STATES, LivySubmitter, request
from cicd.platforms.spark.manifest import manifest
from cicd.platforms.spark.runs import Run
from tests.platforms.contract import all_lines, wait_for
from tests.platforms.spark.livy_stand_in import Livy, livy_in
from tests.platforms.spark.samples import job, stage_of, write_program
from tests.platforms.spark.test_spark_dialect import changed, findings
from tests.platforms.spark.test_spark_dialect import stage_of as stage_of_text
from tests.platforms.spark.test_spark_pure import INPUTS, PLACES, SPEC
from tests.platforms.stub_server import Reply, running

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def livy(tmp_path: Path) -> Iterator[Livy]:
    write_program(tmp_path)
    with livy_in(tmp_path / "livy") as found:
        yield found


@pytest.fixture
def spark(tmp_path: Path, livy: Livy) -> Iterator[Spark]:
    found = connect(stage_of(tmp_path, "", [job()], livy.url), {})
    yield found
    found.close()


def test_a15_a_batch_says_all_that_is_submitted() -> None:
    found = request(manifest(SPEC, "cicd.dev.score.1", PLACES))
    conf = found.pop("conf")
    assert found == {
        "name": "cicd.dev.score.1",
        "file": "file:///staged/jobs/score.py",
        "args": ["--limit", "100", "--inputs", INPUTS, "--outputs", found["args"][-1]],
        "pyFiles": [
            "file:///staged/cicd_assets.py",
            "file:///staged/jobs/features.py",
            "s3a://b/more.zip",
        ],
    }
    assert conf["spark.executor.instances"] == "2" and conf["spark.driver.memory"] == "2g"
    assert conf["spark.jars.packages"] == "org.apache.spark:spark-avro_2.12:3.5.1"
    assert conf["spark.yarn.appMasterEnv.CICD_INPUT_ASSETS"] == INPUTS
    assert conf["spark.kubernetes.driverEnv.API_KEY"] == "k"


def test_a_lost_answer_is_found_by_its_name(livy: Livy, spark: Spark) -> None:
    livy.loses = 1
    with pytest.raises(LostAnswer):
        spark.create(job(), "token")
    found = spark.find(job(), frozenset())
    again = spark.create(job(), "token")
    assert found and found.id == again.id and again.id.endswith("@0")
    assert livy.creates == len(livy.batches) == 1


def test_a_name_that_is_refused_twice_is_the_job_that_has_it(livy: Livy) -> None:
    """Two that submit the same at once: who comes second gets the first one's."""
    submitter = LivySubmitter(Calls(), livy.url)
    asked = manifest({"source": (livy.folder.parent / "jobs/score.py").as_uri()}, "one", {})
    assert submitter.submit(asked) == submitter.submit(asked) == "one@0"
    assert livy.creates == 2 and len(livy.batches) == 1
    submitter.close()


def test_a_batch_far_down_the_list_is_found(livy: Livy) -> None:
    source = (livy.folder.parent / "jobs/score.py").as_uri()
    batch = livy.start({"name": "other", "file": source})
    livy.batches |= dict.fromkeys(range(1, 230), batch)
    submitter = LivySubmitter(Calls(), livy.url)
    assert submitter.find(Run("nobody", "k", {})) == ""
    assert livy.asked == [f"GET /batches from={at} size=100" for at in (0, 100, 200)]
    submitter.close()


def test_a_stopped_batch_is_deleted_and_remembered_as_stopped(
    tmp_path: Path, livy: Livy, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = spark.create(job(), "token")
    spark.stop(live)
    assert not livy.batches
    assert spark.get(live).status.state is State.STOPPED
    spark.stop(live)
    assert sum(one.startswith("DELETE") for one in livy.asked) == 1
    assert all_lines(spark, live) == []


def test_one_that_ended_before_it_was_stopped_is_not_stopped(livy: Livy, spark: Spark) -> None:
    live = spark.create(job(), "token")
    assert livy.batches[0].process.wait(60) == 0
    spark.stop(live)
    assert spark.get(live).status.state is State.SUCCEEDED and livy.batches


def test_what_livy_forgot_is_unknown_and_another_with_its_number_is_not_it(
    tmp_path: Path, livy: Livy, spark: Spark
) -> None:
    live = spark.create(job(), "token")
    livy.restart()
    assert spark.get(live).status.state is State.UNKNOWN
    livy.start({"name": "nightly", "file": (tmp_path / "jobs/score.py").as_uri()})
    assert livy.batches[0].process.wait(60) == 0
    status = spark.get(live).status
    assert status.state is State.UNKNOWN and "does not know" in status.message
    spark.stop(live)
    assert livy.batches


def test_a_failed_batch_tells_its_last_lines(tmp_path: Path, livy: Livy, spark: Spark) -> None:
    write_program(tmp_path, "print('on it')\nraise SystemExit('no more')\n")
    ended = wait_for(spark, spark.create(job(), "token"), "FAILED")
    assert ended.facts["application_id"] == "application_1700000000000_0000"
    assert [line.text for line in spark.tail(ended, 2)] == ["on it", "no more"]


def test_a_log_is_read_on_by_lines_also_over_many_pages(
    tmp_path: Path, livy: Livy, spark: Spark
) -> None:
    count = 2 * LINES + 3
    write_program(tmp_path, f"for n in range({count}): print(n)\n")
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    livy.asked.clear()
    lines = all_lines(spark, ended)
    assert [line.text for line in lines] == [str(n) for n in range(count)]
    assert [line.time for line in lines] == sorted({line.time for line in lines})
    asked = [one.partition("from=")[2].split()[0] for one in livy.asked if "/log" in one]
    assert asked[:3] == ["1", str(LINES + 1), str(2 * LINES + 1)]


def test_a_log_that_grows_is_told_from_where_it_was(livy: Livy, spark: Spark) -> None:
    live = spark.create(job(), "token")
    batch = livy.batches[0]
    assert batch.process.wait(60) == 0
    batch.out.write_text("one\n", encoding="utf-8")
    first = spark.logs(live)
    batch.out.write_text("one\n\nthree\n", encoding="utf-8")
    second = spark.logs(live, first.cursor)
    assert [line.text for line in first.entries] == ["one"]
    assert [line.text for line in second.entries] == ["", "three"]
    assert first.entries[-1].time < second.entries[0].time


@pytest.mark.parametrize("word", [*STATES, "sleeping", ""])
def test_each_state_of_livy(word: str) -> None:
    with running() as (stub, url):
        stub.on("GET", "/batches/7", Reply(200, {"id": 7, "name": "n", "state": word}))
        submitter = LivySubmitter(Calls(), url)
        status = submitter.look(Run("n", "k", {}, submission="n@7")).status
        submitter.close()
    assert status.state is STATES.get(word, State.UNKNOWN)
    assert bool(status.message) == (word not in STATES)


def test_doctor_asks_livy_and_a_guarded_one_gets_the_header_that_it_wants(
    livy: Livy, spark: Spark
) -> None:
    spark.create(job(), "token")
    [found, *_] = spark.diagnose()
    assert (found.state, found.text) == ("ok", "Livy takes jobs, and has 1 batches")
    assert all(headers.get("X-Requested-By") == "cicd" for headers in livy.headers)


PLACE = "  master: spark://127.0.0.1:7077\n"
LIVY = "  master: https://livy.example.com:8998/\n  staging: s3://b/staging\n"


def without_secret(text: str) -> str:
    return text.replace('API_KEY: "${env.API_KEY}"', 'EPOCHS: "20"')


def test_a_stage_of_livy_needs_no_more_than_its_address(tmp_path: Path) -> None:
    text = without_secret(changed(PLACE, LIVY))
    assert findings(tmp_path, text) == []
    stage = stage_of_text(tmp_path, text)
    assert stage.target == {"master": "https://livy.example.com:8998/"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("  submit: spark-submit\n", "with which spark.submit does nothing"),
        ("  rest_url: http://h:1\n", "with which spark.rest_url does nothing"),
        ("  spark_home: /opt/spark\n", "with which spark.spark_home does nothing"),
    ],
)
def test_what_does_nothing_with_livy_is_told(tmp_path: Path, more: str, said: str) -> None:
    text = without_secret(changed(PLACE, LIVY + more))
    [found] = findings(tmp_path, text)
    assert said in found


def test_a_secret_that_livy_would_show_is_refused(tmp_path: Path) -> None:
    [found] = findings(tmp_path, changed(PLACE, LIVY))
    assert "API_KEY would show on a command line of Livy's machine" in found
    assert "a key of mine" not in found


def test_livy_sees_no_files_of_this_machine(tmp_path: Path) -> None:
    text = without_secret(changed(PLACE, LIVY.splitlines()[0] + "\n"))
    found = findings(tmp_path, text)
    assert found and all("set spark.staging" in one for one in found)
