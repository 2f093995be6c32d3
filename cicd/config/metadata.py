"""What both sorts of template need: labels and annotations, declared parameters, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cicd.config import formats
from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem

LABELS = ("scenarios.ai.sap.com/id", "ai.sap.com/version")
ANNOTATIONS = ("scenarios.ai.sap.com/name", "executables.ai.sap.com/name")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)")


@dataclass(frozen=True)
class Declared:
    """What a template takes and gives. Parameter -> default, None when it must be bound."""

    parameters: Mapping[str, str | None]
    inputs: frozenset[str]
    outputs: frozenset[str] = frozenset()


def check_metadata(tree: Node) -> list[Problem]:
    """Name, mandatory labels and annotations; rule ``identity`` where nothing can refer to it."""
    problems = [*_check_name(tree)]
    for section, required in (("labels", LABELS), ("annotations", ANNOTATIONS)):
        problems += _check_texts(tree, section)
        for key in required:
            problems += _check_required(tree, section, key)
    return problems


def _check_name(tree: Node) -> Iterator[Problem]:
    node = tree.get("metadata", "name")
    if node is None or not isinstance(node.value, str) or not node.value:
        yield tree.place_of("metadata").problem("metadata.name is missing", "identity")
    elif not _NAME.fullmatch(node.value) or not 4 <= len(node.value) <= 64:
        message = (
            f'metadata.name "{node.value}" must be 4 to 64 lower-case letters, digits, hyphens'
        )
        yield node.place.problem(message, "template")


def _check_texts(tree: Node, section: str) -> Iterator[Problem]:
    node = tree.get("metadata", section)
    if node is None:
        return
    if not isinstance(node.value, dict):
        yield node.place.problem(f"metadata.{section} must be a map", "template")
        return
    for key, child in node.value.items():
        if not isinstance(child.value, str):
            message = f'{key} must be text: put quotes around it, "{child.text}"'
            yield child.place.problem(message, "template")


def _check_required(tree: Node, section: str, key: str) -> Iterator[Problem]:
    node = tree.get("metadata", section, key)
    rule = "identity" if key == LABELS[0] else "template"
    if node is None or node.value in ("", None):
        near = tree.get("metadata", section)
        known = near.value if near is not None and isinstance(near.value, dict) else {}
        hint = did_you_mean(key, known)
        place = tree.place_of("metadata", section, key=True)
        yield place.problem(f"metadata.{section} needs {key}{hint}", rule)
    elif section == "labels" and not _LABEL_VALUE.fullmatch(str(node.value)):
        message = f"{key} must be letters, digits, dots, hyphens, underscores, 63 at most"
        yield node.place.problem(message, "template")
    elif key == LABELS[0] and not re.match(formats.ID, str(node.value)):
        yield node.place.problem(f"{key} must have 4 to 64 characters", "template")


def children(node: Node | None) -> list[Node]:
    """The items of a list, none where there is no list."""
    return node.value if node is not None and isinstance(node.value, list) else []


def named(items: Iterable[Node], what: str, problems: list[Problem]) -> Iterator[tuple[str, Node]]:
    """The items that have a name; a problem for each that has none or the same as another."""
    seen: set[str] = set()
    for item in items:
        name = getattr(item.get("name"), "value", None)
        if not isinstance(name, str) or not name:
            problems.append(item.place.problem(f"{what} without a name", "template"))
            continue
        if name in seen:
            message = f'{what} "{name}" is declared twice'
            problems.append(item.place_of("name").problem(message, "template"))
        seen.add(name)
        yield name, item


def default_of(parameter: Node, *keys: str) -> str | None:
    """The text of the first of these keys that is there."""
    for key in keys:
        node = parameter.get(key)
        if node is not None and node.is_leaf and node.value is not None:
            return node.value if isinstance(node.value, str) else node.text
    return None


def check_placeholders(
    node: Node, pattern: re.Pattern[str], known: Iterable[str], what: str
) -> Iterator[Problem]:
    """A problem for each placeholder of ``pattern`` whose first group is not ``known``."""
    if isinstance(node.value, dict | list):
        inner = node.value.values() if isinstance(node.value, dict) else node.value
        for child in inner:
            yield from check_placeholders(child, pattern, known, what)
    elif isinstance(node.value, str):
        for match in pattern.finditer(node.value):
            if match[1] not in known:
                message = f"{match[0]} is used, but {what} is not declared"
                yield node.place.problem(f"{message}{did_you_mean(match[1], known)}", "template")
