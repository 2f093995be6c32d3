"""What every means of approval is asked, and with what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from cicd.model import Approval, Key

Verdict = Literal["approved", "rejected"]


@dataclass(frozen=True)
class Request:
    """What somebody is to decide about.

    ``stage`` is what others know it by (``churn/prd``), ``project`` the folder of its project.
    ``fingerprint`` (64 hex digits) is of all that is to be deployed, as Git says it: it stays the
    same from the pull request to the apply that deploys, and says nothing of the commit.
    ``parts``: field (``service/serve greeting``) -> short digest, to say later what changed.
    ``made``: run -> its id, of those that what is deployed is made from, as far as they have ended
    well. ``title`` is one line; ``text`` is markdown without secrets, of the plan and
    of what the test found. ``link`` leads to the run of the CI system that asks.
    """

    stage: str
    project: str
    fingerprint: str
    title: str
    text: str = ""
    commit: str = ""
    author: str = ""
    link: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


class Approvals(Protocol):
    """One means of approval for one stage. All raise CicdError (Denied, ConnectionFailed) where
    nobody can tell."""

    def read(self, request: Request) -> Approval:
        """How it stands now; never from memory. Changes nothing. ``is_given`` only if it was given
        by somebody who may, for this fingerprint, and was not taken back."""

    def ask(self, request: Request) -> Approval:
        """The same, and see to it that somebody is asked: once, however often this is called."""

    def decide(self, request: Request, verdict: Verdict, reason: str) -> Approval:
        """Give or refuse it in the name of whoever is logged in. Raises Refused where that is no
        way to give it, or not theirs to give."""


@dataclass(frozen=True)
class Check:
    """One thing that a look at the means of approval has found. ``cure``: what to do about it."""

    state: Literal["ok", "warning", "error"]
    text: str
    cure: str = ""


@runtime_checkable
class Checked(Protocol):
    """A means that can tell whether everything is in place."""

    def check(self) -> Iterator[Check]:
        """All that is found. Changes nothing."""


class Packages(Protocol):
    """The versions of a model that the platform of the stage keeps approvals with."""

    def read(self, key: Key) -> Approval:
        """The approval of the version that the stage calls so, as it is now."""

    def decide(
        self, key: Key, verdict: Verdict | Literal["pending"], reason: str, fingerprint: str
    ) -> Approval:
        """Give or refuse it, or say what it is about while nobody has decided."""


Git = Callable[..., str | None]
"""Words of a Git command in the project's folder -> what it prints; None where it fails."""


@dataclass(frozen=True)
class Surroundings:
    """What a means works with. ``root``: the project. ``environ``: variables, credentials among
    them. ``is_local``: for the emulator, where what is not committed counts too. ``branch``: the
    one that is applied to the stage, empty where any is; ``checked_out``: the one at hand.
    ``packages``: None where the platform keeps none. ``hide``: a text without secrets."""

    root: Path
    environ: Mapping[str, str] = field(repr=False)
    git: Git = field(repr=False)
    is_local: bool = False
    branch: str = ""
    checked_out: str = ""
    packages: Packages | None = None
    hide: Callable[[str], str] = field(default=str, repr=False)
