"""What goes with the kind of a template, and what only with others: places, outputs, containers.

Source: Argo Workflows 3.5, workflow/validate/validate.go (``validateLeaf``, ``validateNonLeaf``,
``validateInputs``, ``validateOutputs``); Kubernetes for the names of containers.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cicd.config.tree import Node
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, is_given, text_of
from cicd.platforms.aicore.dialect.workflow_arguments import OUTPUT_SOURCES

_CONTAINERS = ("container", "script", "containerSet")
_LEAVES = (*_CONTAINERS, "resource", "data", "http", "plugin")
_GROUPS = ("steps", "dag")
_CONTAINER = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_OWN = ("init", "main", "wait")
"""Containers that Argo itself puts into every pod."""


def check_kind(template: Node) -> Iterator[Problem]:
    """All that depends on whether a template runs a container, or others."""
    is_leaf = any(template.get(body) is not None for body in _LEAVES)
    is_group = any(template.get(body) is not None for body in _GROUPS)
    yield from _check_fields(template, is_leaf=is_leaf, is_group=is_group)
    yield from check_parallelism(template)
    yield from _check_artifacts(template, is_leaf=is_leaf)
    yield from _check_containers(template)
    yield from _check_parameters(template, _sources(template))
    if any(template.get(body) is not None for body in (*_CONTAINERS, *_GROUPS)):
        yield from _check_output_artifacts(template, is_group=is_group)


def _check_fields(template: Node, *, is_leaf: bool, is_group: bool) -> Iterator[Problem]:
    wrong = {
        "parallelism": not is_group,
        "activeDeadlineSeconds": is_group,
        "timeout": not is_leaf,
    }
    for key, is_wrong in wrong.items():
        if is_wrong and is_given(template.get(key)):
            where = "steps and dag" if key == "parallelism" else "templates that run a container"
            message = f"{key} goes only with {where}: take it out"
            yield template.place_of(key, key=True).problem(message, "misplaced-field")


def check_parallelism(holder: Node) -> Iterator[Problem]:
    """Where nothing may run at once nothing ever runs."""
    bound = holder.get("parallelism")
    if bound is not None and isinstance(bound.value, int) and bound.value < 1:
        message = f"parallelism {bound.text} lets nothing run: at least 1"
        yield bound.place.problem(message, "bad-parallelism")


def _check_artifacts(template: Node, *, is_leaf: bool) -> Iterator[Problem]:
    for part in ("inputs", "outputs"):
        for item in children(template.get(part, "artifacts")):
            path, name = item.get("path"), text_of(item, "name")
            who = f'the artifact "{name}"'
            if part == "inputs" and is_given(item.get("from")):
                message = f"{who} is an input, and only who passes one says from: take it out"
                yield item.place_of("from", key=True).problem(message, "misplaced-field")
            if path is None or not is_given(path):
                if is_leaf and part == "inputs":
                    yield item.place.problem(f"{who} has no path: add it", "bad-artifact-path")
            elif not is_leaf:
                message = f"{who} has a path, and no container runs here: take it out"
                yield item.place_of("path", key=True).problem(message, "misplaced-field")
            elif _climbs_out(path.text):
                message = f'{who} has the path "{path.text}", which leads out of its folder'
                yield path.place.problem(message, "bad-artifact-path")
            yield from _check_git(item, who)
    store = template.get("archiveLocation")
    yield from _check_git(store, "archiveLocation") if store is not None else ()


def _check_git(holder: Node, who: str) -> Iterator[Problem]:
    if holder.get("git") is not None and not is_given(holder.get("git", "repo")):
        yield holder.place_of("git").problem(f"{who} has no git.repo", "bad-artifact-path")


def _climbs_out(path: str) -> bool:
    """Whether ``..`` leads out of the folder that stands before it."""
    before, dots, _ = f"{path}/".partition("/../")
    return bool(before and dots) and not posixpath.normpath(path).startswith(f"{before}/")


def _check_containers(template: Node) -> Iterator[Problem]:
    """Containers of one pod: names and places of their own."""
    names = set(_OWN)
    for item in children(template.get("containerSet", "containers")):
        yield from _check_name(item)
    for part in ("initContainers", "sidecars"):
        for item in children(template.get(part)):
            name = text_of(item, "name")
            yield from _check_name(item)
            if not name:
                yield item.place.problem(f"one of the {part} has no name: add one", "unnamed-item")
            elif name in names:
                whose = "Argo gives every pod one" if name in _OWN else "there are two"
                message = f'a container cannot be called "{name}": {whose}, rename it'
                yield item.place_of("name").problem(message, "duplicate-item")
            names.add(name)
    inputs = [(item, "path") for item in children(template.get("inputs", "artifacts"))]
    for body in ("container", "script"):
        if template.get(body) is None:
            continue
        mounts = [(item, "mountPath") for item in children(template.get(body, "volumeMounts"))]
        seen: set[str] = set()
        for item, key in [*mounts, *inputs]:
            place = text_of(item, key)
            if place and place in seen:
                message = f'"{place}" is the place of two volumes or input artifacts: move one'
                yield item.place_of(key).problem(message, "bad-artifact-path")
            seen.add(place)


def _check_name(container: Node) -> Iterator[Problem]:
    name = text_of(container, "name")
    if name and not _CONTAINER.fullmatch(name):
        message = f'no container can be called "{name}": small letters, digits, hyphens, 63 at most'
        yield container.place_of("name").problem(message, "bad-item-name")


def _sources(template: Node) -> tuple[str, ...]:
    """Where the values of its output parameters can come from, as its kind has it."""
    kinds = {
        ("path",): _CONTAINERS,
        ("parameter", "expression"): _GROUPS,
        ("jqFilter", "jsonPath"): ("resource",),
    }
    for sources, bodies in kinds.items():
        if any(template.get(body) is not None for body in bodies):
            return sources
    return (*OUTPUT_SOURCES, "supplied")


def _check_parameters(template: Node, wanted: tuple[str, ...]) -> Iterator[Problem]:
    """An output parameter has one value, or one place where it comes from."""
    cure = " or ".join(f"valueFrom.{key}" for key in wanted)
    for item in children(template.get("outputs", "parameters")):
        who = f'the output parameter "{text_of(item, "name")}"'
        source = item.get("valueFrom")
        keys = [key for key in OUTPUT_SOURCES if source is not None and is_given(source.get(key))]
        keys += ["supplied"] if source is not None and source.get("supplied") is not None else []
        has_value = item.get("value") is not None
        if source is None and has_value:
            continue
        if has_value or len(keys) > 1:
            more = ("value", "valueFrom") if has_value else tuple(keys)
            message = f"{who} has {' and '.join(more)}: keep {cure}"
            yield item.place.problem(message, "output-without-value")
        elif not set(keys) & set(wanted):
            message = f"{who} has no value: give it {cure}"
            yield item.place.problem(message, "output-without-value")


def _check_output_artifacts(template: Node, *, is_group: bool) -> Iterator[Problem]:
    keys = ("from", "fromExpression") if is_group else ("path",)
    for item in children(template.get("outputs", "artifacts")):
        if not any(item.get(key) is not None for key in keys):
            message = f'the output artifact "{text_of(item, "name")}" has no {keys[0]}: add it'
            yield item.place.problem(message, "output-without-value")
