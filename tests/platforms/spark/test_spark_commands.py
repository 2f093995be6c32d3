"""Commands on a stage of Spark, through the command line: on the stand-in and on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.apply import execute as execute_plan
from cicd.cli.root import execute
from cicd.platforms.spark.calls import Calls
from tests.platforms.spark.samples import write_home, write_program
from tests.platforms.spark.stand_in import Cluster, cluster_in

STAGE = """\
platform: spark
branch: main
spark: {{master: "spark://127.0.0.1:7077", rest_url: "{url}", ui_url: "{url}"}}
jobs:
  - key: score
    source: jobs/score.py
    inputs: [{{name: customers, url: data/c.csv}}]
    outputs: [{{name: scores, url: build/scores}}]
    metrics: {{accuracy: "accuracy=([0-9.]+)"}}
    require: [{{metric: accuracy, min: 0.7}}]
  - key: report
    source: jobs/report.py
    inputs: [{{name: scores, url: "${{jobs.score.outputs.scores}}"}}]
"""
SCORE = """\
import json, os, pathlib, sys
from cicd_assets import INPUTS, OUTPUTS
assert sys.argv[1:] == ["--inputs", json.dumps(INPUTS), "--outputs", json.dumps(OUTPUTS)]
rows = pathlib.Path(INPUTS[0]["url"].removeprefix("file://")).read_text()
folder = pathlib.Path(OUTPUTS[0]["url"].removeprefix("file://"))
folder.mkdir(parents=True, exist_ok=True)
(folder / "part-0.csv").write_text(rows)
print("accuracy=0.75")
"""
REPORT = """\
from pathlib import Path
from cicd_assets import INPUTS
print("read", Path(INPUTS[0]["url"].removeprefix("file://"), "part-0.csv").read_text())
"""

Run = Callable[..., str]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A project with two jobs, and a cluster for it."""
    write_program(tmp_path, SCORE)
    (tmp_path / "jobs/report.py").write_text(REPORT, encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/c.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "stages").mkdir()
    with cluster_in(tmp_path / "cluster") as found:
        text = STAGE.format(url=found.url)
        (tmp_path / "stages/dev.yaml").write_text(text, encoding="utf-8")
        for command in (
            "init -q -b main",
            "add .",
            "-c user.name=a -c user.email=a@b commit -qm a",
        ):
            subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
        monkeypatch.chdir(tmp_path)
        for name in ("SPARK_HOME", "SPARK_MASTER", "GITHUB_ACTIONS"):
            monkeypatch.delenv(name, raising=False)
        yield found


@pytest.fixture
def cicd(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        ended = execute(list(arguments))
        told = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{told.out}\n{told.err}"
        return told.out + (told.err if code else "")

    return run


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a platform that is out of reach does so for a moment."""
    defaults: Any = execute_plan.__kwdefaults__
    quick = replace(defaults["polling"], gap=0.0, first=0.02, longest=0.05, patience=0.2)
    monkeypatch.setitem(defaults, "polling", quick)
    retries: Any = Calls.__init__.__kwdefaults__
    monkeypatch.setitem(retries, "retries", replace(retries["retries"], first=0.0))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('master: "spark://127.0.0.1:7077", ', "", "no master: set spark.master or SPARK_MASTER"),
        ('master: "spark://127.0.0.1:7077"', 'master: "sprak://h"', "spark.master"),
        ("spark: {", "spark: {kerberos: {principal: a, keytab: b}, ", "kerberos"),
    ],
)
def test_doctor_looks_at_no_other_cluster_than_the_one_that_is_meant(
    cicd: Run, cluster: Cluster, before: str, after: str, told: str
) -> None:
    file = Path("stages/dev.yaml")
    file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    said = cicd("doctor", "dev", code=3)
    assert told in said and "remembered" not in said


def test_two_jobs_of_which_one_reads_what_the_other_wrote(
    cicd: Run, cluster: Cluster, tmp_path: Path
) -> None:
    assert "jobs are remembered on this machine only" in cicd("plan", "dev")
    cicd("apply", "dev", "--yes")
    assert (tmp_path / "build/scores/part-0.csv").read_text() == "a\n1\n"
    assert cicd("logs", "dev", "report").startswith("read a\n1\n")
    assert "No changes. 2 resources are as desired." in cicd("plan", "dev")
    rows = json.loads(cicd("status", "dev", "--output", "json"))
    for row, driver in zip(rows, cluster.drivers.values(), strict=True):
        assert (row["id"], row["status"]) == (driver.id, "FINISHED")
        assert row["facts"]["application_id"] == f"app-{driver.id[7:]}"
    assert "0.75" in cicd("metrics", "dev", "score")
    assert "jobs/score.py" in cicd("jobs", "dev")
    [past] = json.loads(cicd("history", "dev", "-o", "json"))["applies"]
    assert [made["key"] for made in past["changes"]] == ["job/score", "job/report"]
    assert (len(past["commit"]), past["author"], past["result"]) == (40, "a", "applied")
    assert "2 cores and 2048 MB free" in cicd("doctor", "dev")
    ignored = subprocess.run(["git", "status", "-s"], cwd=tmp_path, capture_output=True, text=True)
    assert ".cicd" not in ignored.stdout


def test_a15_a_plan_shows_what_will_be_submitted(cicd: Run, cluster: Cluster) -> None:
    told = [line.strip() for line in cicd("plan", "dev", "-v").splitlines()]
    for line in (
        'command.--master: "spark://127.0.0.1:7077"',
        'command.--name: "cicd.score"',
        'command.--py-files: "cicd_assets.py"',
        'command.program: "jobs/score.py"',
    ):
        assert line in told
    [arguments, _] = (line for line in told if line.startswith("command.arguments:"))
    assert "--inputs" in arguments
    cicd("apply", "dev", "--yes")
    assert "No changes." in cicd("plan", "dev")


def test_what_is_remembered_of_a_stage_is_imported(cicd: Run, cluster: Cluster) -> None:
    cicd("apply", "dev", "--yes")
    target = ("--platform", "spark", "--target", "master=spark://127.0.0.1:7077")
    told = cicd("import", "dev", *target, "--out", "again.yaml")
    text = Path("again.yaml").read_text(encoding="utf-8")
    assert told == "wrote again.yaml: 2 jobs\nplan: no changes\n"
    assert 'master: "spark://127.0.0.1:7077"' in text
    for line in ("source: jobs/score.py", "url: data/c.csv", "url: build/scores"):
        assert line in text
    assert "command" not in text


def test_streams_are_chosen_and_a_wrong_one_is_told(cicd: Run, cluster: Cluster) -> None:
    cicd("apply", "dev", "--yes")
    assert cicd("logs", "dev", "score", "--stream", "stderr").startswith("Launch Command")
    assert cicd("logs", "dev", "score", "--stream", "executor-0") == "stderr of 0\n"
    told = cicd("logs", "dev", "score", "--stream", "errors", code=64)
    assert "job/score has no stream errors" in told and "there are: stdout, stderr, exec" in told


def test_a_changed_input_runs_both_again(cicd: Run, cluster: Cluster, tmp_path: Path) -> None:
    cicd("apply", "dev", "--yes")
    (tmp_path / "data/c.csv").write_text("a\n2\n", encoding="utf-8")
    cicd("apply", "dev", "--yes")
    assert (tmp_path / "build/scores/part-0.csv").read_text() == "a\n2\n"
    assert len(cluster.drivers) >= 3


def test_a_job_that_fails_ends_apply_with_its_last_lines(
    cicd: Run, cluster: Cluster, tmp_path: Path
) -> None:
    write_program(tmp_path, "raise ValueError('no column x')\n")
    told = cicd("apply", "dev", "--yes", code=1)
    assert "ValueError: no column x" in told and "job/score" in told
    assert len(cluster.drivers) == 1, "what reads its scores was not begun"


def test_a_cluster_that_is_away_ends_a_plan_with_4(
    cicd: Run, cluster: Cluster, impatient: None
) -> None:
    write_program(Path(), "import time\ntime.sleep(600)\n")
    cicd("apply", "dev", "--yes", "--no-wait")
    text = Path("stages/dev.yaml").read_text().replace(cluster.url, "http://127.0.0.1:1")
    Path("stages/dev.yaml").write_text(text)
    assert "cannot reach http://127.0.0.1:1" in cicd("plan", "dev", code=4)
    assert "cannot reach" in cicd("doctor", "dev", code=1)
    assert "cannot reach http://127.0.0.1:1" in cicd("status", "dev", code=4)


def test_local_runs_on_this_machine_and_starts_no_emulator(
    cicd: Run, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_HOME", str(write_home(tmp_path / "home")))
    cicd("apply", "dev", "--local", "--yes")
    assert "No changes. 2 resources are as desired." in cicd("plan", "dev", "--local")
    assert cicd("logs", "dev", "report", "--local").startswith("read a\n1\n")
    assert not cluster.requests and not (tmp_path / ".cicd/emulator").exists()


def test_local_without_spark_says_how_to_get_it(cicd: Run, cluster: Cluster) -> None:
    told = cicd("apply", "dev", "--local", "--yes", code=1)
    assert "pip install 'pyspark==3.5.*'" in told


def test_what_is_stopped_is_killed_and_runs_again(cicd: Run, cluster: Cluster) -> None:
    write_program(Path(), "import time\ntime.sleep(600)\n")
    cicd("apply", "dev", "--yes", "--no-wait", "--select", "job/score")
    cicd("stop", "dev", "score", "--yes")
    assert [driver.state for driver in cluster.drivers.values()] == ["KILLED"]
    assert "KILLED" in cicd("plan", "dev", "--select", "job/score")


FETCHED = """\
platform: spark
spark: {{master: "spark://127.0.0.1:7077", rest_url: "{url}", ui_url: "{url}"}}
jobs:
  - key: score
    source: jobs/score.py
    outputs:
      - {{name: scores, url: "file://{root}/written/scores", fetch: build/scores}}
      - {{name: none, url: "file://{root}/written/none", fetch: build/none}}
    metrics_file: scores/metrics.json
    require: [{{metric: accuracy, min: {least}}}]
"""
WRITES = """\
import os, pathlib
from cicd_assets import OUTPUTS
folder = pathlib.Path(OUTPUTS[0]["url"].removeprefix("file://"))
folder.mkdir(parents=True, exist_ok=True)
(folder / "part-0.csv").write_text("a\\n1\\n")
path = os.environ["CICD_METRICS_FILE"].removeprefix("file://")
pathlib.Path(path).write_text('{"accuracy": 0.75}')
"""


def test_a19_outputs_are_fetched_and_the_file_of_metrics_is_judged(
    cicd: Run, cluster: Cluster, tmp_path: Path
) -> None:
    stage, build = tmp_path / "stages/dev.yaml", tmp_path / "build"
    (tmp_path / "jobs/score.py").write_text(WRITES, encoding="utf-8")
    told = FETCHED.format(url=cluster.url, root=tmp_path, least=0.7)
    stage.write_text(told, encoding="utf-8")
    (build / "none").mkdir(parents=True)
    (build / "none/old.csv").write_text("old")
    cicd("apply", "dev", "--yes")
    assert (build / "scores/part-0.csv").read_text() == "a\n1\n"
    assert sorted(path.name for path in build.iterdir()) == ["none", "scores"]
    assert (build / "none/old.csv").read_text() == "old"
    assert "No changes." in cicd("plan", "dev")
    assert "0.75" in cicd("metrics", "dev", "score")
    (build / "scores/part-0.csv").write_text("by hand")
    cicd("apply", "dev", "--yes")
    assert (build / "scores/part-0.csv").read_text() == "a\n1\n"
    assert cluster.creates == 1
    (tmp_path / "written/scores/metrics.json").write_text("garbage")
    assert "metrics.json: it is no JSON" in cicd("status", "dev")
    program = WRITES.replace('{"accuracy": 0.75}', "garbage")
    (tmp_path / "jobs/score.py").write_text(program, encoding="utf-8")
    assert "scores/metrics.json: it is no JSON" in cicd("apply", "dev", "--yes", code=1)


WAITS = """\
import os, time
print("begun", flush=True)
while not os.path.exists("{go}"):
    time.sleep(0.02)
print("accuracy=0.75")
"""


@pytest.mark.parametrize("how", ["away", "forgetful"])
def test_a_cluster_that_goes_away_in_the_middle_leaves_unknown_and_is_picked_up_again(
    cicd: Run, cluster: Cluster, tmp_path: Path, impatient: None, how: str
) -> None:
    """Out of reach, or restarted and without the job."""
    go = tmp_path / "go"
    (tmp_path / "jobs/score.py").write_text(WAITS.format(go=go), encoding="utf-8")
    stage = tmp_path / "stages/dev.yaml"
    told, _, _ = stage.read_text(encoding="utf-8").partition("  - key: report")
    stage.write_text(told, encoding="utf-8")

    def strike(count: int, is_done: bool) -> None:
        if cluster.drivers and is_done and "/log/" in cluster.requests[-1][1]:
            cluster.is_away = how == "away"
            if how == "forgetful":
                cluster.forget()

    cluster.strike = strike
    assert " UNKNOWN " in cicd("apply", "dev", "--yes", code=4)
    if how == "away":
        assert "cannot reach" in cicd("status", "dev", code=4)
    else:
        assert "the master does not know driver-" in cicd("status", "dev")
    cluster.strike, cluster.is_away = (lambda count, is_done: None), False
    cluster.drivers |= {driver.id: driver for driver in cluster.forgotten}
    assert "is still RUNNING and is followed to its end" in cicd("plan", "dev")
    go.touch()
    cicd("apply", "dev", "--yes")
    assert " FINISHED " in cicd("status", "dev")
    assert cluster.creates == 1
