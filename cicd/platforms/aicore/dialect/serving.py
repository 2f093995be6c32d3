"""The spec of a ServingTemplate (KServe): what it declares and what AI Core refuses in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from cicd.config.files import yaml_trees
from cicd.config.plain_secrets import check_plain_secrets
from cicd.config.tree import Node, Place
from cicd.errors import InvalidStage, Problem
from cicd.platforms.aicore.dialect.metadata import (
    Declared,
    check_pod_labels,
    children,
    default_of,
    named,
    text_of,
)
from cicd.platforms.aicore.dialect.placeholders import FILLER, Scope, check_placeholders
from cicd.platforms.aicore.dialect.template_secrets import (
    check_image,
    check_secret_names,
    needed_secrets,
)
from cicd.platforms.aicore.dialect.workflow_items import check_container, check_fields

_VERSIONS = ("serving.kserve.io/v1beta1", "serving.kubeflow.org/v1beta1")
"""The second one is older, and still in templates that run."""
_FIELDS = (
    "containers imagePullSecrets minReplicas maxReplicas containerConcurrency timeout "
    "terminationGracePeriodSeconds volumes"
)
"""Of the predictor, as SAP documents them."""
_SPEC_FIELDS = "inputs template imagePullSecrets imagePullSecret"
"""Of a ServingTemplate; the last two do nothing, and stand in samples of SAP."""
_ANY = re.compile(r"\{\{[^{}]*\}\}")
_UNQUOTED = re.compile(r"(:\s+)(\{\{[^{}]*\}\}\S*)(?=\s*$)", re.MULTILINE)


def read_spec(tree: Node) -> tuple[Declared, list[Problem]]:
    """What the server takes, and what is wrong with it."""
    problems: list[Problem] = []
    items = children(tree.get("spec", "inputs", "parameters"))
    parameters = {
        name: default_of(item, "default", "value")
        for name, item in named(items, "a parameter", problems)
    }
    items = children(tree.get("spec", "inputs", "artifacts"))
    inputs = frozenset(name for name, _ in named(items, "an input artifact", problems))
    problems += _check_names(tree, parameters, inputs)
    if (spec := tree.get("spec")) is not None:
        problems += check_fields(spec, _SPEC_FIELDS, is_all=True)
        names = {f"inputs.parameters.{name}" for name in parameters}
        names |= {f"inputs.artifacts.{name}" for name in inputs}
        scope = Scope(frozenset(names), is_strict=True)
        problems += check_placeholders(spec, scope)
    predictor, found = _inner_tree(tree, "spec", "template", "spec")
    problems += [*_check_version(tree), *_check_pod_metadata(tree), *found]
    if predictor is None:
        return Declared(parameters, inputs), problems
    problems += _check_predictor(predictor, tree.place_of("spec", "template", "spec"))
    return Declared(parameters, inputs, secrets=needed_secrets(predictor)), problems


def _check_names(
    tree: Node, parameters: dict[str, str | None], inputs: frozenset[str]
) -> Iterator[Problem]:
    if not parameters:
        message = "a ServingTemplate without an input parameter may be ignored by AI Core: "
        place = tree.place_of("spec", "inputs")
        rule = "serving-without-parameter"
        yield place.problem(f"{message}add one with a default", rule, "warning")
    for section, names in (("parameters", parameters), ("artifacts", inputs)):
        for item in children(tree.get("spec", "inputs", section)):
            name = text_of(item, "name")
            if name in names and "-" in name:
                message = f'"{name}" must not contain a hyphen in a ServingTemplate: use _'
                yield item.place_of("name").problem(message, "hyphen-in-serving-key")


def _check_version(tree: Node) -> Iterator[Problem]:
    version = text_of(tree, "spec", "template", "apiVersion")
    if version not in _VERSIONS:
        message = f'apiVersion of a predictor is {_VERSIONS[0]}, not "{version}"'
        place = tree.place_of("spec", "template", "apiVersion")
        yield place.problem(message, "bad-api-version", "warning")


def _check_pod_metadata(tree: Node) -> Iterator[Problem]:
    inner = ("spec", "template", "metadata")
    for part in ("labels", "annotations"):
        if tree.get(*inner, part) is not None:
            found, problems = _inner_tree(tree, *inner, part)
            yield from problems
            if part == "labels":
                yield from check_pod_labels(found)


def _check_predictor(spec: Node, place: Place) -> Iterator[Problem]:
    yield from check_plain_secrets(spec)
    yield from check_secret_names(spec)
    yield from check_fields(spec.get("predictor"), _FIELDS)
    containers = children(spec.get("predictor", "containers"))
    if spec.get("predictor") is None:
        yield place.problem("spec.template.spec needs a predictor: add it", "bad-predictor")
    elif not containers:
        yield place.problem("the predictor has no containers: add one", "bad-predictor")
    elif not any(
        _name(container) in {"kserve-container", "kfserving-container"} for container in containers
    ):
        message = 'no container is called "kserve-container": AI Core would not route to any'
        yield containers[0].place_of("name").problem(message, "bad-predictor", "warning")
    for container in containers:
        yield from check_container(container)
        yield from check_image(f'container "{_name(container)}"', container)


def _name(container: Node) -> str:
    return str(getattr(container.get("name"), "value", ""))


def _inner_tree(tree: Node, *path: str) -> tuple[Node | None, list[Problem]]:
    """YAML inside a text, with places in the file around it; messages count its own lines."""
    node = tree.get(*path)
    dotted = ".".join(path)
    if node is None or not isinstance(node.value, str) or not node.value.strip():
        message = f"{dotted} must be text (write it as a block: {path[-1]}: |)"
        return None, [tree.place_of(*path).problem(message, "bad-predictor")]
    try:
        # a placeholder may stand for a number, and as itself it is not even YAML
        found = yaml_trees(_ANY.sub(lambda match: FILLER * len(match[0]), node.value), "")
    except InvalidStage as error:
        first = error.problems[0]
        message = f"{dotted}, line {first.line}: {first.message}"
        return None, [node.place_at(first.line, first.column).problem(message, "bad-predictor")]
    if len(found) != 1 or not isinstance(found[0].value, dict):
        return None, [node.place.problem(f"{dotted} must hold a YAML map", "bad-predictor")]
    return _moved(found[0], node), []


def texts_under(node: Node, key: str) -> Iterator[str]:
    """Every text that a key has anywhere in a template, also in YAML inside a text; none that is
    just a placeholder."""
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            if name == key and isinstance(child.value, str) and not _ANY.fullmatch(child.value):
                yield child.value
            else:
                yield from texts_under(child, key)
    elif isinstance(node.value, list):
        for child in node.value:
            yield from texts_under(child, key)
    elif isinstance(node.value, str) and f"{key}:" in node.value:
        with suppress(InvalidStage):
            # a placeholder that stands for a number is not even YAML
            for inner in yaml_trees(_UNQUOTED.sub(r'\1"\2"', node.value), ""):
                if isinstance(inner.value, dict):
                    yield from texts_under(inner, key)


def _moved(node: Node, block: Node) -> Node:
    """A tree that was read from a block of text, with its places in the file."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _moved(child, block) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_moved(child, block) for child in value]
    elif isinstance(value, str) and FILLER in value:
        value = _as_written(value, block.value, node.place)

    def moved(place: Place) -> Place:
        return block.place_at(place.line, place.column)

    return Node(
        value,
        moved(node.place),
        node.text,
        moved(node.key_place) if node.key_place else None,
        moved(node.block) if node.block else None,
    )


def _as_written(text: str, block: str, place: Place) -> str:
    """A text that was read at that place of the block, with its placeholders again."""
    first, *rest = block.split("\n")[place.line - 1 :]
    for found in _ANY.findall("\n".join([first[place.column - 1 :], *rest])):
        if FILLER not in text:
            break
        text = text.replace(FILLER * len(found), found, 1)
    return text
