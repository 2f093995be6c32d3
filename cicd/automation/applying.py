"""Applying, destroying and stopping: plan, ask, do, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cicd.automation import snapshots
from cicd.automation.applied import Record
from cicd.automation.arrival import check_arrival
from cicd.automation.choice import Choice
from cicd.automation.events import Event, Planned
from cicd.automation.failed import remember_tests
from cicd.automation.ledger import write_down
from cicd.automation.lifecycle import with_lifecycle
from cicd.automation.lock import StageLock
from cicd.automation.notices import unmet
from cicd.automation.operation import Operation, Work, agree, execute, follow, locked
from cicd.automation.result import Result, exit_code
from cicd.automation.saved import Saved
from cicd.automation.session import now
from cicd.errors import Refused
from cicd.model import Action, Outcome, Plan

if TYPE_CHECKING:
    from cicd.plan import Permissions

ADDS = {Action.CREATE, Action.UPDATE, Action.REPLACE}
AGAIN = "look at a new plan"


def apply(
    operation: Operation,
    saved: Saved | None,
    choice: Choice,
    *,
    wait: bool,
    permissions: Permissions | None,
) -> Work:
    """Make the stage so, or just what a saved plan says."""
    import cicd.apply
    import cicd.plan  # noqa: F401 both before the lock is taken: others wait for it

    session = operation.session
    yield from unmet(session)
    chosen = saved.choice if saved else choice

    def replan() -> Plan:
        return with_lifecycle(session, session.make_plan(chosen))

    def work(lock: StageLock) -> Work:
        if saved:
            saved.check_place(session.stage)
        # Planned only now that the lock is ours: before it, somebody else's apply may still be
        # changing what is planned against.
        plan = replan()
        record = Record(session, saved.document) if saved and saved.is_kept else None
        if saved:
            saved.check(plan, session.mask, record.last() if record else None)
        began, started = now(), time.monotonic()
        result = yield from carry_out(
            operation, plan, lock, replan, wait=wait, permissions=permissions, saved=saved
        )
        write_down(session, result, began, time.monotonic() - started)
        return result

    return (yield from locked(operation, "apply", work))


def destroy(operation: Operation, *, permissions: Permissions) -> Work:
    """Take down what the stage has put up; limits do not hold then."""

    def work(lock: StageLock) -> Work:
        replan = operation.session.make_destroy_plan
        allowed = replace(permissions, over_limits=True)
        return (yield from carry_out(operation, replan(), lock, replan, permissions=allowed))

    return (yield from locked(operation, "destroy", work))


def stop(operation: Operation, patterns: Sequence[str], *, wait: bool) -> Work:
    """Stop runs and services; nothing is deleted."""
    from cicd.apply import stop_all

    session = operation.session
    plan = operation.plan = session.make_stop_plan(patterns)
    yield Planned(plan)
    if not plan.has_changes:
        return operation.ended(plan, ())
    session.guard(plan)
    agree(operation, plan)
    operation.has_begun = True
    told = stop_all(
        plan, session.platform, wait=wait, sleep=operation.sleep, checkpoint=operation.check
    )
    outcomes = yield from follow(operation, plan, told)
    return finish(operation, plan, outcomes)


def carry_out(
    operation: Operation,
    plan: Plan,
    lock: StageLock,
    replan: Callable[[], Plan],
    *,
    wait: bool = True,
    permissions: Permissions | None = None,
    saved: Saved | None = None,
) -> Work:
    """Tell a plan, ask, apply it; what became of it.

    Without changes there is nothing to ask, but smoke tests are passed again: an apply that was
    killed before its test has left a service that nobody has tried. ``replan`` makes the plan
    again when the lock was not there at first. ``saved``: somebody has agreed to just this plan,
    and what becomes of it is written there.
    """
    session = operation.session
    operation.plan = plan
    yield Planned(plan)
    session.guard(plan, permissions)
    if not session.is_local:  # the emulator syncs what is published below
        check_arrival(session.root, plan, session.environ)
    if plan.has_changes:
        agree(operation, plan)
        session.publish()
    session.remember()
    is_recorded = saved and saved.is_kept
    record = Record(session, saved.document) if saved and is_recorded else None
    # Before anything is sent: whoever looks at the saved plan while this runs, or after it was
    # killed, must not apply it a second time.
    if record and plan.has_changes:
        record.begin()
    operation.has_begun = True
    before, rest = yield from make_container(operation, plan, lock, replan)
    # Consent was given to the plan that was shown. What was planned anew may do less than that, and
    # never more.
    if rest is not plan:
        if (saved or operation.settings.approve) and (more := not_agreed_to(plan, rest)):
            raise Refused(f"somebody else has applied {plan.stage} meanwhile: {more}", hint=AGAIN)
        session.guard(rest, permissions)
    # The lock is kept in the container: a plan that deletes it takes the lock along, and that is no
    # loss to report.
    lock.expect(rest)
    outcomes = yield from execute(operation, rest, lock, wait=wait)
    done = {outcome.key for outcome in before}
    result = finish(operation, plan, [*before, *(one for one in outcomes if one.key not in done)])
    if record:
        record.end(has_failed=bool(result.exit_code))
    return result


def finish(operation: Operation, plan: Plan, outcomes: Sequence[Outcome]) -> Result:
    """The result; remembers what failed its test."""
    remember_tests(operation.session, plan, outcomes)
    if plan.lifecycle:
        snapshots.remember(operation.session, plan.lifecycle.snapshots)
    return operation.ended(plan, tuple(outcomes))


def make_container(
    operation: Operation, plan: Plan, lock: StageLock, replan: Callable[[], Plan]
) -> Generator[Event, None, tuple[tuple[Outcome, ...], Plan]]:
    """Make the container where that is what the lock has to wait for, and lock the stage.

    The outcomes so far, and the plan of what is to be done then: made anew, as until now somebody
    else may have done it all. Nothing of that when the stage is locked or cannot be.
    """
    kinds = operation.session.platform.kinds
    groups = tuple(c for c in plan.changes if kinds[c.key.kind].contains and c.action in ADDS)
    if lock.is_held or not plan.has_changes:
        return (), plan
    if not groups:
        # another apply may have made it after we asked for the lock and before we planned
        yield from lock.take()
        yield from lock.warn()
        return (), replan() if lock.is_held else plan
    first = replace(plan, changes=groups)
    outcomes = yield from execute(operation, first, lock, wait=True)
    if exit_code(outcomes):
        lock.halt(f"{groups[0].key} failed")
        return outcomes, plan
    yield from lock.take()
    again = replan()
    yield from lock.warn()
    return outcomes, again


def not_agreed_to(agreed: Plan, plan: Plan) -> str:
    """What a plan does that somebody who agreed to another has not agreed to; empty for nothing."""
    known = {(change.key, change.action) for change in agreed.changes}
    more = [
        f"{change.key} ({change.action.value})"
        for change in plan.changes
        if change.action is not Action.NO_OP and (change.key, change.action) not in known
    ]
    return ", ".join(more)
