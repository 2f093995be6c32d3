"""What shall exist and what does exist, in one vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from cicd.values import Key, Secret, Spec


class State(StrEnum):
    """What a status means, the same on every platform. UNKNOWN never counts as success."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Status:
    """A state with the platform's raw word for it and its message, if any. ``is_passing``: the
    message tells of a failure of the platform's own, and the same again may do."""

    state: State
    raw: str
    message: str = ""
    is_passing: bool = False

    @property
    def has_ended(self) -> bool:
        """True when it can never reach another status by itself."""
        return self.state in {State.SUCCEEDED, State.FAILED, State.STOPPED}

    @property
    def has_failed(self) -> bool:
        """True when it ended and not as wished."""
        return self.state in {State.FAILED, State.STOPPED}


@dataclass(frozen=True)
class Gate:
    """A bound on one metric of a run; ``minimum`` and ``maximum`` are inclusive, None is open."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class SmokeTest:
    """One request to a new service and what its answer must be. ``timeout`` in seconds.

    ``path`` is empty where a service has one address only. ``json`` is sent as such, else ``body``
    as it is, of the ``content_type``. ``variant``: that part of a service which is to answer.
    """

    path: str | Secret = ""
    method: str = "GET"
    json: Any = None
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    expect_status: int = 200
    expect_contains: str | Secret | None = None
    timeout: float = 60.0
    body: str | bytes | Secret | None = None
    content_type: str = ""
    variant: str = ""

    @property
    def title(self) -> str:
        """What it asks, in a few words; what has one address only is not asked by a method."""
        asked = f"{self.method} {self.path}" if self.path else "invoke"
        return f"{asked} {self.variant}".rstrip()


@dataclass(frozen=True)
class Options:
    """How apply treats a resource; never compared with the live one.

    ``wait_for`` is the platform's own word (``COMPLETED``), None starts and goes on.
    ``timeout`` in seconds. ``existing_id`` pins the live resource to update. ``drain``: seconds
    between the switch to a replacement and the stop of what it replaces. ``uses``: what must be
    there and is made by somebody else, with where it is named. ``fetch``: outputs of a run, and the
    folder of the project that each is fetched to once it has succeeded.
    """

    wait_for: str | None = None
    timeout: float = 1800.0
    rerun: Literal["on_change", "always", "never"] = "on_change"
    require: tuple[Gate, ...] = ()
    smoke_test: SmokeTest | None = None
    on_failure: Literal["rollback", "keep"] = "rollback"
    existing_id: str | None = None
    drain: float = 0.0
    uses: tuple[tuple[Key, str], ...] = ()
    fetch: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Resource:
    """One desired thing. ``depends_on`` adds to what its Refs already imply."""

    key: Key
    spec: Spec
    options: Options = Options()
    depends_on: frozenset[Key] = frozenset()
    source: str = ""


@dataclass(frozen=True)
class LiveResource:
    """One thing as the platform has it, in the vocabulary of Resource.

    ``key`` is the platform's own name for it (its name, else its id); the planner finds the desired
    key. ``outputs`` answers Refs. ``created_at`` is ISO 8601 in UTC, for picking the newest.
    ``notes`` are remarks worth a line in the plan. ``facts`` are worth showing to a person and
    never compared (``completed_at``, ``schedule``, ``model``).
    """

    key: Key
    id: str
    spec: Spec
    status: Status
    outputs: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    created_at: str = ""
    notes: tuple[str, ...] = ()
    owner: str = ""
    """The stage that made it, where the platform can tell; empty where nobody knows."""
    known_as: str = ""
    """The key of the stage at hand that it is known to be, whatever it looks like by now; empty
    where only its content tells."""
    applied: Mapping[str, str] = field(default_factory=dict)
    """Fields as the stage applied them last, where the platform remembers that."""
    facts: Mapping[str, str] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    """Its status in the platform's own form, where that is told as it is (``Kind.report``)."""


def same_inputs(before: Spec, after: Spec) -> bool:
    """Whether two runs of one content take in the same; one that kept no record differs in
    nothing. Where the digests of all of it differ those of each file decide: the former also tell
    how a value is written, as a text or as a variable of the environment."""
    was, now, files = before.get("inputs"), after.get("inputs"), before.get("files")
    return None in (was, now) or was == now or (bool(files) and files == after.get("files"))
