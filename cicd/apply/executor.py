"""Who goes when: dependency order, what a failure skips, and removals after all the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

from cicd.apply.events import Event, Warned
from cicd.apply.hold import GATE, Hold, gated, held_positions, stopped
from cicd.apply.job import Job, Shared
from cicd.apply.lifecycle import bring_up, check, goal_of
from cicd.apply.listed import MAKING, await_lists, can_be_twice
from cicd.apply.moving import Meter
from cicd.apply.order import Needs, dependents, needs_of, removal_needs
from cicd.apply.outcome import failure, outcome
from cicd.apply.removal import drain, is_replaced_first, remove
from cicd.apply.resolve import needed_outputs, resolved
from cicd.apply.send import adopt
from cicd.apply.tasks import Finished, Scheduler, Task
from cicd.errors import CicdError
from cicd.logs import Polling, look_up
from cicd.model import Action, Change, Key, Kind, LiveResource, Outcome, Plan, Resource, Result
from cicd.platforms.base import Platform

POLLING = Polling()
LISTS = -1
"""The name of a task that is about no single change."""


def execute(
    plan: Plan,
    platform: Platform,
    *,
    workers: int = 10,
    wait: bool = True,
    known: Iterable[str] = (),
    polling: Polling = POLLING,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    halted: Callable[[], str] = str,
    checkpoint: Callable[[], object] = lambda: None,
    measures: bool = False,
    root: Path = Path(),
    hold: Hold | None = None,
) -> Generator[Event, None, None]:
    """Make a plan true; events as they come, with exactly one Outcome for every change.

    ``known``: ids of everything live when the plan was made, so that a create whose answer was
    lost is never mistaken for one of them. Without ``wait`` no run and no service is waited for:
    what needs one that was started is deferred, and so is what is deleted or replaced after it.
    What is unchanged and has a smoke test passes it again, as far as it is waited for: an earlier
    apply may have failed it, or never come to it. Once ``halted`` says why, nothing more is begun
    or sent, and what is under way is followed to its end. ``checkpoint`` is called before each
    wait: what it raises ends it, as if the generator were closed. ``measures``: tell what runs
    record while they go on, for somebody who looks on. ``root``: the project. ``hold``: what does
    not go on before it is released. Closing the generator stops waiting and leaves runs running.
    Raises what a bug raised, after everything else has ended.
    """
    ids = {change.id for change in plan.changes if change.id}
    shared = Shared(
        plan,
        platform,
        polling,
        clock,
        known=ids | set(known),
        measures=measures,
        root=root,
        tests=hold.after if hold else frozenset(),
    )
    lookup, meter = partial(look_up, platform), Meter(clock)
    scheduler = Scheduler[None](
        workers,
        polling.gap,
        clock=clock,
        sleep=sleep,
        halted=halted,
        checkpoint=checkpoint,
        lookup=lookup,
        news=meter.tell,
    )
    platform.listen(meter.hear)
    try:
        yield from _Apply(shared, scheduler, wait=wait, halted=halted, hold=hold).run()
    finally:
        scheduler.close()


class _Apply:
    """The state of one apply; ``failed`` says for each position whose failure ended it."""

    def __init__(
        self,
        shared: Shared,
        scheduler: Scheduler[None],
        *,
        wait: bool,
        halted: Callable[[], str],
        hold: Hold | None,
    ) -> None:
        self._shared = shared
        self._halted = halted
        self._scheduler = scheduler
        self._hold = hold
        self._held = held_positions(shared.plan.changes, hold)
        self._needs = gated(needs_of(shared.plan.changes), shared.plan.changes, self._held, hold)
        self._refusal: CicdError | None = None
        self._first: Key | None = None  # what was told of it
        self._jobs = list(make_jobs(shared, self._needs, wait=wait))
        self._unmade = self._making()
        self._done: dict[Key, LiveResource] = {}
        self._failed: dict[int, str] = {}
        self._wait = wait
        self._open: dict[int, Key] = {}  # what was started and nobody waits for, and what needs it
        self._removals: Needs = {}
        self._bugs: list[Exception] = []

    def run(self) -> Iterator[Event]:
        for position, job in enumerate(self._jobs):
            if job.change.action is Action.NO_OP:
                if job.live:
                    self._done[job.key] = job.live
                if position not in self._needs:
                    yield outcome(job, Result.UNCHANGED)
        # The ids of what stays are known now, so whoever needs one of them can begin at once.
        yield from self._drive(self._needs, self._begin, self._end)
        # Only now is it known whether anything has failed, and after a failure nothing is deleted:
        # what was to go may be all that still works.
        kept, self._removals = self._plan_removals()
        yield from kept
        yield from self._drive(self._removals, self._begin_removal, self._end_removal)
        # An error that is not the platform's is a bug of ours. The other changes are followed to
        # their end before it is raised, because what they have started goes on and costs money, and
        # somebody has to be told of it.
        if self._bugs:
            raise self._bugs[0]
        if self._wait and not self._halted():
            yield from self._adopt()

    def _adopt(self) -> Iterator[Event]:
        """Remember whose that is which stays and nobody has entered yet, as it was imported or made
        by hand: what somebody makes of it later is drift then, and no new thing."""
        ours = {"", self._shared.plan.identity}
        found = [
            job
            for job in self._jobs
            if job.change.action is Action.NO_OP and job.live and not self._shared.plan.is_destroy
            if job.kind.prunable and not job.kind.is_run
            if not job.live.applied and job.live.owner in ours
        ]
        for number, job in enumerate(found):
            self._scheduler.start(number, adopt(job))
        yield from (item for item in self._scheduler.run() if not isinstance(item, Finished))

    def _making(self) -> dict[str, set[int]]:
        """Kind -> the changes that make one which only a list tells of."""
        found: dict[str, set[int]] = {}
        for position, job in enumerate(self._jobs):
            if job.change.action in MAKING and can_be_twice(job.kind):
                found.setdefault(job.key.kind, set()).add(position)
        return found

    def _await_list(self, position: int) -> None:
        """See that the next plan will find what was made, as soon as this was the last of its kind,
        and beside all that is still to be done."""
        if position == GATE:
            return
        kind = self._jobs[position].key.kind
        left = self._unmade.get(kind, set())
        if position not in left:
            return
        left.remove(position)
        if left or self._halted():
            return
        made = [
            job
            for number, job in enumerate(self._jobs)
            if job.key.kind == kind and job.change.action in MAKING
            if job.live and number not in self._failed
        ]
        # Waiting for lists to catch up is no change and has no outcome. It runs beside the rest, so
        # that an apply lasts longer only where its last change is the one that lists do not show
        # yet.
        self._scheduler.start(LISTS, await_lists(self._shared, made))

    def _drive(
        self,
        needs: Needs,
        begin: Callable[[int], Task[None] | list[Event]],
        end: Callable[[int, Finished[None]], Iterator[Event]],
    ) -> Iterator[Event]:
        """Run tasks in the order of their needs until all have ended."""
        order = TopologicalSorter(needs)
        order.prepare()
        yield from self._begin_ready(order, begin)
        for item in self._scheduler.run():
            if not isinstance(item, Finished):
                yield item
            elif item.name == LISTS:
                self._bugs += [item.error] if item.error else []
            else:
                yield from end(item.name, item)
                self._await_list(item.name)
                order.done(item.name)
                yield from self._begin_ready(order, begin)

    def _begin_ready(
        self, order: TopologicalSorter[int], begin: Callable[[int], Task[None] | list[Event]]
    ) -> Iterator[Event]:
        # What ends at once, such as a skipped change, may free others, so it is asked again until
        # nothing is ready. Sorted, so that one plan is always carried out in one order.
        while ready := sorted(order.get_ready()):
            for position in ready:
                task = begin(position)
                if isinstance(task, list):
                    yield from task
                    self._await_list(position)
                    order.done(position)
                else:
                    self._scheduler.start(position, task)

    def _begin_gate(self) -> Task[None] | list[Event]:
        """Ask whether what is held may go on, unless it does not come to that."""
        if cause := self._cause(self._needs[GATE]) or self._halted():
            self._failed[GATE] = cause
        elif awaited := self._awaited(GATE):
            self._open[GATE] = awaited
        elif self._hold:
            return self._hold.ask(dict(self._done))
        return []

    def _end_gate(self, error: Exception | None) -> None:
        if isinstance(error, CicdError):
            self._refusal = error
        elif error:
            self._bugs.append(error)
        if error:
            self._failed[GATE] = "what stands before it could not be judged"

    def _begin(self, position: int) -> Task[None] | list[Event]:
        if position == GATE:
            return self._begin_gate()
        job = self._jobs[position]
        if self._refusal and position in self._held:
            self._failed[position] = self._failed[GATE]
            job.live = job.change.live
            self._first = self._first or job.key
            return [stopped(job, self._refusal, self._first)]
        if cause := self._cause(self._needs[position]) or self._halted():
            self._failed[position] = cause
            job.live = job.change.live
            return [outcome(job, Result.SKIPPED, error=f"skipped: {cause}")]
        # A failure above outweighs a wait: what was skipped will not work in the next apply either,
        # and what is deferred will.
        if awaited := self._awaited(position):
            self._open[position] = awaited
            return [self._defer(job, awaited)]
        is_check = job.change.action is Action.NO_OP
        if is_check and not job.waits:
            return [outcome(job, Result.UNCHANGED)]
        job.began = self._shared.clock()
        assert job.change.desired, f"{job.key}: {job.change.action} of nothing"
        if is_check:
            return check(job)
        try:
            # Whether a run really put out what others take as input is only known now. Where it did
            # not, that is the failure of this change and the rest of the apply goes on.
            return bring_up(job, resolved(job.change.desired, self._done))
        except CicdError as error:
            self._failed[position] = f"{job.key} failed"
            return [failure(job, error)]

    def _end(self, position: int, finished: Finished[None]) -> Iterator[Event]:
        if position == GATE:
            self._end_gate(finished.error)
            return
        job = self._jobs[position]
        if finished.error:
            yield self._fail(job, position, finished.error)
            return
        assert job.live, f"{job.key} ended with nothing"
        self._done[job.key] = job.live
        is_service_or_run, has_goal = is_long(job.change, job.kind), is_awaited(job)
        if not self._wait and is_service_or_run and has_goal:
            self._open[position] = job.key
        is_check = job.change.action is Action.NO_OP
        result = Result.UNCHANGED if is_check else Result.APPLIED
        # A replace has one outcome, and it is told when the old half is gone or kept.
        if job.change.action is not Action.REPLACE or is_replaced_first(job):
            ended = outcome(job, result, seconds=self._seconds(job))
            is_started = is_service_or_run and not (job.waits and has_goal)
            yield replace(ended, is_started=is_started)

    def _awaited(self, position: int) -> Key | None:
        """The run or service that a change would have to wait for, where nobody waits; for one that
        is to be replaced it is the new one."""
        if position != GATE and (beside := self._awaits_itself(position)):
            return beside
        return next((self._open[n] for n in sorted(self._needs[position]) if n in self._open), None)

    def _awaits_itself(self, position: int) -> Key | None:
        job = self._jobs[position]
        is_beside = job.change.action is Action.REPLACE and not is_replaced_first(job)
        if not self._wait and is_beside and job.kind.runs:
            return job.key
        return None

    def _defer(self, job: Job, awaited: Key) -> Outcome:
        job.live = job.change.live
        text = f"waits for {awaited}: the next apply goes on with {job.key}"
        if awaited == job.key:
            text = "the new one has to be up before the old one goes: apply without --no-wait"
        return outcome(job, Result.DEFERRED, error=text)

    def _plan_removals(self) -> tuple[list[Event], Needs]:
        """Events of removals that do not happen, and the needs of those that do.

        Deletes need a flawless apply; the old half of a replace only that whatever builds on the
        new half is up.
        """
        kept: list[Event] = []
        deletes = self._positions(Action.DELETE)
        if self._refusal:
            kept += [stopped(self._jobs[n], self._refusal, self._first) for n in deletes]
            deletes = []
        elif cause := self._cause(self._needs):
            text = f"skipped: nothing is deleted because {cause}"
            kept += [outcome(self._jobs[n], Result.SKIPPED, error=text) for n in deletes]
            deletes = []
        elif self._open:
            awaited = self._open[min(self._open)]
            kept += [self._defer(self._jobs[n], awaited) for n in deletes]
            deletes = []
        replaced = []
        for position in self._positions(Action.REPLACE):
            if is_replaced_first(self._jobs[position]):
                continue
            users = dependents(self._needs, position)
            waiting = next(
                (f"{self._open[n]} is waited for" for n in users & self._open.keys()), ""
            )
            if cause := self._cause(users) or waiting:
                kept += self._keep_old(position, cause)
            else:
                # Here all that build on the new half are up, and none of them leads to the old one
                # any more.
                replaced.append(position)
        # The plan has deletes with dependents first already. Replaces stand in the order of making,
        # so the other way round their dependents come first too.
        return kept, removal_needs(self._shared.plan.changes, deletes + replaced[::-1])

    def _positions(self, action: Action) -> list[int]:
        """Where the changes of this action are that have not failed yet."""
        return [
            position
            for position, job in enumerate(self._jobs)
            if job.change.action is action
            and position not in self._failed
            and position not in self._open
        ]

    def _keep_old(self, position: int, cause: str) -> list[Event]:
        """The new half of a replace is up and the old half stays."""
        job = self._jobs[position]
        return [
            Warned(job.key, f"the one before ({job.change.id}) is kept: {cause}"),
            outcome(job, Result.APPLIED, seconds=self._seconds(job)),
        ]

    def _begin_removal(self, position: int) -> Task[None] | list[Event]:
        job = self._jobs[position]
        if cause := self._cause(self._removals[position]) or self._halted():
            self._failed[position] = cause
            if is_delete(job):
                return [outcome(job, Result.SKIPPED, error=f"skipped: {cause}")]
            return self._keep_old(position, cause)
        assert job.change.live, f"{job.key}: removal of nothing"
        if is_delete(job):
            job.began = self._shared.clock()
            return remove(job, job.change.live)
        # A replaced one has a new live resource already, which the outcome is about.
        return _remove_replaced(replace(job, live=job.change.live), job.change.live)

    def _end_removal(self, position: int, finished: Finished[None]) -> Iterator[Event]:
        job = self._jobs[position]
        if finished.error:
            ended = self._fail(job, position, finished.error)
            if job.change.action is Action.REPLACE:
                text = f"the new one is up, the one before ({job.change.id}) is not gone"
                ended = replace(ended, error=f"{text}: {ended.error}")
            yield ended
        else:
            ended = outcome(job, Result.APPLIED, seconds=self._seconds(job))
            # of what is gone the last status and address would mislead
            yield replace(ended, status="", url="") if is_delete(job) else ended

    def _fail(self, job: Job, position: int, error: Exception) -> Outcome:
        ended = failure(job, error, self._seconds(job))
        if job.is_freed:
            gone = f"the one before ({job.change.id}) is deleted, as both have one name"
            ended = replace(ended, error=f"{gone}: {ended.error}")
        self._failed[position] = f"{job.key} {ended.result.replace('_', ' ')}"
        if not isinstance(error, CicdError):
            self._bugs.append(error)
        return ended

    def _cause(self, positions: Iterable[int]) -> str:
        """Whose failure stops what needs these; empty when none failed."""
        return next((self._failed[n] for n in sorted(positions) if n in self._failed), "")

    def _seconds(self, job: Job) -> float:
        return self._shared.clock() - job.began


def _remove_replaced(job: Job, live: LiveResource) -> Task[None]:
    yield from drain(job, live)
    yield from remove(job, live)


def is_delete(job: Job) -> bool:
    return job.change.action is Action.DELETE


def is_long(change: Change, kind: Kind) -> bool:
    """Whether it brings up a run or a service, which may take hours."""
    return kind.runs and change.action not in {Action.NO_OP, Action.DELETE}


def is_awaited(job: Job) -> bool:
    """Whether more is wanted of what a change started than that it is there."""
    goal = goal_of(job, job.change.desired or Resource(job.key, {}), None)
    return goal.word is not None or bool(goal.outputs)


def make_jobs(shared: Shared, needs: Needs, *, wait: bool) -> Iterator[Job]:
    """One job for every change, in the order of the plan.

    Without ``wait`` a change is still waited for when another needs it or something is removed
    after it, but no run and no service: that may take hours.
    """
    changes = shared.plan.changes
    needed = {other for others in needs.values() for other in others}
    has_removals = any(c.action in {Action.DELETE, Action.REPLACE} for c in changes)
    outputs = needed_outputs(change for change in changes if change.action is not Action.NO_OP)
    for position, change in enumerate(changes):
        is_delete = change.action is Action.DELETE
        # For all other actions the live resource is the one before: whoever needs this change must
        # get the id of the new one, and a failure must not be told as a status of the old one.
        has_live = change.action in {Action.NO_OP, Action.UPDATE, Action.DELETE}
        yield Job(
            shared,
            change,
            waits=wait
            or (
                not is_delete
                and (has_removals or position in needed)
                and not is_long(change, shared.platform.kinds[change.key.kind])
            ),
            outputs=outputs.get(change.key, frozenset()),
            live=change.live if has_live else None,
            began=shared.clock(),
        )
