"""The steps and tasks of a workflow: which template each calls, with what, and after which.

Source: Argo Workflows 3.5, workflow/validate/validate.go (``validateSteps``, ``validateDAG``).
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from cicd.config.tree import Node, Place, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, is_given, named, text_of
from cicd.platforms.aicore.dialect.workflow_depends import slip_in, tasks_of

_ELSEWHERE = ("templateRef", "inline")
LOOPS = ("withItems", "withParam", "withSequence")
_WORDS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned")
_OF_LOOPS = ("AnySucceeded", "AllFailed")
_OF_TASK = re.compile(r"\{\{\s*tasks\.([\w-]+)\.(?!status\b)")

Templates = Mapping[str, Node]


def calls_of(template: Node) -> list[tuple[str, Node]]:
    """Every step (``steps.``) and task (``tasks.``) of a template."""
    groups = children(template.get("steps"))
    steps = [step for group in groups for step in side_by_side(group)]
    tasks = children(template.get("dag", "tasks"))
    return [*(("steps.", step) for step in steps), *(("tasks.", task) for task in tasks)]


def side_by_side(group: Node) -> list[Node]:
    """The steps of one group; of what should be a list and is not, itself."""
    return group.value if isinstance(group.value, list) else [group]


def with_inline(templates: Iterable[tuple[str, Node]]) -> Iterator[tuple[str, Node]]:
    """Those that have a name, and those that stand in a step, which they are called by here."""
    for name, template in templates:
        yield name, template
        calls = [call for _, call in calls_of(template)]
        inline = [(text_of(call, "name"), call.get("inline")) for call in calls]
        yield from with_inline((name, node) for name, node in inline if node is not None)


def check_calls(tree: Node, templates: Templates) -> Iterator[Problem]:
    """All problems with what calls what."""
    spec = tree.get("spec")
    if spec is None or not templates:
        return
    yield from _check_handlers(spec, "the workflow", templates)
    yield from _check_entry(spec, templates)
    for name, template in with_inline(templates.items()):
        problems: list[Problem] = []
        calls = [call for _, call in calls_of(template)]
        list(named(calls, f'a step or task of template "{name}"', problems))
        yield from problems
        for call in calls:
            yield from _check_call(call, templates)
            yield from _check_loop(call)
        if (dag := template.get("dag")) is not None:
            yield from _check_dag(dag, name)


def _check_handlers(holder: Node, who: str, templates: Templates) -> Iterator[Problem]:
    """``onExit`` and ``hooks`` name templates too."""
    hooks = holder.get("hooks")
    items = hooks.value if hooks is not None and isinstance(hooks.value, dict) else {}
    named_there = [hook.get("template") for hook in items.values() if not _is_elsewhere(hook)]
    for name, hook in items.items():
        if name != "exit" and not is_given(hook.get("expression")):
            message = f'the hook "{name}" of {who} has no expression, so nothing says when: add one'
            yield hook.place_of("template", key=True).problem(message, "bad-hook")
        if not is_given(hook.get("template")) and not _is_elsewhere(hook):
            message = f'the hook "{name}" of {who} names no template: add one'
            yield hook.place.problem(message, "bad-hook")
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
    yield from _check_reference(call, who)
    inline = call.get("inline")
    if inline is not None:
        yield from _check_given(call.place, who, _given_by(call), inline)
    elif _is_elsewhere(call):
        return
    elif node is None or not node.value:
        yield call.place.problem(f"{who} names no template: add one", "unknown-template")
    elif text_of(node) not in templates:
        yield _unknown(node, who, templates)
    else:
        yield from _check_given(call.place, who, _given_by(call), templates[text_of(node)])


def _given_by(call: Node) -> set[str]:
    """The names of all that a call passes."""
    passed = [call.get("arguments", part) for part in ("parameters", "artifacts")]
    return {text_of(item, "name") for items in passed for item in children(items)}


def _check_reference(call: Node, who: str) -> Iterator[Problem]:
    """``templateRef`` stands alone, and names a WorkflowTemplate and one of its templates."""
    reference = call.get("templateRef")
    if reference is None or not isinstance(reference.value, dict):
        return
    for key in ("name", "template"):
        if not is_given(reference.get(key)):
            message = f"templateRef of {who} has no {key}: add it"
            yield call.place_of("templateRef", key=True).problem(message, "unknown-template")
    if is_given(call.get("template")):
        message = f"{who} has template and templateRef: keep one"
        yield call.place_of("templateRef", key=True).problem(message, "unknown-template")


def _check_entry(spec: Node, templates: Templates) -> Iterator[Problem]:
    """What the first and the last template need, the workflow's parameters give by their names."""
    given = {text_of(item, "name") for item in children(spec.get("arguments", "parameters"))}
    entry = templates.get(text_of(spec, "entrypoint"))
    if entry is not None:
        yield from _check_given(entry.place, "the entrypoint", given, entry)
    last = templates.get(text_of(spec, "onExit"))
    if last is not None:
        yield from _check_given(spec.place_of("onExit"), "the template of onExit", given, last)


def _check_given(at: Place, who: str, given: set[str], called: Node) -> Iterator[Problem]:
    for item in children(called.get("inputs", "parameters")):
        name = text_of(item, "name")
        has_value = any(item.get(key) is not None for key in ("value", "default", "valueFrom"))
        if name and not has_value and name not in given:
            message = f'{who} gets no parameter "{name}", which its template needs'
            message += f"{did_you_mean(name, given) or ': pass it, or give it a default'}"
            yield at.problem(message, "missing-argument")


def ancestors(tasks: Sequence[Node]) -> dict[str, set[str]]:
    """Task -> all that it waits for, however indirectly; what comes first stands first.

    Raises graphlib.CycleError.
    """
    after: dict[str, set[str]] = {text_of(task, "name"): set() for task in tasks}
    for task in tasks:
        waits = {name for _, name, _ in _dependencies(task)}
        after[text_of(task, "name")] |= waits & after.keys()
    found: dict[str, set[str]] = {}
    for name in graphlib.TopologicalSorter(after).static_order():
        found[name] = after[name].union(*(found[other] for other in after[name]))
    return found


def _check_loop(call: Node) -> Iterator[Problem]:
    """At most one kind of loop, with one end."""
    given = [loop for loop in LOOPS if is_given(call.get(loop))]
    who = f'"{text_of(call, "name")}"'
    if len(given) > 1:
        message = f"{who} has {' and '.join(given)}: keep one"
        yield call.place_of(given[1], key=True).problem(message, "bad-loop")
    sequence = call.get("withSequence")
    if sequence is not None and isinstance(sequence.value, dict):
        ends = [key for key in ("count", "end") if is_given(sequence.get(key))]
        if len(ends) != 1:
            has = "count and end: keep one" if ends else "neither count nor end: add one"
            yield sequence.place.problem(f"withSequence of {who} has {has}", "bad-loop")


def _check_dag(dag: Node, name: str) -> Iterator[Problem]:
    tasks = children(dag.get("tasks"))
    if not tasks:
        message = f'the dag of template "{name}" has no task: add one'
        yield dag.place_of("tasks").problem(message, "nothing-to-run")
        return
    yield from _check_ways(tasks)
    yield from _check_tasks(tasks)
    names = {text_of(task, "name") for task in tasks}
    target = dag.get("target")
    for word in text_of(dag, "target").split(" ") if target is not None and target.value else ():
        if target is not None and "{{" not in target.text and word not in names:
            message = f'the target "{word}" is no task here{did_you_mean(word, names)}'
            yield target.place.problem(message, "unknown-task")


def _check_ways(tasks: Sequence[Node]) -> Iterator[Problem]:
    """In one dag either ``depends`` says what may follow, or ``dependencies`` do."""
    has_depends = any(is_given(task.get("depends")) for task in tasks)
    for task in tasks:
        who = text_of(task, "name")
        has_order = has_depends or is_given(task.get("dependencies"))
        if has_order and who[:1].isdigit():
            message = f'Argo finds no task "{who}" by a name that begins with a digit: rename it'
            yield task.place_of("name").problem(message, "bad-item-name")
        if has_depends and is_given(task.get("dependencies")):
            message = f'"{who}" has dependencies in a dag that has depends: say all by depends'
            yield task.place_of("dependencies", key=True).problem(message, "mixed-dependencies")
        if has_depends and task.get("continueOn") is not None:
            message = (
                f'"{who}" has continueOn in a dag that has depends: ask for {who}.Failed there'
            )
            yield task.place_of("continueOn", key=True).problem(message, "mixed-dependencies")


def _check_tasks(tasks: Sequence[Node]) -> Iterator[Problem]:
    """Dependencies: there, in no circle, and on every task whose output is used."""
    by_name = {text_of(task, "name"): task for task in tasks}
    for task in tasks:
        who = f'"{text_of(task, "name")}"'
        depends = text_of(task, "depends")
        if depends and (slip := slip_in(depends)):
            place = task.place_of("depends")
            yield place.problem(f"depends of {who} {slip}", "bad-depends")
        for node, name, word in _dependencies(task):
            if name not in by_name:
                message = f'{who} depends on "{name}", which is no task here'
                yield node.place.problem(f"{message}{did_you_mean(name, by_name)}", "unknown-task")
            elif word and word not in (*_WORDS, *_OF_LOOPS):
                hint = did_you_mean(word, (*_WORDS, *_OF_LOOPS)) or f": {', '.join(_WORDS)}"
                message = f"{who} depends on {name}.{word}, and no task ends so{hint}"
                yield node.place.problem(message, "unknown-task")
        yield from _check_loops_asked(task, by_name)
    try:
        before = ancestors(tasks)
    except graphlib.CycleError as error:
        way = " -> ".join(reversed(error.args[1]))
        yield tasks[0].place.problem(f"these tasks wait for each other: {way}", "unknown-task")
        return
    for task in tasks:
        yield from _check_order(task, set(by_name), before[text_of(task, "name")])


def _check_loops_asked(task: Node, by_name: Mapping[str, Node]) -> Iterator[Problem]:
    """``AnySucceeded`` and ``AllFailed`` are about a task that runs for items."""
    asked: dict[str, tuple[Node, str]] = {}
    for node, name, word in _dependencies(task):
        if word in _OF_LOOPS:
            asked[name] = (node, word)
        elif not word:  # a mere name counts more for Argo
            asked.pop(name, None)
    for name, (node, word) in asked.items():
        other = by_name.get(name)
        if other is not None and not any(is_given(other.get(loop)) for loop in LOOPS):
            message = f'{name}.{word} is about the runs for several items, and "{name}" has none'
            yield node.place.problem(f"{message}: ask {name} or {name}.Failed", "unknown-task")


def _dependencies(task: Node) -> Iterator[tuple[Node, str, str]]:
    """(where, task, word of its result or none) for all that a task waits for."""
    for node in children(task.get("dependencies")):
        yield node, node.text, ""
    depends = text_of(task, "depends")
    if depends and not slip_in(depends):
        for name, word in tasks_of(depends):
            yield task.value["depends"], name, word


def _check_order(task: Node, names: set[str], before: set[str]) -> Iterator[Problem]:
    """A value that another task gives needs that task to come first. Argo refuses an argument that
    begins with one; any other it leaves as it is, so that the task fails."""
    arguments = task.get("arguments")
    values = [item.get("value") for item in children(arguments and arguments.get("parameters"))]
    values += [item.get("from") for item in children(arguments and arguments.get("artifacts"))]
    for node in (*values, task.get("when"), task.get("withParam")):
        for found in _OF_TASK.finditer(text_of(node)) if node is not None else ():
            if node is None or found[1] not in names or found[1] in before:
                continue
            is_refused = found.start() == 0 and found[0].startswith("{{tasks.")
            is_refused = is_refused and any(node is value for value in values)
            message = f'"{text_of(task, "name")}" uses what task "{found[1]}" gives, but does not '
            message += "depend on it: add it to dependencies"
            severity: Literal["error", "warning"] = "error" if is_refused else "warning"
            yield node.place.problem(message, "unknown-task", severity)
