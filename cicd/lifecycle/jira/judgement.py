"""What a ticket says of an approval: by its status, and by who moved it there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cicd.lifecycle.jira.records import Account, Move, Ticket
from cicd.model import Approval, ApprovalState, JiraApproval
from cicd.words import one_line

CLOSED = "done"
"""The category of all statuses that end a ticket, whatever a workflow or a language calls them."""
WORDS = 200


@dataclass(frozen=True)
class Found:
    """A ticket with how it came to its status. ``link``: its page. ``me``: as whom cicd looks at
    it; None where that does not matter, as right after a decision."""

    ticket: Ticket
    moves: Sequence[Move]
    link: str
    me: Account | None


def judged(found: Found, settings: JiraApproval) -> Approval:
    """The approval that a ticket is.

    A status counts by its name or its id: names are translated, and a category does not tell an
    approval from a refusal.
    """
    ticket = found.ticket
    if is_named(ticket.status, ticket.status_id, settings.rejected):
        return _approval(found, ApprovalState.REJECTED, settings, settings.rejected)
    if is_named(ticket.status, ticket.status_id, settings.approved):
        note = _objection(found, settings)
        state = ApprovalState.PENDING if note else ApprovalState.APPROVED
        return _approval(found, state, settings, settings.approved, note)
    if ticket.category.casefold() == CLOSED:
        note = (
            f'closed as "{_shown(ticket.status)}", which is in neither approved nor rejected of '
            "approval.jira"
        )
        return _approval(found, ApprovalState.REJECTED, settings, (ticket.status,), note)
    return _approval(found, ApprovalState.PENDING, settings, (), _withdrawal(found, settings))


def is_named(name: str, id: str, names: Iterable[str]) -> bool:
    """Whether a status is one of these, whatever the case."""
    wanted = {one.strip().casefold() for one in names}
    return (bool(name) and name.strip().casefold() in wanted) or (bool(id) and id in wanted)


def approvers_of(settings: JiraApproval) -> str:
    """Who may decide, in words."""
    if settings.approvers:
        return ", ".join(settings.approvers)
    return f"whoever may move it to {' or '.join(settings.approved)}"


def may_approve(account: Account, settings: JiraApproval) -> bool:
    """Whether the stage file lets an account approve; the workflow may forbid it all the same."""
    return not settings.approvers or any(map(account.is_called, settings.approvers))


def unlisted(account: Account, settings: JiraApproval) -> str:
    """Why an account is none of the approvers, though it may be shown by that name."""
    shown = account.shown.casefold()
    same = any(shown == name.casefold() for name in settings.approvers)
    how = f"; a shown name can be anybody's, name the account as {account.id}" if same else ""
    return f"{account.shown} is none of its approvers{how}"


def _objection(found: Found, settings: JiraApproval) -> str:
    """Why a ticket in an approved status approves nothing; empty where it does."""
    move = _last(found.moves, settings.approved)
    status = _shown(found.ticket.status)
    if move is None:
        return f'in "{status}", and nobody has moved it there'
    moved = f'moved to "{status}" by {move.by.shown}'
    if move.by.id == found.ticket.creator.id:
        return f"{moved}, the account that asks: somebody else has to"
    if found.me and move.by.id == found.me.id:
        return f"{moved}, as whom cicd runs here: it counts where others run it"
    if not may_approve(move.by, settings):
        return f"{moved}: {unlisted(move.by, settings)}"
    return ""


def _withdrawal(found: Found, settings: JiraApproval) -> str:
    """Who has taken an approval back, if somebody has."""
    given = _last(found.moves, settings.approved)
    if given is None:
        return ""
    later = [move for move in found.moves if is_named(move.before, "", settings.approved)]
    taken = f" by {later[-1].by.shown} at {moment(later[-1].at)}" if later else ""
    return f"the approval of {given.by.shown} was withdrawn{taken}"


def _last(moves: Sequence[Move], names: Iterable[str]) -> Move | None:
    wanted = tuple(names)
    return next((m for m in reversed(moves) if is_named(m.after, m.after_id, wanted)), None)


def _approval(
    found: Found,
    state: ApprovalState,
    settings: JiraApproval,
    names: Iterable[str],
    note: str = "",
) -> Approval:
    move = _last(found.moves, names)
    proof = found.ticket.proof
    return Approval(
        state,
        by=move.by.shown if move else "",
        at=moment(move.at) if move else "",
        fingerprint=str(proof.get("fingerprint") or ""),
        link=found.link,
        note=note,
        approvers=approvers_of(settings),
        parts=_texts(proof.get("parts")),
        made=_texts(proof.get("made")),
    )


def moment(at: str) -> str:
    """A moment as Jira writes it, as ISO 8601 in UTC; empty for what is none."""
    try:
        return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return ""


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _shown(text: str) -> str:
    return one_line(text, WORDS)
