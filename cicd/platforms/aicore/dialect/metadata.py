"""What both sorts of template need: a name, labels and annotations, and lists of named items."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from cicd.config.tree import Node, Place, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect import formats
from cicd.values import Key

SCENARIO, VERSION = "scenarios.ai.sap.com/id", "ai.sap.com/version"
_ARTIFACT = "artifacts.ai.sap.com/"
_ARTIFACT_FIELDS = ("kind", "name", "description", "labels", "suffix")
_ARTIFACT_KINDS = ("model", "dataset", "resultset", "other")
_OWN_LABEL = "ext.ai.sap.com/"
EXECUTABLE = "executables.ai.sap.com/id"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
"""What Kubernetes takes as a name; AI Core's pattern for ids allows more, within 4 to 64."""
_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_VALUE = re.compile(f"(?:{_WORD})?")
_KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_WORD}")
"""Of labels and annotations, as Kubernetes takes them; else it takes nothing of the template."""


class Section(msgspec.Struct, frozen=True):
    """A map of ``metadata``: the keys that must be there, and those that may."""

    name: Literal["labels", "annotations"]
    needed: tuple[str, ...]
    possible: tuple[str, ...]

    @property
    def word(self) -> str:
        """``label`` or ``annotation``, as rules and messages call it."""
        return self.name.removesuffix("s")


LABELS = Section("labels", (SCENARIO, VERSION), (EXECUTABLE,))
ANNOTATIONS = Section(
    "annotations",
    ("scenarios.ai.sap.com/name", "executables.ai.sap.com/name"),
    (
        "scenarios.ai.sap.com/description",
        "executables.ai.sap.com/description",
        "executables.ai.sap.com/cascade-update-deployments",
    ),
)
_KNOWN = {key for part in (LABELS, ANNOTATIONS) for key in (*part.needed, *part.possible)}
POD_LABELS = Section("labels", (), ("ai.sap.com/resourcePlan", "ai.sap.com/instanceType"))


class Declared(msgspec.Struct, frozen=True):
    """What a template takes and gives. Parameter -> default, None when it must be bound.

    ``inner``: artifacts that its steps take, whether or not a configuration binds them.
    ``secrets``: those that it names -> where. ``optional``: inputs that need not be bound.
    ``choices``: parameter -> the only values that it may have. ``conditions``: parameter -> each
    ``when`` in which it stands without quotes, and its tag there.
    """

    parameters: Mapping[str, str | None]
    inputs: frozenset[str]
    outputs: frozenset[str] = frozenset()
    inner: frozenset[str] = frozenset()
    secrets: Mapping[Key, str] = {}
    optional: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] = {}
    conditions: Mapping[str, tuple[tuple[str, str], ...]] = {}


def check_metadata(tree: Node) -> list[Problem]:
    """Name, mandatory labels and annotations."""
    problems = [*_check_name(tree)]
    for section, other in ((LABELS, ANNOTATIONS), (ANNOTATIONS, LABELS)):
        node = tree.get("metadata", section.name)
        if node is not None and not isinstance(node.value, dict):
            message = f"metadata.{section.name} must be a map: write one key per line"
            problems.append(node.place.problem(message, "metadata-text"))
            continue
        problems += _check_texts(node)
        mistyped = dict(_mistyped(node, section))
        problems += [_mistyping(node, key, meant, section) for key, meant in mistyped.items()]
        for key in section.needed:
            if key not in mistyped.values():
                problems += _check_needed(tree, section, key, other)
    return problems + list(_check_values(tree))


def _check_name(tree: Node) -> Iterator[Problem]:
    node = tree.get("metadata", "name")
    if node is None or not isinstance(node.value, str) or not node.value:
        message = "metadata.name is missing: it is the executable id"
        yield tree.place_of("metadata").problem(message, "bad-executable-id")
    elif not _NAME.fullmatch(node.value) or not 4 <= len(node.value) <= 64:
        message = f'metadata.name "{node.value}" must be 4 to 64 lower-case letters, digits, '
        message += "hyphens and dots, with a letter or digit at both ends and at each dot"
        yield node.place.problem(message, "bad-executable-id")
    label = tree.get("metadata", "labels", EXECUTABLE)
    if node is not None and label is not None and label.value not in (node.value, "", None):
        message = f'the executable is called "{node.text}" (metadata.name), not "{label.text}": '
        message += "AI Core does not read this label, so nobody may write its value"
        yield label.place.problem(message, "other-executable-id", "warning")


def _check_texts(node: Node | None) -> Iterator[Problem]:
    for key, child in node.value.items() if node is not None else ():
        if not isinstance(child.value, str):
            message = f'{key} must be text: put quotes around it, "{child.text}"'
            yield child.place.problem(message, "metadata-text")


def _mistyped(node: Node | None, section: Section) -> Iterator[tuple[str, str]]:
    """Keys that AI Core does not know, with the known and unused one that they are close to."""
    keys = node.value.keys() if node is not None and isinstance(node.value, dict) else set()
    known = {*section.needed, *section.possible}
    free = {key.lower(): key for key in known - keys}
    for key in keys - known - _KNOWN:  # one of the other map is no slip
        close = difflib.get_close_matches(key.lower(), free, n=1, cutoff=0.85)
        if close and not key.startswith((_OWN_LABEL, _ARTIFACT)):
            yield key, free[close[0]]


def spelling(tree: Node, section: Section, key: str) -> str:
    """How a template writes one of the keys that AI Core knows, also where that is mistyped."""
    node = tree.get("metadata", section.name)
    return next((as_is for as_is, meant in _mistyped(node, section) if meant == key), key)


def _mistyping(node: Node | None, key: str, meant: str, section: Section) -> Problem:
    assert node is not None, "a key was found in it"
    message = f'AI Core does not know the {section.word} "{key}" (did you mean "{meant}"?)'
    severity: Literal["error", "warning"] = "error" if meant in section.needed else "warning"
    return node.place_of(key, key=True).problem(message, f"mistyped-{section.word}", severity)


def check_pod_labels(node: Node | None) -> Iterator[Problem]:
    """Labels of a pod: those that are nearly the ones that choose its resources, and plans that
    are not documented."""
    for key, meant in _mistyped(node, POD_LABELS):
        yield _mistyping(node, key, meant, POD_LABELS)
    plan = node.get("ai.sap.com/resourcePlan") if node is not None else None
    if plan is None or not isinstance(plan.value, str) or not plan.value.isascii():
        return  # a placeholder inside a text has been replaced by what is no letter
    if "{{" not in plan.value and (problem := formats.plan_problem(plan.value)):
        yield plan.place.problem(f'"{plan.value}" {problem}', "unknown-plan", "warning")


def _check_needed(tree: Node, section: Section, key: str, other: Section) -> Iterator[Problem]:
    node = tree.get("metadata", section.name, key)
    if node is not None and node.value not in ("", None):
        return
    rule = f"missing-{section.word}"
    if tree.get("metadata", other.name, key) is not None:
        message = f"{key} must stand under metadata.{section.name}: move it there"
        yield tree.place_of("metadata", other.name, key, key=True).problem(message, rule)
        return
    place = tree.place_of("metadata", section.name, key=True)
    yield place.problem(f"metadata.{section.name} needs {key}: add it", rule)


def _check_values(tree: Node) -> Iterator[Problem]:
    says = "must be letters, digits, dots, hyphens, underscores, 63 at most"
    for section in (LABELS, ANNOTATIONS):
        for key, place in _keys(tree, section):
            if not _KEY.fullmatch(key):
                message = f'the {section.word} key "{key}", after a domain and a slash, {says}'
                yield place.problem(message, "bad-label")
    for key, _ in _keys(tree, LABELS):
        node = tree.get("metadata", "labels", key)
        if node is None or not isinstance(node.value, str) or not node.value:
            continue
        if not _LABEL_VALUE.fullmatch(node.value):
            message = f"{key} {says}, with a letter or digit at both ends"
            yield node.place.problem(message, "bad-label")
        elif key == SCENARIO and not re.match(formats.ID, node.value):
            yield node.place.problem(f"{key} must have 4 to 64 characters", "bad-label")


def _keys(tree: Node, section: Section) -> Iterator[tuple[str, Place]]:
    node = tree.get("metadata", section.name)
    for key, child in node.value.items() if node and isinstance(node.value, dict) else ():
        yield str(key), child.key_place or child.place


def check_artifact_annotations(tree: Node, declared: Declared) -> Iterator[Problem]:
    """``artifacts.ai.sap.com/NAME.FIELD`` must speak of an artifact that there is."""
    node = tree.get("metadata", "annotations")
    names = declared.inputs | declared.outputs | declared.inner
    for key, child in node.value.items() if node and isinstance(node.value, dict) else ():
        if not key.startswith(_ARTIFACT):
            continue
        name, _, field = key.removeprefix(_ARTIFACT).rpartition(".")
        place = child.key_place or child.place
        rule = "artifact-annotation"
        if field not in _ARTIFACT_FIELDS:
            hint = did_you_mean(field, _ARTIFACT_FIELDS)
            message = f"{key} must end in .{', .'.join(_ARTIFACT_FIELDS)}{hint}"
            yield place.problem(message, rule, "warning")
        elif name not in names:
            message = f'{key}: the template has no artifact "{name}"{did_you_mean(name, names)}'
            yield place.problem(message, rule, "warning")
        elif field == "kind" and child.value not in _ARTIFACT_KINDS:
            hint = did_you_mean(str(child.value), _ARTIFACT_KINDS)
            message = f"{key} must be one of {', '.join(_ARTIFACT_KINDS)}{hint}"
            yield child.place.problem(message, rule)


def children(node: Node | None) -> list[Node]:
    """The items of a list, none where there is no list."""
    return node.value if node is not None and isinstance(node.value, list) else []


def text_of(node: Node, *path: str) -> str:
    """The text at that path, empty where there is none."""
    value = getattr(node.get(*path), "value", None)
    return value if isinstance(value, str) else ""


def is_given(node: Node | None) -> bool:
    """Whether there is more than an empty text or list."""
    return node is not None and node.value not in (None, "", [])


def named(items: Iterable[Node], what: str, problems: list[Problem]) -> Iterator[tuple[str, Node]]:
    """The items that have a name; a problem for each that has none or the same as another."""
    seen: set[str] = set()
    for item in items:
        name = getattr(item.get("name"), "value", None)
        if not isinstance(name, str) or not name:
            problems.append(item.place.problem(f"{what} without a name: add one", "unnamed-item"))
            continue
        if name in seen:
            message = f'{what} "{name}" is declared twice: rename one'
            problems.append(item.place_of("name").problem(message, "duplicate-item"))
        seen.add(name)
        yield name, item


def default_of(parameter: Node, *keys: str) -> str | None:
    """The text of the first of these keys that is there."""
    for key in keys:
        node = parameter.get(key)
        if node is not None and node.is_leaf and node.value is not None:
            return node.value if isinstance(node.value, str) else node.text
    return None
