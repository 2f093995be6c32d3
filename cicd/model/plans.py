"""What apply will do, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cicd.model.lifecycle import LifecycleStatus
from cicd.model.resources import LiveResource, Resource
from cicd.model.stages import identity, place_of
from cicd.values import Key, Secret


class Action(StrEnum):
    """What apply will do with a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    RUN = "run"
    DELETE = "delete"
    NO_OP = "no_op"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested maps with its dotted path; an empty map is a leaf."""
    if isinstance(value, Mapping) and (value or not path):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


@dataclass(frozen=True)
class FieldChange:
    """One differing field. ``after`` may be a Ref: known after apply."""

    path: str
    before: Any
    after: Any
    reason: str = ""

    @property
    def remark(self) -> str:
        """Its reason, else whether a secret has changed that shows the same before and after."""
        if self.reason or not (isinstance(self.before, Secret) and isinstance(self.after, Secret)):
            return self.reason
        return "unchanged" if self.before == self.after else "changed"


@dataclass(frozen=True)
class Change:
    """What happens to one resource, and why. ``id`` is the live id, empty when there is none."""

    key: Key
    action: Action
    reason: str
    fields: tuple[FieldChange, ...] = ()
    depends_on: frozenset[Key] = frozenset()
    desired: Resource | None = None
    live: LiveResource | None = None
    consequence: str = ""
    """What comes of it, in one sentence without a full stop."""
    causes: tuple[FieldChange, ...] = ()
    """What differs in that which it takes in: parameters and inputs, watched files, its template.
    The ``reason`` of a file says what sort it is."""
    treatment: tuple[FieldChange, ...] = ()
    """How apply treats it from now on where that differs: gates, tests, timeouts (``Options``).
    The ``reason`` says whether that loosens a check."""
    templates: tuple[str, ...] = ()
    """A line for each template that comes along, new or changed: what of its interface changes."""
    role: str = ""
    """The role of its kind."""
    keeps_url: bool = False
    """A replacement that answers where the one before it did."""
    is_new: bool = False
    """Nothing of it is there, and nothing that it follows."""
    before: str = ""
    """The id of the newest one of it that was there when this was planned, whatever state it is in;
    empty where there was none."""

    @property
    def id(self) -> str:
        return self.live.id if self.live else ""

    @property
    def values(self) -> tuple[FieldChange, ...]:
        """The fields that differ; of a new thing all that it consists of."""
        if self.fields or not self.is_new or not self.desired:
            return self.fields
        found = leaves(self.desired.spec)
        return tuple(FieldChange(path, None, value) for path, value in found if value != {})


@dataclass(frozen=True)
class Plan:
    """Everything one apply will do, in dependency order, deletes last."""

    stage: str
    platform: str
    target: Mapping[str, str]
    commit: str
    created_at: str
    changes: tuple[Change, ...]
    fingerprint: str
    warnings: tuple[str, ...] = ()
    bound: Mapping[str, Any] = field(default_factory=dict)
    """What it was made from (see ``cicd.plan.bound``): plain data, no value that is not public."""
    refusal: str = ""
    """Why apply would refuse it and what would be needed; empty when nothing stands against it."""
    hints: tuple[str, ...] = ()
    """What was seen beside it and asks for no decision now, such as what nobody names."""
    treatment: tuple[FieldChange, ...] = ()
    """What of the stage's own limits and protection differs from when it was last applied."""
    project: str = ""
    """The folder of its project (see Stage)."""
    lifecycle: LifecycleStatus | None = None
    """What stands before the changes of what serves; None where the stage file says nothing."""
    is_destroy: bool = False
    """Whether it takes the stage down: what is not deleted is kept then, and not as desired."""

    @property
    def identity(self) -> str:
        """What others know its stage by."""
        return identity(self.project, self.stage)

    @property
    def place(self) -> str:
        """Where it happens, in a few words."""
        return place_of(self.target)

    @property
    def summary(self) -> dict[str, int]:
        """How many changes of each action, by its word, all actions present."""
        counts = {action.value: 0 for action in Action}
        for change in self.changes:
            counts[change.action.value] += 1
        return counts

    @property
    def has_changes(self) -> bool:
        return any(change.action is not Action.NO_OP for change in self.changes)


class Result(StrEnum):
    """How one change ended."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"
    DEFERRED = "deferred"
    """Nobody waits for what it needs; the next apply goes on with it."""
    HELD = "held"
    """It has to be tested or approved before; the next apply goes on with it."""


@dataclass(frozen=True)
class Outcome:
    """The end of one change. ``seconds`` is wall time from its start."""

    key: Key
    action: Action
    result: Result
    id: str = ""
    status: str = ""
    url: str = ""
    error: str = ""
    seconds: float = 0.0
    exit_code: int = 0
    """What its error ends a command with (see ``cicd.errors``); 0 without an error of its own."""
    log: tuple[str, ...] = ()
    """The last lines of its log where it has failed; safe for a terminal."""
    is_started: bool = False
    """Whether it is a run or service that was started and that nobody has waited for."""

    @property
    def word(self) -> str:
        """What became of it, in a word for people."""
        is_begun = self.is_started and self.result is Result.APPLIED
        return "started" if is_begun else self.result.value.replace("_", " ")

    @property
    def is_explainable(self) -> bool:
        """Whether it has failed, and there is something live that can be asked why."""
        return self.result in {Result.FAILED, Result.TIMED_OUT} and bool(self.id)
