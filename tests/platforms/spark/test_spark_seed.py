"""What the operator's Spark runtime did, row by row (A1 to A23), as users of ``cicd`` see it. Rows
that have their proof elsewhere have their number in the name of that test."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from tests.platforms.spark.samples import write_home, write_program
from tests.platforms.spark.stand_in import Cluster, cluster_in
from tests.polling import look_quickly

ENROLMENT = {5, 6, 22, 24, 25}
"""What runs for long, and enrols itself somewhere: no part of what one command does."""
STAGE = """\
platform: spark
spark: {{master: "spark://127.0.0.1:7077", state: state, {way}}}
jobs:
  - key: score
    source: jobs/score.py
    args: [--limit, "100"]
    conf: {{spark.sql.shuffle.partitions: "64"}}
    resources: {{driver_memory: 512m}}
"""
WAYS = {
    "rest": 'rest_url: "{url}", ui_url: "{url}"',
    "spark-submit": "submit: spark-submit, spark_home: home",
}
ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"

Run = Callable[..., str]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A project with one job, a cluster for it, and a spark-submit that keeps what it is given."""
    write_program(tmp_path)
    write_home(tmp_path / "home")
    program = tmp_path / "home/bin/spark-submit"
    kept = (
        f"import json; open({str(tmp_path / 'argv.json')!r}, 'w').write(json.dumps(sys.argv[1:]))"
    )
    text = program.read_text(encoding="utf-8").replace(
        "import os, sys\n", f"import os, sys\n{kept}\n"
    )
    program.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    look_quickly(monkeypatch)
    for name in ("SPARK_HOME", "SPARK_MASTER", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    with cluster_in(tmp_path / "cluster") as found:
        write_stage(found, "rest")
        yield found


def write_stage(cluster: Cluster, way: str) -> None:
    Path("stages").mkdir(exist_ok=True)
    text = STAGE.format(way=WAYS[way].format(url=cluster.url))
    Path("stages/dev.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def cicd(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        ended = execute(list(arguments))
        told = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{told.out}\n{told.err}"
        return told.out

    return run


def status(cicd: Run) -> dict[str, Any]:
    [row] = json.loads(cicd("status", "dev", "--output", "json"))
    return dict(row)


def submitted(cluster: Cluster, way: str) -> list[str]:
    """The command line of the only submission."""
    if way == "spark-submit":
        return list(json.loads(Path("argv.json").read_text()))
    [driver] = cluster.drivers.values()
    return list(driver.request["appArgs"])


@pytest.mark.parametrize("way", WAYS)
def test_a2_a8_a11_a13_a_job_of_the_stage_file_is_created_submitted_and_found(
    cicd: Run, cluster: Cluster, way: str
) -> None:
    write_stage(cluster, way)
    [change] = json.loads(cicd("plan", "dev", "--output", "json"))["changes"]
    assert (change["action"], change["reason"], change["id"]) == ("run", "first run", "")
    cicd("apply", "dev", "--yes", "--summary", "summary.json")
    line = submitted(cluster, way)
    assert line[:4] == ["--master", "spark://127.0.0.1:7077", "--deploy-mode", "client"]
    assert line[-2:] == ["--limit", "100"]
    row = status(cicd)
    [outcome] = json.loads(Path("summary.json").read_text())["outcomes"]
    assert row["id"] == outcome["id"]
    assert row["facts"]["application"] == line[line.index("--name") + 1]
    if way == "rest":
        [driver] = cluster.drivers
        assert row["id"] == driver
        assert row["facts"]["application_id"] == f"app-{driver[7:]}"
        assert ("GET", f"/v1/submissions/status/{driver}") in cluster.requests
    else:
        assert row["facts"]["application_id"] == "app-20261130-0007"
        folder = next(Path(".cicd/spark").glob("*/processes/*"))
        assert row["id"].partition("@")[0] == folder.name and (folder / "ended").exists()
    assert "No changes." in cicd("plan", "dev"), "what is there is CREATED no more"


@pytest.mark.parametrize("way", WAYS)
def test_a18_what_is_submitted_is_what_the_manifest_in_the_plan_says(
    cicd: Run, cluster: Cluster, way: str
) -> None:
    write_stage(cluster, way)
    [change] = json.loads(cicd("plan", "dev", "--output", "json"))["changes"]
    fields = {field["path"]: field["after"] for field in change["fields"]}
    shown = {name[8:]: text for name, text in fields.items() if name.startswith("command.")}
    cicd("apply", "dev", "--yes")
    line = submitted(cluster, way)
    assert shown["--master"] == line[1] and shown["--deploy-mode"] == line[3]
    assert shown["program"] == "jobs/score.py" and line[-3].endswith("/score.py")
    assert shown["arguments"] == "--limit 100"
    conf = {line[at + 1] for at, word in enumerate(line) if word == "--conf"}
    for driver in cluster.drivers.values():  # what is of the driver itself, its worker is told
        conf |= {f"{name}={text}" for name, text in driver.request["sparkProperties"].items()}
    wanted = {"spark.sql.shuffle.partitions=64", "spark.driver.memory=512m"}
    assert wanted <= conf
    for option in wanted:
        name, _, value = option.partition("=")
        assert name in str(shown) and value in str(shown)


def test_a3_apply_and_status_tell_every_state_of_a_job(cicd: Run, cluster: Cluster) -> None:
    cluster.holds = True
    write_program(Path(), ENDLESS)
    cicd("apply", "dev", "--yes", "--no-wait")
    assert (status(cicd)["status"], status(cicd)["state"]) == ("WAITING", "PENDING")
    cluster.release()
    assert (status(cicd)["status"], status(cicd)["state"]) == ("RUNNING", "RUNNING")
    cicd("stop", "dev", "score", "--yes")
    assert (status(cicd)["status"], status(cicd)["state"]) == ("KILLED", "STOPPED")
    write_program(Path(), "exit(3)")
    cicd("apply", "dev", "--yes", code=1)
    assert (status(cicd)["status"], status(cicd)["state"]) == ("FAILED", "FAILED")
    write_program(Path())
    cicd("apply", "dev", "--yes")
    assert (status(cicd)["status"], status(cicd)["state"]) == ("FINISHED", "SUCCEEDED")


def test_a4_a_run_has_one_record_whoever_follows_it_and_however_it_ends(
    cicd: Run, cluster: Cluster
) -> None:
    write_program(Path(), ENDLESS)
    cicd("apply", "dev", "--yes", "--no-wait", "--summary", "first.json")
    [begun] = json.loads(Path("first.json").read_text())["outcomes"]
    [driver] = cluster.drivers.values()
    assert driver.process
    driver.process.terminate()  # while no cicd is there to see it
    driver.process.wait(60)
    assert (status(cicd)["id"], status(cicd)["status"]) == (begun["id"], "FAILED")
    [record] = records(Path("state"))
    assert (record["submission"], record["state"]) == (begun["id"], "FAILED")
    cluster.forget()
    assert status(cicd)["status"] == "FAILED", "the record outlives what the master knows"
    assert "last run" in cicd("plan", "dev")
    write_program(Path())
    cicd("apply", "dev", "--yes", "--summary", "second.json")
    [ended] = json.loads(Path("second.json").read_text())["outcomes"]
    assert (ended["status"], ended["result"]) == ("FINISHED", "applied")
    kept = {record["submission"]: record["state"] for record in records(Path("state"))}
    assert kept == {begun["id"]: "FAILED", ended["id"]: "SUCCEEDED"}


def records(state: Path) -> list[dict[str, Any]]:
    """All that is remembered of runs."""
    [folder] = state.iterdir()
    found = (json.loads(path.read_text()) for path in folder.rglob("*.json"))
    return [record for record in found if "submission" in record]


def test_a17_a_worker_that_sees_no_checkout_runs_the_program_of_the_commit(
    cicd: Run, cluster: Cluster, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    text = (
        Path("stages/dev.yaml")
        .read_text()
        .replace("state: state", f"state: state, staging: {shared}")
    )
    Path("stages/dev.yaml").write_text(text, encoding="utf-8")
    write_program(Path(), "print('as it was')\n")
    cluster.holds = True
    cicd("apply", "dev", "--yes", "--no-wait")
    [staged] = shared.rglob("score.py")
    assert staged.read_text(encoding="utf-8") == "print('as it was')\n"
    row = status(cicd)
    assert row["facts"]["application"] in staged.parts, "in a folder of the run"
    write_program(Path(), "print('as it is now')\n")
    Path("jobs").rename("elsewhere")
    cluster.release()
    [driver] = cluster.drivers.values()
    assert driver.process and driver.process.wait(60) == 0
    Path("elsewhere").rename("jobs")
    assert cicd("logs", "dev", row["id"]) == "as it was\n"
    assert list(shared.rglob("score.py")) == [], "and goes once somebody has seen the end"


def test_every_row_that_a_command_can_prove_is_a_test_by_its_number() -> None:
    found: dict[int, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_a"):
                for word in node.name.split("_")[1:]:
                    if not (word[:1] == "a" and word[1:].isdigit()):
                        break
                    found.setdefault(int(word[1:]), []).append(node.name)
    assert set(range(1, 26)) - ENROLMENT == set(found)
