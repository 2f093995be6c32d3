"""Approval by the pull or merge request that a commit came with: a review, or a label, of people
who are named.

What counts is of the head as it is now, and what is applied has to be what was reviewed: that very
commit, the same files, or the plan that our own comment there shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Protocol, runtime_checkable

from cicd.errors import Denied, Refused
from cicd.forges.base import Forge, Review
from cicd.forges.base import Request as Change
from cicd.forges.github import BOT
from cicd.forges.run import TITLES, Run
from cicd.lifecycle.approvals import Request, Surroundings, Verdict
from cicd.lifecycle.origin import open_origin
from cicd.model import Approval, ApprovalState, PullRequestApproval
from cicd.render.sections import REVIEWED, parse
from cicd.words import one_line

WORDS = 200
SHORT = 12


@runtime_checkable
class Teams(Protocol):
    """A forge that knows teams."""

    def is_member(self, organisation: str, team: str, user: str) -> bool:
        """Whether somebody belongs to a team."""


@runtime_checkable
class Writers(Protocol):
    """A forge where anybody may review, whether they may write or not."""

    def may_write(self, user: str) -> bool:
        """Whether somebody may push to the repository."""


@runtime_checkable
class Labels(Protocol):
    """A forge that tells who has put a label on, and when a branch came to its commit."""

    def labelled(self, number: int, label: str) -> Review | None:
        """Who put a label on last; None where it is not on now."""

    def pushed_at(self, branch: str, commit: str) -> str:
        """When a branch came to be at a commit; empty where nobody knows."""

    def add_label(self, number: int, label: str) -> None:
        """Put a label on."""


@runtime_checkable
class Votes(Protocol):
    """A forge where we can review in the name of whose token it is."""

    def login(self) -> str:
        """The name that our reviews carry."""

    def add_review(self, number: int, commit: str, verdict: Verdict, text: str) -> None:
        """Approve a commit of a change, or ask for changes."""


def connect(settings: PullRequestApproval, surroundings: Surroundings) -> PullRequests:
    """The change that a stage's commit came with. Sends nothing. Raises Denied where a login is
    missing, Refused where a label says nothing."""
    forge, run = open_origin(surroundings)
    if settings.label and not isinstance(forge, Labels):
        raise Refused(
            f"{TITLES[run.forge]} is not asked who has set a label",
            hint="leave approval.pull_request.label out: then a review approves",
        )
    return PullRequests(forge, run, settings, surroundings)


class PullRequests:
    """Reviews and labels of changes. Implements ``Approvals``."""

    def __init__(
        self, forge: Forge, run: Run, settings: PullRequestApproval, around: Surroundings
    ) -> None:
        self._forge = forge
        self._run = run
        self._settings = settings
        self._around = around

    def read(self, request: Request) -> Approval:
        """What has been said of the change so far."""
        change = self._change(request)
        if change is None:
            at, into = request.commit[:SHORT] or "this commit", self._around.branch
            where = f" into {into}" if into else ""
            return Approval(
                ApprovalState.NONE,
                note=f"{at} came with no pull request{where}, or with several: it lands by one",
                approvers=self._approvers(),
            )
        said = [one for one in self._forge.reviews(change.number) if self._counts(one, change)]
        refused = next((one for one in said if one.verdict == "rejected"), None)
        if refused:
            note = one_line(self._around.hide(refused.comment), WORDS)
            return self._approval(ApprovalState.REJECTED, change, refused, note, request)
        found = self._by_label(change) if self._settings.label else self._by_review(change, said)
        if not isinstance(found, Review):
            return self._approval(ApprovalState.PENDING, change, None, found)
        if not self._is_what_was_reviewed(change, request):
            applied, shown = request.commit[:SHORT], change.commit[:SHORT]
            note = f"what is applied ({applied}) is not what #{change.number} showed at {shown}"
            return self._approval(ApprovalState.STALE, change, found, note)
        return self._approval(ApprovalState.APPROVED, change, found, "", request)

    def ask(self, request: Request) -> Approval:
        """The same: the change itself asks, and its comment shows the plan."""
        return self.read(request)

    def decide(self, request: Request, verdict: Verdict, reason: str) -> Approval:
        """Review the change, or put the label on it."""
        forge, change = self._forge, self._change(request)
        if change is None:
            raise Refused(
                f"{request.commit[:SHORT] or 'this commit'} came with no pull request",
                hint="check out the branch of the change, or the commit that it landed as",
            )
        if not isinstance(forge, Votes):
            raise Refused(
                f"{TITLES[self._run.forge]} is not told by cicd what you decide",
                hint=f"review it there: {change.url}",
            )
        if verdict == "approved":
            me = forge.login()
            if me.casefold() == change.author.casefold():
                raise Refused(f"#{change.number} is by {me}: somebody else has to approve it")
            if not self._is_listed(me):
                raise Refused(
                    f"{me} is none of {self._approvers()}", hint="use the token of one of them"
                )
        if verdict == "approved" and self._settings.label and isinstance(forge, Labels):
            forge.add_label(change.number, self._settings.label)
        else:
            words = reason or f"cicd: {verdict} for {request.stage}"
            forge.add_review(change.number, change.commit, verdict, self._around.hide(words))
        return self.read(request)

    def _change(self, request: Request) -> Change | None:
        """The change that this is about: the one a plan shows, or the one that has landed; None
        for one that goes elsewhere than to the branch of the stage."""
        run, branch = self._run, self._around.branch
        if run.number and run.mode == "plan":
            change = self._forge.request_of(run.branch, run.head)
            if change and change.number != run.number:
                return None
        else:
            at = run.branch or self._around.checked_out
            change = self._forge.request_of(at, request.commit)
        return change if change and branch in {"", change.base} else None

    def _by_review(self, change: Change, said: Sequence[Review]) -> Review | str:
        """The review that approves; else why there is none."""
        given = [one for one in said if one.verdict == "approved"]
        of_head = [one for one in given if one.commit == change.commit]
        if of_head:
            return of_head[-1]
        wanted = f"a review of #{change.number} by {self._approvers()} approves"
        if given:
            old, now = given[-1].commit[:SHORT], change.commit[:SHORT]
            which = f"approved {old}" if old else "approved nobody knows which commit"
            return f"{wanted}: {given[-1].user} {which}, and the head is {now}"
        withdrawn = [one.user for one in said if one.verdict == "withdrawn"]
        return f"{wanted}: that of {withdrawn[-1]} was withdrawn" if withdrawn else wanted

    def _by_label(self, change: Change) -> Review | str:
        """Who has put the label on; else why it does not count."""
        label, forge = self._settings.label, self._forge
        assert isinstance(forge, Labels)
        wanted = f'the label "{label}" on #{change.number} by {self._approvers()} approves'
        put = forge.labelled(change.number, label) if label in change.labels else None
        if put is None:
            return wanted
        if not self._counts(put, change):
            return f"{wanted}: that of {put.user} does not count"
        pushed = forge.pushed_at(change.head, change.commit)
        if not pushed:
            return f"{wanted}: when {change.head} was pushed is not known, so ask for a review"
        if not _is_later(put.at, pushed):
            return f"{wanted}: {put.user} put it on before {change.commit[:SHORT]} was pushed"
        return replace(put, commit=change.commit)

    def _counts(self, review: Review, change: Change) -> bool:
        """Whether that is said by somebody whose word counts: never by its author, nor by us."""
        user = review.user.casefold()
        return user != change.author.casefold() and self._is_listed(review.user)

    def _is_listed(self, user: str) -> bool:
        """Whether somebody is one of the reviewers, by login or by team."""
        names = self._settings.reviewers
        if user.casefold() in {name.casefold().removeprefix("@") for name in names}:
            return True
        forge = self._forge
        if not names:
            return forge.may_write(user) if isinstance(forge, Writers) else True
        teams = [name.removeprefix("@").partition("/") for name in names if "/" in name]
        if teams and not isinstance(forge, Teams):
            raise Refused(
                f"{TITLES[self._run.forge]} is not asked for teams",
                hint="name the people themselves in approval.pull_request.reviewers",
            )
        return isinstance(forge, Teams) and any(
            forge.is_member(organisation, team, user) for organisation, _, team in teams
        )

    def _is_what_was_reviewed(self, change: Change, request: Request) -> bool:
        """Whether what is applied is what the head of the change has shown."""
        if self._run.mode == "plan" or change.commit == request.commit:
            return True
        git = self._around.git
        trees = [git("rev-parse", "--verify", f"{at}^{{tree}}") for at in (change.commit, "HEAD")]
        if trees[0] and trees[0] == trees[1]:
            return True
        # that of a workflow is ours, too, for a person who looks
        ours = {BOT}
        with suppress(Denied):  # the token of a job of GitLab has no name
            ours.add(self._forge.me())
        notes = [note for note in self._forge.notes(change.number) if note.author in ours]
        shown = [
            section.facts.get(REVIEWED, "")
            for note in notes
            if (section := parse(note.body).get(request.stage))
        ]
        return any(text and request.fingerprint.startswith(text) for text in shown)

    def _approvers(self) -> str:
        return ", ".join(self._settings.reviewers) or "somebody who may write"

    def _approval(
        self,
        state: ApprovalState,
        change: Change,
        by: Review | None,
        note: str,
        request: Request | None = None,
    ) -> Approval:
        return Approval(
            state,
            by=by.user if by else "",
            at=by.at if by else "",
            fingerprint=request.fingerprint if request else "",
            link=(by.url if by else "") or change.url,
            note=note,
            approvers=self._approvers(),
        )


def _is_later(at: str, than: str) -> bool:
    """Whether a moment is after another, both ISO 8601."""
    try:
        return datetime.fromisoformat(at) > datetime.fromisoformat(than)
    except (ValueError, TypeError):
        return False
