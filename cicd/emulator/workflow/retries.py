"""Whether a template that failed is tried again, and when: ``retryStrategy``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cicd.emulator.jobs import Node
from cicd.emulator.workflow.expr.expressions import Unresolved, is_true, substitute
from cicd.emulator.workflow.program import Retry, duration

POLICIES: dict[str, tuple[str, ...]] = {
    "Always": ("Failed", "Error"),
    "OnFailure": ("Failed",),
    "OnError": ("Error",),
    # errors of a cluster that pass by themselves; one machine has none
    "OnTransientError": (),
}


WHOLE = re.compile(r"[-+]?[0-9]+")


@dataclass(frozen=True)
class Verdict:
    """``again_at`` in seconds since 1970; None when it has ended, as the rest says."""

    again_at: float | None
    phase: str = ""
    message: str = ""


def last_texts(attempts: Sequence[Node]) -> dict[str, str]:
    """``{{retries}}`` and ``{{lastRetry.…}}`` of the attempt that follows ``attempts``."""
    if not attempts:
        none = {"exitCode": "0", "status": "", "duration": "0", "message": ""}
        return {"retries": "0", **{f"lastRetry.{key}": text for key, text in none.items()}}
    last = attempts[-1]
    return {
        "retries": str(len(attempts)),
        "lastRetry.exitCode": "-1" if last.exit_code is None else str(last.exit_code),
        "lastRetry.status": last.phase,
        "lastRetry.duration": str(max(0, int(last.ended) - int(last.started))),
        "lastRetry.message": last.message,
    }


def decide(retry: Retry, attempts: Sequence[Node], texts: Mapping[str, str]) -> Verdict:
    """What follows the last of ``attempts``, all of which have ended. Raises Unresolved."""
    last = attempts[-1]
    if last.phase not in POLICIES["Always"]:
        return Verdict(None, last.phase, last.message)
    # of the attempt that has ended, not of the next (buildRetryStrategyLocalScope)
    texts = {**texts, **last_texts(attempts), "retries": str(len(attempts) - 1)}
    # From here on in the order in which Argo looks (processNodeRetries): the first reason that
    # holds is the one that is told.
    limit = _whole("limit", retry.limit, texts)
    longest = _seconds("maxDuration", retry.longest, texts)
    if longest and last.ended > attempts[0].started + longest:
        return Verdict(None, last.phase, "Max duration limit exceeded")
    again_at = last.ended + _pause(retry, len(attempts), texts)
    if longest and again_at > attempts[0].started + longest:
        return Verdict(None, last.phase, "Backoff would exceed max duration limit")
    policy = retry.policy or ("Always" if retry.expression else "OnFailure")
    if last.phase not in POLICIES[policy]:
        return Verdict(None, last.phase, last.message)
    if limit is not None and len(attempts) > limit:
        return Verdict(None, last.phase, f"No more retries left: {last.message}")
    if retry.expression and not is_true(substitute(retry.expression, texts), texts):
        reason = f"retryStrategy.expression evaluated to false: {last.message}"
        return Verdict(None, last.phase, reason)
    # without a limit nothing is waited for (processNodeRetries)
    return Verdict(last.ended if limit is None else again_at)


def _pause(retry: Retry, attempts: int, texts: Mapping[str, str]) -> float:
    """Seconds until the next attempt: ``duration`` times ``factor`` for each after the second."""
    if not retry.has_backoff:
        return 0.0
    if not retry.wait:
        raise Unresolved("no base duration specified for retryStrategy")
    factor = _whole("backoff.factor", retry.factor, texts) or 0
    wait = _seconds("duration", retry.wait, texts)
    return wait * factor ** (attempts - 1) if factor > 0 else wait


def _seconds(field: str, text: str, texts: Mapping[str, str]) -> float:
    try:
        return duration(substitute(text, texts)) if text else 0.0
    except ValueError as error:
        raise Unresolved(f"retryStrategy.backoff.{field}: {error}") from None


def _whole(field: str, text: str, texts: Mapping[str, str]) -> int | None:
    """A whole number; None where nothing is said."""
    found = substitute(text, texts)
    if not found:
        return None
    if not WHOLE.fullmatch(found):
        raise Unresolved(f"retryStrategy.{field}: {found!r} is no whole number")
    return int(found)
