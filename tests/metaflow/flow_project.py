"""A small project with a flow that has one of everything, and the Python that builds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cicd.config import GitFacts, Surroundings
from cicd.platforms.aicore.dialect.flows.declared import Flow
from cicd.platforms.aicore.dialect.flows.loading import load_flows
from cicd.platforms.registry import DIALECTS

PLAIN, SAP = "metaflow", "sap-ai-core-metaflow"
PYTHONS = {PLAIN: "CICD_METAFLOW_PYTHON", SAP: "CICD_SAP_METAFLOW_PYTHON"}
"""Generator -> variable that names an interpreter that has it; the plain one may also be ours."""

FLOW = """\
import os
import pathlib

from metaflow import FlowSpec, Parameter, kubernetes, retry, step


class TrainFlow(FlowSpec):
    epochs = Parameter("epochs", default=3, type=int, help="How often.")
    note = Parameter("note", default="first try")

    @kubernetes(image="docker.io/acme/data:1", secrets=["mine"])
    @step
    def start(self):
        self.next(self.linear, self.spread)

    @step
    def linear(self):
        self.total = 1
        self.next(self.choose)

    @step
    def spread(self):
        self.rates = [1, 2]
        self.next(self.tune, foreach="rates")

    @retry(times=2, minutes_between_retries=0)
    @step
    def tune(self):
        self.result = self.input * self.epochs
        self.next(self.collect)

    @step
    def collect(self, inputs):
        self.total = sum(one.result for one in inputs)
        self.next(self.choose)

    @step
    def choose(self, inputs):
        self.total = sum(one.total for one in inputs)
        self.next(self.end)

    @kubernetes(image="docker.io/acme/eval:1")
    @step
    def end(self):
        folder = pathlib.Path(os.environ.get("MODEL_FOLDER", "model"))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.txt").write_text(f"{self.total} {self.note}")


if __name__ == "__main__":
    TrainFlow()
"""
STAGE = """\
branch: main
aicore: {resource_group: flows-dev}
git: {application: flows, path: templates}
flows:
  - file: flows/trainflow.py
    template: templates/trainflow.yaml
    scenario: {id: house-price, name: House Price}
    version: "1.0.0"
    image: docker.io/acme/flow:1
    image_pull_secrets: [my-docker-secret]
    resource_plan: starter
    datastore: s3://bucket/metaflow
    inputs: [{name: data, path: /app/data}]
    outputs: [{name: model, path: /app/model}]
    env: {MODEL_FOLDER: /app/model}
"""


def python_with(generator: str) -> Path:
    """An interpreter that has the generator; the test is skipped where there is none."""
    named = os.environ.get(PYTHONS[generator])
    python = Path(named or sys.executable)
    probe = f"import importlib.metadata as m; m.version({generator!r}); m.version('kubernetes')"
    if subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip(f"no {generator} here: {PYTHONS[generator]} may name a Python that has it")
    return python


def write_project(root: Path, python: Path | None = None, stage: str = STAGE) -> Path:
    """The project below ``root``, with ``python`` to build it; the root."""
    for name, text in {
        "flows/trainflow.py": FLOW,
        "flows/helper.py": "RATE = 1\n",
        "stages/dev.yaml": stage + (f"    python: {python}\n" if python else ""),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "templates").mkdir()
    return root


def load(root: Path) -> Flow:
    """The one flow of the project."""
    [flow] = load_flows(
        "dev", Surroundings(root=root, env={}, variables={}, dialects=DIALECTS, git=GitFacts())
    )
    return flow
