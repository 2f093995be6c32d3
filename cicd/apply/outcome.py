"""How the end of a job becomes an Outcome, and foreign text one safe line."""

from __future__ import annotations

from cicd.apply.job import Job
from cicd.errors import CicdError, TimedOut
from cicd.model import Outcome, Result

LONGEST_ERROR = 1000


def outcome(job: Job, result: Result, *, error: str = "", seconds: float = 0.0) -> Outcome:
    """The outcome of a job with what is known of its live resource."""
    live = job.live
    return Outcome(
        key=job.key,
        action=job.change.action,
        result=result,
        id=live.id if live else "",
        status=live.status.raw if live else "",
        url=live.outputs.get("url", "") if live else "",
        error=one_line(error, LONGEST_ERROR),
        seconds=seconds,
    )


def failure(error: Exception) -> tuple[Result, str]:
    """What an exception means for its change. A bug's text may hold anything, so it is left out."""
    if isinstance(error, TimedOut):
        return Result.TIMED_OUT, str(error)
    if isinstance(error, CicdError):
        return Result.FAILED, str(error)
    return Result.FAILED, f"internal error ({type(error).__name__})"


def one_line(text: str, limit: int) -> str:
    """Text from outside, fit for a terminal: control characters escaped, at most ``limit`` long."""
    text = text.strip()
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
