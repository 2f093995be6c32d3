"""Stops what a plan of stops names, all at once: nothing in it waits for anything else."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from cicd.apply.events import Event
from cicd.apply.executor import POLLING
from cicd.apply.job import Job, Shared
from cicd.apply.outcome import failure, outcome
from cicd.apply.removal import stop
from cicd.apply.tasks import Finished, Scheduler
from cicd.errors import CicdError
from cicd.logs import Polling
from cicd.model import Action, Plan, Result
from cicd.platforms.base import Platform


def stop_all(
    plan: Plan,
    platform: Platform,
    *,
    workers: int = 10,
    wait: bool = True,
    polling: Polling = POLLING,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    checkpoint: Callable[[], object] = lambda: None,
) -> Generator[Event, None, None]:
    """Stop everything that the plan updates; events as they come, one Outcome for every change.

    Without ``wait`` each is only asked to stop. Closing the generator stops waiting, and so does
    what ``checkpoint`` raises, which is called before each wait; what was asked to stop does so.
    Raises what a bug raised, after everything else has ended.
    """
    shared = Shared(plan, platform, polling, clock)
    jobs = [Job(shared, change, wait, live=change.live, began=clock()) for change in plan.changes]
    scheduler = Scheduler[None](
        workers, polling.gap, clock=clock, sleep=sleep, checkpoint=checkpoint
    )
    bugs: list[Exception] = []
    try:
        for number, job in enumerate(jobs):
            if job.change.action is Action.NO_OP or job.live is None:
                yield outcome(job, Result.UNCHANGED)
            else:
                scheduler.start(number, stop(job, job.live))
        for item in scheduler.run():
            if not isinstance(item, Finished):
                yield item
                continue
            job = jobs[item.name]
            seconds = clock() - job.began
            if item.error is None:
                yield outcome(job, Result.APPLIED, seconds=seconds)
                continue
            # A bug of ours: the others are stopped first.
            if not isinstance(item.error, CicdError):
                bugs.append(item.error)
            yield failure(job, item.error, seconds)
    finally:
        scheduler.close()
    if bugs:
        raise bugs[0]
