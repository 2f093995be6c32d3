"""Secrets in every position in which ``${env.…}`` can stand: no output of any command has them."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.acceptance.conftest import Project
from tests.acceptance.environment_positions import (
    HOLDS_NO_SECRET,
    as_stage,
    canary,
    environment,
    is_filled,
    positions,
)
from tests.forges import github_server
from tests.render.ci_commands import foreign

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: EXECUTABLE
  labels: {scenarios.ai.sap.com/id: SCENARIO, ai.sap.com/version: "1.0.0"}
  annotations: {scenarios.ai.sap.com/name: Small, executables.ai.sap.com/name: Training}
spec:
  entrypoint: train
  arguments: {parameters: [{name: word}, {name: fed}, {name: pin}]}
  templates:
    - name: train
      inputs: {artifacts: [{name: data, path: /app/data, archive: {none: {}}}]}
      container:
        image: docker.io/your-org/small:1
        command: [python, /app/src/train.py]
        args: ["{{workflow.parameters.word}}", "{{workflow.parameters.fed}}"]
"""
PROGRAM = """\
import os, sys
print("trained with", *sys.argv[1:], os.environ["SETTING"])
print("::add-mask::trained", "##[group]by hand ##vso[task.complete result=Succeeded;]")
"""
SCRIPT = """\
validate dev -o OUTPUT
plan dev --offline -v -o OUTPUT
plan dev --offline --out offline.json
plan dev --local -v -o OUTPUT
plan dev --local --out plan.json
comment plan.json
apply dev --local --plan plan.json -v --summary summary.json
apply dev --local --yes --rerun execution/* -v --log-format json --summary again.json
status dev --local -v -o OUTPUT
logs dev TRAIN --local
explain TRAIN dev --local -o OUTPUT
status --all --local -v
metrics dev TRAIN --local -o OUTPUT
compare dev TRAIN TRAIN~1 --local -o OUTPUT --out compared.OUTPUT
compare dev TRAIN TRAIN~1 --local -o OUTPUT
list artifacts dev --local -o OUTPUT
list configurations dev --local -o OUTPUT
executions dev --local -o OUTPUT
deployments dev --local -o OUTPUT
doctor dev --local -o OUTPUT
rollback dev CHAT --local --list
promote dev other --dry-run -o OUTPUT
"""
"""Commands, one a line; ``OUTPUT``: once for every format."""
FIRST = ("plan", "comment", "apply", "status dev", "logs")
"""Commands that also run the first time, when nothing is there yet: what the others tell of is no
more than what they tell of the second time, when both times are to be hidden."""
FORMATS = {
    "validate": ("text", "json", "github", "sarif"),
    "plan": ("text", "json", "markdown", "html"),
    "compare": ("text", "json", "html"),
}


@pytest.mark.parametrize("position", list(positions()), ids=".".join)
def test_every_position_of_a_text_is_tried(position: tuple[str, ...]) -> None:
    known = (".".join(position).replace("[]", "@"), [p.replace("[]", "@") for p in HOLDS_NO_SECRET])
    assert is_filled(position) or any(fnmatchcase(known[0], pattern) for pattern in known[1])


def words() -> Iterator[str]:
    """What must be nowhere, in several spellings."""
    yield from ("finch", canary("pin", 1), canary("pin", 2), "q71Z", "q72Z")
    for time in (1, 2):
        yield base64.b64encode(canary("password", time).encode()).decode()


class Watch:
    """Everything that commands say, and the secrets that were in it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.found: list[str] = []

    def look(self, what: str, text: str) -> None:
        for word in words():
            if (at := text.find(word)) >= 0:
                self.found.append(f"{what}: …{text[max(0, at - 90) : at + 60]!r}…")

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        done = self.project.cicd(*line.split())
        self.look(line, done.stdout + done.stderr)
        self.found += [f"{line}: {c!r}" for c in foreign(done.stdout + done.stderr)]
        return done

    def files(self) -> int:
        """Look into all that was written, but for what was there and the emulator's own state,
        which nobody else may read; how many files there are."""
        known = (*OWN, canary("path", 1), canary("mount", 1))
        paths = [path for path in self.project.root.rglob("*") if path.is_file()]
        for path in paths:
            name = path.relative_to(self.project.root).as_posix()
            if name.startswith(".cicd/emulator/"):
                folders = [path, *path.parents][: len(Path(name).parts) - 1]
                assert any(not folder.stat().st_mode & 0o077 for folder in folders), name
            elif not name.startswith(known):
                self.look(name, path.read_text(encoding="utf-8", errors="replace"))
        return len(paths)


OWN = (".git/", ".cicd/git", "src/")
"""What the project itself consists of."""


def calls(time: int) -> Iterator[str]:
    """What is run the first and the second time."""
    known = {"TRAIN~1": f"{canary('train', 1)}~1", "TRAIN": canary("train", 1)}
    known["CHAT"] = canary("chat", 1)
    for line in SCRIPT.splitlines():
        if time == 1 and not line.startswith(FIRST):
            continue
        formats = FORMATS.get(line.split()[0], ("text", "json")) if "OUTPUT" in line else ("",)
        for name in formats:
            words = [known.get(word, word).replace("OUTPUT", name) for word in line.split()]
            yield " ".join(words)


@pytest.fixture
def project(small: Project) -> Iterator[tuple[Project, github_server.GitHub]]:
    """All of it in Git, and what GitHub's runner sets."""
    names = {"EXECUTABLE": canary("executable", 1), "SCENARIO": canary("scenario", 1)}
    template = TEMPLATE
    for name, text in names.items():
        template = template.replace(name, text)
    small.write(f"{canary('path', 1)}/train.yaml", template)
    small.write(f"{canary('mount', 1)}/train.py", PROGRAM)
    small.write(f"src/{canary('watched', 1)}.py", "x = 1\n")
    store = f".cicd/emulator/objectstore/{canary('group', 1)}/default"
    for time in (1, 2):
        small.write(f"{store}/{canary('data-url', time)}/data.txt", "data\n")
    (small.root / "stages/dev.yaml").unlink()
    small.write("stages/dev.json", json.dumps(as_stage(), indent=1))
    small.write("stages/other.yaml", "branch: other\naicore: {resource_group: other}\n")
    small.write(".gitignore", ".cicd\n")
    (small.root / ".cicd/emulator").chmod(0o700)  # as the emulator makes it
    for command in ("add .", "-c user.name=a -c user.email=a@b commit -q -m one"):
        subprocess.run(["git", "-C", str(small.root), *command.split()], check=True)
    with github_server.running() as server:
        small.environ |= {
            "GITHUB_TOKEN": github_server.TOKEN.replace("canary-", ""),
            "GITHUB_API_URL": f"{server.url}/api/v3",
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(small.root / "step-summary.md"),
            "GITHUB_OUTPUT": str(small.root / "step-output.txt"),
        }
        yield small, server


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_output_has_a_value_of_the_environment(
    project: tuple[Project, github_server.GitHub],
) -> None:
    small, github = project
    watch = Watch(small)
    for time in (1, 2):
        small.environ |= environment(time)
        for line in calls(time):
            done = watch.run(line)
            assert done.returncode in (0, 2), (line, done.stdout, done.stderr)
    assert watch.files() > 10 and github.requests
    for request in github.requests:
        watch.look(f"GitHub {request.path}", json.dumps(request.body, ensure_ascii=False))
    assert not watch.found, "\n".join(dict.fromkeys(watch.found))
