"""Whether every ``{{…}}`` of a template names something that can be there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.expressions import TAG, is_argos, tags
from cicd.emulator.workflow.language import read
from cicd.emulator.workflow.operators import BadExpression
from cicd.emulator.workflow.program import Call, Program, Template
from cicd.emulator.workflow.scope import TIME_LETTERS
from cicd.emulator.workflow.shape import NO_EFFECT

WORKFLOW = {
    "name",
    "uid",
    "namespace",
    "serviceAccountName",
    "creationTimestamp",
    "creationTimestamp.s",
    "creationTimestamp.RFC3339",
    "mainEntrypoint",
    "priority",
    "scheduledTime",
    "duration",
    "status",
    "failures",
    "parameters",
    "parameters.json",
    "labels",
    "labels.json",
    "annotations",
    "annotations.json",
    *(f"creationTimestamp.{letter}" for letter in f"{TIME_LETTERS}L"),
}
CALLED = {"steps.name", "tasks.name"}
NODE = {
    "id",
    "ip",
    "name",
    "status",
    "exitCode",
    "startedAt",
    "finishedAt",
    "hostNodeName",
    "outputs.parameters",
}
EXPRESSIONS = ("expression", "fromExpression")


def tag_problems(
    item: Mapping[str, Any], template: Template, program: Program, path: str
) -> Iterator[str]:
    """One line for every tag of a template that names nothing, with its path."""
    # labels and the like are not substituted, so what stands there cannot matter
    skipped = {*NO_EFFECT, "memoize", "metrics", "steps", "dag"}
    own = own_names(template, program)
    calls = {call.name: call for group in (*template.groups, template.tasks) for call in group}
    prefix = "steps." if template.groups else "tasks."
    relevant = {key: value for key, value in item.items() if key not in skipped}
    yield from unknown(relevant, own, calls, prefix, program, path)
    for where, call in raw_calls(item):
        loops = any(key in call for key in ("withItems", "withParam", "withSequence"))
        names = own | ({"item"} if loops else set())
        yield from unknown(call, names, calls, prefix, program, f"{path}.{where}")


def raw_calls(item: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every step and task of a raw template with its path below the template."""
    steps = item.get("steps")
    for row, group in enumerate(steps if isinstance(steps, list) else ()):
        for column, call in enumerate(group if isinstance(group, list) else ()):
            if isinstance(call, Mapping):
                yield f"steps[{row}][{column}]", call
    dag = item.get("dag")
    tasks = dag.get("tasks") if isinstance(dag, Mapping) else None
    for index, call in enumerate(tasks if isinstance(tasks, list) else ()):
        if isinstance(call, Mapping):
            yield f"dag.tasks[{index}]", call


def unknown(
    value: Any,
    own: set[str],
    calls: Mapping[str, Call],
    prefix: str,
    program: Program,
    path: str,
) -> Iterator[str]:
    """One line for every tag in ``value`` that is none of ``own`` nor of a call's outputs."""
    for expression in expressions(value):
        try:
            read(expression)
        except BadExpression as error:
            yield f"{path}: {error}"
    for tag in dict.fromkeys(tags(value)):
        if tag.startswith("="):
            continue
        if tag in own or not is_argos(tag):
            continue
        if tag.startswith(prefix) and calls:
            if not _is_of_call(tag.removeprefix(prefix), calls, program):
                yield f"{path}: {{{{{tag}}}}} names no such step or output"
        elif tag.startswith("item.") and "item" in own:
            continue
        elif tag.startswith("workflow.outputs."):
            if not _is_global(tag, program):
                yield f"{path}: {{{{{tag}}}}}: no output has this globalName"
        else:
            yield f"{path}: {{{{{tag}}}}} is not known here"


def expressions(value: Any) -> Iterator[str]:
    """Every expression in a value: inside ``{{=…}}``, and in the fields that are one."""
    if isinstance(value, str):
        for match in TAG.findall(value):
            if match.strip().startswith("="):
                yield match.strip()[1:].strip()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key in EXPRESSIONS and isinstance(item, str):
                # tags in it are replaced before it is read, by something that can be read
                yield re.sub(TAG, "1", item)
            else:
                yield from expressions(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from expressions(item)


def own_names(template: Template, program: Program) -> set[str]:
    """What every text of this template can name."""
    known = {f"workflow.{word}" for word in WORKFLOW} | CALLED | {"inputs.parameters"}
    known |= {f"workflow.labels.{key}" for key in (*program.labels, *program.labels_from)}
    known |= {f"workflow.annotations.{key}" for key in program.annotations}
    known |= {f"inputs.parameters.{name}" for name in template.parameters}
    known |= {f"workflow.parameters.{name}" for name in program.parameters}
    known |= {f"inputs.artifacts.{artifact.name}" for artifact in template.artifacts}
    if template.container is None:
        return known
    known |= {"pod.name"} | {
        f"outputs.parameters.{item.name}.path" for item in template.output_parameters
    }
    return (
        known | _paths("inputs", template.artifacts) | _paths("outputs", template.output_artifacts)
    )


def _paths(part: str, items: Iterable[Any]) -> set[str]:
    return {f"{part}.artifacts.{item.name}.path" for item in items}


def _is_of_call(rest: str, calls: Mapping[str, Call], program: Program) -> bool:
    name, _, what = rest.partition(".")
    call = calls.get(name)
    callee = program.templates.get(call.template) if call else None
    if call is None or callee is None:
        return False
    known = set(NODE)
    if callee.container is not None or call.loop:
        known.add("outputs.result")
    known |= {f"outputs.parameters.{item.name}" for item in callee.output_parameters}
    known |= {f"outputs.artifacts.{item.name}" for item in callee.output_artifacts}
    return what in known


def _is_global(tag: str, program: Program) -> bool:
    _, _, kind, name = tag.split(".", 3) if tag.count(".") > 2 else ("", "", "", "")
    for template in program.templates.values():
        items = template.output_parameters if kind == "parameters" else template.output_artifacts
        if any(item.global_name == name or "{{" in item.global_name for item in items):
            return True
    return False
