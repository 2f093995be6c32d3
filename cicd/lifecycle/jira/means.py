"""A ticket as a means of approval: asked for once, found again, judged afresh each time.

No file of ours knows the ticket. A label finds it (``cicd-`` and the beginning of the plan's
fingerprint), a property proves it: a label can be typed by anybody, a property cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from cicd.errors import LostAnswer, NotFound, PlatformError, Refused
from cicd.lifecycle.approvals import Check, Request, Surroundings, Verdict
from cicd.lifecycle.jira.client import Client
from cicd.lifecycle.jira.judgement import (
    CLOSED,
    WORDS,
    Found,
    approvers_of,
    is_named,
    judged,
    may_approve,
    unlisted,
)
from cicd.lifecycle.jira.records import Ticket, Transition
from cicd.lifecycle.jira.texts import Block, Line, Part
from cicd.lifecycle.jira.tickets import (
    description,
    fields_of,
    is_of,
    label_of,
    plan_comment,
    proof_of,
    stage_label,
)
from cicd.model import Approval, ApprovalState, JiraApproval
from cicd.words import one_line

LOOK_EVERY = 2.0
LOOKS = 30
"""How often, and every how many seconds, a ticket is looked for whose answer was lost: the search
lags behind for up to a minute."""
FORMER = 10
"""Tickets of a stage that are looked at for one of an earlier plan."""


class Tickets:
    """The tickets of one stage. Implements ``Approvals``."""

    def __init__(self, settings: JiraApproval, client: Client, around: Surroundings) -> None:
        self._settings = settings
        self._client = client
        self._hide = around.hide

    def read(self, request: Request) -> Approval:
        """How the ticket of this plan stands; STALE where only one of another plan was decided."""
        tickets, gone = self._tickets(request)
        return self._judged(tickets) if tickets else _with(self._former(request), gone)

    def ask(self, request: Request) -> Approval:
        """The same, with a ticket made where there is none, and its duplicates closed."""
        tickets, gone = self._tickets(request)
        if not tickets:
            return self._asked(request, gone)
        approval = self._judged(tickets)
        if approval.state is not ApprovalState.PENDING:
            return approval
        return _with(approval, *self._explained(request, tickets[0].key), *self._closed(tickets))

    def decide(self, request: Request, verdict: Verdict, reason: str) -> Approval:
        """Move the ticket to where it approves or refuses, with the reason as a comment."""
        tickets, _ = self._tickets(request)
        if not tickets:
            former = self._former(request)
            told = f"; {former.note}" if former.note else ""
            asked = f"asks for this plan of {request.stage}"
            raise Refused(
                f"no ticket of {self._settings.project} {asked}{told}",
                hint="cicd apply asks for it",
            )
        ticket, settings = tickets[0], self._settings
        names = settings.approved if verdict == "approved" else settings.rejected
        if not is_named(ticket.status, ticket.status_id, names):
            self._check_right(ticket, verdict)
            self._move(ticket, names, reason)
        return self._judged([self._client.ticket(ticket.key)], is_own=True)

    def check(self) -> Iterator[Check]:
        """Whether tickets can be asked for, and decided."""
        client, settings = self._client, self._settings
        yield Check("ok", f"logged in at {client.url} as {client.me().shown}")
        types = client.statuses(settings.project)
        known = types.get(settings.issue_type)
        if known is None:
            told = f"{settings.project} has no tickets of the type {settings.issue_type}"
            yield Check("error", told, f"set issue_type to one of {', '.join(sorted(types))}")
        elif not any(is_named(name, id, settings.approved) for name, id in known):
            told = f"no {settings.issue_type} of {settings.project} can ever be"
            names = ", ".join(name for name, _ in known)
            cure = f"set approved to some of {names}"
            yield Check("error", f"{told} {' or '.join(settings.approved)}", cure)
        if missing := client.lacking(settings.project):
            told = f"{client.me().shown} may not {', '.join(missing)} in {settings.project}"
            yield Check("error", told, "whoever administers the project gives these rights")

    def _tickets(self, request: Request) -> tuple[list[Ticket], str]:
        """All that ask for this very plan, the oldest first, and of which none is left."""
        found, gone = [], ""
        label = label_of(request.fingerprint)
        for key in dict.fromkeys(self._client.labelled(self._settings.project, label)):
            try:
                ticket = self._client.ticket(key)
            except NotFound:  # the search lags behind
                gone = f"{key} was deleted"
                continue
            if is_of(ticket.proof, request):
                found.append(ticket)
        return sorted(found, key=lambda ticket: ticket.id), gone

    def _judged(self, tickets: Sequence[Ticket], *, is_own: bool = False) -> Approval:
        """What the oldest says; another would be a second answer to one question. ``is_own``: a
        decision of this account may count."""
        client, ticket = self._client, tickets[0]
        me = None if is_own else client.me()
        found = Found(ticket, client.moves(ticket.key), client.link(ticket.key), me)
        approval = judged(found, self._settings)
        if approval.state is ApprovalState.REJECTED and not approval.note:
            return replace(approval, note=self._reason(found))
        return approval

    def _reason(self, found: Found) -> str:
        """The last words of whoever refused."""
        who, said = found.moves[-1].by.id if found.moves else "", []
        with suppress(PlatformError):  # that it is refused is known without
            said = [one.text for one in self._client.comments(found.ticket.key) if one.by.id == who]
        return one_line(self._hide(said[-1]), WORDS) if said else ""

    def _former(self, request: Request) -> Approval:
        """The newest ticket of another plan of the stage."""
        settings = self._settings
        keys = self._client.labelled(settings.project, stage_label(request.stage))
        for key in islice(keys, FORMER):
            try:
                ticket = self._client.ticket(key)
            except NotFound:
                continue
            proof = ticket.proof
            if proof.get("stage") == request.stage and not is_of(proof, request):
                approval = self._judged([ticket])
                is_decided = approval.state is not ApprovalState.PENDING
                return replace(
                    approval,
                    state=ApprovalState.STALE if is_decided else ApprovalState.NONE,
                    note=f"{ticket.key} ({approval.state}) is of another plan",
                )
        return Approval(ApprovalState.NONE, approvers=approvers_of(settings))

    def _asked(self, request: Request, gone: str) -> Approval:
        """A new ticket, with the plan as its first comment."""
        former = self._former(request)
        key, notes = self._created(request), [gone, former.note]
        notes += self._explained(request, key, is_new=True)
        if former.link:
            self._refer(former, key)
        return _with(
            Approval(
                ApprovalState.PENDING,
                fingerprint=request.fingerprint,
                link=self._client.link(key),
                approvers=approvers_of(self._settings),
                parts=request.parts,
                made=request.made,
            ),
            *notes,
        )

    def _created(self, request: Request) -> str:
        """The key of the new ticket. A lost answer is looked for and never asked for again."""
        fields = fields_of(request, self._settings, self._client, self._hide)
        parts = self._hidden(description(request, self._settings))
        try:
            if key := self._client.create(fields, parts, proof_of(request)):
                return key
        except LostAnswer:
            pass
        for _ in range(LOOKS):
            self._client.wait(LOOK_EVERY)
            tickets, _gone = self._tickets(request)
            if tickets:
                return tickets[0].key
        raise Refused(
            f"Jira's answer to a new ticket of {self._settings.project} was lost, and the ticket "
            f"is not to be found after {LOOKS * LOOK_EVERY:.0f} s",
            hint="run the same again: a ticket that was made is found then, and none made twice",
        )

    def _explained(self, request: Request, key: str, *, is_new: bool = False) -> list[str]:
        """See to it that the plan stands at its ticket; why not, where it cannot be written."""
        client = self._client
        if not request.text:
            return []
        try:
            if not is_new and client.me().id in {one.by.id for one in client.comments(key)}:
                return []
            client.comment(key, self._hidden(plan_comment(request)))
        except LostAnswer:
            return []  # the next run looks whether it is there
        except PlatformError as error:
            return [f"the plan could not be written as a comment: {error}"]
        return []

    def _refer(self, former: Approval, key: str) -> None:
        """Say at the ticket of an earlier plan which one is asked for now; nobody waits for it."""
        words = Line("Another plan", f"{key} asks for it", self._client.link(key))
        with suppress(PlatformError):
            self._client.comment(former.link.rpartition("/")[2], [words])

    def _closed(self, tickets: Sequence[Ticket]) -> list[str]:
        """Close all but the oldest: a create whose answer was lost has made them."""
        first, *others = tickets
        notes = []
        for other in others:
            if other.category == CLOSED:
                continue
            words = Line("Duplicate", f"{first.key} counts", self._client.link(first.key))
            try:
                self._client.comment(other.key, [words])
                if ways := self._closing_ways(other):
                    self._client.move(other.key, ways[0])
            except PlatformError as error:
                notes.append(f"{other.key} asks for the same and stays: {error}")
        return notes

    def _check_right(self, ticket: Ticket, verdict: Verdict) -> None:
        """Raises Refused where the decision of this account would not count."""
        me = self._client.me()
        hint = "log in as somebody who may (JIRA_USER, JIRA_TOKEN)"
        if me.id == ticket.creator.id and verdict == "approved":
            raise Refused(f"{me.shown} asks with {ticket.key}, and cannot approve it", hint=hint)
        if verdict == "approved" and not may_approve(me, self._settings):
            raise Refused(f"{ticket.key}: {unlisted(me, self._settings)}", hint=hint)

    def _move(self, ticket: Ticket, names: Sequence[str], reason: str) -> None:
        client, key = self._client, ticket.key
        ways = self._ways(ticket, names)
        if not ways:
            open_to = ", ".join(f"{way.name} (to {way.status})" for way in client.transitions(key))
            raise Refused(
                f'{key} is in "{ticket.status}", and no transition to '
                f"{' or '.join(names) or 'a refusal'} is open to {client.me().shown}; open are: "
                f"{open_to or 'none'}",
                hint=f"see {client.link(key)}",
            )
        if reason:
            with suppress(LostAnswer):  # said twice it would help nobody
                client.comment(key, self._hidden([Line("Reason", reason)]))
        try:
            client.move(key, ways[0])
        except LostAnswer:
            now = client.ticket(key)
            if not is_named(now.status, now.status_id, names):
                raise

    def _ways(self, ticket: Ticket, names: Sequence[str]) -> list[Transition]:
        """The transitions that lead to a status of these, in their order; then those that are
        called so themselves."""
        ways = self._client.transitions(ticket.key)
        by_status = [w for name in names for w in ways if is_named(w.status, w.status_id, [name])]
        return by_status or [w for name in names for w in ways if is_named(w.name, "", [name])]

    def _closing_ways(self, ticket: Ticket) -> list[Transition]:
        """The transitions that refuse a ticket, or else end it without approving it."""
        settings = self._settings
        return self._ways(ticket, settings.rejected) or [
            way
            for way in self._client.transitions(ticket.key)
            if way.category == CLOSED and not is_named(way.status, way.status_id, settings.approved)
        ]

    def _hidden(self, parts: Sequence[Part]) -> list[Part]:
        """The parts without secrets."""
        return [
            Block(self._hide(part.text))
            if isinstance(part, Block)
            else replace(part, text=self._hide(part.text), url=self._hide(part.url))
            for part in parts
        ]


def _with(approval: Approval, *notes: str) -> Approval:
    """The approval with more to know of it."""
    return replace(approval, note="; ".join(filter(None, (approval.note, *notes))))
