"""What somebody begins with on the training-job API: a new project, and the example, line by line
as its README says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import REPOSITORY, Project, clean_environment

EXAMPLE = REPOSITORY / "examples/training-job"
BLOCKS = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text("utf-8"), re.DOTALL)
APPLY = ("apply", "dev", "--local", "--yes")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty folder of somebody who has Python and cicd."""
    root = tmp_path / "project"
    root.mkdir()
    found = Project(root, {**clean_environment(), "HOME": str(tmp_path)})
    yield found
    found.stop()


def cicd(project: Project, *arguments: str) -> str:
    done = project.cicd(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lines(block: str) -> Iterator[tuple[str, ...]]:
    yield from (tuple(shlex.split(line)) for line in block.splitlines())


def ids(project: Project, kind: str) -> list[str]:
    told = json.loads(cicd(project, kind, "dev", "--local", "-o", "json"))
    return [row["id"] for row in told[kind]]


def python(project: Project, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project.root,
        env=project.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_new_project_trains_once_and_again_when_something_changed(project: Project) -> None:
    cicd(project, "init", "--platform", "training_job", "--name", "Mieten in Köln")
    cicd(project, "validate", "--all")
    assert "job/train: trains for the first time" in cicd(project, *APPLY)
    assert re.fullmatch(r"\d+ EUR\n", python(project, "predict.py", "80", "3", "20", "5"))
    assert "No changes" in cicd(project, *APPLY)
    project.edit("stages/dev.yaml", '"100"', '"150"')
    assert "EPOCHS 100 → 150" in cicd(project, *APPLY)
    assert len(ids(project, "jobs")) == 2
    shutil.rmtree(project.root / "build")  # as it is in a clone of somebody else
    assert "No changes" in cicd(project, "plan", "dev", "--local")


def test_the_example_does_what_its_readme_says(project: Project) -> None:
    built = shutil.ignore_patterns(".cicd", "build", "__pycache__")
    shutil.copytree(EXAMPLE, project.root, ignore=built, dirs_exist_ok=True)
    first, offline, again = BLOCKS
    said = {}
    for command in (*lines(first), *lines(offline), *lines(again)):
        name, *arguments = command
        if name == "cicd":
            said[command] = cicd(project, *arguments)
        elif name == "cat":
            said[command] = (project.root / arguments[0]).read_text(encoding="utf-8")
        else:
            assert name == "python"
            said[command] = python(project, *arguments)
    text = "\n".join(said.values())
    assert "p01,good," in said["cat", "build/scores/scores.csv"]
    # the model says the same wherever it is used
    [elsewhere] = [told for command, told in said.items() if command[0] == "python"]
    assert elsewhere in said["cat", "build/scores/scores.csv"]
    assert "job/score: runs again (the new model from train)" in text
    assert [name for name in ids(project, "jobs") if not name] == []
    assert len(ids(project, "jobs")) == 4 and len(ids(project, "artifacts")) == 4


LARGE = 200 * 10**6
LARGE_STAGE = """\
platform: training_job
jobs:
  - key: train
    script: train.py
    image: python:3.11
    completion_time: 1h
    data: {t.bin: t.bin}
    resources: {cpus: 1, gpus: 0, memory: 512}
    outputs: {saved_model: model}
"""
COPYING = """\
import shutil
shutil.copyfile("t.bin", "model.bin")
with open("model.bin", "r+b") as file:
    file.write(b"model")
"""
MEASURED = """\
import re, sys
from pathlib import Path
from cicd.cli.root import execute
code = execute(sys.argv[1:])
print(*re.findall(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()))
sys.exit(code)
"""
ENOUGH = 150_000
"""Kilobytes, most of them for programs: neither of the files fits in."""


@pytest.mark.slow
def test_200_mb_of_data_and_of_a_model_go_through_in_little_memory(project: Project) -> None:
    """Measured are the most that the command and the service have ever had: by their own status, as
    rusage also counts what the process had that started them."""
    project.write("stages/dev.yaml", LARGE_STAGE)
    project.write("train.py", COPYING)
    data, model = project.root / "t.bin", project.root / "model/model.bin"
    piece = bytes(range(256)) * 4096
    with data.open("wb") as file:
        for number in range(LARGE // len(piece) + 1):
            file.write(number.to_bytes(8, "big") + piece[8:])
    cicd(project, "emulator", "start", "--training-job")
    project.environ |= project.emulator_environment()
    *_, peak = python(project, "-c", MEASURED, "apply", "dev", "--yes").split()
    assert int(peak) < ENOUGH
    endpoint = json.loads((project.root / ".cicd/emulator/endpoint.json").read_text("utf-8"))
    status = Path(f"/proc/{endpoint['pid']}/status").read_text(encoding="utf-8")
    [served] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert int(served) < ENOUGH
    assert model.stat().st_size == data.stat().st_size > LARGE
    with data.open("rb") as ours, model.open("rb") as theirs:
        assert theirs.read(8) == b"model" + ours.read(8)[5:]
        while chunk := ours.read(2**20):
            assert theirs.read(2**20) == chunk
