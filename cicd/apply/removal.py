"""Stopping and deleting: every look at the status says what can be done next."""

from __future__ import annotations

from cicd.apply.events import Began
from cicd.apply.job import Job, ask, see
from cicd.apply.tasks import Pause, Task, write
from cicd.errors import Conflict, LostAnswer, NotFound, PlatformError, TimedOut
from cicd.logs import is_transient
from cicd.model import Action, LiveResource, State

STOPPABLE = {State.PENDING, State.RUNNING}


def remove(job: Job, live: LiveResource) -> Task[None]:
    """Stop it where it runs, delete it, and wait until it is gone (unless the job never waits).

    Gone already counts as removed. Raises TimedOut, and the last refusal with it.
    """
    yield Began(job.key, Action.DELETE, live.id)
    deadline = job.site.clock() + job.polling.removal
    pause = job.polling.first
    asked: set[str] = set()
    refusal = ""
    while True:
        fresh = yield from _look(job, live, deadline)
        if fresh is None:
            return
        pause = job.polling.first if fresh.status != live.status else job.polling.slower(pause)
        live = fresh
        step = next_step(live.status.state, can_stop=job.kind.is_run or job.kind.log)
        if step and step not in asked:
            refusal = yield from _attempt(job, live, step)
            if not refusal:
                asked.add(step)
        if "delete" in asked and not job.waits:
            return
        if job.site.clock() >= deadline:
            told = f": {refusal}" if refusal else ""
            raise TimedOut(f"still {live.status.raw} and not deleted{told}")
        yield Pause(max(0.0, min(pause, deadline - job.site.clock())))


def next_step(state: State, *, can_stop: bool) -> str:
    """Pure: what brings something in this state nearer to being gone; empty: only time does."""
    if can_stop and state in STOPPABLE:
        return "stop"
    return "" if state is State.STOPPING else "delete"


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
    except (Conflict, LostAnswer) as error:
        return str(error)
    except PlatformError as error:
        if not is_transient(error):
            raise
        return str(error)
    return ""
