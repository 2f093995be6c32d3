"""Whether every ``{{…}}`` of a template names something that can be there.

Source: Argo Workflows 3.5, workflow/validate/validate.go: what is known where, and in which order
the templates are gone through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cicd.emulator.workflow.check.inline import placed
from cicd.emulator.workflow.container_sets import MAIN
from cicd.emulator.workflow.depends import ancestors, in_order
from cicd.emulator.workflow.expr.expressions import TAG, is_argos, tags
from cicd.emulator.workflow.expr.language import read
from cicd.emulator.workflow.expr.operators import BadExpression
from cicd.emulator.workflow.program import (
    Artifact,
    OutputParameter,
    Program,
    Template,
    TemplateCall,
)
from cicd.emulator.workflow.scope import TIME_LETTERS

WORKFLOW = {
    "name",
    "uid",
    "namespace",
    "serviceAccountName",
    "creationTimestamp",
    "creationTimestamp.s",
    "creationTimestamp.RFC3339",
    "mainEntrypoint",
    "scheduledTime",
    "duration",
    "status",
    "labels",
    "labels.json",
    "annotations",
    "annotations.json",
    *(f"creationTimestamp.{letter}" for letter in f"{TIME_LETTERS}L"),
}
CALLED = {"steps.name", "tasks.name"}
NODE = ("id", "startedAt", "finishedAt", "hostNodeName")
"""Of every step and task; its ``status`` only behind it."""
POD = ("exitCode", "outputs.result")
FAILURES = "workflow.failures"
"""Only after ``onExit`` has come up is that a name of Argo."""
SOME = "*"
"""Ends a name that stands for all that begin so."""
EXPRESSIONS = ("expression", "fromExpression")
Judge = Callable[..., None]
"""Looks at a value below that path of a template, where the names of these sets are known."""


def tag_problems(spec: Mapping[str, Any], program: Program) -> Iterator[str]:
    """One line for every tag of the templates that names nothing, with its path. Tasks must be in
    an order already."""
    reader = _Reader(spec, program)
    reader.visit(program.entrypoint)
    if exit_template := spec.get("onExit"):
        reader.shared.add(FAILURES)
        reader.visit(exit_template)
    for name in program.templates:
        reader.visit(name)
    for name in program.templates:
        yield from reader.found[name]
    # nobody knows before a hook runs what there will be, and Argo does not look
    known = {*reader.shared, FAILURES, f"workflow.outputs.{SOME}"}
    entry = program.templates.get(program.entrypoint)
    known |= own_names(entry, program) if entry else set()
    yield from unknown(spec.get("hooks"), "spec.hooks", known)


class _Reader:
    """Goes through the templates as Argo does: from the entrypoint, what is called before what
    calls it. ``shared`` grows: outputs with a ``globalName`` are known from their call on."""

    def __init__(self, spec: Mapping[str, Any], program: Program) -> None:
        self.program = program
        self.items = {item["name"]: (path, item) for path, item in placed(spec)}
        self.around: dict[str, set[str]] = {}
        """Inline template -> what is known where it stands."""
        self.found: dict[str, list[str]] = {}
        self.shared: set[str] = set()

    def visit(self, name: str) -> None:
        """Look at a template and at all that it calls, each once: one may lead to itself. A stack
        instead of recursion, for a chain of them may be longer than Python's own stack."""
        stack = [self.look(name)]
        while stack:
            callee = next(stack[-1], None)
            if callee is None:
                stack.pop()
            else:
                stack.append(self.look(callee))

    def look(self, name: str) -> Iterator[str]:
        """Look at one template; yields those that have to be looked at before it goes on."""
        if name not in self.items or name in self.found:
            return
        found = self.found[name] = []
        path, item = self.items[name]
        template = self.program.templates[name]
        own = own_names(template, self.program) | self.around.get(name, set())

        def judge(where: str, value: Any, *known: set[str]) -> None:
            found.extend(unknown(_outer(value), f"{path}{where}", own, self.shared, *known))

        if template.groups:
            yield from self.steps(item, template, judge)
        elif template.tasks:
            yield from self.tasks(item, template, judge)
        else:
            judge("", item)

    def steps(self, item: Mapping[str, Any], template: Template, judge: Judge) -> Iterator[str]:
        """Of steps to come nothing is known."""
        known: set[str] = set()
        calls = [call for group in template.groups for call in group]
        for (where, raw), call in zip(raw_calls(item), calls, strict=True):
            self.look_in(template, call, known)
            yield call.template
            given = self.given("steps.", call)
            known |= _items(call) | {f"steps.{call.name}.status"}
            has_exit = any(hook.name == "exit" for hook in call.hooks)
            judge(f".{where}", raw, known, given if has_exit else set())
            known |= given
        judge(".outputs", item.get("outputs"), known)

    def tasks(self, item: Mapping[str, Any], template: Template, judge: Judge) -> Iterator[str]:
        """Of all tasks the outputs are known, but the status only of those before."""
        known: set[str] = set()
        for call in in_order(template.tasks):
            self.look_in(template, call, known)
            yield call.template
            known |= self.given("tasks.", call)
        judge(".dag.target", template.target, known)
        before = ancestors(template.tasks)
        statuses: set[str] = set()
        for (where, raw), call in zip(raw_calls(item), template.tasks, strict=True):
            own = {f"tasks.{call.name}.status"} if call.hooks else set()
            statuses |= own
            ended = {f"tasks.{name}.status" for name in before[call.name]}
            judge(f".{where}", raw, known, ended, own, _items(call))
        judge(".outputs", item.get("outputs"), known, statuses)

    def look_in(self, template: Template, call: TemplateCall, known: set[str]) -> None:
        """What an inline template knows besides its own."""
        if self.program.templates[call.template].is_inline:
            own = own_names(template, self.program) | self.around.get(template.name, set())
            self.around[call.template] = own | known | _items(call)

    def given(self, prefix: str, call: TemplateCall) -> set[str]:
        """What is known behind a call."""
        callee = self.program.templates[call.template]
        start = f"{prefix}{call.name}."
        names = set(NODE)
        is_gathered = call.loop is not None and call.loop.sequence is None
        if callee.container is not None and (is_gathered or _has_result(callee)):
            names.update(POD)
        if is_gathered:
            names.add("outputs.parameters")
        outputs: dict[str, Iterable[OutputParameter | Artifact]] = {
            "parameters": callee.output_parameters,
            "artifacts": callee.output_artifacts,
        }
        for part, items in outputs.items():
            for item in items:
                names.add(f"outputs.{part}.{item.name}")
                if item.global_name:
                    name = SOME if "{{" in item.global_name else item.global_name
                    self.shared.add(f"workflow.outputs.{part}.{name}")
        return {f"{start}{name}" for name in names}


def _has_result(template: Template) -> bool:
    """Whether one of its containers is the one whose result counts."""
    found = template.container_set
    return found is None or any(item["name"] == MAIN for item in found.containers)


def _outer(value: Any) -> Any:
    """A step or task without its inline template, which is looked at by itself."""
    if isinstance(value, Mapping) and "inline" in value:
        return {key: item for key, item in value.items() if key != "inline"}
    return value


def _items(call: TemplateCall) -> set[str]:
    """What ``item`` can be followed by; alone it is never refused."""
    if call.loop is None or call.loop.sequence is not None:
        return set()
    if call.loop.items is None:
        return {f"item.{SOME}"}
    names: set[str] = set()
    for value in call.loop.items:
        if isinstance(value, Mapping):
            names |= {f"item.{key}" for key in value}
        elif isinstance(value, list):
            names |= {f"item.[{index}]" for index in range(len(value))}
    return names


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


def unknown(value: Any, path: str, *known: set[str]) -> Iterator[str]:
    """One line for every expression in ``value`` that cannot be read, and every tag of Argo's that
    is none of ``known``."""
    for expression in expressions(value):
        try:
            read(expression)
        except BadExpression as error:
            yield f"{path}: {error}"
    for start in unclosed(value):
        yield f"{path}: {start} has no end"
    for tag in dict.fromkeys(tags(value)):
        if tag.startswith("=") or not is_argos(tag) or any(tag in names for names in known):
            continue
        starts = (name[:-1] for names in known for name in names if name.endswith(SOME))
        if tag.startswith(tuple(starts)):
            continue
        if tag.startswith(("steps.", "tasks.")):
            yield f"{path}: {{{{{tag}}}}} names no step, task or output that is known here"
        elif tag.startswith("workflow.outputs."):
            yield f"{path}: {{{{{tag}}}}}: no output before has this globalName"
        elif tag == FAILURES:
            yield f"{path}: {{{{{tag}}}}} is known only in the template of onExit"
        else:
            yield f"{path}: {{{{{tag}}}}} is not known here"


def unclosed(value: Any) -> Iterator[str]:
    """The beginnings of tags that do not end, where they begin like a name of Argo."""
    if isinstance(value, str):
        _, start, name = TAG.sub("", value).partition("{{")
        name = name.split(maxsplit=1)[0] if name.strip() else ""
        if start and is_argos(name):
            yield f"{start}{name}"
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from unclosed(item)


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
    known = {f"workflow.{word}" for word in WORKFLOW} | CALLED
    known |= {f"workflow.labels.{key}" for key in (*program.labels, *program.labels_from)}
    known |= {f"workflow.annotations.{key}" for key in program.annotations}
    known |= {f"inputs.parameters.{name}" for name in template.parameters}
    known |= {f"workflow.parameters.{name}" for name in program.parameters}
    known |= {f"inputs.artifacts.{artifact.name}" for artifact in template.artifacts}
    known |= {"inputs.parameters"} if template.parameters else set()
    known |= {"workflow.priority"} if program.priority else set()
    known |= {f"workflow.parameters{x}" for x in ("", ".json")} if program.parameters else set()
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
