"""Which step comes next, and whether an approval counts: tables, no platform."""

from __future__ import annotations

import pytest

from cicd.lifecycle.approvals import Request
from cicd.lifecycle.judging import judged, moved_parts, shortened
from cicd.lifecycle.steps import DUE, NONE, PASSED, Facts, explain_approval, next_step, status
from cicd.model import Approval, ApprovalState, FileApproval, Key, Lifecycle, Step

SERVE = (Key("deployment", "serve"),)
ASKS = Lifecycle(test=Key("execution", "t"), approval=FileApproval("a.yaml"))
FREE = Lifecycle(test=Key("execution", "t"))
GIVEN = Approval(ApprovalState.APPROVED, by="alice")
NOT = [Approval(state) for state in ApprovalState if state is not ApprovalState.APPROVED]


@pytest.mark.parametrize(
    ("lifecycle", "facts", "step"),
    [
        (ASKS, Facts(), Step.REGISTERED),
        (ASKS, Facts(test_state=PASSED), Step.REGISTERED),
        (ASKS, Facts(test_state=DUE), Step.TEST),
        (ASKS, Facts(SERVE, ["doc is not there"], DUE), Step.ASSETS),
        (ASKS, Facts((), ["doc is not there"], DUE), Step.ASSETS),
        (ASKS, Facts(SERVE, (), DUE, approval=GIVEN), Step.TEST),
        (ASKS, Facts(SERVE, (), PASSED), Step.APPROVAL),
        (ASKS, Facts(SERVE, (), NONE), Step.APPROVAL),
        *((ASKS, Facts(SERVE, (), PASSED, approval=one), Step.APPROVAL) for one in NOT),
        (ASKS, Facts(SERVE, (), PASSED, approval=GIVEN), Step.DEPLOY),
        (FREE, Facts(SERVE, (), PASSED), Step.DEPLOY),
        (FREE, Facts(SERVE, (), NONE, "no test data"), Step.DEPLOY),
    ],
)
def test_the_first_step_that_is_not_done_comes_next(
    lifecycle: Lifecycle, facts: Facts, step: Step
) -> None:
    assert next_step(lifecycle, facts) is step
    told = status(lifecycle, facts, "file", "f" * 64)
    assert told.step is step and told.document["step"] == step.value
    assert bool(told.fingerprint) is bool(facts.waits)


BEFORE = {"configuration/serve greeting": "a" * 64, "deployment/serve ttl": "b" * 64}
NOW = {"configuration/serve greeting": "c" * 64, "program t.yaml": "d" * 64}
REQUEST = Request("prd", "", "f" * 64, "title", parts=NOW, made={"execution/train": "e2"})


@pytest.mark.parametrize(
    ("approval", "state", "moved"),
    [
        (Approval(ApprovalState.APPROVED, fingerprint="f" * 64), ApprovalState.APPROVED, ()),
        # means that are bound otherwise, such as by the run of the CI system, name none
        (Approval(ApprovalState.APPROVED), ApprovalState.APPROVED, ()),
        (
            Approval(ApprovalState.APPROVED, fingerprint="e" * 64, parts=shortened(BEFORE)),
            ApprovalState.STALE,
            (
                "configuration/serve: greeting changed",
                "deployment/serve: ttl is gone",
                "program: t.yaml is new",
            ),
        ),
        (Approval(ApprovalState.APPROVED, fingerprint="e" * 64), ApprovalState.STALE, ()),
        (
            Approval(ApprovalState.APPROVED, fingerprint="f" * 64, made={"execution/train": "e1"}),
            ApprovalState.STALE,
            ("execution/train was e1, is now e2",),
        ),
        (
            Approval(ApprovalState.APPROVED, fingerprint="f" * 64, made={"execution/other": "e1"}),
            ApprovalState.APPROVED,
            (),
        ),
        # what was refused is refused, and what came after it is not
        (Approval(ApprovalState.REJECTED, fingerprint="f" * 64), ApprovalState.REJECTED, ()),
        (Approval(ApprovalState.REJECTED), ApprovalState.REJECTED, ()),
        (Approval(ApprovalState.REJECTED, fingerprint="e" * 64), ApprovalState.STALE, ()),
        (Approval(ApprovalState.PENDING), ApprovalState.PENDING, ()),
        (Approval(ApprovalState.NONE), ApprovalState.NONE, ()),
    ],
)
def test_an_approval_counts_for_what_it_was_given_for(
    approval: Approval, state: ApprovalState, moved: tuple[str, ...]
) -> None:
    found, told = judged(approval, REQUEST)
    assert found.state is state and told == moved
    assert found.is_given is (state is ApprovalState.APPROVED)


def test_what_moved_is_not_told_where_nobody_kept_what_it_was() -> None:
    assert moved_parts({}, NOW) == ()
    assert moved_parts(shortened(NOW), NOW) == ()


@pytest.mark.parametrize(
    ("approval", "moved", "wanted"),
    [
        (
            Approval(ApprovalState.NONE, note="there is no a.yaml"),
            (),
            "not approved: there is no a.yaml",
        ),
        (Approval(ApprovalState.PENDING), (), "not decided yet"),
        (
            Approval(ApprovalState.REJECTED, "bob", "2026-11-30T10:00:00Z", note="too slow"),
            (),
            "rejected by bob at 2026-11-30T10:00:00Z: too slow",
        ),
        (
            Approval(ApprovalState.STALE, "bob"),
            ("configuration/serve: greeting changed",),
            "what was decided by bob was about something else than this: "
            "configuration/serve: greeting changed",
        ),
        (
            Approval(ApprovalState.STALE),
            tuple(f"job/{name} is new" for name in "abcdefgh"),
            "what was decided was about something else than this: job/a is new, job/b is new, "
            "job/c is new, job/d is new, job/e is new and 3 more",
        ),
    ],
)
def test_why_nothing_goes_on_is_one_sentence(
    approval: Approval, moved: tuple[str, ...], wanted: str
) -> None:
    assert explain_approval(approval, moved) == wanted
