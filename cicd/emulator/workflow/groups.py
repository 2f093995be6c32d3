"""Steps and dags: whose turn it is, and how the whole has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.depends import dependencies, in_order, may_start
from cicd.emulator.workflow.expr.expressions import NOW, Unresolved
from cicd.emulator.workflow.frame import Frame, Walker
from cicd.emulator.workflow.program import TemplateCall
from cicd.emulator.workflow.scope import ENDED, FAILED

LONGEST = 180
"""Characters of the reason of a failure that are handed up."""


def steps(walk: Walker, frame: Frame) -> tuple[str, str]:
    """Group after group; the steps of one group side by side. Phase and message of the whole.
    Raises Unresolved where what came of a loop cannot be told."""
    for index, calls in enumerate(frame.template.groups):
        name = f"{frame.node.name}[{index}]"
        group = walk.open(walk.blank(name, frame.template.name, "StepGroup", frame.node.id))
        frame.scope.texts[NOW] = str(group.started)
        if group.id not in walk.nodes and (why := _trouble(walk, frame, calls)):
            walk.close(group, "Error", why)
            return "Failed", why
        if group.phase in FAILED:
            return "Failed", group.message
        loops = {call.name for call in calls if call.loop}
        # What came of a loop that has ended is taken from its group: to walk through its rounds
        # each time would take longer the more there are.
        told = group.outputs.get("loops") if group.phase in ENDED else None
        states = {}
        for call in calls:
            where = f"{name}.{call.name}"
            if told is not None and call.name in told:
                states[call.name] = replace(group, name=where, outputs=told[call.name])
            else:
                states[call.name] = walk.call(where, call, "steps", frame)
        if any(node.phase not in ENDED for node in states.values()):
            return "Running", ""
        message = _first_failure(states, {call.name: call for call in calls}, "step")
        if group.phase not in ENDED:
            # a loop has no node of its own, so its group remembers what came of it
            own = {child: states[child].outputs for child in loops if states[child].outputs}
            outputs = {"loops": own} if own else {}
            phase = _group_phase(states.values()) if message else "Succeeded"
            walk.close(group, phase, message, outputs=outputs)
        if message:
            return "Failed", message
        for child, node in states.items():
            if "trouble" in node.outputs:
                raise Unresolved(node.outputs["trouble"])
            if child in loops:
                frame.scope.add_outputs(f"steps.{child}", node)
            else:
                frame.scope.add(f"steps.{child}", node)
    return "Succeeded", ""


def tasks(walk: Walker, frame: Frame) -> tuple[str, str]:
    """Every task whose turn it is, also after a failure elsewhere: what waits for a failed task
    is left out, nothing else (executeDAG)."""
    calls = {call.name: call for call in frame.template.tasks}
    waits = {name: dependencies(call, calls) for name, call in calls.items()}
    before = walk.activity
    states: dict[str, Node] = {}
    # In dependency order, so that one walk sees what the tasks before have come to.
    for call in in_order(frame.template.tasks):
        states[call.name] = _task(walk, frame, call, waits[call.name], states, calls)
        frame.scope.add(f"tasks.{call.name}", states[call.name])
    if walk.activity != before or any(node.phase == "Running" for node in states.values()):
        return "Running", ""
    leaves = [name for name in states if not any(name in others for others in waits.values())]
    return _assessed(frame, sorted(leaves), _branches(states, waits), calls)


def _task(
    walk: Walker,
    frame: Frame,
    call: TemplateCall,
    waits: list[str],
    states: Mapping[str, Node],
    calls: Mapping[str, TemplateCall],
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
    ends = [other.ended for other in before.values()]
    frame.scope.texts[NOW] = str(max([frame.node.started, *ends]))
    return walk.call(name, call, "tasks", frame)


def _trouble(walk: Walker, frame: Frame, calls: Sequence[TemplateCall]) -> str:
    """Why no step of a group begins: one of them cannot (executeStepGroup)."""
    for call in calls:
        if why := walk.trouble(call, frame.scope):
            return f"step {call.name} failed: {_shortened(why)}"
    return ""


def _group_phase(states: Iterable[Node]) -> str:
    """Of a group of steps that has failed: an error only where one of them could not begin."""
    has_error = any(node.phase == "Error" and node.type == "Skipped" for node in states)
    return "Error" if has_error else "Failed"


def _counts(node: Node, call: TemplateCall) -> bool:
    """Whether the node is a failure of what called it."""
    return node.phase in FAILED and node.phase not in call.continues_on


def _first_failure(states: Mapping[str, Node], calls: Mapping[str, TemplateCall], word: str) -> str:
    for name, node in states.items():
        # what could not begin is forgiven nowhere
        if _counts(node, calls[name]) or _group_phase([node]) == "Error":
            return f"{word} {name} failed: {_shortened(node.message)}"
    return ""


def _shortened(reason: str) -> str:
    """What happened stands at the end of it, and a status has little room."""
    if len(reason) <= LONGEST:
        return reason
    end = reason[-LONGEST:]
    return f"… {end[end.find(' ') + 1 :]}"


def _branches(states: Mapping[str, Node], waits: Mapping[str, list[str]]) -> dict[str, Node]:
    """Task -> the node that says how its branch ended: its own, or, where it was left out, that
    of what it waited for, of one that failed before others."""
    found: dict[str, Node] = {}
    for name, node in states.items():
        found[name] = node
        if node.phase in ("Omitted", "Skipped") and waits[name]:
            others = [found[other] for other in waits[name]]
            found[name] = next((other for other in others if other.phase in FAILED), others[0])
    return found


def _assessed(
    frame: Frame, leaves: list[str], branches: Mapping[str, Node], calls: Mapping[str, TemplateCall]
) -> tuple[str, str]:
    """Phase and message of a dag in which nothing runs (assessDAGPhase); a task that has no node
    yet waits for room."""
    phase, message = "Succeeded", ""
    for name in leaves:
        node = branches[name]
        if node.phase not in ENDED:
            phase, message = "Running", ""
            if not frame.template.is_fail_fast:
                break
        elif _counts(node, calls[name]):
            failed = node.name.removeprefix(f"{frame.node.name}.")
            phase, message = node.phase, f"task {failed} failed: {_shortened(node.message)}"
            if frame.template.is_fail_fast:
                break
    return phase, message
