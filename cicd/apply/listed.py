"""The end of an apply: the lists show what it made, so that the next plan finds it there.

Lists lag behind by seconds. An apply right after another would make everything again that can be
there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cicd.apply.events import Warned
from cicd.apply.job import Job, Shared
from cicd.apply.tasks import Pause, Task, read
from cicd.errors import PlatformError
from cicd.logs import is_transient
from cicd.model import Action, Kind, LiveResource

MAKING = frozenset({Action.CREATE, Action.REPLACE, Action.RUN, Action.UPDATE})


def can_be_twice(kind: Kind) -> bool:
    """Whether nothing but a list tells that one is there: the platform refuses no second one."""
    return not kind.named and (kind.prunable or not kind.identity)


def await_lists(shared: Shared, jobs: Sequence[Job]) -> Task[None]:
    """Wait until a list shows what these jobs, all of one kind, made, at most as long as lists lag.
    What it does not show by then is warned of."""
    clock, polling = shared.clock, shared.polling
    deadline, pause = clock() + polling.lag, polling.first
    missing, problem = [job for job in jobs if not _is_shown(job, job.listed)], ""
    while missing:
        lives = [job.live for job in missing if job.live]
        try:
            listed = yield from read(partial(shared.platform.listed, lives))
            missing = [
                job for job in missing if job.live and not _is_shown(job, listed.get(job.live.id))
            ]
            problem = ""
        except PlatformError as error:
            problem = f": {error}"
            # No right to list, for one: waiting does not change that, and the apply itself has
            # worked.
            if not is_transient(error):
                break
        if not missing or clock() >= deadline:
            break
        yield Pause(max(0.0, min(pause, deadline - clock())))
        pause = polling.slower(pause)
    for job in missing:
        assert job.live
        yield Warned(
            job.key,
            f"is there, but no list shows {job.live.id} yet{problem}: "
            "plan and apply again only when one does, or it is made once more",
        )


def _is_shown(job: Job, shown: LiveResource | None) -> bool:
    live = job.live
    if live is None or shown is None or shown.id != live.id:
        return live is None
    return all(
        shown.spec.get(name) == live.spec.get(name)
        for name in job.kind.verify
        if live.spec.get(name)
    )
