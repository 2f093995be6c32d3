"""What somebody who presses Ctrl-C is told: what has ended, what goes on, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cicd.apply.events import Began, Event, Progress
from cicd.model import Action, Key, Outcome, Plan, Result

GOES_ON = "was under way and goes on"
NOT_BEGUN = "not begun"


@dataclass
class Standing:
    """How far everything in a plan has come, by the events so far."""

    known: dict[Key, Outcome] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        match event:
            case Began(key=key, action=action, id=id_):
                known = Outcome(key, action, Result.DEFERRED, id=id_, error=GOES_ON)
                self.known.setdefault(key, known)
            case Progress(key=key, status=status, id=id_) if key in self.known:
                self.known[key] = replace(self.known[key], id=id_, status=status.raw)
            case Outcome(key=key) if event.result is Result.UNCHANGED:
                self.known.setdefault(key, event)  # it may have been made before
            case Outcome(key=key):
                self.known[key] = event

    def outcomes(self, plan: Plan) -> Iterator[Outcome]:
        """The end of each change, that it goes on, or that it was not begun."""
        for change in plan.changes:
            if change.key in self.known:
                yield self.known[change.key]
            elif change.action is not Action.NO_OP:
                yield Outcome(change.key, change.action, Result.SKIPPED, error=NOT_BEGUN)
