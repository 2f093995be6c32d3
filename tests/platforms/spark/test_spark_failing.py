"""How jobs end on Spark itself that do not end well: each with its state, what is said of it and
its last line, where the driver is on a worker, where it is here, and on no cluster."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from cicd.cli.root import execute
from cicd.model import Secret
from cicd.platforms.spark.login import signed
from tests.platforms.spark.conftest import ASKED
from tests.platforms.spark.real import CONF, SHORT_LIVED, RealCluster, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PROGRAMS = {
    "exits": "print('oh no')\nraise SystemExit(1)\n",
    "raises": "raise ValueError('no column x')\n",
    "heap": (
        "from pyspark.java_gateway import launch_gateway\n"
        "launch_gateway().jvm.java.util.ArrayList(2_000_000_000)\n"
    ),
    "memory": "import os\nprint('wants more', flush=True)\nos.kill(os.getpid(), 9)\n",
    "silent": "print('done')\n",
}
"""None begins a context of Spark: so each driver is there in a second or two."""
KILLED_DRIVER = """\
import os, sys, time
from urllib.request import Request, urlopen
print("asks for it", flush=True)
url = f"{sys.argv[1]}/v1/submissions/kill/{os.path.basename(os.getcwd())}"
urlopen(Request(url, b"", {"Authorization": f"Bearer {os.environ['TOKEN']}"}))
while os.getppid() != 1:
    time.sleep(0.1)
"""
KILLED_APPLICATION = """\
import sys, time, urllib.parse, urllib.request
from pyspark import SparkContext
context = SparkContext.getOrCreate()
wish = urllib.parse.urlencode({"id": context.applicationId, "terminate": "true"})
urllib.request.urlopen(f"{sys.argv[1]}/app/kill/", wish.encode())
while not context._jsc.sc().isStopped():
    time.sleep(0.1)
context.parallelize([1]).count()
"""
Ends = Mapping[str, tuple[str, str, str]]
"""Job -> its word, what is said of it, and what its last lines have."""
HEAP, NO_CLASS = "OutOfMemoryError: Java heap space", "Failed to load class no.such.Main"
ON_A_WORKER: Ends = {
    "exits": ("FAILED", "", "oh no"),
    "raises": ("FAILED", "", "ValueError: no column x"),
    "heap": ("FAILED", "", HEAP),
    "memory": ("FAILED", "", "wants more"),
    "class": ("FAILED", "", NO_CLASS),
    "killed": ("KILLED", "", "asks for it"),
    "silent": ("FINISHED", "it wrote no output scores: nothing is at file://", ""),
}
HERE: Ends = {
    "exits": ("FAILED", "exit code 1", "oh no"),
    "raises": ("FAILED", "exit code 1", "ValueError: no column x"),
    "heap": ("FAILED", "exit code 1", HEAP),
    "memory": ("KILLED", "exit code 137: killed, as the system does", "wants more"),
    "class": ("FAILED", "exit code 101", NO_CLASS),
    "silent": ("FINISHED", "it wrote no output scores: nothing is at file://", ""),
}
APPLICATION = ("FAILED", "exit code 1", "stopped SparkContext")
"""How a job here ends whose application is killed on the page of the master."""
SOME = ("raises", "class", "killed", "silent")
"""What is tried on a version of which not all is."""
Run = Callable[..., str]


@pytest.fixture
def cicd(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TOKEN", "none is asked for")

    def run(*arguments: str, code: int = 0) -> str:
        ended = execute(list(arguments))
        told = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{told.out}\n{told.err}"
        return told.out

    return run


def project(root: Path, spark: Mapping[str, Any], killed: str, url: str) -> None:
    """One with a job for each way to end, and one that asks for what nobody has."""
    programs = {**PROGRAMS, **({"killed": killed} if killed else {})}
    (root / "jobs").mkdir()
    for name, text in programs.items():
        (root / f"jobs/{name}.py").write_text(text, encoding="utf-8")
    with ZipFile(root / "jobs/empty.jar", "w") as jar:
        jar.writestr("nothing", "")
    more: dict[str, dict[str, Any]] = {
        "killed": {"args": [url], "env": {"TOKEN": "${env.TOKEN}"}},
        "silent": {"outputs": [{"name": "scores", "url": "build/scores"}]},
    }
    jobs: list[dict[str, Any]] = [
        {"key": name, "source": f"jobs/{name}.py", "conf": CONF, **more.get(name, {})}
        for name in programs
    ]
    jobs.append({"key": "class", "source": "jobs/empty.jar", "main_class": "no.such.Main"})
    wants = {"driver_memory": "64g"}
    jobs.append({"key": "big", "source": "jobs/exits.py", "resources": wants, "timeout": "1s"})
    stage = {"platform": "spark", "branch": "main", "spark": spark, "jobs": jobs}
    (root / "stages").mkdir()
    (root / "stages/dev.yaml").write_text(yaml.safe_dump(stage), encoding="utf-8")
    for command in ("init -q -b main", "add .", "-c user.name=a -c user.email=a@b commit -qm a"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)


def rows_of(told: str) -> dict[str, dict[str, Any]]:
    return {row["key"].removeprefix("job/"): row for row in json.loads(told)}


def check(cicd: Run, expected: Ends) -> None:
    """One apply of all; then each is as expected, in what apply tells and in status."""
    chosen = [word for name in expected for word in ("--select", f"job/{name}")]
    told = cicd("apply", "dev", "--yes", *chosen, code=1)
    found = rows_of(cicd("status", "dev", "--output", "json"))
    for name, (word, said, last) in expected.items():
        row = found[name]
        assert row["status"] == word, row
        [heard] = row["notes"] or [row["message"]]
        assert heard.startswith(said) and bool(heard) == bool(said), row
        if word == "FINISHED":
            continue
        end = f"ended as {word}: {said}" if said else f"ended as {word}\n"
        part = told.partition(f"  job/{name} ")[2].partition("more: ")[0]
        assert end in part and last in part, told
        assert word == "KILLED" or any(last in line for line in row["log"]), row


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Java here is as on the cluster."""
    for name, text in SHORT_LIVED.items():
        monkeypatch.setenv(name, text)


def test_a14_jobs_fail_on_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cicd: Run, real_cluster: RealCluster
) -> None:
    spark: dict[str, Any] = {"master": real_cluster.master, "state": "state"}
    spark |= {"rest_url": real_cluster.rest_url, "ui_url": real_cluster.ui_url}
    if real_cluster.key:
        spark["login"] = {"signing_key": "${env.SPARK_REST_KEY}"}
        monkeypatch.setenv("SPARK_REST_KEY", real_cluster.key)
        monkeypatch.setenv("TOKEN", signed(Secret(real_cluster.key), "", int(time.time())))
    project(tmp_path, spark, KILLED_DRIVER, real_cluster.rest_url)
    monkeypatch.chdir(tmp_path)
    is_whole = ASKED or not real_cluster.key
    check(cicd, {name: ON_A_WORKER[name] for name in (ON_A_WORKER if is_whole else SOME)})
    told = cicd("apply", "dev", "--yes", "--select", "job/big", code=6)
    assert "WAITING" in told
    row = rows_of(cicd("status", "dev", "--output", "json"))["big"]
    asked = "its driver, of 1 core and 64g, has no worker yet: 1 alive, 2 cores and 2048 MB free"
    assert row["status"] == "WAITING" and row["message"] == asked
    cicd("stop", "dev", "big", "--yes")
    assert real_cluster.state()["activedrivers"] == []


@pytest.mark.usefixtures("hurried")
def test_a14_jobs_fail_beside_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cicd: Run, one_cluster: RealCluster
) -> None:
    home = str(one_cluster.home)
    spark = {"master": one_cluster.master, "submit": "spark-submit", "spark_home": home}
    project(tmp_path, {**spark, "state": "state"}, KILLED_APPLICATION, one_cluster.ui_url)
    monkeypatch.chdir(tmp_path)
    # the page of Spark 4 lets no program kill an application
    killed = {} if one_cluster.key else {"killed": APPLICATION}
    check(cicd, {**{name: HERE[name] for name in ("memory", "class")}, **killed})


@pytest.mark.usefixtures("hurried")
def test_a14_jobs_fail_on_no_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cicd: Run
) -> None:
    project(tmp_path, {"master": "local[1]", "spark_home": str(home_of("3.5"))}, "", "")
    monkeypatch.chdir(tmp_path)
    check(cicd, {name: HERE[name] for name in ("exits", "raises", "heap", "silent")})
