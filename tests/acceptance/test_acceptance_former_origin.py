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
SECRETS = [("Qz7", "Qz8"), ("of-the-sparrow", "of-the-starling")]
"""Too short to be found by what it is, and long."""


def stage(texts: Mapping[str, str]) -> str:
    """A stage with these texts, where there are any."""
    artifact: dict[str, Any] = {"key": "data", "name": "${env.NAME}", "kind": "dataset"}
    artifact |= {"url": "ai://default/d", "scenario_id": "small"}
    artifact |= {"labels": {OURS: texts["label"]}} if "label" in texts else {}
    artifact |= {"description": texts["text"]} if "text" in texts else {}
    parameters = {name: texts[name] for name in ("word", "other") if name in texts}
    configuration = {"name": "training", "scenario_id": "small", "executable_id": "small-train"}
    train = {"key": "train", "configuration": {**configuration, "parameter_bindings": parameters}}
    group = {"resource_group": "origins"}
    labels = {"labels": {GROUPS: texts["team"]}} if "team" in texts else {}
    return json.dumps(
        {
            "branch": "main",
            "variables": {"fed": "x-${env.WORD}", "plain": "usual"},
            "aicore": {**group, **labels},
            "artifacts": [artifact],
            "executions": [train],
            "local": {"images": {"docker.io/your-org/small:1": {"mounts": {"/app": "."}}}},
        }
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("secrets", SECRETS, ids=["short", "long"])
def test_what_came_from_the_environment_once_stays_hidden(
    small: Project, secrets: tuple[str, str], after: str
) -> None:
    (small.root / "stages/dev.yaml").unlink()
    small.write("templates/train.yaml", TEMPLATE)
    small.write(".cicd/emulator/objectstore/origins/default/d/data.txt", "data\n")
    small.write("stages/dev.json", stage(FIRST))
    small.environ |= {"WORD": secrets[0], "NAME": "Data"}
    assert small.cicd("apply", "dev", "--local", "--yes").returncode == 0
    small.write("stages/dev.json", stage(AFTER[after]))
    small.environ["WORD"] = secrets[1]
    said = {}
    for line in COMMANDS.splitlines():
        done = small.cicd(*line.split())
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        said[line] = done.stdout + done.stderr
    for name in ("plan.json", "summary.json", "stages/copy.yaml"):
        said[name] = (small.root / name).read_text(encoding="utf-8")
    assert "***" in said["plan dev --local -v -o text"]
    assert not [name for name, text in said.items() if any(word in text for word in secrets)]
