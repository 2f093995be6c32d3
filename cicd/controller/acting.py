"""One operation on a stage, written down while it goes on, and what follows from how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cicd.automation.holder import Presence
from cicd.automation.operation import Operation
from cicd.automation.result import Result
from cicd.automation.stage import StageSession
from cicd.controller.claims import Claim, Claims
from cicd.controller.deciding import Step
from cicd.controller.looking import View
from cicd.controller.recording import Records
from cicd.errors import CicdError, ConnectionFailed, PlatformError, TimedOut

Ending = Literal["done", "held", "again", "failed", "interrupted"]
"""``held``: it waits for an approval. ``again``: it failed and may pass. ``failed``: for good."""
PASSING = frozenset({ConnectionFailed.exit_code, TimedOut.exit_code})
"""Exit codes of what may pass: a login, a connection, something that only took too long."""


@dataclass(frozen=True)
class Acted:
    """How an operation ended, and with what ``error``."""

    ending: Ending
    error: str = ""


class Actor:
    """Applies and heals. ``who``: this controller; ``started`` is given each operation, so that it
    can be cancelled, and ``ended`` when it is over."""

    def __init__(
        self,
        claims: Claims,
        records: Records,
        who: str,
        started: Callable[[Claim, Operation], None],
        ended: Callable[[Claim], None],
    ) -> None:
        self._claims = claims
        self._records = records
        self._who = who
        self._started = started
        self._ended = ended

    def act(
        self, claim: Claim, session: StageSession, step: Step, view: View, commit: str, before: str
    ) -> Acted:
        """Apply, or heal, what ``view`` has planned of a commit. Raises Lost."""
        is_heal = step is Step.HEAL
        presence = Presence(
            claim.run,
            self._who,
            lambda other: self._claims.is_over(other.run),
            lambda: self._claims.problem(claim),
        )
        exclude = view.runs if is_heal else ()
        operation = session.applying(exclude=exclude, presence=presence)
        id = self._records.begin(
            claim,
            "heal" if is_heal else "apply",
            commit=commit,
            before=before,
            who=self._who,
            via="auto",
            fingerprint=view.plan.fingerprint if view.plan else "",
            fields=list(view.corrections) if is_heal else None,
        )
        self._started(claim, operation)
        try:
            acted, values = self._run(operation, session)
        finally:
            self._ended(claim)
        self._records.end(claim, id, reason=acted.error, **values)
        return acted

    def _run(self, operation: Operation, session: StageSession) -> tuple[Acted, dict[str, Any]]:
        try:
            result = operation.run()
        except CicdError as error:
            told = session.hide(str(error))
            passes = isinstance(error, PlatformError)
            return Acted("again" if passes else "failed", told), {"result": "failed"}
        acted = ending_of(result)
        log = "\n".join(line for one in result.outcomes for line in one.log)
        summary = session.mask.hide_in(result.summary)
        values = {"result": summary["result"], "summary": summary, "log_tail": session.hide(log)}
        return Acted(acted.ending, session.hide(acted.error)), values


def ending_of(result: Result) -> Acted:
    """What follows from a result. Pure."""
    if result.is_cancelled:
        return Acted("interrupted", "the controller was stopped")
    if not result.has_failed:
        return Acted("done")
    try:
        result.raise_for_failure()
    except CicdError as error:
        told = str(error)
    if result.refusal:
        # without a plan somebody else has the lock of the stage
        return Acted("failed" if result.plan else "again", told)
    if any(one.result == "held" for one in result.outcomes):
        return Acted("held", told)
    passes = result.exit_code in PASSING
    return Acted("again" if passes else "failed", told)
