"""What each action does, from the first request to the last check."""

from __future__ import annotations

from dataclasses import replace

from cicd.apply.events import Began, Warned
from cicd.apply.fetching import fetch_outputs
from cicd.apply.job import Job, see
from cicd.apply.removal import is_replaced_first, remove
from cicd.apply.resolve import changed_fields, differences
from cicd.apply.rollback import can_roll_back, ran_before, roll_back
from cicd.apply.send import create, has_taken, tag, update
from cicd.apply.tasks import Task
from cicd.apply.verify import pass_gates, pass_smoke_test, unmet_gates
from cicd.apply.wait import Goal, Overtaken, Passing, open_log, read_log, wait_for
from cicd.errors import CicdError, TimedOut
from cicd.model import Action, Kind, LiveResource, Resource, State, Status, same_inputs

ADOPTABLE = {State.PENDING, State.RUNNING, State.UNKNOWN}
CLOCK_SKEW = 5_000_000_000  # ns; what writes the log may be behind what answers requests


def bring_up(job: Job, desired: Resource) -> Task[None]:
    """Carry out a create, replace, run or update. ``desired`` holds no Ref any more.

    A replace makes the new one only; the old one is removed at the very end of the apply, but for
    one whose name is taken: that goes first.
    Raises CicdError when the change failed, TimedOut when it took too long.
    """
    match job.change.action:
        case Action.UPDATE:
            yield from _update(job, desired)
        case Action.RUN:
            yield from _run(job, desired)
        case _:
            yield Began(job.key, job.change.action, job.change.id)
            if job.change.live and is_replaced_first(job):
                # Also with --no-wait: while the old one is there its name is taken.
                yield from remove(replace(job, waits=True), job.change.live)
                job.is_freed = True
            live = yield from see(job, (yield from create(job, desired)))
            open_log(job, live)
            yield from _settle(job, live, desired, after=job.polling.glance)


def check(job: Job) -> Task[None]:
    """Test what is unchanged, and bring what it has made: the apply that made it may have failed
    its test, or come to neither.

    Raises CicdError when it is not good. Nothing is rolled back then: nobody knows what ran before.
    """
    live, desired = job.change.live, job.change.desired
    assert live and desired, "a check without a live resource"
    try:
        # what it would need today may be made only now: it stays with what it has
        yield from _settle(job, live, replace(desired, spec=live.spec))
    # This one goes on by itself, and a later apply may find it good.
    except TimedOut:
        raise
    except CicdError as error:
        if not job.options.smoke_test:
            raise
        text = (
            "it was not changed now and what ran before it is not known, so it is not rolled back"
        )
        raise CicdError(f"{error}; {text}") from error


def _run(job: Job, desired: Resource) -> Task[None]:
    live, problem, after = job.change.live, "", 0.0
    if live and can_adopt(job.kind, live, desired):
        yield Began(job.key, Action.RUN, live.id)
        if "inputs" not in live.spec:
            problem = yield from tag(job, live, desired)
    else:
        if live and (miss := _miss(job, live)):
            yield Warned(job.key, f"the last run {live.id} {miss}: it runs again")
        yield Began(job.key, Action.RUN)
        live = yield from create(job, desired)
        # before a word is told of it: whoever ends the apply on that word would else leave a run
        # that nobody knows, and the next apply starts another
        problem = yield from tag(job, live, desired)
        after = job.polling.glance
    yield from see(job, live)
    open_log(job, live)
    yield from _settle(job, live, desired, after=after)
    # What keeps the tags may not know a run yet that has just been made. By its end it does.
    if problem and job.waits:
        problem = yield from tag(job, live, desired)
    if problem:
        yield Warned(job.key, f"the next apply may run it again, it could not be tagged: {problem}")


def _miss(job: Job, former: LiveResource) -> str:
    """Why a run that has ended is no good; who does not wait is told of it nowhere else."""
    if former.status.has_failed:
        return f"ended as {former.status.raw}"
    if former.status.state is not State.SUCCEEDED:
        return ""
    unmet = unmet_gates(job.options.require, former.metrics)
    return f"does not meet its require: {'; '.join(unmet)}" if unmet else ""


def can_adopt(kind: Kind, live: LiveResource, desired: Resource) -> bool:
    """Whether a run under way is the wanted one: follow it rather than start another."""
    if live.status.state not in ADOPTABLE or not same_inputs(live.spec, desired.spec):
        return False
    own = desired.spec.keys() - {"inputs", "files"} if kind.inline else ()
    return not differences(kind, desired.spec, live.spec, own)


def _update(job: Job, desired: Resource) -> Task[None]:
    live = job.change.live
    assert live, "an update without a live resource"
    yield Began(job.key, Action.UPDATE, live.id)
    if not _has_to_be_sent(job, live, desired):
        open_log(job, live)
        yield from _settle(job, live, desired)
        return
    # The lines of what ran before are old news.
    open_log(job, live, since=job.platform.now() - CLOCK_SKEW)
    before = live.status
    live = yield from update(job, live, desired)
    try:
        yield from _see_through(job, live, desired, before)
    # What somebody else has made of it since is newer than what ran before: it is not ours to undo.
    except Overtaken:
        raise
    except CicdError as error:
        yield from read_log(job)
        if not can_roll_back(job):
            raise
        told = yield from roll_back(job, live, desired)
        # Late is failed here, and its hint is void: what was waited for does not go on any more.
        reason = error.message if isinstance(error, TimedOut) else str(error)
        raise CicdError(f"{reason}; {told}") from error


def _see_through(job: Job, live: LiveResource, desired: Resource, before: Status) -> Task[None]:
    """Wait until what was sent is as wanted; it is sent again where the platform itself has failed
    at it."""
    attempt = 1
    while True:
        try:
            yield from _settle(job, live, desired, stale=before, after=job.polling.glance)
            return
        except Passing as error:
            if attempt >= job.polling.tries:
                raise
            yield Warned(job.key, f"{error}: it is sent again")
        attempt += 1
        live = yield from update(job, live, desired)


def _has_to_be_sent(job: Job, live: LiveResource, desired: Resource) -> bool:
    """False when only the status is not the wanted one yet, or all is as wanted already."""
    fields = changed_fields(job.change)
    if not fields:
        return not job.change.fields
    return not has_taken(job.kind, live.spec, desired.spec, fields)


def _settle(
    job: Job,
    live: LiveResource,
    desired: Resource,
    *,
    stale: Status | None = None,
    after: float = 0.0,
) -> Task[None]:
    """Wait until it is as wanted, then test it; nothing of that where nobody waits. ``after``: the
    answer to what was just sent counts as a look, and the next one is so many seconds later."""
    if not job.waits:
        return
    goal = goal_of(job, desired, stale)
    if goal.word is not None or goal.outputs:
        live = yield from wait_for(job, live, goal, after=after)
    yield from pass_gates(job, live)
    yield from pass_smoke_test(job, live)
    yield from fetch_outputs(job, live)


def goal_of(job: Job, desired: Resource, stale: Status | None) -> Goal:
    """Pure: what has to be so before a change counts as applied."""
    word = job.options.wait_for or job.kind.wait_for
    if word is None and job.options.require:
        word = ""  # metrics are judged when the run has succeeded, not before
    if job.key in job.shared.tests:
        word = job.kind.wait_for or ""
    outputs = job.outputs | ({"url"} if job.options.smoke_test else frozenset())
    return Goal(
        word=word,
        spec=desired.spec,
        fields=frozenset(job.kind.verify),
        before=ran_before(job),
        outputs=frozenset(outputs),
        stale=stale,
    )
