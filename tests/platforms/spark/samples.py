"""Stages of Spark, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cicd.model import Options, Resource, Stage
from cicd.values import Key

PROGRAM = """\
import json, os, sys
print("arguments", sys.argv[1:], flush=True)
print("accuracy=0.5")
print("accuracy=0.75", flush=True)
"""


def job(key: str = "score", wait_for: str = "FINISHED", /, **spec: Any) -> Resource:
    """A wish for a job of the program ``jobs/score.py``."""
    known = {"key": key, "name": key, "source": "jobs/score.py", "inputs": "0123456789abcdef"}
    return Resource(Key("job", key), {**known, **spec}, Options(wait_for=wait_for))


def stage_of(root: Path, url: str, jobs: Sequence[Resource] = (), **settings: Any) -> Stage:
    """A stage on the cluster whose pages are all at ``url``."""
    told: Mapping[str, Any] = {"rest_url": url, "ui_url": url, "state": str(root / "state")}
    target = {"master": "spark://127.0.0.1:7077"}
    return Stage(
        "dev",
        "stages/dev.yaml",
        str(root),
        "spark",
        target,
        None,
        tuple(jobs),
        settings={**told, **settings},
    )


def write_program(root: Path, text: str = PROGRAM) -> None:
    (root / "jobs").mkdir(parents=True, exist_ok=True)
    (root / "jobs/score.py").write_text(text, encoding="utf-8")
