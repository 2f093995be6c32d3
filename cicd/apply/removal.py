"""Draining, stopping and deleting: every look at the status says what can be done next."""

from __future__ import annotations

from collections.abc import Callable

from cicd.apply.events import Began, Draining
from cicd.apply.job import Job, ask, see
from cicd.apply.tasks import Pause, Task, write
from cicd.errors import Conflict, LostAnswer, NotFound, PlatformError, TimedOut
from cicd.logs import is_transient
from cicd.model import Action, LiveResource, State

STOPPABLE = {State.PENDING, State.RUNNING}


def drain(job: Job, live: LiveResource) -> Task[None]:
    """Leave what was replaced serving for a while: its users may not know of the new one yet.

    Nothing is waited for where it does not run (any more).
    """
    if not job.options.drain:
        return
    fresh = yield from _look(job, live, job.shared.clock() + job.polling.patience)
    if fresh is None or fresh.status.state is not State.RUNNING:
        return
    yield Draining(job.key, job.options.drain, live.id)
    yield Pause(job.options.drain)


def remove(job: Job, live: LiveResource) -> Task[None]:
    """Stop it where it runs, delete it, and wait until it is gone (unless the job never waits).

    Gone already counts as removed. Raises TimedOut, and the last refusal with it.
    """
    yield Began(job.key, Action.DELETE, live.id)
    can_stop = job.kind.stoppable
    yield from _go_down(
        job, live, lambda state: next_step(state, can_stop=can_stop), last="delete", goal="deleted"
    )


def is_replaced_first(job: Job) -> bool:
    """Whether the new one can only be made once the old one is gone, as both have one name."""
    return job.change.action is Action.REPLACE and job.kind.named


def stop(job: Job, live: LiveResource) -> Task[None]:
    """Stop it and wait until it has ended (unless the job never waits).

    Gone or ended already counts as stopped. Raises TimedOut, and the last refusal with it.
    """
    yield from _go_down(job, live, step_to_stop, last="stop", goal="stopped")


def _go_down(
    job: Job, live: LiveResource, step_in: Callable[[State], str | None], *, last: str, goal: str
) -> Task[None]:
    """Take step after step until there is none left; ``last``: the one that nobody else follows."""
    deadline = job.shared.clock() + (
        job.options.timeout if job.change.desired else job.polling.removal
    )
    pause = job.polling.first
    asked = refusal = ""
    while True:
        fresh = yield from _look(job, live, deadline)
        if fresh is None:
            return
        pause = job.polling.first if fresh.status != live.status else job.polling.slower(pause)
        live = fresh
        # Nothing is sent before a look: an attempt from before, or somebody else, may have done it
        # already, and each state allows another step only.
        step = step_in(live.status.state)
        if step is None:
            return
        # One that was asked for before may be due again: what was UNKNOWN came up after all.
        if step and step != asked:
            refusal = yield from _attempt(job, live, step)
            asked = asked if refusal else step
        if asked == last and not job.waits:
            return
        if job.shared.clock() >= deadline:
            told = f": {refusal}" if refusal else ""
            raise TimedOut(f"still {live.status.raw} and not {goal}{told}")
        yield Pause(max(0.0, min(pause, deadline - job.shared.clock())))


def next_step(state: State, *, can_stop: bool) -> str:
    """Pure: what brings something in this state nearer to being gone; empty: only time does."""
    if can_stop and state in STOPPABLE:
        return "stop"
    return "" if state is State.STOPPING else "delete"


def step_to_stop(state: State) -> str | None:
    """Pure: what stops something in this state; empty: only time does, None: it has ended.

    UNKNOWN is tried too: the platform refuses it while it starts, and the next look tries again.
    """
    if state in {State.SUCCEEDED, State.FAILED, State.STOPPED}:
        return None
    return "" if state is State.STOPPING else "stop"


def _look(job: Job, live: LiveResource, deadline: float) -> Task[LiveResource | None]:
    """As ``look``, but gone is an answer and not a failure to sit out."""

    def get() -> LiveResource | None:
        try:
            return job.platform.get(live)
        except NotFound:
            return None

    fresh = yield from ask(job, deadline, get)
    return (yield from see(job, fresh)) if fresh else None


def _attempt(job: Job, live: LiveResource, step: str) -> Task[str]:
    """Ask for it; why it was refused where the next look may find it possible, else empty."""
    try:
        yield from write(job.platform.stop if step == "stop" else job.platform.delete, live)
    except NotFound:
        return ""
    # Stop and delete may be sent twice, so a lost answer needs no search: the next look tells.
    except (Conflict, LostAnswer) as error:
        return str(error)
    except PlatformError as error:
        if not is_transient(error):
            raise
        return str(error)
    return ""
