"""Stages that take from one of Spark what its jobs have made, and stages of Spark that take."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cicd.cli.root import execute
from tests.platforms.spark.samples import write_program
from tests.platforms.spark.stand_in import Cluster, cluster_in
from tests.polling import look_quickly

SPARK = """\
platform: spark
spark: {{master: "spark://127.0.0.1:7077", rest_url: "{url}", ui_url: "{url}", state: state}}
jobs:
  - key: {key}
    source: jobs/score.py
    {more}
"""
TRAIN = 'outputs: [{{name: scores, url: "{url}"}}]'
SERVE = 'inputs: [{name: scores, url: "${stages.train.jobs.score.outputs.scores}"}]'

Run = Callable[..., str]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Two stages on one cluster."""
    write_program(tmp_path)
    (tmp_path / "stages").mkdir()
    monkeypatch.chdir(tmp_path)
    look_quickly(monkeypatch)
    for name in ("SPARK_HOME", "SPARK_MASTER", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    with cluster_in(tmp_path / "cluster") as found:
        write("train", found.url, "score", TRAIN.format(url="s3a://bucket/scores"))
        write("serve", found.url, "report", SERVE)
        yield found


def write(stage: str, url: str, key: str, more: str) -> None:
    text = SPARK.format(url=url, key=key, more=more)
    Path(f"stages/{stage}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def cicd(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        ended = execute(list(arguments))
        told = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{told.out}\n{told.err}"
        return told.out + told.err

    return run


def test_a_job_of_another_stage_reads_what_hadoop_can_read(cicd: Run, cluster: Cluster) -> None:
    cicd("apply", "train", "serve", "--yes")
    [_, driver] = cluster.drivers.values()
    line = driver.request["appArgs"]
    assert json.loads(line[line.index("--inputs") + 1]) == (
        [{"name": "scores", "url": "s3a://bucket/scores"}]
    )
    assert cicd("plan", "train", "serve").count("No changes") == 2
    assert cicd("apply", "train", "serve", "--yes").count("No changes") == 2
    assert cluster.creates == 2


def test_another_place_is_another_input_and_the_job_runs_again(cicd: Run, cluster: Cluster) -> None:
    cicd("apply", "train", "serve", "--yes")
    write("train", cluster.url, "score", TRAIN.format(url="s3a://bucket/others"))
    cicd("apply", "train", "serve", "--yes")
    assert cluster.creates == 4


def test_a_job_that_fails_leaves_the_other_stage_as_it_is(cicd: Run, cluster: Cluster) -> None:
    write_program(Path(), "raise ValueError('no column x')")
    told = cicd("apply", "train", "serve", "--yes", code=1)
    assert "ValueError: no column x" in told
    assert "serve is skipped: train was not applied" in told
    told = cicd("plan", "serve", code=5)
    assert "job/score of stage train is not as it should be: last run" in told
    assert "is FAILED" in told and "first: cicd apply train serve" in told
    assert cluster.creates == 1


def test_a_cluster_that_is_away_ends_what_plans_and_not_what_looks(
    cicd: Run, cluster: Cluster
) -> None:
    write_program(Path(), "import time\ntime.sleep(600)\n")
    cicd("apply", "train", "--yes", "--no-wait")
    write("train", "http://127.0.0.1:1", "score", TRAIN.format(url="s3a://bucket/scores"))
    assert "cannot reach http://127.0.0.1:1" in cicd("plan", "serve", code=4)
    assert "job/report  missing" in cicd("status", "serve")


def test_a_place_of_the_environment_is_shown_by_neither_stage(
    cicd: Run, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "kupfer")
    write_program(Path(), "print('done')\n")
    write("train", cluster.url, "score", TRAIN.format(url="s3a://${env.PLACE}/scores"))
    told = cicd("apply", "train", "--yes")
    told += cicd("plan", "serve", "-v")
    told += cicd("plan", "serve", "--output", "json")
    told += cicd("apply", "serve", "--yes", "-v")
    told += cicd("plan", "serve", "-v")
    assert "kupfer" not in told
    [_, driver] = cluster.drivers.values()
    line = driver.request["appArgs"]
    assert json.loads(line[line.index("--inputs") + 1])[0]["url"] == "s3a://kupfer/scores"


def test_what_is_taken_may_be_an_argument_or_a_variable(cicd: Run, cluster: Cluster) -> None:
    more = (
        'args: ["${stages.train.jobs.score.id}"]\n    env: {RUN: "${stages.train.jobs.score.id}"}'
    )
    write("serve", cluster.url, "report", more)
    cicd("apply", "train", "serve", "--yes")
    [first, second] = cluster.drivers.values()
    assert second.request["appArgs"][-1] == first.id
    assert second.request["environmentVariables"]["RUN"] == first.id
    write_program(Path(), "print('another')\n")
    cicd("apply", "train", "serve", "--yes")
    assert cluster.creates == 4, "another run is another input"


def test_what_changed_in_the_file_is_told_as_of_any_other(cicd: Run, cluster: Cluster) -> None:
    def commit(least: float) -> None:
        more = f'{SERVE}\n    metrics: {{accuracy: "accuracy=([0-9.]+)"}}'
        more += f"\n    require: [{{metric: accuracy, min: {least}}}]"
        write("serve", cluster.url, "report", more)
        for words in ("add .", "-c user.name=a -c user.email=a@b commit -qm a"):
            subprocess.run(["git", *words.split()], check=True)

    Path(".gitignore").write_text("state\ncluster\n.cicd\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    commit(0.5)
    cicd("apply", "train", "serve", "--yes")
    commit(0.6)
    found = json.loads(cicd("plan", "serve", "--output", "json"))
    [job] = found["changes"]
    assert job["action"] == "no_op"
    assert [one["path"] for one in job["treatment"]] == ["require.accuracy.min"]
