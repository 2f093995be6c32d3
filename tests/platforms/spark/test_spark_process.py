"""spark-submit on this machine: the exit code is true, and outlives whoever started it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cicd.errors import CicdError
from cicd.model import LiveResource, State
from cicd.platforms.spark import wrapper
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.homes import no_java, submit_program
from cicd.platforms.spark.process import FORCED, of_exit
from tests.platforms.contract import wait_for
from tests.platforms.spark.samples import job, stage_of, write_home, write_program

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def spark(tmp_path: Path) -> Iterator[Spark]:
    write_program(tmp_path)
    write_home(tmp_path / "home")
    found = connected(tmp_path)
    yield found
    for begun in folder_of(tmp_path).glob("*/begun"):
        if not (begun.parent / "ended").exists():
            with suppress(ProcessLookupError, ValueError):
                os.killpg(int(begun.read_text().split()[0]), signal.SIGKILL)
    found.close()


def connected(root: Path) -> Spark:
    """What the next command would have."""
    home = str(root / "home")
    return connect(stage_of(root, "", [job()], submit="spark-submit", spark_home=home), {})


def folder_of(root: Path) -> Path:
    [folder] = (root / ".cicd/spark").glob("*/processes")
    return folder


def until(platform: Spark, live: LiveResource, *states: State) -> LiveResource:
    while (live := platform.get(live)).status.state not in states:
        pass
    return live


def wait_for_end(folder: Path) -> None:
    while not (folder / "ended").exists():
        pass


@pytest.mark.parametrize(
    ("code", "state", "said"),
    [
        (0, State.SUCCEEDED, ""),
        (1, State.FAILED, "exit code 1"),
        (127, State.FAILED, "exit code 127"),
        (143, State.STOPPED, "exit code 143"),
        (137, State.STOPPED, f"exit code 137: {FORCED}"),
        (-15, State.STOPPED, "exit code -15"),
        (-9, State.STOPPED, f"exit code -9: {FORCED}"),
        (-11, State.FAILED, "exit code -11"),
        (134, State.FAILED, "exit code 134"),
    ],
)
def test_what_exit_codes_mean(code: int, state: State, said: str) -> None:
    assert (of_exit(code).state, of_exit(code).message) == (state, said)


def test_a_job_that_fails_tells_its_exit_code(tmp_path: Path, spark: Spark) -> None:
    write_program(tmp_path, "print('oh no')\nraise SystemExit(3)\n")
    live = until(spark, spark.create(job(), "token"), State.FAILED)
    assert live.status.message == "exit code 3"
    assert [entry.text for entry in spark.tail(live, 5)] == ["oh no"]


def test_how_a_job_ended_is_known_to_whoever_comes_later(tmp_path: Path, spark: Spark) -> None:
    live = spark.create(job(), "token")
    wait_for_end(folder_of(tmp_path) / live.id.partition("@")[0])
    later = connected(tmp_path)
    [read] = later.read([job()])
    assert (read.id, read.status.state) == (live.id, State.SUCCEEDED)
    assert read.facts["application_id"] == "app-20261130-0007"
    later.close()


def test_one_that_is_stopped_is_killed_and_stays_so(tmp_path: Path, spark: Spark) -> None:
    write_program(tmp_path, ENDLESS)
    live = until(spark, spark.create(job(), "token"), State.RUNNING)
    spark.stop(live)
    ended = until(spark, live, State.STOPPED)
    assert ended.status.raw == "KILLED"
    spark.stop(ended)
    assert spark.get(ended).status.raw == "KILLED"


def test_a_driver_that_was_killed_with_all_that_watched_it_is_no_success(
    tmp_path: Path, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = until(spark, spark.create(job(), "token"), State.RUNNING)
    begun = folder_of(tmp_path) / live.id.partition("@")[0] / "begun"
    os.killpg(int(begun.read_text().split()[0]), signal.SIGKILL)
    status = until(spark, live, State.STOPPED).status
    assert "left no exit code" in status.message


def test_one_that_waits_for_workers_says_so(tmp_path: Path, spark: Spark) -> None:
    said = "WARN TaskSchedulerImpl: Initial job has not accepted any resources; check your cluster"
    more = f"import sys\nprint({said!r}, file=sys.stderr, flush=True)\n"
    write_program(tmp_path, more + ENDLESS)
    live = until(spark, spark.create(job(), "token"), State.RUNNING, State.PENDING)
    while "no worker" not in (live := spark.get(live)).status.message:
        pass
    assert live.status.raw == "WAITING"
    spark.stop(live)


def test_a_process_of_another_machine_is_unknown_here(tmp_path: Path, spark: Spark) -> None:
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    name = live.id.partition("@")[0]
    [record] = (tmp_path / "state").glob("*/job/*.json")
    text = record.read_text().replace(live.id, f"{name}@elsewhere")
    record.write_text(text.replace('"state": "SUCCEEDED"', '"state": ""'), encoding="utf-8")
    [read] = connected(tmp_path).read([job()])
    assert read.status.state is State.UNKNOWN
    assert "a process of elsewhere" in read.status.message


def test_the_second_of_two_that_are_started_for_one_run_does_nothing(tmp_path: Path) -> None:
    """As when an apply was killed just after it had started one."""
    program = tmp_path / "program.py"
    program.write_text("print('once')\nopen('runs', 'a').write('x')\n", encoding="utf-8")
    command = [sys.executable, wrapper.__file__, str(tmp_path), sys.executable, str(program)]
    for _ in range(2):
        subprocess.run(command, cwd=tmp_path, check=True)
    wait_for_end(tmp_path)
    assert (tmp_path / "runs").read_text() == "x"
    assert (tmp_path / "ended").read_text() == "0"


def test_a_program_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    command = [sys.executable, wrapper.__file__, str(tmp_path), str(tmp_path / "nothing")]
    subprocess.run(command, check=True)
    wait_for_end(tmp_path)
    assert (tmp_path / "ended").read_text() == "127"
    assert "No such file" in (tmp_path / "stderr").read_text()


def test_a_run_that_was_begun_and_whose_answer_nobody_heard_is_found(
    tmp_path: Path, spark: Spark
) -> None:
    live = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    [record] = (tmp_path / "state").glob("*/job/*.json")
    text = record.read_text().replace(f'"submission": "{live.id}"', '"submission": ""')
    record.write_text(text.replace('"state": "SUCCEEDED"', '"state": ""'), encoding="utf-8")
    later = connected(tmp_path)
    assert later.create(job(), "token").id == live.id
    assert len([*folder_of(tmp_path).iterdir()]) == 1
    later.close()


@pytest.mark.parametrize("where", ["said", "SPARK_HOME", "VIRTUAL_ENV", ".venv", "PATH"])
def test_spark_is_found_where_people_have_it(tmp_path: Path, where: str) -> None:
    homes = {
        "said": tmp_path / "opt/spark",
        "SPARK_HOME": tmp_path / "home",
        "VIRTUAL_ENV": tmp_path / "env/lib/python3.12/site-packages/pyspark",
        ".venv": tmp_path / ".venv/lib/python3.11/site-packages/pyspark",
        "PATH": tmp_path,
    }
    home = write_home(homes[where])
    values = {"SPARK_HOME": str(home), "VIRTUAL_ENV": str(tmp_path / "env")}
    environ = {where: values[where]} if where in values else {}
    if where == "PATH":
        environ = {"PATH": str(home / "bin")}
    said = "opt/spark" if where == "said" else ""
    assert submit_program(said, tmp_path, environ) == home / "bin/spark-submit"


def test_without_spark_the_line_that_installs_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(CicdError) as told:
        submit_program("", tmp_path, {"PATH": ""})
    assert told.value.hint == "pip install 'pyspark==3.5.*'"
    with pytest.raises(CicdError, match="no bin/spark-submit"):
        submit_program("opt/nothing", tmp_path, {})
    there = f"SPARK_HOME is {tmp_path}, where there is no bin/spark-submit, and no pyspark"
    with pytest.raises(CicdError, match=re.escape(there)):
        submit_program("", tmp_path, {"PATH": "", "SPARK_HOME": str(tmp_path)})


@pytest.mark.parametrize("where", ["JAVA_HOME", "PATH"])
def test_java_is_looked_for_where_spark_looks(tmp_path: Path, where: str) -> None:
    environ = {"PATH": "", where: str(tmp_path if where == "JAVA_HOME" else tmp_path / "bin")}
    assert where in no_java(environ)
    assert no_java({"PATH": ""}) == "there is no java on the PATH, and JAVA_HOME is not set"
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/java"
    program.touch(0o755)
    assert no_java(environ) == ""
    beside = {"PATH": str(tmp_path / "bin"), "JAVA_HOME": "/opt/other"}
    assert no_java(beside) == "JAVA_HOME is /opt/other, where there is no bin/java"
