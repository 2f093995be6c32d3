"""What ``{{…}}`` may name in each part of a workflow: Argo's variables, and what is declared.

Source: Argo Workflows 3.5, docs/variables.md and workflow/validate/validate.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cicd.config.metadata import children, text_of
from cicd.config.placeholders import Scope, check_placeholders
from cicd.config.tree import Node
from cicd.config.workflow_calls import calls_of
from cicd.errors import Problem

_WORKFLOW = frozenset(
    f"workflow.{name}"
    for name in (
        "name",
        "uid",
        "namespace",
        "mainEntrypoint",
        "serviceAccountName",
        "priority",
        "status",
        "failures",
        "duration",
        "scheduledTime",
        "creationTimestamp",
        "parameters",
        "parameters.json",
        "labels",
        "labels.json",
        "annotations",
        "annotations.json",
    )
)
_TIMES = frozenset(f"workflow.creationTimestamp.{x}" for x in (*"BbmAadHIMSYypZzL", "s", "RFC3339"))
_LEFT = ("workflow.creationTimestamp", "workflow.scheduledTime", "workflow.duration")
"""Whatever begins so is not refused, and stays as it is where it is none of the above."""
_RUNTIME = (
    "workflow.labels.ai.sap.com/",
    "workflow.labels.executables.ai.sap.com/",
    "workflow.labels.executions.ai.sap.com/",
    "workflow.labels.scenarios.ai.sap.com/",
    "workflow.labels.workflows.argoproj.io/",
)
"""Labels that AI Core and Argo themselves give a run."""
_ANYWHERE = frozenset({"node.name", "steps.name", "tasks.name"})
_REPEATED = frozenset(
    {"retries", *(f"lastRetry.{x}" for x in ("exitCode", "status", "duration", "message"))}
)
_METRICS = frozenset(
    {
        "status",
        "duration",
        "exitCode",
        "outputs.result",
        "resourcesDuration.cpu",
        "resourcesDuration.memory",
    }
)
_NODE = ("id", "ip", "status", "exitCode", "startedAt", "finishedAt", "hostNodeName")
_LOCAL = ("inputs.", "outputs.", "steps.", "tasks.", "item.", "pod.")
_PODS = ("container", "script", "containerSet", "resource", "data")
_LOOPS = ("withItems", "withParam", "withSequence")


def check_names(tree: Node) -> Iterator[Problem]:
    """A problem for each ``{{…}}`` in a workflow that leads to nothing."""
    spec = tree.get("spec")
    if spec is None or not isinstance(spec.value, dict):
        return
    templates = {text_of(item, "name"): item for item in children(spec.get("templates"))}
    everywhere = _global_scope(spec, templates).with_names(_labels(tree))
    retried = _REPEATED if _has_retries(spec) else frozenset[str]()
    for key, node in spec.value.items():
        if key == "templates":
            for template in children(node):
                yield from _check_template(template, everywhere.with_names(retried), templates)
        else:  # of defaults, hooks and metrics nobody knows which template they will be about
            known = {*_METRICS, *_REPEATED, "item"}
            yield from check_placeholders(node, everywhere.with_names(known, *_LOCAL))


def _global_scope(spec: Node, templates: Mapping[str, Node]) -> Scope:
    parameters = {text_of(item, "name") for item in children(spec.get("arguments", "parameters"))}
    known = {f"workflow.parameters.{name}" for name in parameters}
    prefixes = list(_RUNTIME)
    for part in ("parameters", "artifacts"):
        for template in templates.values():
            for item in children(template.get("outputs", part)):
                name = text_of(item, "globalName")
                if "{{" in name:
                    prefixes.append(f"workflow.outputs.{part}.")
                elif name:
                    known.add(f"workflow.outputs.{part}.{name}")
    return Scope(_WORKFLOW | _TIMES | _ANYWHERE | known, tuple(prefixes), left=_LEFT)


def _labels(tree: Node) -> set[str]:
    """Labels and annotations of the template, and those that a run gets on top."""
    places = [
        (part, tree.get(*where, key))
        for part in ("labels", "annotations")
        for where in (("metadata",), ("spec", "workflowMetadata"))
        for key in (part, f"{part}From")
    ]
    return {
        f"workflow.{part}.{name}"
        for part, node in places
        if node is not None and isinstance(node.value, dict)
        for name in node.value
    }


def _has_retries(spec: Node) -> bool:
    """Whether every template is repeated, wherever that is said."""
    defaults = spec.get("templateDefaults", "retryStrategy")
    return spec.get("retryStrategy") is not None or defaults is not None


def _check_template(
    template: Node, everywhere: Scope, templates: Mapping[str, Node]
) -> Iterator[Problem]:
    if not isinstance(template.value, dict):
        return
    scope = everywhere.with_names(_own_names(template) | _call_names(template, templates))
    scope = scope.with_names((), *_open_calls(template, templates))
    for key, node in template.value.items():
        if key == "metrics":
            yield from check_placeholders(node, scope.with_names(_METRICS))
        elif key == "steps":
            yield from _check_steps(children(node), scope)
        elif key == "dag":
            for call in children(node.get("tasks")):
                yield from check_placeholders(call, _scope_of_call(call, scope))
        else:
            yield from check_placeholders(node, scope)


def _check_steps(groups: Sequence[Node], scope: Scope) -> Iterator[Problem]:
    """Groups run one after the other: nothing is known of those to come."""
    for index, group in enumerate(groups):
        later = [step for other in groups[index + 1 :] for step in children(other) or [other]]
        prefixes = tuple(f"steps.{text_of(step, 'name')}." for step in later)
        known = frozenset(name for name in scope.known if not name.startswith(prefixes))
        opened = tuple(prefix for prefix in scope.open if prefix not in prefixes)
        for call in children(group) or [group]:
            narrower = replace(scope, known=known, open=opened)
            yield from check_placeholders(call, _scope_of_call(call, narrower))


def _scope_of_call(call: Node, scope: Scope) -> Scope:
    if any(call.get(loop) is not None for loop in _LOOPS):
        scope = scope.with_names({"item"}, "item.")
    if call.get("inline") is not None:
        scope = scope.with_names(_METRICS | _REPEATED, *_LOCAL)
    return scope


def _own_names(template: Node) -> frozenset[str]:
    """What a template takes and gives, and what it knows of itself."""
    names = {"inputs.parameters"}
    for part in (
        "inputs.parameters",
        "inputs.artifacts",
        "outputs.parameters",
        "outputs.artifacts",
    ):
        for item in children(template.get(*part.split("."))):
            name = f"{part}.{text_of(item, 'name')}"
            names |= {name, f"{name}.path"}
    if any(template.get(body) is not None for body in _PODS):
        names.add("pod.name")
    return frozenset(names) | (_REPEATED if template.get("retryStrategy") else frozenset())


def _call_names(template: Node, templates: Mapping[str, Node]) -> frozenset[str]:
    """All that the steps and tasks of a template hand on."""
    names: set[str] = set()
    for prefix, call in calls_of(template):
        start = f"{prefix}{text_of(call, 'name')}"
        called = templates.get(text_of(call, "template"))
        names |= {f"{start}.{word}" for word in _NODE}
        names |= {f"{start}.outputs.result", f"{start}.outputs.parameters"}
        for part in ("parameters", "artifacts") if called else ():
            items = children(called.get("outputs", part)) if called else []
            names |= {f"{start}.outputs.{part}.{text_of(item, 'name')}" for item in items}
    return frozenset(names)


def _open_calls(template: Node, templates: Mapping[str, Node]) -> Iterator[str]:
    """The steps and tasks of which nobody here knows what they hand on."""
    for prefix, call in calls_of(template):
        if text_of(call, "template") not in templates:
            yield f"{prefix}{text_of(call, 'name')}."
