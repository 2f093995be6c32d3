"""Somebody approves what waits, or refuses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cicd.automation.lifecycle import approvals_of, looked_at, request_of, review_of
from cicd.automation.packages import there
from cicd.automation.session import Session
from cicd.errors import Refused, Usage
from cicd.lifecycle.approvals import Verdict
from cicd.model import Approval, LifecycleStatus, Plan


def approve(
    session: Session,
    verdict: Verdict,
    reason: str,
    agree: Callable[[Plan], bool],
) -> tuple[Plan, Approval | None]:
    """Give or refuse the approval of what waits now: the plan of it, and the approval; None where
    nothing waits. ``agree`` is asked with the plan. Raises Usage for a stage without one, Refused
    where its means are given elsewhere, or by others."""
    review = review_of(session.stage)
    if review is None or not review.lifecycle.approval:
        raise Usage(f"{session.stage.name} asks for no approval", hint="lifecycle.approval does")
    plan = looked_at(session, session.make_plan(), review)
    status = plan.lifecycle
    if status is None or not status.waits:
        return plan, None
    if not agree(plan):
        raise Refused("nothing was done: consent was not given")
    request = request_of(session, plan, review)
    means = approvals_of(session, review.lifecycle, there(plan.changes))
    given = means.decide(request, verdict, reason)
    return replace(plan, lifecycle=with_approval(status, given)), given


def with_approval(status: LifecycleStatus, approval: Approval) -> LifecycleStatus:
    """The same with a decision."""
    return replace(status, approval=approval, moved=())
