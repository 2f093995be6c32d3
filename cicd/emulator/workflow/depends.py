"""When a task of a dag may start: ``depends: "prepare && (train.Failed || check)"``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from cicd.emulator.workflow.conditions import BadCondition, evaluate, operands
from cicd.emulator.workflow.program import Call

PHASES = {
    "": {"Succeeded", "Skipped"},
    "Succeeded": {"Succeeded"},
    "Failed": {"Failed"},
    "Errored": {"Error"},
    "Skipped": {"Skipped"},
    "Omitted": {"Omitted"},
}
"""Status word -> the phases of the task for which it holds; no word at all is the usual case."""


def may_start(call: Call, phases: Mapping[str, str]) -> bool:
    """Whether the task starts, given the phases of all tasks that it depends on."""
    if not call.depends:
        return True

    def holds(operand: str, operator: str, _: str) -> bool:
        name, word = _split(operand, phases)
        return phases[name] in PHASES[word]

    return evaluate(call.depends, holds)


def dependencies(call: Call, names: Iterable[str]) -> list[str]:
    """The tasks, out of ``names``, that ``call`` waits for. Raises BadCondition."""
    if not call.depends:
        return []
    known = set(names)
    found = []
    for operand in operands(call.depends):
        name, word = _split(operand, known)
        if name not in known:
            raise BadCondition(f"task {name!r} does not exist in this dag")
        if word not in PHASES:
            raise BadCondition(f"{operand!r}: the emulator does not know {word!r}")
        found.append(name)
    return list(dict.fromkeys(found))


def in_order(tasks: Sequence[Call]) -> list[Call]:
    """The tasks with every one after those that it waits for. Raises BadCondition on a cycle."""
    by_name = {task.name: task for task in tasks}
    graph = {task.name: dependencies(task, by_name) for task in tasks}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise BadCondition(f"tasks wait for each other: {' -> '.join(error.args[1])}") from None


def _split(operand: str, names: Iterable[str]) -> tuple[str, str]:
    """``a.Failed`` as (``a``, ``Failed``), ``a`` as (``a``, empty)."""
    name, dot, word = operand.rpartition(".")
    return (name, word) if dot and operand not in names else (operand, "")
