"""An apply comes to what serves: whether it may go on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from cicd.automation.comparing import judge_test
from cicd.automation.lifecycle import (
    Review,
    approvals_of,
    has_ended_well,
    request_of,
    review_of,
)
from cicd.automation.session import Session
from cicd.errors import Failed, Refused
from cicd.lifecycle.judging import SHOWN, judged
from cicd.lifecycle.steps import NONE, PASSED, explain_approval
from cicd.model import Approval, Key, LifecycleStatus, LiveResource, Plan, Step
from cicd.words import may_approve


class Release:
    """Decides once, right before the first change of what serves. ``status``: how far it is by
    then."""

    def __init__(self, session: Session, plan: Plan, review: Review) -> None:
        assert plan.lifecycle
        self._session = session
        self._plan = plan
        self._review = review
        self.status: LifecycleStatus = plan.lifecycle
        self._stopped = threading.Event()

    def close(self) -> None:
        """Nobody waits any more: what is under way ends."""
        self._stopped.set()

    @property
    def keys(self) -> frozenset[Key]:
        """What waits: without its assets the test does, too."""
        tested = self._review.tested if self.status.missing else frozenset()
        return frozenset(self.status.waits) | tested

    @property
    def tests(self) -> frozenset[Key]:
        """The runs that have to end well before."""
        test = self._review.lifecycle.test
        return frozenset([test] if test and self.status.test_state != NONE else [])

    def __call__(self, done: Mapping[Key, LiveResource]) -> None:
        """Raises Refused for what waits, Failed for a result that is no good."""
        if self.status.missing:
            raise Refused(
                f"{'; '.join(self.status.missing)}", hint="add what is missing, apply again"
            )
        self._judge_test(done)
        if self._review.lifecycle.approval:
            self._judge_approval(done)
        self.status = replace(self.status, step=Step.DEPLOY)

    def _judge_test(self, done: Mapping[Key, LiveResource]) -> None:
        test = self._review.lifecycle.test
        if test is None or self.status.test_state == NONE:
            return
        live = done.get(test)
        if live is None:
            text = f"the test {test} is left out, and nothing is deployed before it has passed"
            raise Refused(text, hint=f"select {test} too")
        if live.status.has_failed:
            text = f"the test {test} is {live.status.raw}: nothing is deployed"
            raise Failed(text, hint=f"correct it, or repeat it with --rerun {test}")
        if not has_ended_well(live):
            text = f"the test {test} is {live.status.raw}, and nothing is deployed before it passed"
            raise Refused(text, hint="apply again once it has ended")
        self.status = replace(self.status, test_state=PASSED)
        lifecycle = self._review.lifecycle
        if lifecycle.comparator:
            verdict = judge_test(self._session, lifecycle, live, self._stopped.is_set)
            self.status = replace(self.status, verdict=str(verdict))

    def _judge_approval(self, done: Mapping[Key, LiveResource]) -> None:
        session, lifecycle = self._session, self._review.lifecycle
        made = {
            str(key): live.id
            for key, live in done.items()
            if key in self._review.sources and has_ended_well(live)
        }
        plan = replace(self._plan, lifecycle=self.status)
        request = request_of(session, plan, self._review, made)
        approval, moved = judged(
            approvals_of(session, lifecycle, done, applies=True).ask(request), request
        )
        self.status = replace(self.status, step=Step.APPROVAL, approval=approval, moved=moved)
        if not approval.is_given:
            raise refusal(approval, moved, self.status.fingerprint, session.command("approve"))


def refusal(approval: Approval, moved: tuple[str, ...], fingerprint: str, command: str) -> Refused:
    """What is missing, who may give it, and where."""
    told = explain_approval(approval, moved)
    where = may_approve(approval.approvers, approval.link)
    return Refused(
        f"it waits for an approval of {fingerprint[:SHOWN]}: {told}",
        hint=f"{where}, or with {command}" if where else command,
    )


def release_of(session: Session, plan: Plan) -> Release | None:
    """What decides for a plan; None where nothing of it waits."""
    if plan.lifecycle is None or plan.is_destroy:
        return None
    review = review_of(session.stage)
    release = Release(session, plan, review) if review else None
    return release if release and release.keys else None
