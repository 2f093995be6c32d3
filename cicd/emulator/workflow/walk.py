"""One walk over the tree of templates: which nodes there are, and what each of them needs next."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.workflow import groups, hooks
from cicd.emulator.workflow.depends import wanted
from cicd.emulator.workflow.expr.conditions import BadCondition
from cicd.emulator.workflow.expr.expressions import NOW, Unresolved, substitute
from cicd.emulator.workflow.frame import Frame
from cicd.emulator.workflow.loops import Item, expand, gathered
from cicd.emulator.workflow.program import Hook, Program, Template, TemplateCall, duration
from cicd.emulator.workflow.retries import decide, last_texts
from cicd.emulator.workflow.scope import (
    ENDED,
    FAILED,
    Given,
    Run,
    Scope,
    find_inputs,
    input_texts,
)
from cicd.emulator.workflow.when import is_wanted
from cicd.emulator.workflow.work import (
    Work,
    collect,
    make_work,
    named_outputs,
    node_id,
    valued,
)

DEEPEST = 60
"""Templates inside each other; Argo ends at 100, Python's stack somewhat earlier."""
MOST_NODES = 20_000
COUNTED = ("Pod", "Steps", "DAG")
"""What ``parallelism`` and ``failFast`` of a template are about."""
REACHED = "Max parallelism reached"
"""Argo's words for why something waits (ErrParallelismReached)."""
NOTHING: Mapping[str, str] = {}
TROUBLE = (Unresolved, BadCondition)


class TooMuch(Exception):
    """The workflow has become too large; the message says in which respect."""


class Again(Exception):
    """Something has become known that the walk so far did not know; store what is settled."""


@dataclass
class Walk:
    """Collects what it finds: containers to start, nodes to store, and when to look again."""

    program: Program
    run: Run
    nodes: Mapping[str, Node]
    now: float
    texts: Mapping[str, str]
    shared: Scope
    work: list[Work] = field(default_factory=list)
    settled: list[Node] = field(default_factory=list)
    wake: float | None = None
    in_flight: int = 0
    queued: list[Node] = field(default_factory=list)
    """What ``parallelism`` keeps from starting."""

    @property
    def activity(self) -> int:
        """How much runs, waits for a time, or is about to start, so far in this walk."""
        return self.in_flight + len(self.work)

    # nodes

    def blank(self, name: str, template: str, kind: str, parent: str = "") -> Node:
        """A node that nothing has happened to yet."""
        identity = node_id(self.run.name, name, template)
        shown = "" if kind == "StepGroup" else template
        return Node(identity, name, shown, phase="Pending", type=kind, parent=parent)

    def open(self, node: Node) -> Node:
        """The node as it is stored; if it is not, it begins now."""
        saved = self.nodes.get(node.id)
        if saved:
            return saved
        if len(self.nodes) + len(self.settled) > MOST_NODES:
            raise TooMuch(f"the workflow has more than {MOST_NODES} nodes")
        return self.store(replace(node, phase="Running", started=self.now))

    def close(self, node: Node, phase: str, message: str = "", **more: Any) -> Node:
        """The node ends here and now."""
        started = node.started or self.now
        ended = self.store(
            replace(node, phase=phase, message=message, started=started, ended=self.now, **more)
        )
        # Steps that were looked at earlier in this walk may use it, so the walk begins anew with it
        # known.
        if "globals" in ended.outputs:
            raise Again
        return ended

    def store(self, node: Node) -> Node:
        self.settled.append(node)
        return node

    def look_again(self, at: float) -> None:
        """Something changes by itself at that time."""
        self.wake = at if self.wake is None else min(self.wake, at)

    # templates

    def visit(self, name: str, template_name: str, given: Given, level: int, parent: str) -> Node:
        """The state of one call, with its repetitions if its template has any."""
        template = self.program.templates[template_name]
        if template.retry is None:
            return self.attempt(name, template, given, level, parent, last_texts(()))
        node = self.open(self.blank(name, template_name, "Retry", parent))
        if node.phase in ENDED:
            return node
        try:
            return self.retried(node, template, given, level)
        except TROUBLE as error:
            return self.close(node, "Error", str(error))

    def retried(self, node: Node, template: Template, given: Given, level: int) -> Node:
        assert template.retry
        attempts: list[Node] = []
        while True:
            name, last = f"{node.name}({len(attempts)})", last_texts(attempts)
            attempts.append(self.attempt(name, template, given, level, node.id, last))
            if attempts[-1].phase not in ENDED:
                return node
            inputs = input_texts(template, given, {**self.texts, **given.texts})
            verdict = decide(template.retry, attempts, {**self.texts, **inputs})
            if verdict.again_at is None:
                final = attempts[-1]
                more = {"outputs": final.outputs, "exit_code": final.exit_code}
                return self.close(node, verdict.phase, verdict.message, **more)
            # While it waits for its next try nothing of it runs, but the workflow has not come to
            # an end.
            if verdict.again_at > self.now:
                self.in_flight += 1
                self.look_again(verdict.again_at)
                return node

    def attempt(
        self,
        name: str,
        template: Template,
        given: Given,
        level: int,
        parent: str,
        last: Mapping[str, str],
    ) -> Node:
        """The state of one run of a template."""
        node = self.blank(name, template.name, template.type, parent)
        saved = self.nodes.get(node.id)
        # What has begun is never calculated again: its values, ``now()`` and random ones among
        # them, are those that it began with.
        if saved and (saved.phase in ENDED or saved.type == "Pod"):
            self.in_flight += saved.phase == "Running"
            return saved
        try:
            # A template may call itself under a condition that is never false.
            if level > DEEPEST:
                raise Unresolved(f"Maximum recursion depth exceeded: {DEEPEST} templates")
            begun_at = saved.started if saved else self.now
            texts = {**self.texts, **last, **given.texts, "node.name": name, NOW: str(begun_at)}
            texts |= input_texts(template, given, texts)
            if template.target:
                names = substitute(template.target, texts)
                template = replace(template, tasks=wanted(template.tasks, names))
            inputs = find_inputs(template, given, self.run, texts)
            if template.container is not None:
                begun = replace(node, phase="Running", started=self.now)
                kept = given.keeps_result
                self.work.append(make_work(begun, template, inputs, texts, keeps_result=kept))
                return node
            node = self.open(node)
            if template.suspend is not None:
                return self.suspended(node, template, texts)
            named = {f"inputs.artifacts.{key}": content for key, content in inputs.items()}
            scope = Scope(texts, {**self.shared.artifacts, **named})
            return self.compose(Frame(node, template, scope, level, *self.limits(node, template)))
        except TROUBLE as error:
            return self.close(node, "Error", str(error))

    def suspended(self, node: Node, template: Template, texts: Mapping[str, str]) -> Node:
        """A node that only lets time pass."""
        text = substitute(template.suspend or "0", texts)
        try:
            until = node.started + duration(text)
        except ValueError as error:
            raise Unresolved(f"suspend.duration: {error}") from None
        if until > self.now:
            self.in_flight += 1
            self.look_again(until)
            return node
        parameters, _ = named_outputs(template, texts, has_paths=False)
        values = {item.name: item.default for item in parameters if item.default is not None}
        return self.close(node, "Succeeded", outputs=collect(parameters, (), values, {}))

    def limits(self, node: Node, template: Template) -> tuple[int | None, bool]:
        """``room`` and ``is_stopped`` of a frame, from its children so far."""
        if template.parallelism is None and not template.stops_early:
            return None, False
        children = self.children(node)
        active = sum(item.phase in ("Pending", "Running") for item in children)
        room = None if template.parallelism is None else max(0, template.parallelism - active)
        return room, template.stops_early and any(item.phase in FAILED for item in children)

    def children(self, node: Node) -> list[Node]:
        """The pods, steps and dags that the template of ``node`` has called, each attempt by
        itself (getActiveChildren)."""
        own = [item for item in self.nodes.values() if item.parent == node.id]
        repeated = {item.id for item in own if item.type == "Retry"}
        attempts = [item for item in self.nodes.values() if item.parent in repeated]
        begun = {item.parent for item in attempts}
        return [
            item
            for item in (*own, *attempts)
            if item.type in COUNTED or (item.id in repeated and item.id not in begun)
        ]

    def compose(self, frame: Frame) -> Node:
        """The state of a steps or dag template; its outputs once it has succeeded."""
        before = self.activity
        walk = groups.tasks if frame.template.tasks else groups.steps
        phase, message = walk(self, frame)
        is_idle = self.activity == before
        if phase == "Running" and frame.is_stopped and is_idle:
            return self.cut_short(frame.node)
        if phase == "Running":
            return frame.node
        outputs = self.outputs(frame) if phase == "Succeeded" else {}
        return self.close(frame.node, phase, message, outputs=outputs)

    def cut_short(self, node: Node) -> Node:
        """A template whose ``failFast`` ends it: nothing of it runs, and the rest never will."""
        reason = "template has failed or errored children and failFast enabled"
        known = {**self.nodes, **{item.id: item for item in self.settled}}
        for item in known.values():
            if item.parent == node.id and item.phase not in ENDED:
                self.close(item, "Failed", reason)
        return self.close(node, "Failed", reason)

    def outputs(self, frame: Frame) -> dict[str, Any]:
        """What a steps or dag template hands on. Raises Unresolved."""
        parameters, artifacts = named_outputs(frame.template, frame.scope.texts, has_paths=False)
        values, paths = {}, {}
        for item in parameters:
            try:
                values[item.name] = valued(item, frame.scope.texts)
            except Unresolved:
                if item.default is None:
                    raise
                values[item.name] = item.default
        for artifact in artifacts:
            found = frame.scope.find(artifact)
            if found and found.path:
                inner = f"/{found.sub_path}" if found.sub_path else ""
                paths[artifact.name] = f"{found.path}{inner}"
        return collect(parameters, artifacts, values, paths)

    # calls

    def call(self, name: str, call: TemplateCall, prefix: str, frame: Frame) -> Node:
        """The state of one step or task whose turn it is. A loop of steps has no node of its own:
        what is returned for it is not stored (executeSteps)."""
        if call.loop is None:
            return hooks.hooked(self, name, call, prefix, frame, frame.scope)
        node = self.blank(name, call.template, "TaskGroup", frame.node.id)
        saved = self.nodes.get(node.id)
        if saved and saved.phase in ENDED:
            return saved
        is_kept = prefix == "tasks"
        never = replace(node, type="Skipped")
        # Argo resolves all rounds before it starts the first one: one that cannot be resolved stops
        # them all, and nothing has run in vain.
        if is_kept and saved is None and (why := self.trouble(call, frame.scope)):
            return self.close(never, "Error", why)
        try:
            items = expand(call.loop, frame.scope.texts)
        except TROUBLE:
            items = []  # nothing wants them, or there would be no way here
        if not items:
            return self.close(never, "Skipped", "Skipped, empty params")
        if is_kept:
            node = self.open(node)
        rounds = self.rounds(node, call, items, prefix, frame)
        if any(child.phase not in ENDED for child in rounds):
            return replace(node, phase="Running")
        ended = replace(node, **gathered(node, rounds, call, is_task=is_kept))
        if not is_kept:
            return ended
        return self.close(node, ended.phase, ended.message, outputs=ended.outputs)

    def rounds(
        self, node: Node, call: TemplateCall, items: Sequence[Item], prefix: str, frame: Frame
    ) -> list[Node]:
        """The state of a loop, item by item."""
        found = []
        for item in items:
            name = f"{node.name}({item.label})"
            # most items of a large loop have a container or had one: then there is nothing to do
            child = None if call.hooks else self.begun(name, call)
            if child is None:
                scope = frame.scope.with_texts(item.texts)
                child = hooks.hooked(self, name, call, prefix, frame, scope)
            found.append(child)
        return found

    def trouble(self, call: TemplateCall, scope: Scope) -> str:
        """Why a call cannot begin, none of its rounds either; empty when it can
        (resolveReferences, expandStep)."""
        try:
            if call.loop is None:
                if not call.when or is_wanted(call.when, scope.texts):
                    self.given(call, scope)
            elif not self.is_unwanted(call, scope):
                for item in expand(call.loop, scope.texts):
                    texts = ChainMap(dict(item.texts), scope.texts)
                    for text in (call.when, *call.parameters.values()):
                        substitute(text, texts)
        except TROUBLE as error:
            return str(error)
        return ""

    def is_unwanted(self, call: TemplateCall, scope: Scope) -> bool:
        """Whether a loop whose items cannot be told does not need them: its ``when`` is false."""
        try:
            return bool(call.when) and not is_wanted(call.when, scope.texts)
        except TROUBLE:
            return False

    def skipped(self, node: Node, call: TemplateCall, scope: Scope) -> Node:
        try:
            shown = substitute(call.when, scope.texts)
        except Unresolved:
            shown = call.when
        message = f"when '{shown}' evaluated false"
        return self.close(replace(node, type="Skipped"), "Skipped", message)

    def single(self, name: str, call: TemplateCall, frame: Frame, scope: Scope) -> Node:
        """One call without its hooks."""
        if begun := self.begun(name, call):
            return begun
        node = self.blank(name, call.template, "Pod", frame.node.id)
        saved = node.id in self.nodes
        try:
            if not saved:
                if call.when and not is_wanted(call.when, scope.texts):
                    return self.skipped(node, call, scope)
                # Its turn comes in a later walk, when another one has ended. It is shown as
                # waiting, unless the group ends early and it never will run.
                if not frame.take():
                    if not frame.is_stopped:
                        self.queued.append(replace(node, message=REACHED))
                    return node
            shown = name.removeprefix(frame.node.name).partition(".")[2]
            own = {f"{'tasks' if frame.template.tasks else 'steps'}.name": shown}
            given = self.given(call, scope, own)
        except TROUBLE as error:
            return self.close(replace(node, type="Skipped"), "Error", str(error))
        return self.visit(name, call.template, given, frame.level + 1, frame.node.id)

    def begun(self, name: str, call: TemplateCall) -> Node | None:
        """The node of a call that has ended or whose container runs; None for any other."""
        saved = self.nodes.get(node_id(self.run.name, name, call.template))
        if saved is None or (saved.phase not in ENDED and saved.type != "Pod"):
            return None
        self.in_flight += saved.phase == "Running"
        return saved

    def given(
        self, call: TemplateCall | Hook, scope: Scope, own: Mapping[str, str] = NOTHING
    ) -> Given:
        """The arguments of a call; ``own``: what it knows of itself. An exit hook without any gets
        those of the workflow (GetExitHook). Raises Unresolved."""
        if call.name == hooks.EXIT and isinstance(call, Hook) and not call.has_arguments:
            return Given(self.run.parameters)
        found = {artifact.name: scope.find(artifact) for artifact in call.artifacts}
        texts = ChainMap(dict(own), scope.texts)
        return Given(
            {key: substitute(text, texts, key) for key, text in call.parameters.items()},
            {name: content for name, content in found.items() if content},
            {**scope.texts, **own} if self.program.templates[call.template].is_inline else own,
            isinstance(call, TemplateCall) and call.keeps_result,
        )
