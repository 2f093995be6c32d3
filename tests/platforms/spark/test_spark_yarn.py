"""YARN: found by its tag, true by its final status, killed by the resource manager."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.model import State
from cicd.platforms.spark.adapter import Spark, connect
from cicd.platforms.spark.manifest import manifest
from cicd.platforms.spark.yarn import contents, log_page, of_application, tag_of, tagged
from tests.platforms.contract import all_lines, wait_for
from tests.platforms.spark.samples import job, stage_of, write_program
from tests.platforms.spark.test_spark_dialect import changed, findings
from tests.platforms.spark.test_spark_dialect import stage_of as stage_of_text
from tests.platforms.spark.test_spark_pure import INPUTS, PLACES, SPEC
from tests.platforms.spark.yarn_stand_in import Yarn, yarn_in

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def yarn(tmp_path: Path) -> Iterator[Yarn]:
    write_program(tmp_path)
    with yarn_in(tmp_path / "yarn") as found:
        found.home()
        yield found


def connected(root: Path, yarn: Yarn, home: str = "") -> Spark:
    told = {"submit": "spark-submit", "yarn_url": yarn.url}
    told["spark_home"] = home or str(yarn.folder / "home")
    return connect(stage_of(root, "", [job()], "yarn", **told), {})


@pytest.fixture
def spark(tmp_path: Path, yarn: Yarn) -> Iterator[Spark]:
    found = connected(tmp_path, yarn)
    yield found
    found.close()


def test_a15_yarn_is_told_the_tag_and_the_environment() -> None:
    conf = tagged(manifest({**SPEC, "conf": {"spark.yarn.tags": "ours"}}, "Ein.Name", PLACES)).conf
    assert conf["spark.yarn.tags"] == f"ours,{tag_of('Ein.Name')}"
    assert conf["spark.yarn.submit.waitAppCompletion"] == "false"
    assert conf["spark.yarn.appMasterEnv.CICD_INPUT_ASSETS"] == INPUTS
    tag = tag_of("ü" * 500)
    assert len(tag) <= 100 and tag.isascii() and tag == tag.lower() != tag_of("ü" * 501)


def test_a_plan_says_that_the_driver_is_in_the_cluster(spark: Spark) -> None:
    [shown] = spark.complete([job()])
    assert shown.spec["command"]["--deploy-mode"] == "cluster"


def test_a13_a_job_is_found_by_its_tag_from_any_machine(
    tmp_path: Path, yarn: Yarn, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    assert live.facts["application_id"] == "application_1700000000000_0001"
    while "begun" not in {entry.text for entry in all_lines(spark, live)}:
        pass  # it reads its program from there
    # nothing of the process that submitted it is left
    shutil.rmtree(tmp_path / ".cicd")
    elsewhere = connected(tmp_path, yarn)
    [read] = elsewhere.read([job()])
    assert (read.id, read.status.raw) == (live.id, "RUNNING")
    assert elsewhere.create(job(), "token").id == live.id and len(yarn.apps) == 1
    elsewhere.close()


def test_a_crash_before_the_submission_was_noted_submits_once(
    tmp_path: Path, yarn: Yarn, spark: Spark
) -> None:
    live = spark.create(job(), "token")
    wait_for(spark, live, "FINISHED")
    [record] = (tmp_path / "state").rglob(f"*{live.facts['application']}*")
    text = record.read_text(encoding="utf-8")
    for said in ("submission", "application", "state"):
        text = without(text, said)
    record.write_text(text, encoding="utf-8")
    later = connected(tmp_path, yarn)
    assert later.create(job(), "token").status.state is State.SUCCEEDED
    assert len(yarn.apps) == 1
    later.close()


def without(text: str, name: str) -> str:
    return json.dumps({**json.loads(text), name: ""})


def test_a_failed_driver_is_failed_and_says_why(tmp_path: Path, yarn: Yarn, spark: Spark) -> None:
    write_program(tmp_path, "print('on it')\nraise SystemExit('no more')\n")
    ended = wait_for(spark, spark.create(job(), "token"), "FAILED")
    assert ended.status.message == "User application exited with status 1"
    assert [line.text for line in spark.tail(ended, 2)] == ["on it", "no more"]


def test_a_job_is_killed_by_the_resource_manager(tmp_path: Path, yarn: Yarn, spark: Spark) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    spark.stop(live)
    assert wait_for(spark, live, "KILLED").status.message == "by user"
    spark.stop(live)
    kills = [one for one in yarn.asked if one.startswith("PUT")]
    assert len(kills) == 1 and " user.name=" in kills[0]


def test_what_yarn_forgot_is_unknown_and_no_success(
    tmp_path: Path, yarn: Yarn, spark: Spark
) -> None:
    write_program(tmp_path, ENDLESS)
    live = wait_for(spark, spark.create(job(), "token"), "RUNNING")
    yarn.is_forgetful = True
    status = wait_for(spark, live, "UNKNOWN").status
    assert not status.has_ended and tag_of(live.facts["application"]) in status.message


def test_a_spark_submit_that_fails_is_failed_with_what_it_says(tmp_path: Path, yarn: Yarn) -> None:
    program = tmp_path / "bad/bin/spark-submit"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho no HADOOP_CONF_DIR >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    spark = connected(tmp_path, yarn, str(tmp_path / "bad"))
    ended = wait_for(spark, spark.create(job(), "token"), "FAILED")
    assert ended.status.message == "spark-submit: exit code 1"
    assert [line.text for line in spark.tail(ended, 5)] == ["no HADOOP_CONF_DIR"]
    spark.close()


def test_a_log_is_the_drivers_without_what_hadoop_writes_around_it(
    yarn: Yarn, spark: Spark
) -> None:
    ended = wait_for(spark, spark.create(job(), "token"), "FINISHED")
    assert [line.text for line in all_lines(spark, ended)] == [
        "arguments []",
        "accuracy=0.5",
        "accuracy=0.75",
    ]


def test_doctor_asks_the_resource_manager(spark: Spark) -> None:
    found = {one.check: one for one in spark.diagnose()}
    assert found["submission"].state == "ok"
    assert found["workers"].text == "3 nodes, 7 cores and 2048 MB free"


@pytest.mark.parametrize(
    ("state", "final", "meant"),
    [
        ("NEW", "UNDEFINED", State.PENDING),
        ("ACCEPTED", "UNDEFINED", State.PENDING),
        ("RUNNING", "UNDEFINED", State.RUNNING),
        ("RUNNING", "SUCCEEDED", State.RUNNING),
        ("FINISHED", "SUCCEEDED", State.SUCCEEDED),
        ("FINISHED", "FAILED", State.FAILED),
        ("FINISHED", "KILLED", State.STOPPED),
        ("FINISHED", "UNDEFINED", State.UNKNOWN),
        ("FAILED", "FAILED", State.FAILED),
        ("KILLED", "KILLED", State.STOPPED),
        ("LIMBO", "SUCCEEDED", State.UNKNOWN),
        (None, None, State.UNKNOWN),
    ],
)
def test_each_state_and_final_status(state: Any, final: Any, meant: State) -> None:
    assert of_application({"state": state, "finalStatus": final}).state is meant


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\n", "a\nb\n"),
        ("LogType:stdout\nLogLength:2\nLogContents:\na\n\nEnd of LogType:stdout\n", "a\n"),
        ("LogType:is a line of the program\n", "LogType:is a line of the program\n"),
        ("", ""),
    ],
)
def test_the_contents_of_a_log(text: str, lines: str) -> None:
    assert contents(text) == lines
    assert log_page("", "stdout") == log_page("http://n:1/else", "stdout") == ""


PLACE = "  master: spark://127.0.0.1:7077\n"
YARN = "  master: yarn\n  yarn_url: http://rm:8088\n  staging: s3://b/staging\n"
METRICS = '    metrics: {rows: "rows=([0-9]+)"}\n    require: [{metric: rows, min: 1}]\n'


def plain(text: str) -> str:
    text = text.replace('API_KEY: "${env.API_KEY}"', 'EPOCHS: "20"')
    return text.replace(METRICS, "")


def test_a_stage_of_yarn_is_valid(tmp_path: Path) -> None:
    text = plain(changed(PLACE, YARN))
    assert findings(tmp_path, text) == []
    stage = stage_of_text(tmp_path, text)
    assert stage.target == {"master": "yarn"}
    assert stage.settings["submit"] == "spark-submit"
    assert stage.settings["yarn_url"] == "http://rm:8088"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  yarn_url: http://rm:8088\n", "", "no spark.yarn_url"),
        ("master: yarn", "master: yarn\n  ui_url: http://u:1", "spark.ui_url does nothing"),
        ("master: yarn", "master: yarn\n  submit: rest", "yarn, which has no REST server"),
        ("  staging: s3://b/staging\n", "", "set spark.staging"),
        ("master: yarn", "master: spark://127.0.0.1:1", "not yarn, with which spark.yarn_url"),
        (
            "master: yarn",
            "master: yarn\n  kerberos: {principal: a, keytab: k}",
            "asks for Kerberos cannot be asked yet",
        ),
    ],
)
def test_what_does_not_go_with_yarn_is_told(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    text = plain(changed(PLACE, YARN))
    assert before in text
    found = findings(tmp_path, text.replace(before, after))
    assert found and all(said in one for one in found), found


def test_secrets_and_metrics_that_yarn_cannot_have_are_told(tmp_path: Path) -> None:
    found = findings(tmp_path, changed(PLACE, YARN))
    assert len(found) == 2 and "no metrics on yarn" in " ".join(found)
    assert "API_KEY would show on a command line" in " ".join(found)
