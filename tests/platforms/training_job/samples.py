"""A project of the training-job API, and what is read of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd.config import GitFacts, Surroundings, load_stage
from cicd.config.load import check_stage
from cicd.model import Stage
from cicd.platforms.registry import DIALECTS

PLACE = """\
platform: training_job
training_job: {api_url: "https://jobs.example.com", token_url: "https://login.example.com/oauth/token"}
"""
JOB = """\
jobs:
  - key: train
    script: train.py
    image: tensorflow/tensorflow:1.4.0
    completion_time: 1h
    env: {TEST_DATA: t.csv}
    data: {t.csv: data/t.csv}
    resources: {cpus: 1, gpus: 0, memory: 2048}
    requirements: [tensorflow==1.4.0]
    python_major_version: 3
"""
TEXT = PLACE + JOB
ENV = {"TRAINING_JOB_CLIENT_ID": "me", "TRAINING_JOB_CLIENT_SECRET": "a secret of mine"}


def project(root: Path, text: str = TEXT) -> Path:
    """The files of a project, its stage ``dev`` with this text."""
    for name, content in {
        "stages/dev.yaml": text,
        "train.py": "print('accuracy=0.75')\n",
        "data/t.csv": "a,b\n1,2\n",
        "requirements.txt": "# pinned\nnumpy==1.26.4\n\nscipy\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def around(root: Path, env: Mapping[str, str] | None = None, **git: Any) -> Surroundings:
    return Surroundings(root, env or {}, {}, GitFacts("c0ffee", "main", **git), DIALECTS)


def stage_of(root: Path, text: str = TEXT, env: Mapping[str, str] | None = None) -> Stage:
    return load_stage("dev", around(project(root, text), env))


def findings(root: Path, text: str, env: Mapping[str, str] | None = None) -> list[str]:
    """Everything that is wrong, each with its place."""
    return [str(one) for one in check_stage("dev", around(project(root, text), env))]


def spec_of(stage: Stage, key: str = "train") -> dict[str, Any]:
    return next(dict(wish.spec) for wish in stage.resources if str(wish.key) == f"job/{key}")
