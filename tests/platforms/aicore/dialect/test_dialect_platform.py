"""Templates as the platform sees them: what AI Core and Argo take is no error, what they refuse is.

The variables are those of Argo's documentation (docs/variables.md at 3.5), each where it is said
to be; the emulator is asked too, so that both agree.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from cicd.config.tree import Place
from cicd.emulator.git import templates as emulator
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.templates import read_templates
from tests.config.config_sample import SERVE, TRAIN, changed, write_repository
from tests.config.config_sample import findings as checked
from tests.told import Told

HERE = Place("stages/dev.yaml", 5, 9)

FLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: trainer
  annotations: {scenarios.ai.sap.com/name: Churn, executables.ai.sap.com/name: Trainer}
  labels: {scenarios.ai.sap.com/id: churn, ai.sap.com/version: "1.0"}
spec:
  entrypoint: main
  onExit: last
  priority: 1
  arguments: {parameters: [{name: epochs, value: "3"}, {name: the-rate, value: "0.1"}]}
  templates:
    - name: main
      steps:
        - - name: first
            template: work
            arguments: {parameters: [{name: text, value: "IN-FIRST"}]}
        - - name: many
            template: work
            withItems: [{a: x}, {a: y}]
            hooks: {exit: {template: last}}
            arguments: {parameters: [{name: text, value: "IN-MANY"}]}
        - - {name: graph, template: graph}
    - name: graph
      dag:
        tasks:
          - {name: one, template: work, arguments: {parameters: [{name: text, value: a}]}}
          - name: two
            template: work
            dependencies: [one]
            arguments: {parameters: [{name: text, value: "IN-TASK"}]}
    - name: work
      inputs:
        parameters: [{name: text}]
        artifacts: [{name: data, path: /in, raw: {data: x}}]
      outputs:
        parameters: [{name: rows, valueFrom: {path: /tmp/rows}, globalName: rows}]
        artifacts: [{name: model, path: /out, globalName: model, archive: {none: {}}}]
      retryStrategy: {limit: 2, expression: "asInt(lastRetry.exitCode) > 1"}
      metrics:
        prometheus:
          - {name: m, help: h, labels: [{key: k, value: "IN-METRICS"}], gauge: {value: "1"}}
      container: {image: "a/b:1", command: [sh, -c], args: ["IN-POD"]}
    - name: last
      container: {image: "a/b:1", command: [sh, -c], args: ["IN-EXIT"]}
"""

GLOBAL = [
    *(f"workflow.{word}" for word in ("name", "namespace", "mainEntrypoint", "serviceAccountName")),
    *(f"workflow.{word}" for word in ("uid", "priority", "duration", "scheduledTime")),
    *(f"workflow.parameters{rest}" for rest in ("", ".json", ".epochs", ".the-rate")),
    *(
        "workflow.annotations",
        "workflow.annotations.json",
        "workflow.labels",
        "workflow.labels.json",
    ),
    "workflow.labels.scenarios.ai.sap.com/id",
    "workflow.labels.executions.ai.sap.com/id",
    "workflow.annotations.scenarios.ai.sap.com/name",
    *(f"workflow.creationTimestamp{rest}" for rest in ("", ".RFC3339", ".Y", ".d", ".s")),
    "node.name",
    "=workflow.parameters['the-rate']",
    "=jsonpath(workflow.parameters.json, '$[0].value')",
    "=toJson(workflow.parameters)",
]
STEP = [
    *(f"steps.first.{word}" for word in ("id", "status", "exitCode", "startedAt")),
    *(f"steps.first.{word}" for word in ("finishedAt", "hostNodeName", "outputs.result")),
    *("steps.first.outputs.parameters.rows", "=steps.first.ip"),
    *("workflow.outputs.parameters.rows", "=steps['first'].outputs.result"),
    *("item", "item.a", "steps.name"),
]
POD = [
    *("pod.name", "retries", "lastRetry.exitCode", "lastRetry.status", "lastRetry.duration"),
    *("lastRetry.message", "inputs.parameters", "inputs.parameters.text", "inputs.artifacts.data"),
    *("inputs.artifacts.data.path", "outputs.artifacts.model.path", "outputs.parameters.rows.path"),
    *("steps.name", "tasks.name", "=inputs.parameters.text"),
]
METRICS = [
    *("status", "duration", "exitCode", "resourcesDuration.cpu", "resourcesDuration.memory"),
    *("outputs.result", "outputs.parameters.rows", "inputs.parameters.text"),
]
TASK = [
    *("tasks.one.id", "tasks.one.status", "tasks.one.exitCode", "tasks.name"),
    *("tasks.one.outputs.result", "tasks.one.outputs.parameters.rows", "tasks.one.hostNodeName"),
]
VARIABLES = [
    *(("IN-POD", name) for name in [*GLOBAL, *POD]),
    *(("IN-FIRST", name) for name in GLOBAL),
    *(("IN-MANY", name) for name in [*GLOBAL, *STEP]),
    *(("IN-METRICS", name) for name in [*GLOBAL, *METRICS]),
    *(("IN-TASK", name) for name in [*GLOBAL, *TASK]),
    *(("IN-EXIT", name) for name in [*GLOBAL, "workflow.failures", "workflow.status"]),
]


TOLD = Told(Path(__file__).with_name("told_of_templates.json"))


def untold(tmp_path: Path, text: str) -> list[Problem]:
    (tmp_path / "templates").mkdir(exist_ok=True)
    (tmp_path / "templates" / "t.yaml").write_text(text, encoding="utf-8")
    return read_templates(tmp_path, "templates", HERE)[1]


def findings(tmp_path: Path, text: str) -> list[Problem]:
    """What is found, word for word as the golden file has it."""
    found = untold(tmp_path, text)
    TOLD.check(tmp_path, found)
    return found


def refusal(text: str) -> str:
    """What the emulator has against a template, empty when nothing."""
    try:
        emulator.read(YAML(typ="safe", pure=True).load(text))
    except emulator.TemplateError as error:
        return str(error)
    return ""


def flow(place: str, name: str) -> str:
    assert place in FLOW
    return FLOW.replace(place, f"x {{{{{name}}}}}".replace('"', '\\"'))


@pytest.mark.parametrize(("place", "name"), VARIABLES)
def test_every_variable_that_argo_documents_may_stand_where_it_is_documented(
    tmp_path: Path, place: str, name: str
) -> None:
    text = flow(place, name)
    assert [str(p) for p in findings(tmp_path, text)] == []
    assert refusal(text) == ""


OWN = [
    "{{ .Values.name }}",
    "{{user}}",
    "{% if x %}{{ loop.index }}{% endif %}",
    "${{ github.sha }}",
]


@pytest.mark.parametrize("own", OWN)
def test_braces_of_the_users_own_are_a_warning_as_argo_leaves_them(
    tmp_path: Path, own: str
) -> None:
    text = FLOW.replace("IN-POD", own)
    assert {p.severity for p in findings(tmp_path, text)} == {"warning"}
    assert refusal(text) == ""


NOT_ARGOS = [
    *("input.name", "output.txt", "items.0", "step.label", "cronworkflow.name", "task.title"),
    *("workflow.creationTimestamp.%Y", "workflow.creationTimestamp.F", "workflow.durations"),
]


@pytest.mark.parametrize("name", NOT_ARGOS)
def test_a_name_that_argo_leaves_in_the_text_is_a_warning(tmp_path: Path, name: str) -> None:
    text = flow("IN-POD", name)
    [found] = findings(tmp_path, text)
    assert (found.severity, found.rule) == ("warning", "unresolved-placeholder")
    assert refusal(text) == ""


@pytest.mark.parametrize("place", ["IN-POD", "IN-FIRST", "IN-MANY", "IN-TASK"])
def test_the_status_of_the_workflow_before_its_end_is_a_warning(tmp_path: Path, place: str) -> None:
    """Argo has one from the start on: Running."""
    text = flow(place, "workflow.status")
    [found] = findings(tmp_path, text)
    assert (found.severity, found.rule) == ("warning", "unresolved-placeholder")
    assert "only in the template of onExit or a hook" in found.message
    assert refusal(text) == ""


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("arguments: {parameters: [{name: text, value: '{{tasks.one.outputs.result}}'}]}", "error"),
        ("arguments: {parameters: [{name: text, value: 'is {{tasks.one.id}}'}]}", "warning"),
        ("arguments: {parameters: [{name: text, value: '{{ tasks.one.id }}'}]}", "warning"),
        ("withParam: '{{tasks.one.outputs.result}}'", "warning"),
        ("when: '{{tasks.one.outputs.result}} == 1'", "warning"),
    ],
)
def test_what_a_task_gives_is_there_for_those_behind_it(
    tmp_path: Path, line: str, severity: str
) -> None:
    """Argo refuses what begins with it (validateDAGTaskArgumentDependency), and leaves the rest."""
    more = "" if line.startswith("arguments") else "\n            arguments: {parameters: [VALUE]}"
    more = more.replace("VALUE", "{name: text, value: a}")
    before = FLOW.index("            dependencies: [one]")
    end = FLOW.index("    - name: work\n")
    text = f"{FLOW[:before]}            {line}{more}\n{FLOW[end:]}"
    [found] = [p for p in findings(tmp_path, text) if p.rule == "unknown-task"]
    assert found.severity == severity
    assert 'uses what task "one" gives' in found.message


FINE = [
    "=workflow.parameters.more ?? 'none'",
    "=inputs.parameters?.more",
    "=sprig.upper(inputs.parameters.text) + string(len(workflow.parameters))",
    "=map([1], {#.x}) == [] ? workflow.name : 'input.parameters.text'",
    "=inputs.parameters.text in ['a']",
]


@pytest.mark.parametrize("expression", FINE)
def test_an_expression_may_ask_for_what_is_perhaps_not_there(
    tmp_path: Path, expression: str
) -> None:
    assert [str(p) for p in findings(tmp_path, flow("IN-POD", expression))] == []


SLIPS = [
    ("IN-POD", "workflow.parameter.epochs", "workflow.parameters.epochs"),
    ("IN-POD", "workflow.paramters.epochs", "workflow.parameters.epochs"),
    ("IN-POD", "workflow.parameters.Epochs", "epochs"),
    ("IN-POD", "Workflow.parameters.epochs", "workflow.parameters.epochs"),
    ("IN-POD", "workflow.nam", "name"),
    ("IN-MANY", "workflow.outputs.artifacts.modle", "model"),
    ("IN-POD", "inputs.parameter.text", "inputs.parameters.text"),
    ("IN-POD", "input.parameters.text", "inputs.parameters.text"),
    ("IN-POD", "inputs.artifacts.data.paht", "path"),
    ("IN-POD", "steps.first.outputs.result", ""),
    ("IN-POD", "item.a", ""),
    ("IN-POD", "pod.nam", "name"),
    ("IN-POD", "=workflow.parameter.epochs", "workflow.parameters.epochs"),
    ("IN-POD", "=inputs.parameters['tekst']", "text"),
    ("IN-POD", "=input.parameters.text", "inputs.parameters.text"),
    ("IN-POD", "=worklfow.name", "workflow.name"),
    ("IN-POD", "=inputs.parameters.tekst in ['a']", "text"),
    ("IN-POD", "worklfow.name", "workflow.name"),
    ("IN-POD", "output.artifacts.model.path", "outputs.artifacts.model.path"),
    ("IN-MANY", "steps.first.output.parameters.rows", "steps.first.outputs.parameters.rows"),
    ("IN-MANY", "steps.first.outputs.parameters.row", "rows"),
    ("IN-MANY", "steps.frist.outputs.result", "steps.first.outputs.result"),
    ("IN-MANY", "step.first.outputs.result", "steps.first.outputs.result"),
    ("IN-MANY", "steps.graph.status", ""),
    ("IN-MANY", "pod.name", ""),
    ("IN-FIRST", "item.a", ""),
    ("IN-TASK", "tasks.one.exitcode", "exitCode"),
    ("IN-TASK", "steps.one.outputs.result", ""),
]


@pytest.mark.parametrize(("place", "name", "meant"), SLIPS)
def test_a_name_that_argo_cannot_resolve_is_an_error(
    tmp_path: Path, place: str, name: str, meant: str
) -> None:
    [found] = findings(tmp_path, flow(place, name))
    assert (found.severity, found.rule) == ("error", "unresolved-placeholder")
    assert f"{{{{{name}}}}} is used" in found.message
    assert (f'did you mean "{meant}"' in found.message) is bool(meant)


def test_a_slip_in_the_name_of_an_own_output_stays_as_it_is_and_is_told(tmp_path: Path) -> None:
    [found] = findings(tmp_path, flow("IN-POD", "outputs.artifact.model.path"))
    assert (found.severity, found.rule) == ("warning", "unresolved-placeholder")
    assert 'did you mean "outputs.artifacts.model.path"' in found.message


BROKEN = [
    ("template: graph}", "template: grpah}", 'template "grpah", which is not', "unknown-template"),
    ("template: graph}", "temlate: graph}", '"graph" names no template', "unknown-template"),
    ("onExit: last", "onExit: lst", 'the workflow names the template "lst"', "unknown-template"),
    ("exit: {template: last}", "exit: {template: x}", 'template "x"', "unknown-template"),
    ("dependencies: [one]", "dependencies: [on]", '"two" depends on "on"', "unknown-task"),
    ("dependencies: [one]", "depends: one.Succeeded && x", 'depends on "x"', "unknown-task"),
    ("dependencies: [one]", "dependencies: [two]", "wait for each other: two", "unknown-task"),
    ("{name: text, value: a}", "{name: txt, value: a}", 'no parameter "text"', "missing-argument"),
    (
        "name: first\n            template",
        "name: graph\n            template",
        "declared twice",
        "duplicate-item",
    ),
    (
        'container: {image: "a/b:1", command: [sh, -c], args: ["IN-POD"]}',
        "suspend: {}\n      container: {image: a, command: [a]}",
        "keep one",
        "nothing-to-run",
    ),
    (
        "    - name: last\n",
        "    - name: last\n      sidecars: [{name: s, image: a}]\n",
        "needs a command",
        "bad-command",
    ),
    (
        "    - name: last\n",
        "    - name: last\n      initContainers: [{name: s, image: a}]\n",
        "needs a command",
        "bad-command",
    ),
]


BROKEN += [
    ("    - name: last\n", "    - name: last_one\n", 'no name like "last_one"', "bad-item-name"),
    ("{name: one, template", "{name: one.a, template", 'like "one.a"', "bad-item-name"),
    ("parameters: [{name: text}]", "parameters: [{name: te.xt}]", "te.xt", "bad-item-name"),
    ("globalName: rows", "globalName: my.rows", 'like "my.rows"', "bad-item-name"),
    ("valueFrom: {path: /tmp/rows}", "path: /tmp/rows", "no value", "output-without-value"),
    ("{name: model, path: /out,", "{name: model,", 'artifact "model" has', "output-without-value"),
    ("{name: text, value: a}", "{name: text}", "without a value", "missing-argument"),
]


@pytest.mark.parametrize(("before", "after", "says", "rule"), BROKEN)
def test_what_argo_refuses_of_steps_and_tasks_is_an_error(
    tmp_path: Path, before: str, after: str, says: str, rule: str
) -> None:
    found = findings(tmp_path, changed((before, after), text=FLOW))
    assert [p.severity for p in found if p.rule == rule and says in p.message] == ["error"], found


def test_a_value_of_another_task_needs_that_task_to_come_first(tmp_path: Path) -> None:
    text = flow("IN-TASK", "tasks.one.outputs.result").replace('"x {{tasks', '"{{tasks')
    assert findings(tmp_path, text) == []
    [found] = findings(tmp_path, text.replace("            dependencies: [one]\n", ""))
    assert found.rule == "unknown-task"
    assert '"two" uses what task "one" gives, but does not depend on it' in found.message


TAKEN: list[tuple[str, str, str]] = [
    (SERVE, "  name: server\n", "  name: llama.cpp\n"),
    (SERVE, "  name: server\n", "  name: 4all.v1.2-rc\n"),
    (TRAIN, "  name: trainer\n", "  name: a.b0\n"),
    (TRAIN, "      container:\n", "      plugin: {x: {}}\n      x-ignored:\n"),
    (TRAIN, "      container:\n", "      http: {url: 'https://example.com'}\n      x-ignored:\n"),
    (TRAIN, "  entrypoint: train\n", "  entrypoint: train\n  onExit: train\n"),
    (
        TRAIN,
        "kind: WorkflowTemplate\n",
        "kind: WorkflowTemplate\nMeta: {bulkUpdates: {executions: true}}\n",
    ),
]


@pytest.mark.parametrize(("text", "before", "after"), TAKEN)
def test_what_ai_core_takes_is_no_error(tmp_path: Path, text: str, before: str, after: str) -> None:
    assert [str(p) for p in findings(tmp_path, changed((before, after), text=text))] == []


DROPPED = [
    (TRAIN, "      - name: epochs\n", "      - name: epochs\n        type: string\n"),
    (TRAIN, "{name: dataset, path: /app/data}", "{name: dataset, path: /app/data, kind: dataset}"),
    (TRAIN, "{name: model, path", "{name: model, kind: model, path"),
    (SERVE, "artifacts: [{name: model}]", "artifacts: [{name: model, kind: model}]"),
    (SERVE, "{name: greeting, default", "{name: greeting, type: string, label: Hi, default"),
]


@pytest.mark.parametrize(("text", "before", "after"), DROPPED)
def test_what_parameters_and_artifacts_say_beside_is_nobodys_business(
    tmp_path: Path, text: str, before: str, after: str
) -> None:
    text = changed((before, after), text=text)
    assert [str(p) for p in findings(tmp_path, text)] == []
    assert refusal(text) == ""


@pytest.mark.parametrize(
    "name", ["a..b0", ".abcd", "abcd.", "a.-b0", "Model.v2", "a_b.c", "a.b", "x" * 65]
)
def test_what_kubernetes_or_the_api_refuse_as_a_name_is_an_error(tmp_path: Path, name: str) -> None:
    text = changed(("  name: server\n", f"  name: {name}\n"), text=SERVE)
    [found] = findings(tmp_path, text)
    assert (found.severity, found.rule) == ("error", "bad-executable-id")
    assert "metadata.name" in refusal(text)


def test_a_server_without_parameters_is_a_warning_and_runs_on_the_emulator(tmp_path: Path) -> None:
    for parameters in ("", "    parameters: []\n"):
        before = "    parameters: [{name: greeting, default: hello}]\n"
        text = changed((before, parameters), text=SERVE)
        [found] = findings(tmp_path, text)
        assert (found.severity, found.rule) == ("warning", "serving-without-parameter")
        assert refusal(text) == ""


def test_a_label_with_another_id_than_the_name_is_a_warning(tmp_path: Path) -> None:
    label = "  labels:\n    executables.ai.sap.com/id: {}\n"
    other = changed(("  labels:\n", label.format("my-trainer")), text=TRAIN)
    [found] = findings(tmp_path, other)
    assert (found.severity, found.rule) == ("warning", "other-executable-id")
    assert 'called "trainer" (metadata.name), not "my-trainer"' in found.message
    assert findings(tmp_path, changed(("  labels:\n", label.format("trainer")), text=TRAIN)) == []


MISTAKES: list[tuple[str, str, str]] = [
    ("kind: WorkflowTemplate", "kind: workflowtemplate", "not-a-template"),
    ("kind: WorkflowTemplate", "kind: Workflow", "not-a-template"),
    ("argoproj.io/v1alpha1", "argoproj.io/v1", "bad-api-version"),
    ("apiVersion: argoproj.io/v1alpha1\n", "", "bad-api-version"),
]


@pytest.mark.parametrize(("before", "after", "rule"), MISTAKES)
def test_a_wrong_head_hides_nothing_behind_it(
    tmp_path: Path, before: str, after: str, rule: str
) -> None:
    edits = ((before, after), ("entrypoint: train", "entrypoint: trian"), ("args: [", "args: 1 #"))
    found = findings(tmp_path, changed(*edits, text=TRAIN))
    assert {p.rule for p in found} == {rule, "bad-entrypoint", "bad-args"}


def test_strict_names_stay_strict_in_a_server(tmp_path: Path) -> None:
    for name in (
        "greeting",
        "workflow.name",
        "inputs.parameters.greting",
        "input.parameters.greeting",
        "=inputs.parameters.greeting",
    ):
        text = changed(("docker.io/org/churn:1", f'"a/b:{{{{{name}}}}}"'), text=SERVE)
        [found] = findings(tmp_path, text)
        assert (found.severity, found.rule) == ("error", "unresolved-placeholder")


def test_what_the_corpus_of_names_covers() -> None:
    """Every section of Argo's page is there."""
    names = {name.partition(".")[0] for _, name in VARIABLES if not name.startswith("=")}
    wanted: set[Any] = {"workflow", "steps", "tasks", "inputs", "outputs", "item", "pod", "node"}
    assert names >= wanted | {"retries", "lastRetry", "status", "duration", "exitCode"}


BOUND = {
    "an optional input need not be bound": (
        (
            "{name: dataset, path: /app/data}",
            "{name: dataset, path: /a}, {name: x, path: /x, optional: true}",
        ),
        "",
    ),
    "an optional input of the workflow itself": (
        ("      - name: dataset\n", "      - name: dataset\n      - {name: x, optional: true}\n"),
        "",
    ),
    "a value from elsewhere has a default": (
        (
            "      - name: epochs\n",
            "      - name: epochs\n      - {name: x, valueFrom: {supplied: {}, default: a}}\n",
        ),
        "",
    ),
    "a value that somebody supplies": (
        (
            "      - name: epochs\n",
            "      - name: epochs\n      - {name: x, valueFrom: {event: payload.x}}\n",
        ),
        "",
    ),
    "one of the values that the template lists": (
        ("      - name: epochs\n", '      - {name: epochs, enum: ["3", "30"]}\n'),
        "",
    ),
    "none of the values that the template lists": (
        ("      - name: epochs\n", '      - {name: epochs, enum: ["30", 300]}\n'),
        'binds parameter "epochs" to "3", which must be one of 30, 300 (did you mean "30"?)',
    ),
}


@pytest.mark.parametrize("which", BOUND)
def test_a_configuration_is_held_to_what_argo_asks_of_it(tmp_path: Path, which: str) -> None:
    edit, says = BOUND[which]
    repo = write_repository(tmp_path)
    (repo / "templates" / "train.yaml").write_text(changed(edit, text=TRAIN), encoding="utf-8")
    found = checked(repo)
    assert [says in text for text in found] == ([True] if says else [])


@pytest.mark.parametrize("url", ["S3://bucket/x", "my.store://x", "gs+v1://a/b", "ai://default/x"])
def test_the_url_of_an_artifact_is_what_the_api_document_says(tmp_path: Path, url: str) -> None:
    """The pattern there is not anchored."""
    repo = write_repository(tmp_path, changed(('"ai://default/c"', f'"{url}"')))
    assert checked(repo) == []


def test_a_broken_template_does_not_hide_a_wrong_executable(tmp_path: Path) -> None:
    repo = write_repository(tmp_path, changed(("executable_id: server", "executable_id: srever")))
    text = changed(("argoproj.io/v1alpha1", "argoproj.io/v1"), text=TRAIN)
    (repo / "templates" / "train.yaml").write_text(text, encoding="utf-8")
    found = checked(repo)
    assert any("apiVersion of a WorkflowTemplate must be" in text for text in found)
    assert any('declares the executable "srever" (did you mean "server"?)' in t for t in found)


HEADS = [
    ('ai.sap.com/version: "1.0"', 'ai.sap.com/version: "1.0+b"', "ai.sap.com/version must be"),
    ("  labels:\n", '  labels:\n    team: "ML team"\n', "team must be letters"),
    ("  labels:\n", f"  labels:\n    team: {'x' * 64}\n", "team must be letters"),
    ("  labels:\n", '  labels:\n    "my team!": x\n', 'label key "my team!"'),
    ("  labels:\n", "    my/own/key: x\n  labels:\n", 'annotation key "my/own/key"'),
]


@pytest.mark.parametrize(("before", "after", "says"), HEADS)
def test_what_kubernetes_refuses_as_a_label_is_an_error_and_refused(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    text = changed((before, after), text=TRAIN)
    [found] = findings(tmp_path, text)
    assert (found.severity, found.rule) == ("error", "bad-label")
    assert says in found.message
    assert "that Kubernetes takes" in refusal(text)


def test_labels_of_others_are_nobodys_business(tmp_path: Path) -> None:
    labels = (
        '    scenarios.ai.sap.com/llm: "true"\n    executables.ai.sap.com/name: x\n    empty: ""\n'
    )
    text = changed(("  labels:\n", f"  labels:\n{labels}"), text=TRAIN)
    assert findings(tmp_path, text) == []
    assert refusal(text) == ""


PULLED = [
    (TRAIN, "  entrypoint: train\n", "  imagePullSecrets: [mine]\n  entrypoint: train\n"),
    (TRAIN, "  entrypoint: train\n", "  imagePullSecrets: {name: mine}\n  entrypoint: train\n"),
    (TRAIN, "  entrypoint: train\n", "  imagePullSecrets: [{name: }]\n  entrypoint: train\n"),
    (SERVE, "        minReplicas: 1\n", "        imagePullSecrets: mine\n"),
    (
        TRAIN,
        "  entrypoint: train\n",
        '  podSpecPatch: \'{"imagePullSecrets": [{"name": "<YOURS>"}]}\'\n  entrypoint: train\n',
    ),
    (
        TRAIN,
        "      container:\n",
        "      podSpecPatch: 'imagePullSecrets: [{name: <YOURS>}]'\n      container:\n",
    ),
]


@pytest.mark.parametrize(("text", "before", "after"), PULLED)
def test_pull_secrets_that_no_pod_can_have_are_errors(
    tmp_path: Path, text: str, before: str, after: str
) -> None:
    [found] = findings(tmp_path, changed((before, after), text=text))
    assert (found.severity, found.rule) == ("error", "bad-secret-name")


def test_a_patch_of_pods_may_hold_placeholders_and_names_secrets_too(tmp_path: Path) -> None:
    patch = "  podSpecPatch: |\n    imagePullSecrets: [{name: mine}]\n    priority: {{=1 + 1}}\n"
    text = changed(("  entrypoint: train\n", f"{patch}  entrypoint: train\n"), text=TRAIN)
    assert findings(tmp_path, text) == []
    [template] = read_templates(tmp_path, "templates", HERE)[0]
    assert [key.name for key in template.secrets] == ["mine"]


NUMBERS = [
    (TRAIN, "command: [python, train.py]", "command: [python, 3]"),
    (TRAIN, 'args: ["{{workflow.parameters.epochs}}"]', "args: [--epochs, 3]"),
    (TRAIN, "        image: d", "        env: [{name: A, value: true}]\n        image: d"),
    (SERVE, "            image: d", "            args: [1.5]\n            image: d"),
]


@pytest.mark.parametrize(("text", "before", "after"), NUMBERS)
def test_a_number_where_kubernetes_has_text_is_a_warning(
    tmp_path: Path, text: str, before: str, after: str
) -> None:
    """SAP has one in a sample, so it is no error."""
    [found] = findings(tmp_path, changed((before, after), text=text))
    assert (found.severity, found.rule) == ("warning", "wrong-type")
    assert "put quotes around it" in found.message


UNKNOWN = [
    (TRAIN, "  entrypoint: train\n", "  entrypoint: train\n  owner: me\n"),
    (TRAIN, "      container:\n", "      imagePullSecrets: [{name: mine}]\n      container:\n"),
    (TRAIN, "      container:\n", "      retryStrategy: {limit: 1, wait: 2}\n      container:\n"),
    (TRAIN, "      inputs:\n", "      inputs:\n        files: []\n"),
    (TRAIN, "  arguments:\n", "  arguments:\n    secrets: []\n"),
    (SERVE, "spec:\n", "spec:\n  entrypoint: main\n"),
    (SERVE, "spec:\n", "spec:\n  templates: [{name: x}]\n"),
]


@pytest.mark.parametrize(("text", "before", "after"), UNKNOWN)
def test_a_field_that_nobody_reads_is_a_warning_and_no_refusal(
    tmp_path: Path, text: str, before: str, after: str
) -> None:
    text = text.replace(before, after, 1)
    [found] = findings(tmp_path, text)
    assert (found.severity, found.rule) == ("warning", "mistyped-field")
    assert "is no field here, so it does nothing" in found.message
    assert refusal(text) == ""


TABS = [
    "entrypoint:\ttrain",
    "entrypoint: train\t",
    "entrypoint: train\t# the first",
    '"entrypoint"\t: train',
]


@pytest.mark.parametrize("line", TABS)
def test_a_tab_between_words_is_read_as_by_argo_cd(tmp_path: Path, line: str) -> None:
    text = changed(("  entrypoint: train\n", f"  {line}\n"), text=TRAIN)
    assert findings(tmp_path, text) == []
    [document] = emulator.parse(text, is_json=False)
    assert document["spec"]["entrypoint"] == "train"


def test_a_tab_that_indents_is_still_refused(tmp_path: Path) -> None:
    text = changed(("  entrypoint: train\n", "\tentrypoint: train\n"), text=TRAIN)
    assert [p.rule for p in findings(tmp_path, text)] == ["syntax"]
    with pytest.raises(emulator.TemplateError, match="line"):
        emulator.parse(text, is_json=False)


@pytest.mark.parametrize(("name", "severity"), [("a.json", "error"), ("a.yaml", "warning")])
def test_an_empty_file_is_no_json(tmp_path: Path, name: str, severity: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / name).write_text("", encoding="utf-8")
    _, [found] = read_templates(tmp_path, "templates", HERE)
    assert (found.severity, found.rule) == (severity, "empty-file")


@pytest.mark.parametrize("part", ["labels", "annotations"])
@pytest.mark.parametrize("name", ["inputs.parameters.greting", "workflow.name", "greeting"])
def test_the_emulator_refuses_what_stays_in_labels_and_annotations_of_a_server(
    part: str, name: str
) -> None:
    text = changed(("      labels: |\n", f"      {part}: |\n"), text=SERVE)
    text = changed(("resourcePlan: starter", f'plan: "{{{{{name}}}}}"'), text=text)
    assert name in refusal(text)


FIELDS = [
    (
        TRAIN,
        "  entrypoint: train\n",
        "  entrypoint: train\n  imagePullSecret: []\n",
        "imagePullSecrets",
    ),
    (TRAIN, "  entrypoint: train\n", "  entrypoint: train\n  onexit: train\n", "onExit"),
    (TRAIN, "      container:\n", "      retryStrategies: {}\n      container:\n", "retryStrategy"),
    (TRAIN, "        image: d", "        workingdir: /x\n        image: d", "workingDir"),
    (SERVE, "        minReplicas: 1\n", "        minReplica: 1\n", "minReplicas"),
    (SERVE, "            image: d", "            envform: []\n            image: d", "envFrom"),
]


@pytest.mark.parametrize(("text", "before", "after", "meant"), FIELDS)
def test_a_field_that_is_nearly_one_is_a_warning(
    tmp_path: Path, text: str, before: str, after: str, meant: str
) -> None:
    [found] = findings(tmp_path, changed((before, after), text=text))
    assert (found.severity, found.rule) == ("warning", "mistyped-field")
    assert f'(did you mean "{meant}"?)' in found.message


LEFT = [
    "<YOUR_BUCKET>",
    "<your bucket>",
    "x/YOUR_USER/y",
    "CHANGEME",
    "<DOCKER_USER>",
    "<Enter name>",
]


@pytest.mark.parametrize("text", LEFT)
def test_what_was_to_be_replaced_is_a_warning(tmp_path: Path, text: str) -> None:
    stage = changed(("{epochs: 3}", f'{{epochs: "{text}"}}'))
    repo = write_repository(tmp_path, stage)
    default = changed(("value: 0.10", f'value: "{text}"'), text=TRAIN)
    (repo / "templates" / "train.yaml").write_text(default, encoding="utf-8")
    found = checked(repo)
    assert len(found) == 2 and all("warning: " in line for line in found)
    assert all("was to be replaced by something of yours" in line for line in found)


@pytest.mark.parametrize("text", ["<b>bold</b>", "a < b > c", "<EOF>", "your-org/x", "<html>"])
def test_what_only_looks_like_it_is_fine(tmp_path: Path, text: str) -> None:
    repo = write_repository(tmp_path, changed(("{epochs: 3}", f'{{epochs: "{text}"}}')))
    assert checked(repo) == []


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ("startr", 'no resource plan that AI Core documents (did you mean "starter"?)'),
        ("Starter", '(did you mean "starter"?)'),
        ("infer.xl", "no resource plan that AI Core documents"),
        ("basic.8x", ""),
        ("{{inputs.parameters.greeting}}", ""),
    ],
)
def test_a_resource_plan_that_is_not_documented_is_a_warning(
    tmp_path: Path, plan: str, says: str
) -> None:
    """In both sorts of template; a tenant may have more than SAP documents."""
    server = changed(("resourcePlan: starter", f'resourcePlan: "{plan}"'), text=SERVE)
    own = plan.replace("inputs.parameters.greeting", "workflow.parameters.rate")
    label = f'      metadata: {{labels: {{ai.sap.com/resourcePlan: "{own}"}}}}\n      container:\n'
    run = changed(("      container:\n", label), text=TRAIN)
    for text in (server, run):
        found = findings(tmp_path, text)
        assert [(p.severity, p.rule) for p in found] == (
            [("warning", "unknown-plan")] if says else []
        )
        assert all(says in p.message for p in found)


@pytest.mark.parametrize("inner", ["serving.kserve.io/v1beta2", "serving.kserve.io", "v1"])
def test_the_inner_api_version_of_a_server_is_one_that_sap_documents(
    tmp_path: Path, inner: str
) -> None:
    text = changed(("serving.kserve.io/v1beta1", inner), text=SERVE)
    [found] = findings(tmp_path, text)
    assert (found.severity, found.rule) == ("warning", "bad-api-version")
    older = changed(("serving.kserve.io/v1beta1", "serving.kubeflow.org/v1beta1"), text=SERVE)
    assert findings(tmp_path, older) == []


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside a value."""
    if way:
        yield way
    inside = dict(enumerate(value)) if isinstance(value, list) else value
    for key, inner in inside.items() if isinstance(inside, dict) else ():
        yield from ways(inner, (*way, key))


@pytest.mark.parametrize("text", [FLOW, SERVE], ids=["workflow", "server"])
@pytest.mark.parametrize("wrong", [None, 1, "{{=a[", [], {}, [None], [{"name": None}]], ids=repr)
def test_a_value_of_any_other_type_is_a_finding_and_no_bug(
    tmp_path: Path, text: str, wrong: Any
) -> None:
    document = YAML(typ="safe", pure=True).load(text)
    for way in ways(document):
        spoilt = copy.deepcopy(document)
        place: Any = spoilt
        for key in way[:-1]:
            place = place[key]
        place[way[-1]] = wrong
        untold(tmp_path, json.dumps(spoilt))
        with contextlib.suppress(emulator.TemplateError):
            emulator.read(spoilt)
