"""What every forge is asked for, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, runtime_checkable

from cicd.errors import CicdError
from cicd.model import Applied
from cicd.render.dialect import Dialect

Verdict = Literal["approved", "rejected", "pending", "withdrawn"]
LOOKS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each look at what a lost answer may have made: lists lag behind."""
T = TypeVar("T")


class Unsupported(CicdError):
    """The forge has no such thing."""


@dataclass(frozen=True)
class Note:
    """One comment on a change. ``author``: an id that stays, as ``Forge.me`` has it. ``mark``: what
    the forge itself keeps beside the text, where it can."""

    id: str
    author: str
    body: str
    updated_at: str = ""
    url: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Issue:
    """One open issue."""

    number: int
    title: str
    body: str
    author: str
    url: str = ""


@dataclass(frozen=True)
class Request:
    """A pull or merge request. ``head`` and ``base``: branches, by their own names; ``commit``: the
    newest of ``head``; ``merged``: the commit that it landed as, empty while it is open."""

    number: int
    head: str
    base: str
    commit: str
    is_fork: bool = False
    labels: tuple[str, ...] = ()
    author: str = ""
    merged: str = ""
    url: str = ""


@dataclass(frozen=True)
class Review:
    """What one person has said of a change or of a run. ``user``: the name that they log in with.
    ``commit``: the one that they have seen, empty where the forge does not tell; ``at``: ISO 8601,
    the same."""

    user: str
    verdict: Verdict
    commit: str = ""
    at: str = ""
    comment: str = ""
    url: str = ""


class Forge(Protocol):
    """One repository of a forge. Reads, changes and deletes are repeated on any passing failure; a
    create only when it surely had no effect, else it raises LostAnswer: look before you repeat it.

    All raise Denied, NotFound, ConnectionFailed or PlatformError; nothing follows a redirect.
    """

    name: str
    dialect: Dialect
    sleep: Callable[[float], None]

    def close(self) -> None:
        """Give the connections back."""

    def me(self) -> str:
        """Who we are, as notes and issues name their author."""

    def notes(self, number: int) -> Sequence[Note]:
        """All comments of a change, the oldest first."""

    def add_note(self, number: int, body: str, mark: str) -> Note:
        """A new comment. Raises LostAnswer when nobody knows whether it is there."""

    def change_note(self, number: int, note: Note, body: str) -> None:
        """Another text for a comment. Raises NotFound when it is gone."""

    def remove_note(self, number: int, note: Note) -> None:
        """Delete a comment; gone already is as good."""

    def request_of(self, branch: str, commit: str) -> Request | None:
        """The change that a commit came with, or that is open from a branch; None where there is
        none, or several and none of them is of this branch."""

    def reviews(self, number: int) -> Sequence[Review]:
        """What people last said of a change, one verdict for each; its author's own left out."""

    def gate(self, run: str, environment: str) -> Sequence[Review]:
        """What people have said of a run of the CI system that wants to go to an environment, as
        far as it is asked for there; the newest last."""

    def decide(self, run: str, environment: str, verdict: Verdict, comment: str) -> None:
        """Give or refuse that, in the name of whose token this is. Raises Refused where nothing
        waits, or this token may not."""

    def issues(self, label: str) -> Sequence[Issue]:
        """The open issues with a label."""

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        """A new issue. Raises LostAnswer when nobody knows whether it is there."""

    def change_issue(self, issue: Issue, title: str, body: str) -> None:
        """Another title and text for an issue."""

    def end_issue(self, issue: Issue, *, is_done: bool, body: str = "") -> None:
        """Close an issue; ``is_done``: what it asks for is so now. ``body``: a last text."""


@runtime_checkable
class Remembering(Protocol):
    """A forge that keeps an account of what its CI system has brought to an environment."""

    def applies(self, environment: str, most: int) -> Sequence[Applied]:
        """The last of it, the newest first, each with who started it, how it ended and who agreed,
        as far as that is told. A request or two for each."""


@dataclass(frozen=True)
class Proposal:
    """An open pull or merge request as its author writes it. ``base``: the branch that it goes
    into, by its own name."""

    number: int
    title: str
    text: str
    base: str
    url: str = ""


class Proposing(Protocol):
    """A repository of a forge to which changes can be proposed."""

    name: str
    repository: str
    dialect: Dialect
    sleep: Callable[[float], None]

    def close(self) -> None:
        """Give the connections back."""

    def may_push(self) -> bool:
        """Whether the token may write to the repository, as far as the forge tells."""

    def proposals(self, branch: str) -> Sequence[Proposal]:
        """The open changes from a branch of this very repository."""

    def add_proposal(self, branch: str, base: str, title: str, text: str) -> Proposal:
        """A new change. Raises LostAnswer when nobody knows whether it is there, Conflict where
        there is one already."""

    def change_proposal(self, proposal: Proposal, base: str, title: str, text: str) -> None:
        """Another base, title and text for a change."""


def looked_for(sleep: Callable[[float], None], find: Callable[[], T]) -> T:
    """What is found of something whose answer was lost; empty when, as far as anybody can tell, it
    is not there. Lists lag, so they are looked at several times."""
    found = find()
    for pause in LOOKS:
        if found:
            break
        sleep(pause)
        found = find()
    return found


def last_of_each(reviews: Sequence[Review]) -> list[Review]:
    """Of each user the last that they said, in the order in which it was said."""
    last = {review.user: review for review in reviews}
    return [review for review in reviews if last[review.user] is review]
