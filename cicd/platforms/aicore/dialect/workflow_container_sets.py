"""``containerSet``: several containers in one pod, some after others.

Source: Argo Workflows 3.5, container_set_template_types.go (``Validate``) and validate.go.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator

from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, named, text_of

_MAIN = "main"
_TAKEN = (("inputs", "artifacts"), ("outputs", "parameters"), ("outputs", "artifacts"))
_RULE = "bad-container-set"


def check_container_set(template: Node) -> Iterator[Problem]:
    """Names, places and dependencies of its containers, and which of them has outputs."""
    found = template.get("containerSet")
    if found is None or not isinstance(found.value, dict):
        return
    containers = children(found.get("containers"))
    if not containers:
        message = "a containerSet needs at least one container: add one"
        yield found.place_of("containers").problem(message, _RULE)
        return
    problems: list[Problem] = []
    names = dict(named(containers, "a container of the set", problems))
    yield from problems
    yield from _check_dependencies(names)
    yield from _check_mounts(found)
    taken = [item for part, sort in _TAKEN for item in children(template.get(part, sort))]
    if taken and _MAIN not in names:
        message = f'inputs and outputs of a containerSet are those of its container "{_MAIN}", and '
        yield found.place_of("containers", key=True).problem(f"{message}none is called so", _RULE)


def _check_dependencies(names: dict[str, Node]) -> Iterator[Problem]:
    waits: dict[str, list[str]] = {}
    for name, container in names.items():
        others = children(container.get("dependencies"))
        waits[name] = [other.text for other in others if other.text in names]
        for other in others:
            if other.text not in names:
                message = f'the container "{name}" waits for "{other.text}", which the set does not'
                hint = did_you_mean(other.text, names)
                yield other.place.problem(f"{message} have{hint}", _RULE)
    try:
        tuple(graphlib.TopologicalSorter(waits).static_order())
    except graphlib.CycleError as error:
        way = " -> ".join(reversed(error.args[1]))
        place = names[error.args[1][0]].place
        yield place.problem(f"these containers wait for each other: {way}", _RULE)


def _check_mounts(found: Node) -> Iterator[Problem]:
    seen: set[str] = set()
    for mount in children(found.get("volumeMounts")):
        place = text_of(mount, "mountPath")
        if place in seen:
            message = f'"{place}" is the place of two volumes of the containerSet: move one'
            yield mount.place_of("mountPath").problem(message, _RULE)
        seen.add(place)
