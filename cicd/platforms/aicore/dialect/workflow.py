"""The spec of a WorkflowTemplate (Argo): what it declares and what AI Core refuses in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import (
    Declared,
    check_pod_labels,
    children,
    default_of,
    named,
    text_of,
)
from cicd.platforms.aicore.dialect.template_secrets import (
    check_image,
    check_secret_names,
    needed_secrets,
)
from cicd.platforms.aicore.dialect.workflow_calls import calls_of, check_calls, with_inline
from cicd.platforms.aicore.dialect.workflow_items import check_items
from cicd.platforms.aicore.dialect.workflow_names import check_names
from cicd.platforms.aicore.dialect.workflow_when import check_conditions, conditions_of

_STEP_OUTPUT = re.compile(r"\.outputs\.artifacts\.([\w.-]+?)\s*\}\}")
_SOURCES = {"s3", "http", "git", "raw", "gcs", "oss", "hdfs", "azure", "artifactory", "from"}
_BODIES = (
    "container",
    "script",
    "steps",
    "dag",
    "containerSet",
    "resource",
    "suspend",
    "data",
    "http",
    "plugin",
)
_CONTAINERS = (
    ("container",),
    ("script",),
    ("containerSet", "containers"),
    ("initContainers",),
    ("sidecars",),
)


def read_spec(tree: Node) -> tuple[Declared, list[Problem]]:
    """What the workflow takes and gives, and what is wrong with it."""
    problems: list[Problem] = []
    arguments = children(tree.get("spec", "arguments", "parameters"))
    declared = dict(named(arguments, "a parameter", problems))
    parameters = {name: _default_of(item) for name, item in declared.items()}
    choices = {name: found for name, item in declared.items() if (found := _choices_of(item))}
    templates = dict(named(children(tree.get("spec", "templates")), "a template", problems))
    is_elsewhere = tree.get("spec", "workflowTemplateRef") is not None
    if not templates and not is_elsewhere:
        message = "spec.templates is empty: nothing would run"
        problems.append(tree.place_of("spec").problem(f"{message}: add one", "nothing-to-run"))
    problems += () if is_elsewhere else _check_entrypoint(tree, templates)
    if templates and is_elsewhere:
        message = "templates do not go with workflowTemplateRef: keep one"
        place = tree.place_of("spec", "workflowTemplateRef", key=True)
        problems.append(place.problem(message, "misplaced-field"))
    defaults = tree.get("spec", "templateDefaults")
    for name, template in with_inline(templates.items()):
        problems += _check_body(name, template, defaults)
        problems += check_pod_labels(template.get("metadata", "labels"))
    inputs, optional = _inputs(tree, templates, problems)
    outputs = _outputs(tree, templates, problems)
    problems += check_calls(tree, templates)
    problems += check_items(tree, templates)
    problems += check_names(tree)
    problems += check_conditions(tree, templates)
    spec = tree.get("spec")
    secrets = needed_secrets(spec) if spec is not None else {}
    problems += check_secret_names(spec) if spec is not None else ()
    inner = _inner_inputs(templates)
    declared_here = Declared(
        parameters=parameters,
        inputs=inputs,
        outputs=outputs,
        inner=inner,
        secrets=secrets,
        optional=optional,
        choices=choices,
        conditions=conditions_of(templates),
    )
    return declared_here, problems


def _default_of(parameter: Node) -> str | None:
    """What a parameter has without being bound; from a config map it is not known here."""
    source = parameter.get("valueFrom")
    found = default_of(parameter, "value", "default")
    if found is None and source is not None:
        found = default_of(source, "default") or ""
    return found


def _choices_of(parameter: Node) -> tuple[str, ...]:
    found = children(parameter.get("enum"))
    return tuple(c.value if isinstance(c.value, str) else c.text for c in found if c.is_leaf)


def _check_entrypoint(tree: Node, templates: dict[str, Node]) -> Iterator[Problem]:
    entrypoint = tree.get("spec", "entrypoint")
    if entrypoint is None or entrypoint.value is None:
        yield tree.place_of("spec").problem(
            "spec.entrypoint is missing: name a template", "bad-entrypoint"
        )
    elif templates and text_of(entrypoint) not in templates:
        hint = did_you_mean(entrypoint.text, templates)
        message = f'spec.entrypoint "{entrypoint.text}" is not among spec.templates{hint}'
        yield tree.place_of("spec", "entrypoint").problem(message, "bad-entrypoint")


def _check_body(name: str, template: Node, defaults: Node | None) -> Iterator[Problem]:
    """Exactly one thing to run; in which every container has a command."""
    bodies = [body for body in _BODIES if _is_given(template.get(body))]
    if len(bodies) > 1:
        message = (
            f'template "{name}" has {" and ".join(bodies)}: keep one, or make it two templates'
        )
        yield template.place_of(bodies[1], key=True).problem(message, "nothing-to-run")
    elif not bodies and not any(_is_given(defaults and defaults.get(body)) for body in _BODIES):
        message = f'template "{name}" has nothing to run: container, script, steps or dag'
        yield template.place.problem(message, "nothing-to-run")
    for where in _CONTAINERS:
        node = template.get(*where)
        alone = [node] if node is not None and node.value is not None else []
        for container in children(node) or alone:
            has_default = bool(defaults and defaults.get(*where, "command"))
            yield from _check_list(container, name, "command", is_needed=not has_default)
            is_given = bool(defaults and defaults.get(*where, "image"))
            yield from check_image(f'template "{name}"', container, has_default=is_given)
            yield from _check_list(container, name, "args", is_needed=False)


def _is_given(node: Node | None) -> bool:
    return node is not None and node.value is not None


def _check_list(container: Node, name: str, key: str, *, is_needed: bool) -> Iterator[Problem]:
    node = container.get(key)
    if node is None and not is_needed:
        return
    if node is None or not isinstance(node.value, list) or not node.value:
        says = "the image's own is not used" if is_needed else "leave it out when empty"
        message = f'template "{name}" needs a {key} that is a list: {says}'
        place = container.place_of(key) if node else container.place
        yield place.problem(message, f"bad-{key}")


def _inputs(
    tree: Node, templates: dict[str, Node], problems: list[Problem]
) -> tuple[frozenset[str], frozenset[str]]:
    """Artifacts that a configuration binds, and those of them that it need not: the workflow's
    own, and those that a template takes and nobody passes to it (the first tutorial of AI Core has
    one in an inner step)."""
    passed = set(_passed(templates))
    found: dict[str, bool] = {}
    own = children(tree.get("spec", "arguments", "artifacts"))
    for name, item in named(own, "an input artifact", problems):
        if not item.value.keys() & _SOURCES:
            found[name] = _is_optional(item)
    for template, node in templates.items():
        items = children(node.get("inputs", "artifacts"))
        for name, item in named(items, f'an input artifact of template "{template}"', problems):
            if not item.value.keys() & _SOURCES and (template, name) not in passed:
                found[name] = _is_optional(item)
    return frozenset(found), frozenset(name for name, is_optional in found.items() if is_optional)


def _is_optional(artifact: Node) -> bool:
    node = artifact.get("optional")
    return node is not None and node.value is True


def _passed(templates: dict[str, Node]) -> Iterator[tuple[str, str]]:
    """(template, artifact) for all that one template hands to another."""
    for template in templates.values():
        for _, call in calls_of(template):
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
