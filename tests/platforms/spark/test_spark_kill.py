"""kill -9 of an apply at ten moments of each way to submit: one submission, and the right end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd.cli.root import execute
from tests.platforms.spark.real import CONF, SHORT_LIVED, RealCluster
from tests.platforms.spark.samples import write_home, write_program
from tests.platforms.spark.stand_in import cluster_in

pytestmark = pytest.mark.slow

JOB = {"key": "score", "source": "jobs/score.py", "metrics": {"accuracy": "accuracy=([0-9.]+)"}}
GATE = {"require": [{"metric": "accuracy", "min": 0.7}]}
BEFORE, AFTER = False, True
"""Whether the request in whose course it is killed has had its effect."""
VICTIM = """\
import os, signal, sys
event, part, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
del sys.argv[1:4]
def hook(name, arguments):
    global left
    if name == event and part in str(arguments):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from cicd.cli.root import run
run()
"""
"""kill -9 just before something is done for so many times, as Python's audit events tell it."""
MOMENTS = {
    "a run is written down": ("open", "/job/cicd.", 1),
    "a run is remembered": ("os.rename", "/job/", 1),
    "its program is staged": ("open", "/staged/", 1),
    "its driver is started": ("subprocess.Popen", "wrapper.py", 1),
    "its driver has been started": ("open", "/job/cicd.", 2),
    "its submission is remembered": ("os.rename", "/job/", 2),
    "its application is remembered": ("os.rename", "/job/", 3),
    "its end is remembered": ("os.rename", "/job/", 4),
    "its files are removed": ("os.rmdir", "staged", 1),
    "the lock is given back": ("os.remove", "/lock/dev.json", 1),
}


def cicd(root: Path, program: Sequence[str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(victim: subprocess.Popen[str]) -> None:
    out, err = victim.communicate(timeout=300)
    assert victim.returncode == -9, f"it was not killed: {out}{err}"


Again = Callable[[], dict[str, Any]]


@pytest.fixture
def again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Again:
    """Applies once more, which goes well, and then plans: the one change there is none of."""
    monkeypatch.chdir(tmp_path)

    def run() -> dict[str, Any]:
        code = execute(["apply", "dev", "--yes"])
        told = capsys.readouterr()
        assert code == 0, told.out + told.err
        assert execute(["plan", "dev", "--output", "json"]) == 0
        [change] = json.loads(capsys.readouterr().out)["changes"]
        assert change["action"] == "no_op"
        assert not list((tmp_path / ".cicd/spark").rglob("*.py"))
        return dict(change)

    return run


def project(root: Path, spark: Mapping[str, Any], **job: Any) -> None:
    write_program(root)
    (root / "stages").mkdir()
    told = {"master": "spark://127.0.0.1:7077", "state": "state", **spark}
    stage = {"platform": "spark", "branch": "main", "spark": told, "jobs": [{**JOB, **GATE, **job}]}
    (root / "stages/dev.yaml").write_text(yaml.safe_dump(stage), encoding="utf-8")
    for command in ("init -q -b main", "add .", "-c user.name=a -c user.email=a@b commit -qm a"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)


@pytest.mark.parametrize("is_done", [BEFORE, AFTER])
@pytest.mark.parametrize("moment", [1, 2, 3, 4, 6])
def test_a12_a_killed_apply_has_submitted_once(
    tmp_path: Path, again: Again, moment: int, is_done: bool
) -> None:
    """The third request of an apply is the submission."""
    with cluster_in(tmp_path / "cluster") as cluster:
        project(tmp_path, {"rest_url": cluster.url, "ui_url": cluster.url})
        victim = cicd(tmp_path, ("-m", "cicd"), "apply", "dev", "--yes")

        def strike(count: int, is_done_now: bool) -> None:
            if (count, is_done_now) == (moment, is_done):
                victim.kill()
                victim.wait()

        cluster.strike = strike
        killed(victim)
        cluster.strike = lambda count, is_done: None
        change = again()
        assert [driver.state for driver in cluster.drivers.values()] == ["FINISHED"]
        assert change["id"] == next(iter(cluster.drivers))


def victim_at(root: Path, moment: str) -> subprocess.Popen[str]:
    event, part, count = MOMENTS[moment]
    program = ("-c", VICTIM, event, part, str(count))
    return cicd(root, program, "apply", "dev", "--yes")


def drivers(root: Path) -> list[tuple[str, str, int]]:
    """Name, exit code, and how often the program has begun, of each that was started here."""
    return [
        (
            begun.parent.name,
            (begun.parent / "ended").read_text(encoding="utf-8"),
            (begun.parent / "stdout").read_text(encoding="utf-8").count("arguments"),
        )
        for begun in root.glob(".cicd/spark/*/processes/*/begun")
    ]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a12_a_killed_apply_has_started_one_driver(
    tmp_path: Path, again: Again, moment: str
) -> None:
    project(tmp_path, {"submit": "spark-submit", "spark_home": str(write_home(tmp_path / "home"))})
    killed(victim_at(tmp_path, moment))
    name = again()["id"].partition("@")[0]
    assert drivers(tmp_path) == [(name, "0", 1)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["rest", "spark-submit"])
def test_a12_a_killed_apply_has_submitted_once_to_spark_itself(
    tmp_path: Path,
    again: Again,
    monkeypatch: pytest.MonkeyPatch,
    one_cluster: RealCluster,
    way: str,
) -> None:
    for name, text in {**SHORT_LIVED, "SPARK_REST_KEY": one_cluster.key}.items():
        monkeypatch.setenv(name, text)
    before = {driver["id"] for driver in one_cluster.state()["completeddrivers"]}
    told = {"rest_url": one_cluster.rest_url, "ui_url": one_cluster.ui_url}
    login = {"login": {"signing_key": "${env.SPARK_REST_KEY}"}} if one_cluster.key else {}
    spark = {**told, **login} if way == "rest" else {"spark_home": str(one_cluster.home)}
    project(tmp_path, {"master": one_cluster.master, "submit": way, **spark}, conf=CONF)
    killed(victim_at(tmp_path, "its submission is remembered"))
    id = again()["id"]
    if way == "rest":
        found = {row["id"]: row["state"] for row in one_cluster.state()["completeddrivers"]}
        assert {key: found[key] for key in found.keys() - before} == {id: "FINISHED"}
    else:
        assert drivers(tmp_path) == [(id.partition("@")[0], "0", 1)]
