"""A project of SageMaker, and what is read of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd.config import GitFacts, Surroundings, load_stage
from cicd.config.load import check_stage
from cicd.model import Stage
from cicd.platforms.registry import DIALECTS

ROLE = "arn:aws:iam::123456789012:role/ml"
PLACE = f"""\
platform: sagemaker
sagemaker: {{region: eu-central-1, role: "{ROLE}"}}
"""
JOBS = """\
training_jobs:
  - key: train
    image: img:1
    source_dir: src
    entry_point: train.py
    hyperparameters: {epochs: 20, rate: 0.1}
    inputs: {train: "s3://bucket/train"}
    instance: {type: ml.m5.large, count: 1}
    max_runtime: 1h
    metrics: {accuracy: "accuracy=([0-9.]+)"}
    require: [{metric: accuracy, min: 0.9}]
"""
SERVED = """\
models:
  - {key: churn, image: img:1, data: "${training_jobs.train.model}"}
endpoint_configs:
  - key: churn
    variants:
      - {name: main, model: churn, instance: {type: ml.m5.large, count: 1}, weight: 3}
      - {name: trial, model: churn, instance: {type: ml.m5.large, count: 1}}
endpoints:
  - {key: churn, name: churn-dev, config: churn, deployment: {traffic: canary, step: {percent: 10}}}
"""
TEXT = PLACE + JOBS + SERVED


def around(root: Path, text: str = TEXT, env: Mapping[str, str] | None = None) -> Surroundings:
    """The files of a project, its stage ``dev`` with this text."""
    for name, content in {
        "stages/dev.yaml": text,
        "src/train.py": "print('accuracy=0.75')\n",
        "src/inference.py": "",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return Surroundings(root=root, env=env or {}, variables={}, dialects=DIALECTS, git=GitFacts())


def findings(root: Path, text: str, env: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with it."""
    found = check_stage("dev", around(root, text, env))
    return [f"{one.line}: {one.message} [{one.rule}]" for one in found]


def stage_of(root: Path, text: str = TEXT, env: Mapping[str, str] | None = None) -> Stage:
    """The stage that it is."""
    return load_stage("dev", around(root, text, env))


def spec_of(stage: Stage, key: str) -> Mapping[str, Any]:
    """What one thing of it is to be."""
    return next(wish.spec for wish in stage.resources if str(wish.key) == key)
