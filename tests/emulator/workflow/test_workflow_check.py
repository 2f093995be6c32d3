"""What the emulator refuses in a WorkflowTemplate, and that it says where."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from cicd.emulator.runner.serving import template as serving
from cicd.emulator.workflow import check, read
from tests.emulator.runner.runner_journal import script, shell, workflow

GOOD = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: example
  labels: {scenarios.ai.sap.com/id: s, ai.sap.com/version: "1.0"}
spec:
  imagePullSecrets: [{name: docker-registry}]
  entrypoint: main
  ttlStrategy: {secondsAfterCompletion: 10}
  podGC: {strategy: OnPodSuccess}
  activeDeadlineSeconds: 432000
  parallelism: 3
  arguments:
    parameters: [{name: epochs, default: 10}, {name: rate}]
    artifacts: [{name: data, path: /data/input, archive: {none: {}}}]
  templates:
  - name: main
    steps:
    - - {name: prepare, template: prepare}
    - - name: train
        template: train
        when: "{{steps.prepare.outputs.parameters.rows}} > 0"
        arguments:
          parameters: [{name: rows, value: "{{steps.prepare.outputs.parameters.rows}}"}]
          artifacts: [{name: clean, from: "{{steps.prepare.outputs.artifacts.clean}}"}]
  - name: prepare
    metadata: {labels: {ai.sap.com/resourcePlan: "{{workflow.parameters.rate}}"}}
    nodeSelector: {a: b}
    tolerations: [{key: a}]
    securityContext: {runAsUser: 65534}
    serviceAccountName: x
    inputs: {artifacts: [{name: data, path: /app/data}]}
    outputs:
      parameters: [{name: rows, valueFrom: {path: /tmp/rows, default: "0"}}]
      artifacts: [{name: clean, path: "/app/clean", archive: {none: {}}}]
    script:
      image: img
      command: [python]
      source: print({{workflow.parameters.epochs}})
      resources: {limits: {memory: 1Gi}}
      imagePullPolicy: Always
  - name: train
    retryStrategy: {limit: 2, retryPolicy: Always, backoff: {duration: 2m, factor: 2}}
    inputs:
      parameters: [{name: rows}]
      artifacts: [{name: clean, path: /in}]
    outputs: {artifacts: [{name: model, path: /app/model, globalName: model}]}
    container:
      image: img
      command: [python, train.py]
      args: ["{{inputs.parameters.rows}}", "{{inputs.artifacts.clean.path}}", "{{pod.name}}"]
      env:
      - {name: A, value: "{{workflow.parameters.rate}}"}
      - {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}
      - {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      envFrom: [{secretRef: {name: s}}]
"""


BESIDE = [{"name": "x", "image": "i", "command": ["c"]}]


def good() -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(GOOD)
    return document


def test_a_usual_template_is_accepted() -> None:
    assert check(good()) == []


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with the field at ``a.0.b`` set."""
    document = copy.deepcopy(good())
    *way, last = path.split(".")
    place: Any = document["spec"]
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("templates.1.resource", {}, "templates[1].resource: not supported by the emulator: needs"),
        ("templates.1.sidecars", [{"name": "x", "image": "i"}], "sidecars[0].command: is missing"),
        ("templates.0.sidecars", BESIDE, "templates[0].sidecars: only where a container runs"),
        ("templates.0.initContainers", BESIDE, "initContainers: only where a container runs"),
        (
            "templates.2.volumes",
            [{"name": "v", "hostPath": {"path": "/"}}],
            "spec.templates[2].volumes[0].hostPath: not supported",
        ),
        (
            "templates.2.container.volumeMounts",
            [{"name": "v", "mountPath": "/scratch"}],
            "container.volumeMounts[0].name: no volume 'v' is declared",
        ),
        ("templates.2.daemon", True, "spec.templates[2].daemon: not supported"),
        ("onExit", "gone", "spec.onExit: template 'gone' does not exist"),
        ("hooks", {"x": {"template": "train"}}, "spec.hooks.x.expression: is missing"),
        ("volumeClaimTemplates", [{}], "volumeClaimTemplates[0].metadata.name: is missing"),
        ("templates.0.steps.0.0.withItems", 1, "spec.templates[0].steps[0][0].withItems: must be"),
        ("templates.0.steps.0.0.withSequence", {}, "withSequence: needs one of count and end"),
        ("templates.0.timeout", "1h", "spec.templates[0].timeout: only where a container runs"),
        ("templateDefaults", {"plugin": {}}, "spec.templateDefaults.plugin: not supported"),
        ("templates.0.steps.0.0.templateRef", {}, "steps[0][0].templateRef: not supported"),
        ("templates.2.container.command", None, "spec.templates[2].container.command: is missing"),
        ("templates.2.container.args", [], "spec.templates[2].container.args: must not be empty"),
        ("templates.2.container.args", ["{{=1+}}"], "{{=1+}}: unexpected"),
        ("templates.2.container.args", ["{{item.a}}"], "{{item.a}} is not known here"),
        ("templates.2.container.args", ["{{inputs.parameters.x}}"], "x}} is not known here"),
        ("templates.2.container.args", "text", "spec.templates[2].container.args: must be a list"),
        ("templates.2.container.image", None, "spec.templates[2].container.image: is missing"),
        ("templates.2.container.env", [{"value": "x"}], "env[0].name: is missing"),
        (
            "templates.2.container.env",
            [{"name": "x", "valueFrom": {"configMapKeyRef": {}}}],
            "env[0].valueFrom.configMapKeyRef: not supported",
        ),
        (
            "templates.2.container.env",
            [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}],
            "spec.x is not supported",
        ),
        ("templates.2.outputs.artifacts.0.path", "model", "artifacts[0].path: must be absolute"),
        ("templates.2.outputs.artifacts.0.path", "/a/../b", "cannot be an artifact"),
        ("templates.2.outputs.artifacts.0.name", "../x", "artifacts[0].name: '../x' is not a name"),
        ("templates.2.outputs.artifacts.0.s3", {}, "outputs.artifacts[0].s3.key: is missing"),
        (
            "templates.2.outputs.artifacts.0.s3",
            {"key": "k", "bucket": "b"},
            "outputs.artifacts[0].s3: say the key alone",
        ),
        ("templates.2.outputs.artifacts.0.gcs", {}, "outputs.artifacts[0].gcs: not supported"),
        ("templates.2.outputs.artifacts.0.archive", {"zip": {}}, "archive.zip: not supported"),
        ("templates.2.retryStrategy.expression", "nope(1)", "has no function nope()"),
        ("templates.2.retryStrategy.backoff", {"duration": "soon"}, "cannot read 'soon'"),
        ("templates.2.name", "prepare", "spec.templates[2].name: 'prepare' is used"),
        ("templates.2.script", {"image": "x"}, "spec.templates[2]: needs exactly one of container"),
        ("templates.0.steps.0.0.template", "no", "template 'no' does not exist"),
        (
            "templates.0.steps.1.0.when",
            "{{steps.prepare.outputs.parameters.rwos}} > 1",
            "names no step, task or output that is known here",
        ),
        ("parallelism", 0, "spec.parallelism: must be at least 1"),
        ("templates.0.steps.0.0.inline", {}, "steps[0][0].inline: needs exactly one of container"),
        ("templates.0.steps.0.0.inline", "x", "steps[0][0].inline: must be a map"),
        ("entrypoint", "other", "spec.entrypoint: template 'other' does not exist"),
        ("entrypoint", None, "spec.entrypoint: is missing"),
        ("templates", [], "spec.templates: is missing or empty"),
        ("templates", ["x"], "spec.templates[0]: must be a map"),
        ("activeDeadlineSeconds", "soon", "spec.activeDeadlineSeconds: must be number"),
    ],
)
def test_what_it_cannot_do_is_named_with_its_path(path: str, value: Any, expected: str) -> None:
    assert expected in "\n".join(check(changed(path, value)))


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([{"name": "a", "template": "x", "dependencies": ["b"]}], "task 'b' does not exist"),
        (
            [
                {"name": "a", "template": "x", "dependencies": ["b"]},
                {"name": "b", "template": "x", "dependencies": ["a"]},
            ],
            "tasks wait for each other",
        ),
        ([{"name": "a", "template": "x"}, {"name": "a", "template": "x"}], "'a' is used twice"),
        (
            [{"name": "b", "template": "x"}, {"name": "a", "template": "x", "depends": "b.Great"}],
            "does not know 'Great'",
        ),
        ([{"name": "a", "template": "x", "depends": "(b"}], "parenthesis"),
    ],
)
def test_tasks_that_cannot_be_ordered_are_refused(tasks: list[Any], expected: str) -> None:
    found = check(workflow({"name": "main", "dag": {"tasks": tasks}}, shell("x", "true")))
    assert expected in "\n".join(found)


def test_all_problems_come_at_once() -> None:
    document = changed("shutdown", "x")
    document["spec"]["templates"][1]["plugin"] = {}
    assert len(check(document)) == 2


@pytest.mark.parametrize("document", [None, [], {}, {"spec": []}, {"spec": {}}, "text"])
def test_what_is_no_template_is_refused(document: Any) -> None:
    assert check(document)


@pytest.mark.parametrize("own", ["{{x}}", "{{ .Values.name }}", "{{exitCode}}", "{{item}}"])
def test_a_script_may_have_braces_of_its_own(own: str) -> None:
    """Argo leaves what is none of its names as it is."""
    assert check(workflow(script("main", f"print(f'{own}')"))) == []


def test_the_templates_of_this_repository_are_accepted() -> None:
    folder = Path(__file__).parents[3] / "templates"
    documents = [YAML(typ="safe", pure=True).load(path) for path in sorted(folder.glob("*.yaml"))]
    assert documents
    for document in documents:
        judge = check if document["kind"] == "WorkflowTemplate" else serving.check
        assert judge(document) == []


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*way, key)
            yield from places(value[key], (*way, key))


@pytest.mark.parametrize("wrong", [None, "x", 1, [None], {"a": None}], ids=repr)
def test_a_wrong_value_anywhere_breaks_nothing(wrong: Any) -> None:
    document = good()
    spec = document["spec"]
    spec["hooks"] = {"x": {"template": "prepare", "expression": "1 == 1"}}
    spec["volumeClaimTemplates"] = [{"metadata": {"name": "c"}, "spec": {}}]
    spec["volumes"] = [{"name": "s", "secret": {"secretName": "x", "items": [{"key": "a"}]}}]
    spec["templateDefaults"] = {"retryStrategy": {"limit": 1}, "container": {"env": []}}
    spec["templates"][2]["sidecars"] = [{"name": "i", "image": "x", "command": ["y"]}]
    task = {"name": "a", "template": "prepare", "withItems": [1], "hooks": {"exit": {}}}
    spec["templates"].append({"name": "d", "dag": {"target": "a", "tasks": [task]}})
    for way in places(document):
        changed_one = copy.deepcopy(document)
        place: Any = changed_one
        for key in way[:-1]:
            place = place[key]
        place[way[-1]] = wrong
        if not check(changed_one):
            read(changed_one)
