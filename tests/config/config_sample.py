"""A small repository with one stage and two templates, for the tests of the config room."""

from __future__ import annotations

from pathlib import Path

from cicd.config import GitFacts, GitOverride, Surroundings, check_stage, load_stage
from cicd.errors import InvalidStage
from cicd.model import Resource, Stage
from cicd.platforms.registry import DIALECTS
from tests.told import Told

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = GitFacts(COMMIT, "main")
ENV = {"GIT_USER": "someone", "GIT_TOKEN": "t0ps3cret"}

TRAIN = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: trainer
  annotations:
    scenarios.ai.sap.com/name: Churn
    executables.ai.sap.com/name: Trainer
  labels:
    scenarios.ai.sap.com/id: churn
    ai.sap.com/version: "1.0"
spec:
  entrypoint: train
  arguments:
    parameters:
      - name: epochs
      - {name: rate, value: 0.10}
    artifacts:
      - name: dataset
  templates:
    - name: train
      inputs:
        artifacts: [{name: dataset, path: /app/data}]
      outputs:
        artifacts: [{name: model, path: /app/model, globalName: model, archive: {none: {}}}]
      container:
        image: docker.io/org/churn:1
        command: [python, train.py]
        args: ["{{workflow.parameters.epochs}}"]
"""

SERVE = """\
apiVersion: ai.sap.com/v1alpha1
kind: ServingTemplate
metadata:
  name: server
  annotations:
    scenarios.ai.sap.com/name: Churn
    executables.ai.sap.com/name: Server
  labels:
    scenarios.ai.sap.com/id: churn
    ai.sap.com/version: "1.0"
spec:
  inputs:
    parameters: [{name: greeting, default: hello}]
    artifacts: [{name: model}]
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
            image: docker.io/org/churn:1
            env: [{name: STORAGE_URI, value: "{{inputs.artifacts.model}}"}]
"""

STAGE = """\
branch: main
aicore: {resource_group: churn-dev}
git:
  application: churn
  repository: https://example.com/org/churn
  username: ${env.GIT_USER}
  password: ${env.GIT_TOKEN}
artifacts:
  - {key: customers, name: Customers, kind: dataset, url: "ai://default/c", scenario_id: churn}
executions:
  - key: train
    configuration:
      name: Training
      scenario_id: churn
      executable_id: trainer
      parameter_bindings: {epochs: 3}
      input_artifact_bindings: {dataset: customers}
    watch: ["templates/code/*.py"]
deployments:
  - key: serve
    configuration:
      name: Serving
      scenario_id: churn
      executable_id: server
      input_artifact_bindings: {model: "${executions.train.artifacts.model}"}
    ttl: 24h
    smoke_test: {path: /v1/health}
    destination_name: CHURN
"""


def write_repository(root: Path, stage: str = STAGE) -> Path:
    """The sample below ``root``, with another text for stages/dev.yaml if wished."""
    (root / "templates" / "code").mkdir(parents=True)
    (root / "stages").mkdir()
    (root / "templates" / "train.yaml").write_text(TRAIN, encoding="utf-8")
    (root / "templates" / "serve.yaml").write_text(SERVE, encoding="utf-8")
    (root / "templates" / "code" / "train.py").write_text("print(1)\n", encoding="utf-8")
    (root / "stages" / "dev.yaml").write_text(stage, encoding="utf-8")
    return root


def changed(*edits: tuple[str, str], text: str = STAGE) -> str:
    """The text with edits; each must hit exactly once, so that no test tests nothing."""
    for before, after in edits:
        assert text.count(before) == 1, f"{before!r} occurs {text.count(before)} times"
        text = text.replace(before, after)
    return text


TOLD = Told(Path(__file__).with_name("told_of_stages.json"))


def findings(
    root: Path, argument: str = "dev", env: dict[str, str] | None = None, **variables: str
) -> list[str]:
    """What check_stage says, as text, and as the golden file of its test has it."""
    found = check_stage(
        argument,
        Surroundings(root=root, env=env or {}, variables=variables, dialects=DIALECTS, git=GIT),
    )
    TOLD.check(root, found)
    return [str(problem) for problem in found]


def load(
    root: Path,
    argument: str = "dev",
    env: dict[str, str] = ENV,
    application: GitOverride | None = None,
    **variables: str,
) -> Stage:
    """The stage, with credentials."""
    return load_stage(
        argument,
        Surroundings(
            root=root,
            env=env,
            variables=variables,
            dialects=DIALECTS,
            git=GIT,
            application=application,
        ),
    )


def resource(stage: Stage, key: str) -> Resource:
    """The one resource with that key."""
    [found] = [resource for resource in stage.resources if str(resource.key) == key]
    return found


def messages(error: InvalidStage) -> str:
    """All problems of an error, one per line."""
    return "\n".join(str(problem) for problem in error.problems)
