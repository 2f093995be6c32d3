"""kill -9 of an apply at ten moments: one submission, and the right end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platforms.spark.samples import write_program
from tests.platforms.spark.stand_in import Cluster, cluster_in

pytestmark = pytest.mark.slow

STAGE = """\
platform: spark
branch: main
spark: {{master: "spark://127.0.0.1:7077", rest_url: "{url}", ui_url: "{url}", state: state}}
jobs:
  - key: score
    source: jobs/score.py
    metrics: {{accuracy: "accuracy=([0-9.]+)"}}
    require: [{{metric: accuracy, min: 0.7}}]
"""
BEFORE, AFTER = False, True
"""Whether the request in whose course it is killed has had its effect."""


def cicd(root: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cicd", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def project(root: Path, cluster: Cluster) -> None:
    write_program(root)
    (root / "stages").mkdir()
    (root / "stages/dev.yaml").write_text(STAGE.format(url=cluster.url), encoding="utf-8")
    for command in ("init -q -b main", "add .", "-c user.name=a -c user.email=a@b commit -qm a"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)


@pytest.mark.parametrize("is_done", [BEFORE, AFTER])
@pytest.mark.parametrize("moment", [1, 2, 3, 4, 6])
def test_a12_a_killed_apply_has_submitted_once(tmp_path: Path, moment: int, is_done: bool) -> None:
    """The third request of an apply is the submission."""
    with cluster_in(tmp_path / "cluster") as cluster:
        project(tmp_path, cluster)
        victim = cicd(tmp_path, "apply", "dev", "--yes")

        def strike(count: int, is_done_now: bool) -> None:
            if (count, is_done_now) == (moment, is_done):
                victim.kill()
                victim.wait()

        cluster.strike = strike
        assert ended(victim)[0] == -9, "it was not killed"
        cluster.strike = lambda count, is_done: None
        code, out, err = ended(cicd(tmp_path, "apply", "dev", "--yes"))
        assert code == 0, out + err
        assert [driver.state for driver in cluster.drivers.values()] == ["FINISHED"]
        code, out, err = ended(cicd(tmp_path, "plan", "dev", "--output", "json"))
        [change] = json.loads(out)["changes"]
        assert (change["action"], change["id"]) == ("no_op", next(iter(cluster.drivers)))
        assert not list((tmp_path / ".cicd/spark").rglob("*.py"))
