"""Assets, test, approval, then what serves: which of them comes next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cicd.lifecycle.judging import SHOWN
from cicd.model import Approval, ApprovalState, Key, Lifecycle, LifecycleStatus, Step
from cicd.words import may_approve, some

MOST_NAMED = 5
"""How many parts that changed are told by name."""
DUE, PASSED, NONE = "due", "passed", "none"
"""How a test is: it has to run (again), it ended well, there is none."""


@dataclass(frozen=True)
class Facts:
    """All that was looked at. ``waits``: changes that wait. ``missing``: a sentence for each asset
    that is not there. ``test_state``: one of the words above; ``no_test``: why there is none though
    the stage file names one. ``approval``: None where nobody has looked. ``moved``: what changed
    since it was given. ``verdict``: what the comparator said of the test."""

    waits: Sequence[Key] = ()
    missing: Sequence[str] = ()
    test_state: str = NONE
    no_test: str = ""
    approval: Approval | None = None
    moved: Sequence[str] = ()
    notes: Sequence[str] = ()
    verdict: str = ""


def status(lifecycle: Lifecycle, facts: Facts, means: str, fingerprint: str) -> LifecycleStatus:
    """Which step comes next, with all that is known of the others."""
    notes = [*facts.notes, *([facts.no_test] if facts.no_test else [])]
    return LifecycleStatus(
        step=next_step(lifecycle, facts),
        waits=tuple(facts.waits),
        means=means,
        fingerprint=fingerprint if facts.waits else "",
        missing=tuple(facts.missing),
        test=str(lifecycle.test) if lifecycle.test else "",
        test_state=facts.test_state,
        approval=facts.approval,
        moved=tuple(facts.moved),
        notes=tuple(notes),
        verdict=facts.verdict,
    )


def next_step(lifecycle: Lifecycle, facts: Facts) -> Step:
    """The first that is not done."""
    if not facts.waits and facts.test_state != DUE:
        return Step.REGISTERED
    if facts.missing:
        return Step.ASSETS
    if facts.test_state == DUE:
        return Step.TEST
    if lifecycle.approval and not (facts.approval and facts.approval.is_given):
        return Step.APPROVAL
    return Step.DEPLOY if facts.waits else Step.REGISTERED


def explain_approval(approval: Approval, moved: Sequence[str] = ()) -> str:
    """Why it does not let anything through, in one sentence without a full stop."""
    by = f" by {approval.by}" if approval.by else ""
    at = f" at {approval.at}" if approval.at else ""
    why = f": {approval.note}" if approval.note else ""
    match approval.state:
        case ApprovalState.REJECTED:
            return f"rejected{by}{at}{why}"
        case ApprovalState.STALE:
            told = f": {some(moved, MOST_NAMED)}" if moved else why
            return f"what was decided{by}{at} was about something else than this{told}"
        case ApprovalState.APPROVED:
            return f"approved{by}{at}{why}"
        case ApprovalState.PENDING:
            return f"not decided yet{why}"
    return f"not approved{why}"


def explain_step(status: LifecycleStatus) -> str:
    """What the next change of what serves waits for, in one sentence without a full stop."""
    match status.step:
        case Step.ASSETS:
            return f"waits for assets: {'; '.join(status.missing)}"
        case Step.TEST:
            return f"waits for the test {status.test}"
        case Step.APPROVAL if status.approval:
            told = explain_approval(status.approval, status.moved)
            where = may_approve(status.approval.approvers, status.approval.link)
            told += f"; {where}" if where else ""
            return f"waits for an approval of {status.fingerprint[:SHOWN]}: {told}"
        case Step.APPROVAL:
            return f"waits for an approval of {status.fingerprint[:SHOWN]}"
    return "goes on with the next apply"
