"""Back to what ran before, when an update did not work out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cicd.apply.events import RollingBack
from cicd.apply.job import Job, look
from cicd.apply.resolve import differences, said
from cicd.apply.send import update
from cicd.apply.tasks import Task
from cicd.apply.wait import Goal, overtaken, wait_for
from cicd.errors import CicdError
from cicd.model import LiveResource, Resource


def can_roll_back(job: Job) -> bool:
    """Whether the stage wants it and it is known what ran before."""
    live = job.change.live
    fields = job.kind.verify
    is_known = live is not None and bool(fields) and all(live.spec.get(name) for name in fields)
    return is_known and job.options.on_failure == "rollback"


def roll_back(job: Job, live: LiveResource, desired: Resource) -> Task[str]:
    """Update to what ran before and wait for it; a text that says how that went.

    Only while it carries what this apply asked for: another's update is not ours to undo.
    """
    before = ran_before(job)
    asked = {name: desired.spec[name] for name in before if name in desired.spec}
    earlier = replace(desired, spec={**desired.spec, **before})
    told = _in_words(before, asked)
    try:
        deadline = job.shared.clock() + job.options.timeout
        live = yield from look(job, live, deadline)
        if foreign := overtaken(differences(job.kind, asked, live.spec, before), before):
            return f"not rolled back: it {foreign}"
        yield RollingBack(job.key, told, _in_words(asked, before), live.id)
        stale = live.status
        # The platform refuses an update to what it runs already, as after its own rollback.
        has_to_be_sent = live.status.has_ended or differences(job.kind, before, live.spec, before)
        if has_to_be_sent:
            live = yield from update(job, live, earlier)
        goal = Goal(_ready_word(job), before, frozenset(before), asked, stale=stale)
        yield from wait_for(job, live, goal)
    except CicdError as error:
        return f"rolling back to {told} failed too: {error}"
    return f"rolled back to {told}" if has_to_be_sent else f"{told} runs again"


def _in_words(fields: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Those that are otherwise in ``other``, if any are; else all."""
    differing = {
        name: value for name, value in fields.items() if name in other and other[name] != value
    }
    return ", ".join(f"{name} {said(value)}" for name, value in (differing or fields).items())


def ran_before(job: Job) -> dict[str, Any]:
    """What the live resource was when the plan was made, in the fields that must read back."""
    spec = job.change.live.spec if job.change.live else {}
    return {name: spec[name] for name in job.kind.verify if name in spec}


def _ready_word(job: Job) -> str | None:
    """The status that ran before counts as ready when the stage names none."""
    was_running = job.change.live.status.raw if job.change.live else None
    return job.options.wait_for or job.kind.wait_for or was_running
