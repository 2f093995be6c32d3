"""The spec of a ServingTemplate (KServe): what it declares and what AI Core refuses in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd.config.files import yaml_trees
from cicd.config.metadata import Declared, check_placeholders, children, default_of, named
from cicd.config.tree import Node
from cicd.errors import InvalidStage, Problem

_ANY = re.compile(r"\{\{[^{}]*\}\}")
_PARAMETER = re.compile(r"\{\{\s*inputs\.parameters\.([\w-]+)\s*\}\}")
_ARTIFACT = re.compile(r"\{\{\s*inputs\.artifacts\.([\w-]+)\s*\}\}")


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
    problems += check_placeholders(tree, _PARAMETER, parameters, "the parameter in spec.inputs")
    problems += check_placeholders(tree, _ARTIFACT, inputs, "the artifact in spec.inputs")
    problems += _check_predictor(tree)
    return Declared(parameters, inputs), problems


def _check_names(
    tree: Node, parameters: dict[str, str | None], inputs: frozenset[str]
) -> Iterator[Problem]:
    if not parameters:
        message = "a ServingTemplate needs at least one input parameter, else AI Core ignores it"
        yield tree.place_of("spec", "inputs").problem(message, "template")
    for section, names in (("parameters", parameters), ("artifacts", inputs)):
        for item in children(tree.get("spec", "inputs", section)):
            name = getattr(item.get("name"), "value", None)
            if name in names and "-" in str(name):
                message = f'"{name}" must not contain a hyphen in a ServingTemplate'
                yield item.place_of("name").problem(message, "template")


def _check_predictor(tree: Node) -> Iterator[Problem]:
    inner = ("spec", "template")
    for part in (("metadata", "labels"), ("metadata", "annotations")):
        if tree.get(*inner, *part) is not None:
            _, problems = _inner_tree(tree, *inner, *part)
            yield from problems
    spec, problems = _inner_tree(tree, *inner, "spec")
    yield from problems
    if spec is None:
        return
    place = tree.place_of(*inner, "spec")
    containers = children(spec.get("predictor", "containers"))
    if spec.get("predictor") is None:
        yield place.problem("spec.template.spec needs a predictor", "template")
    elif not containers:
        yield place.problem("the predictor has no containers", "template")
    elif not any(
        _name(container) in {"kserve-container", "kfserving-container"} for container in containers
    ):
        message = 'no container is called "kserve-container"'
        yield place.problem(message, "template", "warning")


def _name(container: Node) -> str:
    return str(getattr(container.get("name"), "value", ""))


def _inner_tree(tree: Node, *path: str) -> tuple[Node | None, list[Problem]]:
    """YAML inside a text. Its lines count from the line after the key, as in ``spec: |``."""
    node = tree.get(*path)
    dotted = ".".join(path)
    if node is None or not isinstance(node.value, str) or not node.value.strip():
        message = f"{dotted} must be text (write it as a block: {path[-1]}: |)"
        return None, [tree.place_of(*path).problem(message, "template")]
    try:
        # a placeholder may stand for a number, and as itself it is not even YAML
        found = yaml_trees(_ANY.sub(lambda match: "x" * len(match[0]), node.value), "")
    except InvalidStage as error:
        first = error.problems[0]
        message = f"{dotted}, line {first.line}: {first.message}"
        return None, [node.place.problem(message, "template")]
    if len(found) != 1 or not isinstance(found[0].value, dict):
        return None, [node.place.problem(f"{dotted} must hold a YAML map", "template")]
    return found[0], []
