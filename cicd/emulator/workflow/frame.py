"""One call of a steps or dag template, and what a walk offers to whoever goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.program import Hook, Template, TemplateCall
from cicd.emulator.workflow.scope import Given, Scope


@dataclass
class Frame:
    """One call of a steps or dag template. ``room``: how many more children may start, None for
    any number. ``is_stopped``: none, because one has failed."""

    node: Node
    template: Template
    scope: Scope
    level: int
    room: int | None = None
    is_stopped: bool = False

    def take(self) -> bool:
        """Whether one more child may start; counts it."""
        if self.is_stopped or self.room == 0:
            return False
        if self.room is not None:
            self.room -= 1
        return True


class Walker(Protocol):
    """What steps, dags and hooks need of the walk that they are a part of."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every node that is stored, by id."""
        ...

    @property
    def activity(self) -> int:
        """How much runs, waits for a time, or is about to start, so far in this walk."""
        ...

    def blank(self, name: str, template: str, kind: str, parent: str = "") -> Node:
        """A node that nothing has happened to yet."""
        ...

    def open(self, node: Node) -> Node:
        """The node as it is stored; if it is not, it begins now."""
        ...

    def close(self, node: Node, phase: str, message: str = "", **more: Any) -> Node:
        """The node ends here and now."""
        ...

    def call(self, name: str, call: TemplateCall, prefix: str, frame: Frame) -> Node:
        """The state of one step or task."""
        ...

    def trouble(self, call: TemplateCall, scope: Scope) -> str:
        """Why a call cannot begin; empty when it can."""
        ...

    def single(self, name: str, call: TemplateCall, frame: Frame, scope: Scope) -> Node:
        """One call without its hooks."""
        ...

    def given(self, call: TemplateCall | Hook, scope: Scope) -> Given:
        """The arguments of a call. Raises Unresolved."""
        ...

    def visit(self, name: str, template_name: str, given: Given, level: int, parent: str) -> Node:
        """The state of one call of a template, with its repetitions."""
        ...
