"""What became of a plan: exit code and summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cicd.errors import CicdError, Denied, TimedOut
from cicd.model import Key, Outcome, Plan, Result

if TYPE_CHECKING:
    pass


BAD = {Result.FAILED, Result.SKIPPED, Result.TIMED_OUT}
RESULTS = {Denied.exit_code: "not_connected", TimedOut.exit_code: "timed_out"}
"""The result in the summary, for failures of one sort that have an exit code of their own."""


def hidden(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes without a secret in their errors and logs."""
    from cicd.automation.redaction import MASK, without_secrets

    return [
        replace(
            outcome,
            error=MASK.hide(outcome.error),
            log=tuple(without_secrets(MASK.hide(line), os.environ) for line in outcome.log),
        )
        for outcome in outcomes
    ]


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 all well; 4 or 6 where only login or connection failed, or something only took too long;
    1 for everything else, and for both at once."""
    codes = {outcome.exit_code for outcome in outcomes if outcome.exit_code}
    if len(codes) == 1 and codes <= RESULTS.keys():
        return codes.pop()
    return CicdError.exit_code if any(outcome.result in BAD for outcome in outcomes) else 0


def summary_of(
    plan: Plan, outcomes: Sequence[Outcome], more: Callable[[Key], str] | None = None
) -> dict[str, Any]:
    """The result as plain data (DESIGN.md section 6); of a failure also the end of its log and
    ``more``, the command that tells more."""
    code = exit_code(outcomes)
    well = "applied" if plan.has_changes else "unchanged"
    if any(outcome.result is Result.DEFERRED for outcome in outcomes):
        well = Result.DEFERRED.value
    return {
        "stage": plan.stage,
        "result": RESULTS.get(code, "failed") if code else well,
        "seconds": round(max((outcome.seconds for outcome in outcomes), default=0.0), 3),
        "outcomes": [
            {
                "key": str(outcome.key),
                "action": outcome.action.value,
                "result": outcome.result.value,
                "id": outcome.id,
                "status": outcome.status,
                "url": outcome.url,
                "seconds": round(outcome.seconds, 3),
                "error": outcome.error,
                **({"log": list(outcome.log)} if outcome.log else {}),
                **({"more": more(outcome.key)} if more and outcome.is_explainable else {}),
            }
            for outcome in outcomes
        ],
    }
