"""Where a run stands: from the program and the nodes so far, what to run next and how it ended.

Nothing is remembered between two calls, so a run goes on after a restart from its saved nodes
alone: ``advance`` walks the tree of templates from the entrypoint and asks for every container
whose turn it is and which has no node yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.conditions import BadCondition, evaluate_when
from cicd.emulator.workflow.depends import dependencies, in_order, may_start
from cicd.emulator.workflow.expressions import Unresolved, substitute
from cicd.emulator.workflow.program import Artifact, Call, Program, Template
from cicd.emulator.workflow.work import (
    Given,
    Run,
    Work,
    find_inputs,
    input_scope,
    make_work,
    node_id,
    workflow_scope,
)

FAILED = ("Failed", "Error")
ENDED = ("Succeeded", "Failed", "Error", "Skipped", "Omitted")


@dataclass(frozen=True)
class Publication:
    """An output artifact with a globalName that is ready to be stored."""

    global_name: str
    path: str
    is_archived: bool


@dataclass(frozen=True)
class Progress:
    """``phase`` of the run as a whole, containers to start, nodes that ended without one."""

    phase: str
    message: str
    work: tuple[Work, ...] = ()
    settled: tuple[Node, ...] = ()
    publications: tuple[Publication, ...] = ()


def advance(program: Program, run: Run, nodes: Mapping[str, Node]) -> Progress:
    """What comes next. ``nodes``: by id, those that have ended or that run right now."""
    values = {**program.parameters, **run.parameters}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        return Progress("Error", f"parameter {', '.join(missing)} has no value")
    run = replace(run, parameters={name: value or "" for name, value in values.items()})
    walk = _Walk(program, run, nodes)
    root = walk.visit(run.name, program.entrypoint, Given(run.parameters))
    return Progress(
        phase=root.phase,
        message=root.message,
        work=tuple(walk.work),
        settled=tuple(walk.settled),
        publications=tuple(walk.publications),
    )


@dataclass
class _Scope:
    """What ``{{…}}`` and ``from`` can name inside one call of a steps or dag template."""

    texts: dict[str, str]
    artifacts: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def add(self, prefix: str, node: Node) -> None:
        """Make the outputs of an ended step known to those after it."""
        if node.phase not in ENDED:
            return
        self.texts[f"{prefix}.id"] = node.id
        self.texts[f"{prefix}.status"] = node.phase
        if node.exit_code is not None:
            self.texts[f"{prefix}.exitCode"] = str(node.exit_code)
        if "result" in node.outputs:
            self.texts[f"{prefix}.outputs.result"] = node.outputs["result"]
        for name, value in (node.outputs.get("parameters") or {}).items():
            self.texts[f"{prefix}.outputs.parameters.{name}"] = value
        for name, path in (node.outputs.get("artifacts") or {}).items():
            self.artifacts[f"{prefix}.outputs.artifacts.{name}"] = (path, False)


class _Walk:
    """One walk over the tree; collects what it finds."""

    def __init__(self, program: Program, run: Run, nodes: Mapping[str, Node]) -> None:
        self.program = program
        self.run = run
        self.nodes = nodes
        self.work: list[Work] = []
        self.settled: list[Node] = []
        self.publications: list[Publication] = []
        self.in_flight = 0
        self._workflow = workflow_scope(run, program.entrypoint)

    def visit(self, name: str, template_name: str, given: Given) -> Node:
        """The state of one call, with its repetitions if its template has any."""
        template = self.program.templates[template_name]
        retry = template.retry
        if retry is None:
            return self.attempt(name, template, given, 0, 0.0)
        for number in range(retry.limit + 1):
            delay = retry.wait * retry.factor ** (number - 1) if number else 0.0
            node = self.attempt(f"{name}({number})", template, given, number, delay)
            again = {"Always": FAILED, "OnFailure": ("Failed",), "OnError": ("Error",)}
            if node.phase not in again[retry.policy]:
                break
        return node

    def attempt(
        self, name: str, template: Template, given: Given, number: int, delay: float
    ) -> Node:
        node = Node(
            node_id(self.run.name, name, template.name), name, template.name, phase="Pending"
        )
        saved = self.nodes.get(node.id)
        if saved:
            return self.saved(saved, template)
        try:
            texts = {**self._workflow, **input_scope(template, given), "retries": str(number)}
            artifacts = find_inputs(template, given, self.run)
            if template.container is None:
                scope = _Scope(texts)
                scope.artifacts = {f"inputs.artifacts.{k}": v for k, v in artifacts.items()}
                return self.inner(node, template, scope)
            node = replace(node, phase="Running")
            work = make_work(
                node,
                template,
                artifacts,
                texts,
                delay=delay,
                keeps_result=self.program.uses_results,
            )
        except (Unresolved, BadCondition) as error:
            return self.settle(replace(node, phase="Error", message=str(error)))
        self.work.append(work)
        return node

    def saved(self, node: Node, template: Template) -> Node:
        """A node that ran before or runs right now."""
        if node.phase == "Running":
            self.in_flight += 1
        elif node.phase == "Succeeded":
            self.publish(template.output_artifacts, node.outputs.get("artifacts") or {})
        return node

    def settle(self, node: Node) -> Node:
        """A node that ends without a container having run."""
        if node.id not in self.nodes:
            self.settled.append(node)
        return node

    def publish(self, outputs: Iterable[Artifact], paths: Mapping[str, str]) -> None:
        for output in outputs:
            if output.global_name and output.name in paths:
                name = substitute(output.global_name, self._workflow)
                self.publications.append(Publication(name, paths[output.name], output.is_archived))

    def inner(self, node: Node, template: Template, scope: _Scope) -> Node:
        """The state of a steps or dag template; its outputs once it has succeeded."""
        phase, message = (
            self.tasks(node.name, template, scope)
            if template.tasks
            else self.steps(node.name, template, scope)
        )
        node = replace(node, phase=phase, message=message)
        if phase != "Succeeded":
            return node
        parameters = {}
        for item in template.output_parameters:
            try:
                parameters[item.name] = substitute(item.source, scope.texts)
            except Unresolved:
                if item.default is None:
                    raise
                parameters[item.name] = item.default
        artifacts = {}
        for output in template.output_artifacts:
            found = _artifact(output, scope)
            if found and not found[1]:
                artifacts[output.name] = found[0]
        self.publish(template.output_artifacts, artifacts)
        return replace(node, outputs={"parameters": parameters, "artifacts": artifacts})

    def steps(self, name: str, template: Template, scope: _Scope) -> tuple[str, str]:
        """Group after group; the steps of one group side by side."""
        for index, group in enumerate(template.groups):
            states = {
                call.name: self.call(f"{name}[{index}].{call.name}", call, scope) for call in group
            }
            if any(node.phase not in ENDED for node in states.values()):
                return "Running", ""
            message = _first_failure(states, "step")
            if message:
                return "Failed", message
            for child, node in states.items():
                scope.add(f"steps.{child}", node)
        return "Succeeded", ""

    def tasks(self, name: str, template: Template, scope: _Scope) -> tuple[str, str]:
        """Every task whose turn it is; after a failure no new ones, unless failFast is off."""
        states: dict[str, Node] = {}
        mark, in_flight = len(self.work), self.in_flight
        waits = {
            call.name: dependencies(call, map(_name, template.tasks)) for call in template.tasks
        }
        for call in in_order(template.tasks):
            states[call.name] = self.task(f"{name}.{call.name}", call, waits, states, scope)
            scope.add(f"tasks.{call.name}", states[call.name])
        message = _first_failure(states, "task")
        if message and template.is_fail_fast:
            del self.work[mark:]
            return ("Running", "") if self.in_flight > in_flight else ("Failed", message)
        if any(node.phase not in ENDED for node in states.values()):
            return "Running", ""
        broken = _broken(states, waits)
        leaves = states.keys() - {name for names in waits.values() for name in names}
        return ("Failed", message) if broken & leaves else ("Succeeded", "")

    def task(
        self,
        name: str,
        call: Call,
        waits: Mapping[str, list[str]],
        states: Mapping[str, Node],
        scope: _Scope,
    ) -> Node:
        before = {other: states[other].phase for other in waits[call.name]}
        node = self._empty(name, call)
        if any(phase not in ENDED for phase in before.values()):
            return node
        if not may_start(call, before):
            return self.settle(replace(node, phase="Omitted", message="what it waits for failed"))
        return self.call(name, call, scope)

    def call(self, name: str, call: Call, scope: _Scope) -> Node:
        """The state of one step or task whose turn it is."""
        node = self._empty(name, call)
        try:
            if call.when and not evaluate_when(call.when, scope.texts):
                return self.settle(
                    replace(node, phase="Skipped", message=f"when {call.when} is false")
                )
            given = Given(
                {key: substitute(text, scope.texts) for key, text in call.parameters.items()},
                _arguments(call, scope),
            )
        except (Unresolved, BadCondition) as error:
            return self.settle(replace(node, phase="Error", message=str(error)))
        return self.visit(name, call.template, given)

    def _empty(self, name: str, call: Call) -> Node:
        return Node(
            node_id(self.run.name, name, call.template), name, call.template, phase="Pending"
        )


def _name(call: Call) -> str:
    return call.name


def _arguments(call: Call, scope: _Scope) -> dict[str, tuple[str, bool]]:
    found = {}
    for artifact in call.artifacts:
        value = _artifact(artifact, scope)
        if value:
            found[artifact.name] = value
    return found


def _artifact(artifact: Artifact, scope: _Scope) -> tuple[str, bool] | None:
    """What ``from`` or ``raw`` stands for; None when an optional one is not there."""
    if artifact.raw is not None:
        return substitute(artifact.raw, scope.texts), True
    name = artifact.source.strip().removeprefix("{{").removesuffix("}}").strip()
    if name not in scope.artifacts and not artifact.is_optional:
        raise Unresolved(f"artifact {artifact.name}: {artifact.source} is not there")
    return scope.artifacts.get(name)


def _first_failure(states: Mapping[str, Node], word: str) -> str:
    for name, node in states.items():
        if node.phase in FAILED:
            return f"{word} {name} failed: {node.message}"
    return ""


def _broken(states: Mapping[str, Node], waits: Mapping[str, list[str]]) -> set[str]:
    """Tasks that failed, and those that were left out because of one."""
    broken: set[str] = set()
    for name, node in states.items():
        is_left_out = node.phase == "Omitted" and broken.intersection(waits[name])
        if node.phase in FAILED or is_left_out:
            broken.add(name)
    return broken
