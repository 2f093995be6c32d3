"""What somebody begins with: the example, line by line as its README says, on Spark itself."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platforms.spark.real import home_of

EXAMPLE = Path(__file__).parents[3] / "examples/spark"
BLOCKS = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_example_does_what_its_readme_says(tmp_path: Path) -> None:
    root = tmp_path / "example"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(".cicd", "build", "__pycache__"))
    environ = {**os.environ, "SPARK_HOME": str(home_of("3.5")), "PYSPARK_PYTHON": sys.executable}
    told = {}
    for line in (line for block in BLOCKS for line in block.splitlines()):
        program, *words = shlex.split(line)
        assert program == "cicd"
        command = [sys.executable, "-m", "cicd", *words]
        done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        told[line] = done.stdout
    assert "write to dora" in told["cicd logs dev report --local"]
    assert told["cicd apply dev --local --yes"].endswith("2 resources are as desired.\n")
    [scores] = (root / "build/scores").glob("part-*.csv")
    assert scores.read_text(encoding="utf-8").startswith("customer,orders,total,last_day,score\n")
    assert list((root / ".cicd/spark").rglob("*.csv")) == []
