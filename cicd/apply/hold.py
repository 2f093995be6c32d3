"""What does not go on before somebody has released it: tests and approvals stand before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cicd.apply.job import Job
from cicd.apply.order import Needs
from cicd.apply.outcome import failure, outcome
from cicd.apply.tasks import Task, once
from cicd.errors import CicdError, Refused
from cicd.model import Action, Change, Key, LiveResource, Outcome, Result

GATE = -2
"""The name of the task that asks, which is about no single change."""
Release = Callable[[Mapping[Key, LiveResource]], object]
"""Given what is there by then, by key. Raises Refused for what waits, any other CicdError for what
has failed."""


@dataclass(frozen=True)
class Hold:
    """What waits. ``release`` is asked once, when all that the ``keys`` need is there and the keys
    ``after`` have ended well, right before the first of them; and not at all where that is never.
    """

    keys: frozenset[Key]
    release: Release = field(repr=False)
    after: frozenset[Key] = frozenset()

    def ask(self, done: Mapping[Key, LiveResource]) -> Task[None]:
        """The same as a task."""
        yield from once(self.release, done)


def held_positions(changes: Sequence[Change], hold: Hold | None) -> frozenset[int]:
    """Where what is held stands in the plan."""
    return frozenset(
        position
        for position, change in enumerate(changes)
        if hold and change.key in hold.keys and change.action is not Action.NO_OP
    )


def gated(
    needs: Needs, changes: Sequence[Change], held: Collection[int], hold: Hold | None
) -> Needs:
    """The same needs with the question before what is held, and before it all that this needs."""
    if not hold or not held:
        return needs
    rising = {n for n in held if n in needs}
    after = {n for n in needs if changes[n].key in hold.after}
    before = {other for n in rising for other in needs[n]} | after
    waits = {n: {*others, GATE} if n in rising else set(others) for n, others in needs.items()}
    return {**waits, GATE: before - set(held)}


def stopped(job: Job, error: CicdError, first: Key | None = None) -> Outcome:
    """The end of what was not released; ``first``: what was told why already."""
    is_refused = isinstance(error, Refused)
    ended = outcome(job, Result.HELD, error=str(error)) if is_refused else failure(job, error)
    text = f"waits with {first}" if first and first != job.key else ended.error
    return replace(ended, error=text, exit_code=error.exit_code)
