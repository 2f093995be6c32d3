"""``containerSet``: several containers in one pod, some after others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from cicd.emulator.workflow.expr.expressions import Unresolved, substitute
from cicd.emulator.workflow.program import ContainerSet, duration

MAIN = "main"
"""The container of a set that inputs are for and that outputs come from."""
NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,127}")
TAKEN = ("init", "wait")


def read_set(item: Mapping[str, Any]) -> ContainerSet | None:
    """The set of a template; None for any other."""
    source = item.get("containerSet")
    if not source:
        return None
    shared = source.get("volumeMounts") or []
    containers = tuple(
        {**container, "volumeMounts": [*(container.get("volumeMounts") or ()), *shared]}
        for container in source["containers"]
    )
    strategy = source.get("retryStrategy") or {}
    retries = strategy.get("retries")
    return ContainerSet(
        containers=containers,
        tries="" if retries is None else str(retries),
        pause=str(strategy.get("duration") or ""),
    )


def main_of(found: ContainerSet) -> Mapping[str, Any]:
    """The main container; where none is called so, the last one."""
    named = [item for item in found.containers if item["name"] == MAIN]
    return (named or found.containers)[-1]


def retries_of(found: ContainerSet, scope: Mapping[str, str]) -> tuple[int, float]:
    """How often each container of a set is tried, and the seconds between. Raises Unresolved."""
    tries, pause = substitute(found.tries, scope), substitute(found.pause, scope)
    try:
        return int(tries or 1), duration(pause or 0)
    except ValueError as error:
        raise Unresolved(f"containerSet.retryStrategy: {error}") from None


def set_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    """What is wrong with a set as such (ContainerSetTemplate.Validate, validateLeaf)."""
    source = item["containerSet"]
    containers = source.get("containers") or []
    if not containers:
        yield f"{path}.containers: must have at least one container"
    names = [str(container.get("name") or "") for container in containers]
    for index, name in enumerate(names):
        if not NAME.fullmatch(name) or name in TAKEN or name in names[:index]:
            yield f"{path}.containers[{index}].name: {name!r} is no name, used twice, or Argo's own"
    waits = {
        name: [str(other) for other in container.get("dependencies") or ()]
        for name, container in zip(names, containers, strict=True)
    }
    missing = [(name, other) for name, others in waits.items() for other in others]
    missing = [(name, other) for name, other in missing if other not in names]
    for name, other in missing:
        yield f"{path}.containers[{names.index(name)}]: dependency {other!r} not defined"
    try:
        tuple(TopologicalSorter(waits).static_order())
    except CycleError as error:
        cycle = error.args[1]
        first = names.index(cycle[0])
        yield f"{path}.containers[{first}]: wait for each other: {' -> '.join(cycle)}"
    places = [str(mount.get("mountPath")) for mount in source.get("volumeMounts") or ()]
    for index, place in enumerate(places):
        if place in places[:index]:
            yield f"{path}.volumeMounts[{index}].mountPath: {place!r} already mounted"
    outputs = item.get("outputs") or {}
    needs_main = [
        *((item.get("inputs") or {}).get("artifacts") or ()),
        *(outputs.get("parameters") or ()),
        *(outputs.get("artifacts") or ()),
    ]
    if needs_main and MAIN not in names:
        yield f'{path}.containers: must have a container named "main" for input or output'
    yield from _retry_problems(source.get("retryStrategy") or {}, f"{path}.retryStrategy")


def _retry_problems(strategy: Mapping[str, Any], path: str) -> Iterator[str]:
    retries = str(strategy.get("retries") or 0)
    if not retries.isdigit() and "{{" not in retries:
        yield f"{path}.retries: must be a whole number"
    pause = str(strategy.get("duration") or 0)
    try:
        if "{{" not in pause:
            duration(pause)
    except ValueError as error:
        yield f"{path}.duration: {error}"
