"""What somebody begins with: the examples, line by line as their READMEs say, on Spark itself."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platforms.spark.real import SHORT_LIVED, home_of

EXAMPLES = Path(__file__).parents[3] / "examples"


def follow_readme(name: str, root: Path) -> dict[str, list[str]]:
    """Each line of the README of an example, in a copy -> what it has printed each time."""
    example = EXAMPLES / name
    shutil.copytree(example, root, ignore=shutil.ignore_patterns(".cicd", "build", "__pycache__"))
    here = {"SPARK_HOME": str(home_of("3.5")), "PYSPARK_PYTHON": sys.executable}
    environ = {**os.environ, **SHORT_LIVED, **here}
    text = (example / "README.md").read_text("utf-8")
    told: dict[str, list[str]] = {}
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            program, *words = shlex.split(line)
            assert program == "cicd"
            command = [sys.executable, "-m", "cicd", *words]
            done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)
            assert done.returncode == 0, line + done.stdout + done.stderr
            told.setdefault(line, []).append(done.stdout + done.stderr)
    return told


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_example_does_what_its_readme_says(tmp_path: Path) -> None:
    root = tmp_path / "example"
    told = follow_readme("spark", root)
    assert "write to dora" in told["cicd logs dev report --local"][0]
    assert told["cicd apply dev --local --yes"][1].endswith("2 resources are as desired.\n")
    [scores] = (root / "build/scores").glob("part-*.csv")
    assert scores.read_text(encoding="utf-8").startswith("customer,orders,total,last_day,score\n")
    assert list((root / ".cicd/spark").rglob("*.csv")) == []


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_what_spark_has_trained_is_served_on_ai_core_by_one_command(tmp_path: Path) -> None:
    told = follow_readme("spark-to-aicore", tmp_path / "a copy")
    planned = told["cicd plan train serve --local"][0]
    assert "job/fit: runs for the first time" in planned
    assert "artifact/model: is made" in planned
    first, again = told["cicd apply train serve --local --yes"]
    assert 'POST /v2/predict -> 200 {"price": 263885, "currency": "EUR"}' in first
    assert again.count("No changes") == 2
    assert re.search(r"deployment/price +RUNNING", told["cicd status serve --local"][0])
    assert "artifact/model" in told["cicd destroy serve --local --yes --stage-name serve"][0]
