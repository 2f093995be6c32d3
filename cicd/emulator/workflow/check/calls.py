"""What Argo asks of steps and tasks: how they call, with what, and after which.

Source: Argo Workflows 3.5, workflow/validate/validate.go and workflow/common/ancestry.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cicd.emulator.workflow.check.names import raw_calls
from cicd.emulator.workflow.depends import ancestors, dependencies, of_loops
from cicd.emulator.workflow.expr.conditions import BadCondition
from cicd.emulator.workflow.expr.expressions import as_text
from cicd.emulator.workflow.program import Program, Template, TemplateCall

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}")
"""Of templates, steps and tasks."""
LOOPS = ("withItems", "withParam", "withSequence")
LOCATIONS = {
    "raw": "",
    "http": "url",
    "s3": "key",
    "git": "repo",
    "gcs": "key",
    "oss": "key",
    "azure": "blob",
    "hdfs": "path",
    "artifactory": "url",
}
"""Where an artifact can be, and what must be said of it."""
OF_TASK = re.compile(r"\{\{tasks\.([^.]+)")
OUTPUT_SOURCES = ("path", "jqFilter", "jsonPath", "parameter", "expression")


def call_problems(item: Mapping[str, Any], path: str) -> Iterator[str]:
    """What each step or task says about itself, and tasks about each other."""
    for where, call in raw_calls(item):
        given = [call.get("withItems") or None, call.get("withParam") or None]
        if sum(value is not None for value in (*given, call.get("withSequence"))) > 1:
            yield f"{path}.{where}: has more than one of {', '.join(LOOPS)}"
        sequence = call.get("withSequence")
        if sequence is not None and ("count" in sequence) is ("end" in sequence):
            yield f"{path}.{where}.withSequence: needs one of count and end"
        arguments = call.get("arguments") or {}
        yield from argument_problems(arguments, f"{path}.{where}.arguments", is_bound=False)
    if (dag := item.get("dag")) is not None:
        yield from _dag_problems(dag.get("tasks") or [], f"{path}.dag.tasks")


def argument_problems(
    arguments: Mapping[str, Any], path: str, *, is_bound: bool = True
) -> Iterator[str]:
    """``is_bound``: they are the workflow's, and a configuration gives what has no value."""
    for index, item in enumerate(arguments.get("parameters") or ()):
        yield from _parameter_problems(item, f"{path}.parameters[{index}]", is_bound=is_bound)
    for index, item in enumerate(arguments.get("artifacts") or ()) if not is_bound else ():
        where = f"{path}.artifacts[{index}]"
        if item.get("from") and item.get("fromExpression"):
            yield f"{where}: has both from and fromExpression"
        if not item.get("from") and not any(
            item.get(kind) is not None and (not key or item[kind].get(key))
            for kind, key in LOCATIONS.items()
        ):
            yield f"{where}: needs from, a location or a key"


def _parameter_problems(item: Mapping[str, Any], path: str, *, is_bound: bool) -> Iterator[str]:
    value, source = item.get("value"), item.get("valueFrom")
    if value is None and source is None and not is_bound:
        yield f"{path}: needs value or valueFrom"
    if source is not None:
        is_allowed = any(source.get(key) for key in ("configMapKeyRef", "event"))
        is_allowed = is_allowed or source.get("supplied") is not None
        if not is_allowed or any(source.get(key) for key in OUTPUT_SOURCES):
            yield f"{path}.valueFrom: only configMapKeyRef or supplied, with a default"
    choices = item.get("enum")
    if choices is None:
        return
    if not choices:
        yield f"{path}.enum: needs at least one value"
    elif value is None:
        if not is_bound:
            yield f"{path}.value: is missing"
    elif as_text(value) not in map(as_text, choices):
        yield f"{path}.value: {as_text(value)!r} is not in its enum"


def _dag_problems(tasks: Sequence[Mapping[str, Any]], path: str) -> Iterator[str]:
    if not tasks:
        yield f"{path}: needs at least one task"
    has_depends = any(task.get("depends") for task in tasks)
    names = [task["name"] for task in tasks]
    for index, task in enumerate(tasks):
        where = f"{path}[{index}]"
        has_order = has_depends or task.get("dependencies")
        if has_order and str(task["name"])[0].isdigit():
            yield f"{where}.name: begins with a digit, which depends and dependencies cannot name"
        for name in task.get("dependencies") or ():
            if name not in names:
                yield f"{where}.dependencies: task {name!r} does not exist in this dag"
        if has_depends and task.get("dependencies"):
            yield f"{where}: a dag has depends or dependencies, not both"
        if has_depends and task.get("continueOn") is not None:
            yield f"{where}: continueOn does not go with depends; use name.Failed there"


def callee_problems(
    item: Mapping[str, Any], template: Template, program: Program, path: str
) -> Iterator[str]:
    """Whether what is called is there and gets what it needs, and tasks come in an order."""
    names: set[str] = set()
    for where, call in raw_calls(item):
        if not NAME.fullmatch(call["name"]):
            yield f"{path}.{where}.name: {call['name']!r} is not a name"
        elif call["name"] in names:
            yield f"{path}.{where}.name: {call['name']!r} is used twice"
        names.add(call["name"])
        callee = program.templates.get(call["template"])
        if callee is None:
            yield f"{path}.{where}.template: template {call['template']!r} does not exist"
            continue
        given = (call.get("arguments") or {}).get("parameters") or ()
        yield from not_given(callee, {item["name"] for item in given}, f"{path}.{where}")
    targets = [] if "{{" in template.target else template.target.split()
    if missing := [name for name in targets if name not in names]:
        yield f"{path}.dag.target: task {missing[0]!r} does not exist"
    unreadable = list(_unreadable_orders(item, template.tasks, path))
    yield from unreadable or _order_problems(item, template.tasks, path)


def _unreadable_orders(
    item: Mapping[str, Any], tasks: Sequence[TemplateCall], path: str
) -> Iterator[str]:
    """Tasks of which nobody knows after which they come."""
    names = {task.name for task in tasks}
    for (where, _), task in zip(raw_calls(item) if tasks else (), tasks, strict=True):
        try:
            dependencies(task, names)
        except BadCondition as error:
            field = "depends" if task.has_depends else "dependencies"
            yield f"{path}.{where}.{field}: {error}"


def _order_problems(
    item: Mapping[str, Any], tasks: Sequence[TemplateCall], path: str
) -> Iterator[str]:
    """What a task asks of others, and hands on from them."""
    try:
        before = ancestors(tasks)
    except BadCondition as error:
        first = next(
            where
            for (where, _), task in zip(raw_calls(item), tasks, strict=True)
            if f": {task.name} -> " in str(error)
        )
        yield f"{path}.{first}: {error}"
        return
    loops = {task.name for task in tasks if task.loop}
    for (where, raw), task in zip(raw_calls(item) if tasks else (), tasks, strict=True):
        for name in of_loops(task):
            if name not in loops:
                yield f"{path}.{where}: {task.depends!r}: {name} has no items"
        arguments = raw.get("arguments") or {}
        values = [entry.get("value") for entry in arguments.get("parameters") or ()]
        values += [entry.get("from") for entry in arguments.get("artifacts") or ()]
        for value in values:
            found = OF_TASK.match(value) if isinstance(value, str) else None
            if found and found[1] not in before[task.name]:
                yield f"{path}.{where}: {value} is of a task that it does not depend on"


def not_given(callee: Template, given: set[str], path: str) -> Iterator[str]:
    """Parameters that a template needs and does not get."""
    for name, value in callee.parameters.items():
        if value is None and name not in given:
            yield f"{path}: gives no parameter {name!r}, which template {callee.name!r} needs"
