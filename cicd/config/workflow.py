"""The spec of a WorkflowTemplate (Argo): what it declares and what AI Core refuses in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from cicd.config.metadata import Declared, check_pod_labels, children, default_of, named
from cicd.config.placeholders import Scope, check_placeholders
from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem

_STEP_OUTPUT = re.compile(r"\.outputs\.artifacts\.([\w.-]+?)\s*\}\}")
_SOURCES = {"s3", "http", "git", "raw", "gcs", "oss", "hdfs", "azure", "artifactory", "from"}
_BODIES = ("container", "script", "steps", "dag", "containerSet", "resource", "suspend", "data")
_WORDS = ("workflow", "pod.name", "node.name", "item", "retries", "lastRetry", "duration", "status")
"""What Argo itself replaces, beside what a workflow declares."""
_LOCAL = ("inputs.parameters.", "inputs.artifacts.", "outputs.", "steps.", "tasks.")


def read_spec(tree: Node) -> tuple[Declared, list[Problem]]:
    """What the workflow takes and gives, and what is wrong with it."""
    problems: list[Problem] = []
    arguments = children(tree.get("spec", "arguments", "parameters"))
    parameters = {
        name: default_of(item, "value", "default")
        for name, item in named(arguments, "a parameter", problems)
    }
    templates = dict(named(children(tree.get("spec", "templates")), "a template", problems))
    if not templates:
        message = "spec.templates is empty: nothing would run"
        problems.append(tree.place_of("spec").problem(f"{message}: add one", "nothing-to-run"))
    problems += _check_entrypoint(tree, templates)
    for name, template in templates.items():
        problems += _check_body(name, template)
        problems += check_pod_labels(template.get("metadata", "labels"))
    inputs = _inputs(tree, templates, problems)
    outputs = _outputs(tree, templates, problems)
    problems += _check_placeholders(tree, parameters)
    return Declared(parameters, inputs, outputs, _inner_inputs(templates)), problems


def _check_placeholders(tree: Node, parameters: Collection[str]) -> Iterator[Problem]:
    """Each template sees its own inputs, outputs and steps; the rest of the spec any of them."""
    everywhere = Scope({"workflow.parameters.": parameters}, _WORDS)
    spec = tree.get("spec")
    entries = spec.value.items() if spec is not None and isinstance(spec.value, dict) else ()
    for key, node in entries:
        if key != "templates":
            yield from check_placeholders(node, everywhere.without(*_LOCAL))
            continue
        for template in children(node):
            yield from check_placeholders(template, _scope_of(template, parameters))


def _scope_of(template: Node, parameters: Collection[str]) -> Scope:
    def names(*path: str) -> set[str]:
        found = (getattr(item.get("name"), "value", None) for item in children(template.get(*path)))
        return {name for name in found if isinstance(name, str)}

    steps = [step for group in children(template.get("steps")) for step in children(group)]
    scope = Scope(
        {
            "workflow.parameters.": parameters,
            "inputs.parameters.": names("inputs", "parameters"),
            "inputs.artifacts.": names("inputs", "artifacts"),
            "outputs.parameters.": names("outputs", "parameters"),
            "outputs.artifacts.": names("outputs", "artifacts"),
            "steps.": {str(getattr(step.get("name"), "value", "")) for step in steps},
            "tasks.": names("dag", "tasks"),
        },
        (*_WORDS, "inputs.parameters", "outputs.result"),
    )
    calls = [*steps, *children(template.get("dag", "tasks"))]
    has_inline = any(call.get("inline") is not None for call in calls)
    return scope.without(*_LOCAL) if has_inline else scope


def _check_entrypoint(tree: Node, templates: dict[str, Node]) -> Iterator[Problem]:
    entrypoint = getattr(tree.get("spec", "entrypoint"), "value", None)
    if entrypoint is None:
        yield tree.place_of("spec").problem(
            "spec.entrypoint is missing: name a template", "bad-entrypoint"
        )
    elif templates and entrypoint not in templates:
        hint = did_you_mean(str(entrypoint), templates)
        message = f'spec.entrypoint "{entrypoint}" is not among spec.templates{hint}'
        yield tree.place_of("spec", "entrypoint").problem(message, "bad-entrypoint")


def _check_body(name: str, template: Node) -> Iterator[Problem]:
    if not any(template.get(body) for body in _BODIES):
        message = f'template "{name}" has nothing to run: container, script, steps or dag'
        yield template.place.problem(message, "nothing-to-run")
    sets = children(template.get("containerSet", "containers"))
    for container in [template.get("container"), *sets]:
        if container is None:
            continue
        yield from _check_list(container, name, "command", is_needed=True)
        yield from _check_list(container, name, "args", is_needed=False)
    script = template.get("script")
    if script is not None:
        yield from _check_list(script, name, "command", is_needed=True)


def _check_list(container: Node, name: str, key: str, *, is_needed: bool) -> Iterator[Problem]:
    node = container.get(key)
    if node is None and not is_needed:
        return
    if node is None or not isinstance(node.value, list) or not node.value:
        says = "the image's own is not used" if is_needed else "leave it out when empty"
        message = f'template "{name}" needs a {key} that is a list: {says}'
        place = container.place_of(key) if node else container.place
        yield place.problem(message, f"bad-{key}")


def _inputs(tree: Node, templates: dict[str, Node], problems: list[Problem]) -> frozenset[str]:
    """Artifacts that a configuration binds: the workflow's own, and those that a template takes
    and nobody passes to it (the first tutorial of AI Core has one in an inner step)."""
    passed = set(_passed(templates))
    found = set()
    for name, item in named(
        children(tree.get("spec", "arguments", "artifacts")), "an input artifact", problems
    ):
        if not item.value.keys() & _SOURCES:
            found.add(name)
    for template, node in templates.items():
        items = children(node.get("inputs", "artifacts"))
        for name, item in named(items, f'an input artifact of template "{template}"', problems):
            if not item.value.keys() & _SOURCES and (template, name) not in passed:
                found.add(name)
    return frozenset(found)


def _passed(templates: dict[str, Node]) -> Iterator[tuple[str, str]]:
    """(template, artifact) for all that one template hands to another."""
    for template in templates.values():
        steps = [step for group in children(template.get("steps")) for step in children(group)]
        for call in [*steps, *children(template.get("dag", "tasks"))]:
            called = str(getattr(call.get("template"), "value", ""))
            for item in children(call.get("arguments", "artifacts")):
                yield called, str(getattr(item.get("name"), "value", ""))


def _inner_inputs(templates: dict[str, Node]) -> frozenset[str]:
    items = [item for t in templates.values() for item in children(t.get("inputs", "artifacts"))]
    return frozenset(name for name, _ in named(items, "", []))


def _outputs(tree: Node, templates: dict[str, Node], problems: list[Problem]) -> frozenset[str]:
    passed_on = set(_passed_on(tree))
    outputs: set[str] = set()
    for template in templates.values():
        items = children(template.get("outputs", "artifacts"))
        for name, item in named(items, "an output artifact", problems):
            problems += _check_output(name, item, is_passed_on=name in passed_on)
            global_name = getattr(item.get("globalName"), "value", None)
            if isinstance(global_name, str):
                outputs |= {global_name} | _registered_name(tree, global_name)
    return frozenset(outputs)


def _registered_name(tree: Node, global_name: str) -> set[str]:
    node = tree.get("metadata", "annotations", f"artifacts.ai.sap.com/{global_name}.name")
    return {node.value} if node is not None and isinstance(node.value, str) else set()


def _passed_on(node: Node) -> Iterator[str]:
    """Names of step outputs that other steps take; those need no global name."""
    if isinstance(node.value, dict | list):
        inner = node.value.values() if isinstance(node.value, dict) else node.value
        for child in inner:
            yield from _passed_on(child)
    elif isinstance(node.value, str):
        yield from _STEP_OUTPUT.findall(node.value)


def _check_output(name: str, item: Node, *, is_passed_on: bool) -> Iterator[Problem]:
    if item.get("globalName") is None:
        if not is_passed_on and item.get("from") is None:
            message = (
                f'output artifact "{name}" has no globalName, so it is never registered: add it'
            )
            yield item.place.problem(message, "output-without-global-name", "warning")
    elif item.get("archive", "none") is None:
        message = f'output artifact "{name}" has no "archive: {{none: {{}}}}", so it becomes a .tgz'
        message += ": add it"
        yield item.place.problem(message, "output-without-archive", "warning")
