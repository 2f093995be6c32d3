"""When a task of a dag may start: ``depends: "prepare && (train.Failed || check)"``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.expr.conditions import BadCondition, evaluate, operands
from cicd.emulator.workflow.program import TemplateCall

PHASES = {
    "": {"Succeeded", "Skipped"},
    "Succeeded": {"Succeeded"},
    "Failed": {"Failed"},
    "Errored": {"Error"},
    "Skipped": {"Skipped"},
    "Omitted": {"Omitted"},
    "Daemoned": set(),
}
"""Status word -> the phases of the task for which it holds; no word at all is the usual case."""
OF_LOOPS = ("AnySucceeded", "AllFailed")
"""Words about the single runs of a task that is repeated for items."""


def may_start(
    call: TemplateCall, before: Mapping[str, Node], calls: Mapping[str, TemplateCall]
) -> bool:
    """Whether the task starts, given the ended nodes of all tasks that it depends on."""
    if not call.depends:
        return True

    def holds(operand: str) -> bool:
        name, word = _split(operand, before)
        node = before[name]
        if word in OF_LOOPS:
            phases = node.outputs.get("phases") or ()
            if word == "AnySucceeded":
                return "Succeeded" in phases
            return set(phases) == {"Failed"}
        # with ``dependencies`` a failure that does not count as one is none here either
        is_forgiven = not call.has_depends and node.phase in calls[name].continues_on
        return is_forgiven or node.phase in PHASES[word]

    return evaluate(call.depends, holds)


def dependencies(call: TemplateCall, names: Iterable[str]) -> list[str]:
    """The tasks, out of ``names``, that ``call`` waits for. Raises BadCondition."""
    if not call.depends:
        return []
    known = set(names)
    found = []
    for operand in operands(call.depends):
        name, word = _split(operand, known)
        if name not in known:
            raise BadCondition(f"task {name!r} does not exist in this dag")
        if word not in PHASES and word not in OF_LOOPS:
            raise BadCondition(f"{operand!r}: the emulator does not know {word!r}")
        found.append(name)
    return list(dict.fromkeys(found))


def of_loops(call: TemplateCall) -> list[str]:
    """The tasks of which ``depends`` asks for the single runs. A mere name after it counts more."""
    asked: dict[str, bool] = {}
    for operand in operands(call.depends) if call.depends else ():
        name, _, word = operand.partition(".")
        asked[name] = word in OF_LOOPS or (bool(word) and asked.get(name, False))
    return [name for name, is_asked in asked.items() if is_asked]


def wanted(tasks: Sequence[TemplateCall], target: str) -> tuple[TemplateCall, ...]:
    """The tasks that ``target`` names and everything that they wait for; all where it is empty.

    Raises BadCondition where it names none of them.
    """
    names = target.split()
    if not names:
        return tuple(tasks)
    if strangers := set(names) - {task.name for task in tasks}:
        raise BadCondition(f"dag.target: task {min(strangers)!r} does not exist")
    before = ancestors(tasks)
    found = {*names, *(other for name in names for other in before[name])}
    return tuple(task for task in tasks if task.name in found)


def ancestors(tasks: Sequence[TemplateCall]) -> dict[str, set[str]]:
    """Task -> all that it waits for, however indirectly. Raises BadCondition on a cycle."""
    names = {task.name for task in tasks}
    found: dict[str, set[str]] = {}
    for task in in_order(tasks):
        waits = dependencies(task, names)
        found[task.name] = {*waits, *(name for other in waits for name in found[other])}
    return found


def in_order(tasks: Sequence[TemplateCall]) -> list[TemplateCall]:
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
