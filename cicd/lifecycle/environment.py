"""Approval by those whom an environment of a CI system asks: they let a job of a run go on.

What they let go on is a run, and so the commit that it is of. A run without a word of theirs has
passed nobody: the environment asks for no review, or an administrator went past it.
Sources: docs.github.com, "Managing environments", and the approvals of a run in its REST API;
docs.gitlab.com, approvals of what goes to a protected environment; learn.microsoft.com, "Approvals
and checks".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from cicd.errors import Refused
from cicd.forges.base import Forge, Review
from cicd.forges.run import AZURE, GITHUB, GITLAB, TITLES, Run, told
from cicd.lifecycle.approvals import Check, Request, Surroundings, Verdict
from cicd.lifecycle.origin import open_gate
from cicd.model import Approval, ApprovalState, AzureApproval, GitHubApproval, GitLabApproval
from cicd.words import one_line

SHORT = 12
"""Digits of a fingerprint that a review names."""
WORDS = 200
SYSTEMS = {GitHubApproval: GITHUB, GitLabApproval: GITLAB, AzureApproval: AZURE}
CURES = {
    GITHUB: "Settings, Environments, Required reviewers (private repositories need Enterprise)",
    GITLAB: "Settings, CI/CD, Protected environments, Approval rules (Premium)",
    AZURE: "Pipelines, Environments, Approvals and checks",
}
"""Where reviewers are asked for."""
ATTEMPT = "GITHUB_RUN_ATTEMPT"
STAGE = "SYSTEM_STAGENAME"
"""The stage of the pipeline that a job of Azure is of: a check tells that, and no environment."""
_FINGERPRINT = re.compile(r"\bfp ([0-9a-f]{12})\b")


@runtime_checkable
class Waiting(Protocol):
    """A CI system that tells which runs of a commit wait for somebody."""

    def waiting_runs(self, commit: str, environment: str) -> list[str]:
        """Their ids, the newest first; maybe of other environments, too."""


@runtime_checkable
class Asking(Protocol):
    """A CI system that tells whether an environment asks anybody."""

    def asks_reviewers(self, environment: str) -> bool | None:
        """None where there is none of that name."""


def connect(
    settings: GitHubApproval | GitLabApproval | AzureApproval, surroundings: Surroundings
) -> Reviews:
    """The reviews of a stage's environment. Sends nothing. Raises Denied where a login is missing,
    Refused where the project is of another system."""
    system, environ = SYSTEMS[type(settings)], surroundings.environ
    forge, run = open_gate(surroundings, system)
    attempt = told(environ, ATTEMPT) if system == GITHUB else ""
    held = told(environ, STAGE) if system == AZURE else ""
    name, times = settings.environment, int(attempt) if attempt.isdecimal() else 1
    return Reviews(forge, run, name, times, held or name)


class Reviews:
    """The reviews of one environment. ``attempt``: how often this run was started; ``held``: what
    the CI system calls what waits in it. Implements ``Approvals``."""

    def __init__(
        self, forge: Forge, run: Run, environment: str, attempt: int = 1, held: str = ""
    ) -> None:
        self._forge = forge
        self._run = run
        self._environment = environment
        self._attempt = attempt
        self._held = held or environment

    def read(self, request: Request) -> Approval:
        """What the reviewers of this very run have said."""
        if not self._is_its_run:
            return self._approval(
                ApprovalState.NONE,
                f"the reviewers of the environment {self._environment} are asked by the job that "
                "applies, and for that run alone",
            )
        said = [one for one in self._forge.gate(self._run.id, self._held) if _decides(one)]
        if not said:
            return self._approval(
                ApprovalState.NONE,
                f"nobody has reviewed this run for the environment {self._environment}: it has no "
                "required reviewers, or an administrator went past them",
            )
        return self._judged(said, request)

    def ask(self, request: Request) -> Approval:
        """The same: the environment asks its reviewers before the job begins."""
        return self.read(request)

    def decide(self, request: Request, verdict: Verdict, reason: str) -> Approval:
        """Review the runs of this commit that wait for the environment."""
        runs = [self._run.id] if self._is_its_run else self._waiting(request)
        if not runs:
            raise Refused(
                f"no run of commit {request.commit[:SHORT]} waits for the environment "
                f"{self._environment}",
                hint="the job that applies has to wait first, and this commit has to be its own",
            )
        mark = f"fp {request.fingerprint[:SHORT]}"
        comment = f"{one_line(reason, WORDS)} ({mark})" if reason else mark
        done, refusal = [], None
        for run in runs:
            try:
                self._forge.decide(run, self._held, verdict, comment)
                done.append(run)
            except Refused as error:  # it waits for another environment
                refusal = error
        if refusal and not done:
            raise refusal
        said = [one for one in self._forge.gate(done[0], self._held) if _decides(one)]
        if not said:  # lists lag behind
            return self._approval(ApprovalState.PENDING, f"{verdict}, and not shown there yet")
        return self._judged(said, request, done[0])

    def check(self) -> Iterator[Check]:
        """Whether the environment asks anybody, where that can be told."""
        name, place = self._environment, self._run.repository
        if not isinstance(self._forge, Asking):
            return
        asks = self._forge.asks_reviewers(name)
        cure = CURES[self._run.forge]
        if asks is None:
            yield Check("error", f"{place} has no environment {name}", cure)
        elif not asks:
            yield Check("error", f"the environment {name} of {place} asks no reviewers", cure)
        else:
            yield Check("ok", f"the environment {name} of {place} asks its reviewers")

    @property
    def _is_its_run(self) -> bool:
        """Whether this is part of a run that applies."""
        run = self._run
        return run.ci == run.forge and run.mode == "apply" and bool(run.id)

    def _waiting(self, request: Request) -> list[str]:
        """The runs of the commit that wait."""
        if not isinstance(self._forge, Waiting):
            raise Refused(
                f"which run at {TITLES[self._run.forge]} waits is not looked for",
                hint=f"approve it there: the environment {self._environment}",
            )
        return self._forge.waiting_runs(request.commit, self._environment)

    def _judged(self, said: Sequence[Review], request: Request, run: str = "") -> Approval:
        last = said[-1]
        named = _FINGERPRINT.search(last.comment)
        note = _FINGERPRINT.sub("", last.comment).replace("()", "").strip()
        if last.verdict == "rejected":
            return self._approval(ApprovalState.REJECTED, note, last, request.fingerprint)
        if named and named[1] != request.fingerprint[:SHORT]:
            return self._approval(ApprovalState.STALE, "reviewed was another plan", last, named[1])
        times = sum(one.verdict == "approved" for one in said)
        if not run and not named and times < self._attempt:
            # the list keeps what was said of earlier attempts, and does not tell of which
            note = (
                f"this is attempt {self._attempt} of the run, and a review may be of an earlier one"
                ": start a new run, or review with cicd approve"
            )
            return self._approval(ApprovalState.STALE, note, last)
        return self._approval(ApprovalState.APPROVED, note, last, request.fingerprint)

    def _approval(
        self, state: ApprovalState, note: str, by: Review | None = None, fingerprint: str = ""
    ) -> Approval:
        return Approval(
            state,
            by=by.user if by else "",
            at=by.at if by else "",
            fingerprint=fingerprint,
            link=self._run.url,
            note=one_line(note, WORDS),
            approvers=f"the reviewers of the environment {self._environment}",
        )


def _decides(review: Review) -> bool:
    return review.verdict in {"approved", "rejected"}
