"""What ``{{…}}`` may name in each part of a workflow: Argo's variables, and what is declared.

Source: Argo Workflows 3.5, docs/variables.md and workflow/validate/validate.go, which also says in
which order the templates are gone through.
"""

from __future__ import annotations

import graphlib
from collections.abc import Generator, Iterator

import msgspec

from cicd.config.tree import Node
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.metadata import children, is_given, text_of
from cicd.platforms.aicore.dialect.placeholders import Scope, check_placeholders
from cicd.platforms.aicore.dialect.workflow_calls import LOOPS, ancestors, calls_of, side_by_side

_WORKFLOW = frozenset(
    f"workflow.{name}"
    for name in (
        "name",
        "uid",
        "namespace",
        "mainEntrypoint",
        "serviceAccountName",
        "status",
        "duration",
        "scheduledTime",
        "creationTimestamp",
        "labels",
        "labels.json",
        "annotations",
        "annotations.json",
    )
)
_TIMES = frozenset(f"workflow.creationTimestamp.{x}" for x in (*"BbmAadHIMSYypZzL", "s", "RFC3339"))
_LEFT = ("workflow.creationTimestamp", "workflow.scheduledTime", "workflow.duration", "outputs.")
"""Whatever begins so is not refused, and stays as it is where it is none of the above."""
_RUNTIME = (
    "workflow.labels.ai.sap.com/",
    "workflow.labels.executables.ai.sap.com/",
    "workflow.labels.executions.ai.sap.com/",
    "workflow.labels.scenarios.ai.sap.com/",
    "workflow.labels.workflows.argoproj.io/",
)
"""Labels that AI Core and Argo themselves give a run."""
_ANYWHERE = frozenset({"node.name", "steps.name", "tasks.name"})
_REPEATED = frozenset(
    {"retries", *(f"lastRetry.{x}" for x in ("exitCode", "status", "duration", "message"))}
)
_METRICS = frozenset(
    {
        "status",
        "duration",
        "exitCode",
        "outputs.result",
        "resourcesDuration.cpu",
        "resourcesDuration.memory",
    }
)
_NODE = ("id", "startedAt", "finishedAt", "hostNodeName")
"""Of every step and task; its ``status`` only behind it."""
_POD = ("exitCode", "outputs.result")
_PRINTING = ("container", "script", "data", "http", "plugin")
"""What has an exit code and a result."""
_CALCULATED = ("ip", "status", *_POD, "outputs.parameters")
"""What expressions may ask of any step and task: Argo does not look into them before they run."""
_STATUS = "workflow.status"
_FAILURES = "workflow.failures"
"""Only once ``onExit`` has come up is that a name of Argo."""
_LOCAL = ("inputs.", "outputs.", "steps.", "tasks.", "item.", "pod.")
_PODS = ("container", "script", "containerSet", "resource", "data")


def check_names(tree: Node) -> Iterator[Problem]:
    """A problem for each ``{{…}}`` in a workflow that leads to nothing."""
    spec = tree.get("spec")
    if spec is None or not isinstance(spec.value, dict):
        return
    everywhere = _global_scope(spec).with_names(_labels(tree))
    retried = _REPEATED if _has_retries(spec) else frozenset[str]()
    for key, node in spec.value.items():
        if key == "templates":
            yield from _Reader(spec, everywhere.with_names(retried)).problems()
        else:  # of defaults, hooks and metrics nobody knows which template they will be about
            known = {*_METRICS, *_REPEATED, _FAILURES, "item"}
            scope = everywhere.with_names(known, *_LOCAL, "workflow.outputs.")
            yield from check_placeholders(node, scope)


def _global_scope(spec: Node) -> Scope:
    parameters = {text_of(item, "name") for item in children(spec.get("arguments", "parameters"))}
    known = {f"workflow.parameters.{name}" for name in parameters}
    known |= {f"workflow.parameters{end}" for end in ("", ".json")} if parameters else set()
    known |= {"workflow.priority"} if spec.get("priority") is not None else set()
    return Scope(
        _WORKFLOW | _TIMES | _ANYWHERE | known,
        _RUNTIME,
        left=_LEFT,
        calculated=frozenset({_FAILURES}),
    )


def _labels(tree: Node) -> set[str]:
    """Labels and annotations of the template, and those that a run gets on top."""
    places = [
        (part, tree.get(*where, key))
        for part in ("labels", "annotations")
        for where in (("metadata",), ("spec", "workflowMetadata"))
        for key in (part, f"{part}From")
    ]
    return {
        f"workflow.{part}.{name}"
        for part, node in places
        if node is not None and isinstance(node.value, dict)
        for name in node.value
    }


def _has_retries(spec: Node) -> bool:
    """Whether every template is repeated, wherever that is said."""
    defaults = spec.get("templateDefaults", "retryStrategy")
    return spec.get("retryStrategy") is not None or defaults is not None


class _Reader:
    """Goes through the templates as Argo does: from the entrypoint, what is called before what
    calls it. ``shared`` grows: outputs with a ``globalName`` are known from their call on."""

    def __init__(self, spec: Node, everywhere: Scope) -> None:
        self.spec = spec
        self.everywhere = everywhere
        self.templates = {text_of(item, "name"): item for item in children(spec.get("templates"))}
        self.found: dict[str, list[Problem]] = {}
        self.shared = Scope(frozenset())
        self.early = frozenset[str]()
        self.handlers = set(_handlers(spec))

    def problems(self) -> Iterator[Problem]:
        """Those of all templates, in the order of the file."""
        self.early = frozenset({_STATUS})
        self.visit(text_of(self.spec, "entrypoint"))
        self.early = frozenset()
        if exit_template := text_of(self.spec, "onExit"):
            self.shared = self.shared.with_names({_FAILURES})
            self.visit(exit_template)
        for name in list(self.templates):
            self.visit(name)
        for name in self.templates:
            yield from self.found[name]

    def callee(self, call: Node) -> str:
        """The name of what a step or task calls; one that stands in it has one that nobody has."""
        inline = call.get("inline")
        if inline is None:
            return text_of(call, "template")
        self.templates.setdefault(str(inline.place), inline)
        return str(inline.place)

    def visit(self, name: str) -> None:
        """Look at a template and at all that it calls, each once: one may lead to itself. A stack
        instead of recursion, for a chain of them may be longer than Python's own stack."""
        stack = [self.look(name)]
        while stack:
            called = next(stack[-1], None)
            if called is None:
                stack.pop()
            else:
                stack.append(self.look(called))

    def look(self, name: str) -> Iterator[str]:
        """Look at one template; yields those that have to be looked at before it goes on."""
        template = self.templates.get(name)
        if template is None or name in self.found:
            return
        found = self.found[name] = []
        if not isinstance(template.value, dict):
            return
        scope = self.everywhere.with_names(_own_names(template))
        if name not in self.handlers:
            scope = msgspec.structs.replace(scope, early=self.early)
        if template.get("steps") is not None:
            scope = yield from self.steps(template, scope, found)
        elif template.get("dag") is not None:
            scope = yield from self.tasks(template, scope, found)
        for key, node in template.value.items():
            if key not in ("steps", "dag"):
                more = _METRICS if key == "metrics" else ()
                found += self.check(node, scope.with_names(more))

    def check(self, node: Node, scope: Scope) -> Iterator[Problem]:
        scope = scope.with_names(self.shared.known, *self.shared.open)
        return check_placeholders(node, scope)

    def steps(
        self, template: Node, scope: Scope, found: list[Problem]
    ) -> Generator[str, None, Scope]:
        """What is known behind the steps: of those to come nothing is."""
        for group in children(template.get("steps")):
            for call in side_by_side(group):
                scope = scope.with_names({f"steps.{text_of(call, 'name')}.status"})
                scope = scope.with_names(*_items(call))
                yield self.callee(call)
                behind = self.behind("steps.", call, scope)
                has_exit = bool(text_of(call, "onExit")) or call.get("hooks", "exit") is not None
                found += self.check(_outer(call), behind if has_exit else scope)
                scope = behind
        return scope

    def tasks(
        self, template: Node, scope: Scope, found: list[Problem]
    ) -> Generator[str, None, Scope]:
        """The same of a dag: outputs of all tasks, but the status only of those before."""
        tasks = children(template.get("dag", "tasks"))
        by_name = {text_of(task, "name"): task for task in tasks}
        try:
            before = ancestors(tasks)
        except graphlib.CycleError:
            before = {name: set(by_name) for name in by_name}
        for name in before:
            yield self.callee(by_name[name])
            scope = self.behind("tasks.", by_name[name], scope)
        if (target := template.get("dag", "target")) is not None:
            found += self.check(target, scope)
        known = set()
        for task in tasks:
            name = text_of(task, "name")
            own = {f"tasks.{name}.status"} if task.get("hooks") is not None else set()
            known |= own
            ended = {f"tasks.{other}.status" for other in before[name]}
            inner = scope.with_names(own | ended).with_names(*_items(task))
            found += self.check(_outer(task), inner)
        return scope.with_names(known)

    def behind(self, prefix: str, call: Node, scope: Scope) -> Scope:
        """What is known behind a call."""
        start = f"{prefix}{text_of(call, 'name')}"
        called = self.templates.get(self.callee(call))
        if called is None:  # nobody here knows what it hands on
            return scope.with_names((), f"{start}.")
        names = {*_NODE, *_results(call, called)}
        for part in ("parameters", "artifacts"):
            for item in children(called.get("outputs", part)):
                names.add(f"outputs.{part}.{text_of(item, 'name')}")
                self.share(f"workflow.outputs.{part}.", text_of(item, "globalName"))
        calculated = {f"{start}.{word}" for word in _CALCULATED}
        scope = scope.with_names({f"{start}.{word}" for word in names})
        return msgspec.structs.replace(scope, calculated=scope.calculated | calculated)

    def share(self, start: str, name: str) -> None:
        """An output is known to the whole workflow from here on; its name may have tags."""
        if "{{" in name:
            self.shared = self.shared.with_names((), start)
        elif name:
            self.shared = self.shared.with_names({f"{start}{name}"})


def _handlers(spec: Node) -> Iterator[str]:
    """The templates that run as a hook or at the end, of the workflow or of a call."""
    calls = [call for t in children(spec.get("templates")) for _, call in calls_of(t)]
    for holder in (spec, *calls):
        yield text_of(holder, "onExit")
        hooks = holder.get("hooks")
        for hook in hooks.value.values() if hooks and isinstance(hooks.value, dict) else ():
            yield text_of(hook, "template")


def _results(call: Node, called: Node) -> Iterator[str]:
    """What a call has besides the outputs that its template declares."""
    containers = children(called.get("containerSet", "containers"))
    is_set = any(text_of(container, "name") == "main" for container in containers)
    is_gathered = any(is_given(call.get(loop)) for loop in ("withItems", "withParam"))
    if is_set or any(called.get(body) is not None for body in _PRINTING):
        yield from _POD
    if is_gathered:
        yield "outputs.parameters"
        yield from _POD if called.get("containerSet") is not None else ()
    daemon = called.get("daemon")
    if daemon is not None and daemon.value is True:
        yield "ip"


def _outer(call: Node) -> Node:
    """A step or task without the template that stands in it, which is looked at by itself."""
    if not isinstance(call.value, dict) or "inline" not in call.value:
        return call
    return call.but(value={key: node for key, node in call.value.items() if key != "inline"})


def _items(call: Node) -> tuple[set[str], *tuple[str, ...]]:
    """What ``item`` is, and what it may be followed by: names, and perhaps a prefix."""
    loops = [call.get(loop) for loop in LOOPS]
    if not any(is_given(loop) for loop in loops):
        return (set(),)
    if is_given(call.get("withParam")):
        return {"item"}, "item."
    names = {"item"}
    for item in children(call.get("withItems")):
        if isinstance(item.value, dict):
            names |= {f"item.{key}" for key in item.value}
        elif isinstance(item.value, list):
            names |= {f"item.[{index}]" for index in range(len(item.value))}
    return (names,)


def _own_names(template: Node) -> frozenset[str]:
    """What a template takes and gives, and what it knows of itself."""
    names = {"inputs.parameters"} if children(template.get("inputs", "parameters")) else set()
    for part in (
        "inputs.parameters",
        "inputs.artifacts",
        "outputs.parameters",
        "outputs.artifacts",
    ):
        for item in children(template.get(*part.split("."))):
            name = f"{part}.{text_of(item, 'name')}"
            names |= {name, f"{name}.path"}
    if any(template.get(body) is not None for body in _PODS):
        names.add("pod.name")
    return frozenset(names) | (_REPEATED if template.get("retryStrategy") else frozenset())
