"""Steps and dags: whose turn it is, and how the whole has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.depends import dependencies, in_order, may_start
from cicd.emulator.workflow.expressions import NOW
from cicd.emulator.workflow.program import Call
from cicd.emulator.workflow.scope import ENDED, FAILED

if TYPE_CHECKING:
    from cicd.emulator.workflow.walk import Frame, Walk


LONGEST = 180
"""Characters of the reason of a failure that are handed up."""


def steps(walk: Walk, frame: Frame) -> tuple[str, str]:
    """Group after group; the steps of one group side by side. Phase and message of the whole."""
    for index, calls in enumerate(frame.template.groups):
        name = f"{frame.node.name}[{index}]"
        group = walk.open(walk.blank(name, frame.template.name, "StepGroup", frame.node.id))
        states = {}
        frame.scope.texts[NOW] = str(group.started)
        for call in calls:
            states[call.name] = walk.call(f"{name}.{call.name}", call, "steps", frame)
        if any(node.phase not in ENDED for node in states.values()):
            return "Running", ""
        message = _first_failure(states, {call.name: call for call in calls}, "step")
        if group.phase not in ENDED:
            walk.close(group, "Failed" if message else "Succeeded", message)
        if message:
            return "Failed", message
        for child, node in states.items():
            frame.scope.add(f"steps.{child}", node)
    return "Succeeded", ""


def tasks(walk: Walk, frame: Frame) -> tuple[str, str]:
    """Every task whose turn it is; after a failure no new ones, unless failFast is off."""
    calls = {call.name: call for call in frame.template.tasks}
    waits = {name: dependencies(call, calls) for name, call in calls.items()}
    if frame.template.is_fail_fast:
        frame.is_stopped = frame.is_stopped or _has_failed(walk, frame)
    states: dict[str, Node] = {}
    for call in in_order(frame.template.tasks):
        states[call.name] = _task(walk, frame, call, waits[call.name], states, calls)
        frame.scope.add(f"tasks.{call.name}", states[call.name])
    message = _first_failure(states, calls, "task")
    if message and frame.template.is_fail_fast:
        is_open = any(node.phase == "Running" for node in states.values())
        broken = [node for name, node in states.items() if _counts(node, calls[name])]
        return ("Running", "") if is_open else (broken[0].phase, message)
    if any(node.phase not in ENDED for node in states.values()):
        return "Running", ""
    leaves = [name for name in states if not any(name in others for others in waits.values())]
    branches = _branches(states, waits, calls)
    worst = next((branches[name] for name in leaves if branches[name]), "")
    return (worst, message) if worst else ("Succeeded", "")


def _task(
    walk: Walk,
    frame: Frame,
    call: Call,
    waits: list[str],
    states: Mapping[str, Node],
    calls: Mapping[str, Call],
) -> Node:
    """The state of one task, given those before it."""
    before = {name: states[name] for name in waits}
    name = f"{frame.node.name}.{call.name}"
    node = walk.blank(name, call.template, "Skipped", frame.node.id)
    if any(other.phase not in ENDED for other in before.values()):
        return node
    if saved := walk.nodes.get(node.id):
        if saved.phase == "Omitted":
            return saved
    elif not may_start(call, before, calls):
        return walk.close(node, "Omitted", "omitted: depends condition not met")
    elif frame.is_stopped:
        return node
    ends = [other.ended for other in before.values()]
    frame.scope.texts[NOW] = str(max([frame.node.started, *ends]))
    return walk.call(name, call, "tasks", frame)


def _has_failed(walk: Walk, frame: Frame) -> bool:
    """Whether a task that is stored as failed stops the dag."""
    for call in frame.template.tasks:
        name = f"{frame.node.name}.{call.name}"
        saved = walk.nodes.get(walk.blank(name, call.template, "Pod").id)
        if saved and _counts(saved, call):
            return True
    return False


def _counts(node: Node, call: Call) -> bool:
    """Whether the node is a failure of what called it."""
    return node.phase in FAILED and node.phase not in call.continues_on


def _first_failure(states: Mapping[str, Node], calls: Mapping[str, Call], word: str) -> str:
    for name, node in states.items():
        if _counts(node, calls[name]):
            reason = node.message
            if len(reason) > LONGEST:
                # what happened stands at the end of it, and a status has little room
                reason = f"… {reason[-LONGEST:]}"
            return f"{word} {name} failed: {reason}"
    return ""


def _branches(
    states: Mapping[str, Node], waits: Mapping[str, list[str]], calls: Mapping[str, Call]
) -> dict[str, str]:
    """Task -> the phase of the failure with which its branch ended, empty for none: its own, or,
    where it was left out, that of what it waited for."""
    found: dict[str, str] = {}
    for name, node in states.items():
        if _counts(node, calls[name]):
            found[name] = node.phase
        elif node.phase in ("Omitted", "Skipped"):
            found[name] = next((found[other] for other in waits[name] if found[other]), "")
        else:
            found[name] = ""
    return found
