"""How long ``cicd validate`` takes as a whole process for one stage of many resources.

Run it from a clone: ``python benchmarks/validate.py [--resources 100] [--runs 20]``. It writes a
project into a temporary folder, prints milliseconds, and asserts nothing: machines differ.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRAIN = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: bench-train-{number}
  annotations:
    scenarios.ai.sap.com/name: Bench
    executables.ai.sap.com/name: Training {number}
  labels:
    scenarios.ai.sap.com/id: bench
    ai.sap.com/version: "1.0"
spec:
  entrypoint: train
  arguments:
    parameters:
      - name: epochs
    artifacts:
      - name: dataset
  templates:
    - name: train
      metadata:
        labels:
          ai.sap.com/resourcePlan: starter
      inputs:
        artifacts:
          - name: dataset
            path: /app/data
      outputs:
        artifacts:
          - name: model
            path: /app/model
            globalName: model
            archive:
              none: {{}}
      container:
        image: docker.io/org/bench:1
        command: [python, train.py]
        args: ["{{{{workflow.parameters.epochs}}}}"]
"""
SERVE = """\
apiVersion: ai.sap.com/v1alpha1
kind: ServingTemplate
metadata:
  name: bench-serve-{number}
  annotations:
    scenarios.ai.sap.com/name: Bench
    executables.ai.sap.com/name: Serving {number}
  labels:
    scenarios.ai.sap.com/id: bench
    ai.sap.com/version: "1.0"
spec:
  inputs:
    parameters:
      - name: greeting
        default: hello
    artifacts:
      - name: model
  template:
    apiVersion: serving.kserve.io/v1beta1
    metadata:
      labels: |
        ai.sap.com/resourcePlan: starter
    spec: |
      predictor:
        minReplicas: 1
        containers:
          - name: kserve-container
            image: docker.io/org/bench:1
            env:
              - name: STORAGE_URI
                value: "{{{{inputs.artifacts.model}}}}"
"""
HEAD = """\
branch: main
aicore:
  resource_group: bench-dev
git:
  application: bench
"""
ARTIFACT = """\
  - key: data-{number}
    name: Data {number}
    kind: dataset
    url: ai://default/data/{number}
    scenario_id: bench
"""
EXECUTION = """\
  - key: train-{number}
    configuration:
      name: Training {number}
      scenario_id: bench
      executable_id: bench-train-{template}
      parameter_bindings:
        epochs: {number}
      input_artifact_bindings:
        dataset: data-{number}
"""
DEPLOYMENT = """\
  - key: serve-{number}
    configuration:
      name: Serving {number}
      scenario_id: bench
      executable_id: bench-serve-{template}
      input_artifact_bindings:
        model: ${{executions.train-{number}.artifacts.model}}
    ttl: 24h
"""


def write_project(root: Path, resources: int, templates: int, *, git: bool = True) -> None:
    """One stage with that many entries over that many templates of each sort; without ``git`` it
    does not say how templates get to the platform."""
    (root / "stages").mkdir()
    (root / "templates").mkdir()
    for number in range(templates):
        for name, text in (("train", TRAIN), ("serve", SERVE)):
            path = root / "templates" / f"{name}-{number}.yaml"
            path.write_text(text.format(number=number), encoding="utf-8")
    each = [range(len(range(first, resources, 3))) for first in range(3)]
    parts = [HEAD if git else HEAD.partition("git:")[0]]
    sections = (("artifacts", ARTIFACT), ("executions", EXECUTION), ("deployments", DEPLOYMENT))
    for (section, text), numbers in zip(sections, each, strict=True):
        items = [text.format(number=n, template=n % templates) for n in numbers]
        parts += [f"{section}:\n{''.join(items)}"] if items else []
    (root / "stages" / "dev.yaml").write_text("".join(parts), encoding="utf-8")
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, check=True)


def measure(command: list[str], cwd: Path, runs: int) -> list[float]:
    """Wall time of each run in milliseconds; one run before them fills the caches."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    return times[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--resources", type=int, default=100)
    parser.add_argument("--templates", type=int, default=2, help="of each sort")
    parser.add_argument("--runs", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, given.resources, max(1, given.templates))
        nothing = measure([sys.executable, "-c", "pass"], root, given.runs)
        times = measure([sys.executable, "-m", "cicd", "validate", "dev"], root, given.runs)
    base = statistics.median(nothing)
    middle = statistics.median(times)
    what = f"cicd validate, {given.resources} resources, {2 * given.templates} templates"
    lines = [
        f"{what}, {given.runs} runs",
        f"min {min(times):.0f} ms, median {middle:.0f} ms, max {max(times):.0f} ms",
        f"python -c pass: median {base:.0f} ms, ratio {middle / base:.1f}",
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
