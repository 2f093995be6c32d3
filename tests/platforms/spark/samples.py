"""Stages of Spark, for tests."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cicd.model import Options, Resource, Stage
from cicd.values import Key
from tests.platforms.spark.stand_in import SWITCHES

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


def stage_of(
    root: Path,
    url: str,
    jobs: Sequence[Resource] = (),
    master: str = "spark://127.0.0.1:7077",
    **settings: Any,
) -> Stage:
    """A stage on the cluster whose pages are all at ``url``."""
    told: Mapping[str, Any] = {"rest_url": url, "ui_url": url, "state": str(root / "state")}
    target = {"master": master}
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


SUBMIT = """\
#!{python}
# stands in for spark-submit: the same options, and the program as one of Python
import os, sys
SWITCHES = {switches!r}
arguments, modules = sys.argv[1:], ""
while arguments[0] in SWITCHES:
    if arguments[0] == "--py-files":
        modules = arguments[1]
    arguments = arguments[2:]
said = "26/11/30 20:00:00 INFO Backend: Connected to Spark cluster with app ID app-20261130-0007"
print(said, file=sys.stderr, flush=True)
folders = [os.path.dirname(url.removeprefix("file://")) for url in modules.split(",")]
os.environ["PYTHONPATH"] = os.pathsep.join(folders)
program = arguments[0].removeprefix("file://")
os.execv({python!r}, [{python!r}, program, *arguments[1:]])
"""


def write_home(folder: Path) -> Path:
    """A SPARK_HOME with nothing but a spark-submit that stands in for it."""
    program = folder / "bin/spark-submit"
    program.parent.mkdir(parents=True)
    text = SUBMIT.format(python=sys.executable, switches=SWITCHES)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return folder


def write_program(root: Path, text: str = PROGRAM) -> None:
    (root / "jobs").mkdir(parents=True, exist_ok=True)
    (root / "jobs/score.py").write_text(text, encoding="utf-8")
