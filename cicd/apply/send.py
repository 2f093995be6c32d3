"""Writes that take effect once, also when their answer is lost or the moment is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from cicd.apply.job import Job, ask, look, see
from cicd.apply.marks import marks_of, token_of
from cicd.apply.resolve import changed_fields, differences
from cicd.apply.tasks import Pause, Task, once, write
from cicd.errors import (
    CicdError,
    Conflict,
    ConnectionFailed,
    LostAnswer,
    PlatformError,
    Throttled,
    TimedOut,
)
from cicd.model import Key, Kind, LiveResource, Resource, Secret, Spec, State

SETTLED = {State.RUNNING, State.SUCCEEDED}
"""States that no waiting changes: a change that is refused then is refused for another reason."""


def create(job: Job, desired: Resource) -> Task[LiveResource]:
    """Make it, or find what an earlier attempt or another change of this apply has made. Nothing
    is told of it yet (see ``see``)."""
    if job.kind.identity:
        return (yield from _create(job, desired))
    # Things identified by content exist once: equal ones of two changes are one.
    twin = _twin(job, desired)
    # No platform refuses a second one with the same content, so of two that are alike only one is
    # sent and the other waits for its id. None stands for one that is under way.
    while twin in job.shared.made:
        if made := job.shared.made[twin]:
            return made
        yield Pause(job.polling.gap)
    job.shared.made[twin] = None
    try:
        live = yield from _create(job, desired)
    # Whoever waits for this one tries for itself then, and its failure is its own.
    except BaseException:
        del job.shared.made[twin]
        raise
    job.shared.made[twin] = live
    return live


def _twin(job: Job, desired: Resource) -> Key:
    """A key that is the same for the same content."""
    content = json.dumps(desired.spec, sort_keys=True, default=_in_clear)
    return Key(job.key.kind, hashlib.sha256(content.encode()).hexdigest())


def _in_clear(leaf: Any) -> str:
    return leaf.reveal() if isinstance(leaf, Secret) else repr(leaf)


def _create(job: Job, desired: Resource) -> Task[LiveResource]:
    attempt, plan = 0, job.shared.plan
    # Made once for all tries: a platform that knows tokens recognises the second request by it.
    token, marks = token_of(plan, job.change, desired), marks_of(plan, desired)
    while True:
        attempt += 1
        try:
            live = yield from _send(job, partial(job.platform.create, desired, token, marks))
        except LostAnswer:
            found = yield from _find(job, desired)
            # Lists have had the time to show it and do not, so the request never arrived.
            if found is None and attempt < job.polling.tries:
                continue
            # what gets ready by and by shows later whether it is as wanted
            if found is None or not (job.kind.wait_for or _is_wanted(job, found, desired)):
                raise
            live = found
        except Conflict:
            found = yield from _find_equal(job, desired)
            if found is None:
                raise
            live = found
        # Two changes may be alike. What one has made must not be found when the answer of the other
        # is lost.
        job.shared.known.add(live.id)
        return live


def _send(job: Job, call: Callable[[], LiveResource]) -> Task[LiveResource]:
    """The answer to a write. It is sent again while it surely had no effect because the platform is
    out of reach, gives no token or is too busy, for ``patience`` seconds."""
    began, pause = job.shared.clock(), job.polling.first
    while True:
        try:
            return (yield from write(call))
        except (ConnectionFailed, Throttled):
            # LostAnswer is no part of this: a request that may have had its effect is never just
            # sent again.
            if job.shared.clock() - began >= job.polling.patience:
                raise
        yield Pause(pause)
        pause = job.polling.slower(pause)


def _find_equal(job: Job, desired: Resource) -> Task[LiveResource | None]:
    """What another apply has made meanwhile under the same name, if it is what we want too. Most
    things that run have no name."""
    if job.kind.runs and not job.kind.named:
        return None
    found = yield from _find(job, desired)
    return found if found and _is_wanted(job, found, desired) else None


def _is_wanted(job: Job, found: LiveResource, desired: Resource) -> bool:
    """Whether what is found by its name is as wanted: somebody else may have made it. What it does
    not show yet is no difference: that is waited for. Things that run are found by their content.
    """
    if job.kind.runs and not job.kind.named:
        return True
    shown = {name: value for name, value in found.spec.items() if value}
    for name in job.kind.partial & shown.keys() & desired.spec.keys():
        shown[name] = {**desired.spec[name], **shown[name]}
    return not differences(job.kind, desired.spec, shown, desired.spec)


def _find(job: Job, desired: Resource) -> Task[LiveResource | None]:
    """What the lost create has made; looked for as long as lists may lag behind."""
    pause, lost_at, known = job.polling.first, job.shared.clock(), frozenset(job.shared.known)
    while True:
        begun = job.shared.clock()
        find = partial(job.platform.find, desired, known)
        found = yield from ask(job, begun + job.polling.patience, find)
        # Two creates that are alike may both look now: what the other took is not ours.
        if found and found.id in job.shared.known - known:
            known = frozenset(job.shared.known)
        elif found:
            return found
        elif begun - lost_at >= job.polling.lag:
            return None
        yield Pause(pause)
        pause = job.polling.slower(pause)


def update(job: Job, live: LiveResource, desired: Resource) -> Task[LiveResource]:
    """Change it in place; waits, at most the timeout, while its status allows no change."""
    deadline = job.shared.clock() + job.options.timeout
    fields = changed_fields(job.change)
    attempt, refused, pause = 0, 0, job.polling.first
    while True:
        attempt += 1
        try:
            sent = yield from _send(job, partial(job.platform.update, live, desired))
            return (yield from see(job, sent))
        except Conflict as conflict:
            live = yield from _changeable(job, live, conflict, deadline, pause)
            pause = job.polling.slower(pause)
            # The status allows a change and the platform refuses it all the same, again and again:
            # the reason is another one, and the platform's words say which. What is busy is waited
            # for, however often.
            refused = refused + 1 if live.status.state in SETTLED else 0
            if refused >= job.polling.tries:
                raise
        except LostAnswer:
            live = yield from look(job, live, deadline)
            if fields and has_taken(job.kind, live.spec, desired.spec, fields):
                return live
            if attempt >= job.polling.tries:
                raise


def has_taken(kind: Kind, live: Spec, desired: Spec, fields: frozenset[str]) -> bool:
    """Pure: whether these fields already are as wanted; what cannot be read back is not."""
    is_readable = not kind.is_secret and not fields & kind.write_only and fields <= live.keys()
    return is_readable and not differences(kind, desired, live, fields)


def _changeable(
    job: Job, live: LiveResource, conflict: Conflict, deadline: float, pause: float
) -> Task[LiveResource]:
    """The resource once its status allows a change. Raises the conflict when it never will."""
    while True:
        yield Pause(max(0.0, min(pause, deadline - job.shared.clock())))
        pause = job.polling.slower(pause)
        live = yield from look(job, live, deadline)
        if job.shared.clock() >= deadline:
            raise TimedOut(f"cannot be changed while {live.status.raw}: {conflict}")
        # A plan counts on these two to pass, so they count as updatable there. The platform refuses
        # a change while they last.
        if live.status.state in job.kind.updatable_in - {State.UNKNOWN, State.STOPPING}:
            return live
        if live.status.has_ended:
            raise CicdError(f"is {live.status.raw} and cannot be changed: {conflict}")


def adopt(job: Job) -> Task[None]:
    """Remember whose something is that stays as it is. It stays all the same where that fails."""
    assert job.live, "nothing to adopt"
    with suppress(PlatformError):
        yield from once(job.platform.tag, job.live, {"cicd.key": str(job.key)})


def tag(job: Job, live: LiveResource, desired: Resource) -> Task[str]:
    """Remember what a run was started for; the last error when that did not work."""
    tags = marks_of(job.shared.plan, desired)
    problem, pause = "", job.polling.first
    for attempt in range(job.polling.tries):
        if attempt:
            yield Pause(pause)
            pause = job.polling.slower(pause)
        try:
            # also when halted: it is about a run of ours, which would be started again without
            yield from once(job.platform.tag, live, tags)
            return ""
        except PlatformError as error:
            problem = str(error)
    return problem
