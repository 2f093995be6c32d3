"""What came from the environment once stays hidden when the stage file says something else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.acceptance.conftest import Project

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: small-train
  labels: {scenarios.ai.sap.com/id: small, ai.sap.com/version: "1.0.0"}
  annotations: {scenarios.ai.sap.com/name: Small, executables.ai.sap.com/name: Training}
spec:
  entrypoint: train
  arguments: {parameters: [{name: word, value: none}, {name: other, value: none}]}
  templates:
    - name: train
      container: {image: docker.io/your-org/small:1, command: [echo, trained]}
"""
OURS, GROUPS = "ext.ai.sap.com/source", "ext.ai.sap.com/team"
FIRST = {
    "word": "${env.WORD}",
    "label": "${env.WORD}",
    "text": "of ${env.WORD}",
    "team": "${var.fed}",
}
AFTER: dict[str, Mapping[str, str]] = {
    "as it was": FIRST,
    "written out": {"word": "plain", "label": "plain", "text": "of all", "team": "plain"},
    "from a variable": dict.fromkeys(FIRST, "${var.plain}"),
    "in another place": {"other": "${env.WORD}"},
    "nowhere": {},
}
COMMANDS = """\
plan dev --local -v -o text
plan dev --local -v -o json
plan dev --local -v -o markdown
plan dev --local -v -o html
plan dev --local --out plan.json
status dev --local -v -o json
list configurations dev --local -o json
list artifacts dev --local -o json
executions dev --local -o json
import dev --local --resource-group origins --out stages/copy.yaml
apply dev --local --yes -v --summary summary.json
plan dev --local -v -o json
list artifacts dev --local -o json
list configurations dev --local -o json
"""
CASES = {
    f"{length}_{number}": after
    for number, after in enumerate(AFTER)
    for length in ("SHORT", "LONG")
}
"""Variable -> what becomes of what came from it; each has a value of its own to look for."""


def secret(name: str, time: int) -> str:
    """Too short to be found by what it is, or long; first and then."""
    length, _, number = name.partition("_")
    if length == "SHORT":
        return f"Q{'zy'[time]}{number}"
    return f"of-the-{('sparrow', 'starling')[time]}-{number}"


def stage(texts: Mapping[str, Mapping[str, str]]) -> str:
    """A stage with these texts, where there are any, of each variable."""
    ours = {
        name: {k: t.replace("WORD", name) for k, t in own.items()} for name, own in texts.items()
    }
    group: dict[str, Any] = {"resource_group": "origins"}
    labels = {
        f"{GROUPS}-{name.lower()}": own["team"].replace("fed", f"fed_{name}")
        for name, own in ours.items()
        if "team" in own
    }
    fed = {f"fed_{name}": f"x-${{env.{name}}}" for name in CASES}
    return json.dumps(
        {
            "branch": "main",
            "variables": {**fed, "plain": "usual"},
            "aicore": group | ({"labels": labels} if labels else {}),
            "artifacts": [artifact(name, own) for name, own in ours.items()],
            "executions": [execution(name, own) for name, own in ours.items()],
            "local": {"images": {"docker.io/your-org/small:1": {"mounts": {"/app": "."}}}},
        }
    )


def artifact(name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    url, where = f"ai://default/{name}", {"kind": "dataset", "scenario_id": "small"}
    found: dict[str, Any] = {"key": name, "name": f"${{env.NAME_{name}}}", "url": url, **where}
    found |= {"labels": {OURS: texts["label"]}} if "label" in texts else {}
    return found | ({"description": texts["text"]} if "text" in texts else {})


def execution(name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    parameters = {key: texts[key] for key in ("word", "other") if key in texts}
    template = {"scenario_id": "small", "executable_id": "small-train"}
    configuration = {"name": f"training-{name}", **template, "parameter_bindings": parameters}
    return {"key": f"train-{name}", "configuration": configuration}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_came_from_the_environment_once_stays_hidden(small: Project) -> None:
    """All cases in one stage, for what is applied and looked at is the same."""
    (small.root / "stages/dev.yaml").unlink()
    small.write("templates/train.yaml", TEMPLATE)
    for name in CASES:
        small.write(f".cicd/emulator/objectstore/origins/default/{name}/data.txt", "data\n")
    small.write("stages/dev.json", stage(dict.fromkeys(CASES, FIRST)))
    small.environ |= {name: secret(name, 0) for name in CASES}
    small.environ |= {f"NAME_{name}": f"Data {name}" for name in CASES}
    assert small.cicd("apply", "dev", "--local", "--yes").returncode == 0
    small.write("stages/dev.json", stage({name: AFTER[after] for name, after in CASES.items()}))
    small.environ |= {name: secret(name, 1) for name in CASES}
    said = {}
    for line in COMMANDS.splitlines():
        done = small.cicd(*line.split())
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        said[line] = done.stdout + done.stderr
    for name in ("plan.json", "summary.json", "stages/copy.yaml"):
        said[name] = (small.root / name).read_text(encoding="utf-8")
    planned = said["plan dev --local -v -o text"]
    for name in CASES:
        part = planned.partition(f"configuration/train-{name}: ")[2].partition("execution/")[0]
        assert "***" in part, (name, planned)
    secrets = {secret(name, time): CASES[name] for name in CASES for time in (0, 1)}
    found = [
        (name, secrets[word]) for name, text in said.items() for word in secrets if word in text
    ]
    assert not found
