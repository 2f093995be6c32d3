"""The steps and tasks of a workflow: which template each calls, with what, and after which.

Source: Argo Workflows 3.5, workflow/validate/validate.go (``validateSteps``, ``validateDAG``).
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterator, Mapping, Sequence

from cicd.config.metadata import children, named, text_of
from cicd.config.tree import Node, did_you_mean
from cicd.errors import Problem

_ELSEWHERE = ("templateRef", "inline")
_DEPENDS = re.compile(r"(?<![\w.-])([A-Za-z0-9][\w-]*)(?:\.[A-Z][A-Za-z]*)?(?![\w-])")
_OF_TASK = re.compile(r"\{\{\s*tasks\.([\w-]+)\.(?!status)")

Templates = Mapping[str, Node]


def calls_of(template: Node) -> list[tuple[str, Node]]:
    """Every step (``steps.``) and task (``tasks.``) of a template."""
    groups = children(template.get("steps"))
    steps = [step for group in groups for step in (children(group) or [group])]
    tasks = children(template.get("dag", "tasks"))
    return [*(("steps.", step) for step in steps), *(("tasks.", task) for task in tasks)]


def check_calls(tree: Node, templates: Templates) -> Iterator[Problem]:
    """All problems with what calls what."""
    spec = tree.get("spec")
    if spec is None or not templates:
        return
    yield from _check_handlers(spec, "the workflow", templates)
    yield from _check_entry(spec, templates)
    for name, template in templates.items():
        problems: list[Problem] = []
        calls = [call for _, call in calls_of(template)]
        list(named(calls, f'a step or task of template "{name}"', problems))
        yield from problems
        for call in calls:
            yield from _check_call(call, templates)
        yield from _check_tasks(children(template.get("dag", "tasks")))


def _check_handlers(holder: Node, who: str, templates: Templates) -> Iterator[Problem]:
    """``onExit`` and ``hooks`` name templates too."""
    hooks = holder.get("hooks")
    items = hooks.value.values() if hooks is not None and isinstance(hooks.value, dict) else ()
    named_there = [hook.get("template") for hook in items if not _is_elsewhere(hook)]
    for node in [holder.get("onExit"), *named_there]:
        if node is not None and node.value and text_of(node) not in templates:
            yield _unknown(node, who, templates)


def _unknown(node: Node, who: str, templates: Templates) -> Problem:
    message = f'{who} names the template "{node.text}", which is not among spec.templates'
    hint = did_you_mean(node.text, templates)
    return node.place.problem(f"{message}{hint or ': add it'}", "unknown-template")


def _is_elsewhere(call: Node) -> bool:
    return any(call.get(key) is not None for key in _ELSEWHERE)


def _check_call(call: Node, templates: Templates) -> Iterator[Problem]:
    who = f'"{text_of(call, "name")}"'
    yield from _check_handlers(call, who, templates)
    node = call.get("template")
    if _is_elsewhere(call):
        return
    if node is None or not node.value:
        yield call.place.problem(f"{who} names no template: add one", "unknown-template")
    elif text_of(node) not in templates:
        yield _unknown(node, who, templates)
    else:
        given = {
            text_of(item, "name")
            for key in ("parameters", "artifacts")
            for item in children(call.get("arguments", key))
        }
        yield from _check_given(call, who, given, templates[text_of(node)])


def _check_entry(spec: Node, templates: Templates) -> Iterator[Problem]:
    """What the first template needs, the parameters of the workflow give by their names."""
    entry = templates.get(text_of(spec, "entrypoint"))
    if entry is not None:
        given = {text_of(item, "name") for item in children(spec.get("arguments", "parameters"))}
        yield from _check_given(entry, "the entrypoint", given, entry)


def _check_given(at: Node, who: str, given: set[str], called: Node) -> Iterator[Problem]:
    for item in children(called.get("inputs", "parameters")):
        name = text_of(item, "name")
        has_value = any(item.get(key) is not None for key in ("value", "default", "valueFrom"))
        if name and not has_value and name not in given:
            message = f'{who} gets no parameter "{name}", which its template needs'
            message += f"{did_you_mean(name, given) or ': pass it, or give it a default'}"
            yield at.place.problem(message, "missing-argument")


def _check_tasks(tasks: Sequence[Node]) -> Iterator[Problem]:
    """Dependencies: there, in no circle, and on every task whose output is used."""
    names = {text_of(task, "name") for task in tasks}
    after: dict[str, set[str]] = {}
    for task in tasks:
        after[text_of(task, "name")] = set()
        for node, name in _dependencies(task):
            if name in names:
                after[text_of(task, "name")].add(name)
            elif "{{" not in name:
                message = f'"{text_of(task, "name")}" depends on "{name}", which is no task here'
                place = node.place
                yield place.problem(f"{message}{did_you_mean(name, names)}", "unknown-task")
    try:
        order = list(graphlib.TopologicalSorter(after).static_order())
    except graphlib.CycleError as error:
        way = " -> ".join(reversed(error.args[1]))
        yield tasks[0].place.problem(f"these tasks wait for each other: {way}", "unknown-task")
        return
    ancestors: dict[str, set[str]] = {}
    for name in order:
        ancestors[name] = after[name].union(*(ancestors[other] for other in after[name]))
    for task in tasks:
        yield from _check_order(task, names, ancestors[text_of(task, "name")])


def _dependencies(task: Node) -> Iterator[tuple[Node, str]]:
    for node in children(task.get("dependencies")):
        yield node, node.text
    depends = task.get("depends")
    if depends is not None and isinstance(depends.value, str) and "{{" not in depends.value:
        for name in _DEPENDS.findall(depends.value):
            yield depends, name


def _check_order(task: Node, names: set[str], before: set[str]) -> Iterator[Problem]:
    """A value that another task gives needs that task to come first."""
    arguments = task.get("arguments")
    values = [item.get("value") for item in children(arguments and arguments.get("parameters"))]
    values += [item.get("from") for item in children(arguments and arguments.get("artifacts"))]
    for node in values:
        found = _OF_TASK.match(node.value) if node and isinstance(node.value, str) else None
        if node and found and found[1] in names and found[1] not in before:
            message = f'"{text_of(task, "name")}" uses what task "{found[1]}" gives, but does not '
            message += "depend on it: add it to dependencies"
            yield node.place.problem(message, "unknown-task")
