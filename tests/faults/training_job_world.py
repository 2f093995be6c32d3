"""The training-job API that stumbles, and small projects that are applied to it.

The service really runs jobs, in this process; each project has a namespace, a script and data of
its own, so that nothing that one has left is of use to another.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd.cli import root
from cicd.platforms.training_job import api, login, storage
from tests.emulator.training_job.training_job_client import Service
from tests.faults import faults_world
from tests.faults.faults_world import Result, hastened

STAGE = """\
platform: training_job
training_job: {{namespace: {name}}}
jobs:
  - key: train
    name: {name}
    script: train.py
    image: python:3.11
    completion_time: 1h
    data: {{t.csv: t.csv}}
    resources: {{cpus: 1, gpus: 0, memory: 512}}
    outputs: {{saved_model: model}}
    metrics: {{accuracy: "accuracy=([0-9.]+)"}}
    require: [{{metric: accuracy, min: 0.7}}]
"""
SCRIPT = """\
import os
print("training", flush=True)
os.mkdir("saved_model")
for name in "ab":
    with open(f"saved_model/{name}", "w") as file:
        file.write(open("t.csv").read())
print("accuracy=0.75", flush=True)
"""
NUMBERS = itertools.count()
UNANSWERED = 1.0
"""Seconds that a client waits for an answer where one comes too late."""
KINDS: Mapping[str, Mapping[str, Any]] = {
    "503 before": {"status": 503},
    "500 before": {"status": 500},
    "429": {"status": 429, "retry-after": 20},
    "proxy page before": {"status": 502, "body": "html"},
    "proxy page after": {"body": "html"},
    "truncated": {"body": "truncated"},
    "empty": {"body": "empty"},
    "reset before": {"reset": True},
    "reset after": {"lost": "reset"},
    "504 after": {"lost": 504},
    "too slow": {"slow-after": 1.5 * UNANSWERED},
}
"""What can happen to a request."""
OWN = (
    (r"[0-9a-f]{64}", "*"),
    (r"p\d+-[0-9a-f-]{36}", "*"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}", "*"),
    (r"/cicd/(p\d+|locks/p\d+)[^/]*", "/cicd/*"),
    (r"\bp\d+[^/]*", "*"),
)
"""What is another one for every project in the path of a request."""


@dataclass(frozen=True)
class Target:
    """The ``nth`` request (from 0) of a method to a path."""

    method: str
    path: str
    nth: int = 0

    def rule(self, effects: Mapping[str, Any]) -> dict[str, Any]:
        return {"method": self.method, "path": self.path, "after": self.nth, "times": 1, **effects}


def targets(requests: Sequence[Mapping[str, Any]]) -> list[Target]:
    """Every request that was recorded, as the one of another project will be."""
    asked = [(str(one["method"]), str(one["path"])) for one in requests]
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for method, path in asked:
        for pattern, star in OWN:
            path = re.sub(pattern, star, path)
        found.append(Target(method, path, seen[method, path]))
        # a pattern may fit more than it was made of
        for other in {(m, p) for m, p in seen} | {(method, path)}:
            if other[0] == method and fnmatchcase(path, other[1]):
                seen[other] += 1
    return found


@dataclass
class Project:
    """A stage with one job, in a folder of its own."""

    folder: Path
    service: Service
    capsys: pytest.CaptureFixture[str]

    @property
    def name(self) -> str:
        return self.folder.name

    def cicd(self, *arguments: str, timeout: float | None = None) -> Result:
        """A command in this process, its pauses shortened."""
        with hastened_here(timeout), chdir(self.folder):
            code = root.execute([*arguments])
        return Result(code, *self.capsys.readouterr())

    def apply(self, timeout: float | None = None) -> Result:
        return self.cicd("apply", "dev", "--yes", timeout=timeout)

    def write_stage(self, before: str = "", after: str = "") -> None:
        text = STAGE.format(name=self.name).replace(before, after)
        (self.folder / "stages").mkdir(exist_ok=True)
        (self.folder / "stages/dev.yaml").write_text(text, encoding="utf-8")

    def left(self) -> dict[str, Any]:
        """All that there is of it: jobs, the model, objects, locks."""
        jobs = [job for job in self.service.send("GET", "/jobs").json() if job["name"] == self.name]
        model = self.folder / "model"
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        keys = self.keys(f"jobs/{self.name}-")
        return {
            "jobs": [job["status"] for job in jobs],
            "model": {
                path.relative_to(model).as_posix(): path.read_text(encoding="utf-8")
                for path in files
                if path.is_relative_to(model)
            },
            "files": sorted(path.name for path in files if not path.is_relative_to(model)),
            "objects": sorted(key.partition("/")[2] for key in keys),
            "locks": [key for key in self.keys("cicd/locks/") if "probe-" not in key],
        }

    def keys(self, prefix: str) -> list[str]:
        listed = self.service.s3().list_objects_v2(Bucket="data", Prefix=prefix)
        return [item["Key"].removeprefix(prefix) for item in listed.get("Contents", ())]


def is_done_once(project: Project) -> str:
    """What is wrong with all that there is of a project; empty where it is one job, one model."""
    text = f"of {project.name}\n"
    wanted = {
        "jobs": ["SUCCESSFUL"],
        "model": {"saved_model/a": text, "saved_model/b": text},
        "files": ["dev.yaml", "t.csv", "train.py"],
        "objects": ["saved_model/a", "saved_model/b", "t.csv", "train.py"],
        "locks": [],
    }
    left = project.left()
    return "" if left == wanted else f"left {left}"


def make(folder: Path, service: Service, capsys: pytest.CaptureFixture[str]) -> Project:
    """A new project below a folder."""
    place = folder / f"p{next(NUMBERS):03d}"
    place.mkdir()
    (place / "train.py").write_text(SCRIPT, encoding="utf-8")
    (place / "t.csv").write_text(f"of {place.name}\n", encoding="utf-8")
    project = Project(place, service, capsys)
    project.write_stage()
    return project


@contextmanager
def hastened_here(timeout: float | None = None) -> Iterator[None]:
    """Also what only this platform waits for; ``timeout``: seconds for an answer."""
    own = (login.Login.__init__, api.Api.__init__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults_world, "WAITERS", (*faults_world.WAITERS, *own))
        if timeout:
            patch.setattr(api, "TIMEOUT", (timeout, timeout))
            patch.setattr(login, "TIMEOUT", (timeout, timeout))
            patch.setattr(storage, "TIMEOUT", (timeout, timeout))
        with hastened(timeout) as clock:
            quick = SimpleNamespace(sleep=clock.sleep)
            patch.setattr(import_module("botocore.endpoint"), "time", quick)
            yield
