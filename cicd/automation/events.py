"""What an operation tells while it goes on, beside the events of ``cicd.apply.events`` about single
changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cicd.apply.events import Event as ChangeEvent
from cicd.errors import Refused as RefusedError
from cicd.model import Happening, Holder, Outcome, Plan

if TYPE_CHECKING:
    from cicd.automation.result import Result
    from cicd.notify.sending import Delivery


@dataclass(frozen=True)
class Planned:
    """This is what is about to be done, if it is agreed to."""

    plan: Plan


@dataclass(frozen=True)
class Waiting:
    """Somebody else has the lock of the stage and is waited for, so many seconds at most."""

    holder: Holder
    seconds: float


@dataclass(frozen=True)
class Noted:
    """Something that a person should know, about the stage as a whole."""

    message: str


@dataclass(frozen=True)
class Notified:
    """People were told that something happened, or some of them could not be: ``deliveries`` says
    what came of it for each address."""

    on: Happening
    deliveries: tuple[Delivery, ...]

    @property
    def reached(self) -> list[str]:
        return [one.channel.name for one in self.deliveries if not one.problem]

    @property
    def missed(self) -> list[str]:
        """Each with the reason, and nothing of an address."""
        return [f"{one.channel.name}: {one.problem}" for one in self.deliveries if one.problem]


@dataclass(frozen=True)
class Executing:
    """From now on a plan is made true: all of what was ``Planned``, or what comes before that."""

    plan: Plan


@dataclass(frozen=True)
class Executed:
    """All changes of the plan have ended."""

    plan: Plan
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Refused:
    """Nothing more is done: limits, protection, a lock, a saved plan that no longer fits, or no
    consent stand against it. ``error`` says which, and what to do."""

    error: RefusedError

    @property
    def reason(self) -> str:
        return str(self.error)


@dataclass(frozen=True)
class Ended:
    """What became of all of it: as plain data, as ``--summary`` writes it, and as values. Only
    notes about the lock and who was told may come after."""

    summary: Mapping[str, Any]
    result: Result


Event = ChangeEvent | Planned | Waiting | Noted | Notified | Executing | Executed | Refused | Ended
