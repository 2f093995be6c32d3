"""What an apply tells while it goes on; an ``Outcome`` ends the story of one change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cicd.model import Action, Count, Key, LogEntry, MetricPoint, Outcome, Status


@dataclass(frozen=True)
class Began:
    """Work on a change has begun. ``id`` is the live id, empty when there is none yet."""

    key: Key
    action: Action
    id: str = ""


@dataclass(frozen=True)
class Progress:
    """The status moved; ``id`` says whose (a replace has an old and a new one)."""

    key: Key
    status: Status
    id: str = ""


@dataclass(frozen=True)
class LogLine:
    """One log line of a run, as the platform gave it: control characters are still in it."""

    key: Key
    entry: LogEntry


@dataclass(frozen=True)
class Measured:
    """What a run has recorded last, while it goes on."""

    key: Key
    point: MetricPoint


@dataclass(frozen=True)
class Advanced:
    """How far a run has come, the larger parts first."""

    key: Key
    counts: tuple[Count, ...]


@dataclass(frozen=True)
class Answered:
    """A smoke test passed: what was asked (``POST /v2/predict``) and the answer, in one line."""

    key: Key
    request: str
    answer: str


@dataclass(frozen=True)
class Draining:
    """The new one is in use and the one before, ``id``, still serves for so many seconds."""

    key: Key
    seconds: float
    id: str = ""


@dataclass(frozen=True)
class RollingBack:
    """An update did not work out, and what ran before is put back now: ``to`` and ``before`` say
    what (``configuration c1``) and in place of what."""

    key: Key
    to: str
    before: str
    id: str = ""


@dataclass(frozen=True)
class Moved:
    """So many bytes of how many have been sent or fetched for it."""

    key: Key
    done: int
    total: int


@dataclass(frozen=True)
class Fetched:
    """An output of a run is in a folder of the project now. ``files``: name, size in bytes and
    sha256 of each; none where the folder had them already."""

    key: Key
    output: str
    folder: str
    files: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True)
class Reported:
    """The status of a run in the platform's own form, told when it changes and at least once a
    minute. ``name``: what its kind calls that (``Kind.report``)."""

    key: Key
    name: str
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Warned:
    """Something did not work that the change does not depend on."""

    key: Key
    message: str


Event = (
    Began
    | Progress
    | LogLine
    | Measured
    | Advanced
    | Answered
    | Draining
    | RollingBack
    | Moved
    | Fetched
    | Reported
    | Warned
    | Outcome
)
