"""How the end of a job becomes an Outcome, and foreign text one safe line."""

from __future__ import annotations

from dataclasses import replace

from cicd.apply.job import LAST_LINES, Job
from cicd.errors import CicdError, ConnectionFailed, PlatformError, TimedOut
from cicd.model import Outcome, Result
from cicd.words import one_line

LONGEST_ERROR = 1000
LONGEST_LINE = 300


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


def failure(job: Job, error: Exception, seconds: float = 0.0) -> Outcome:
    """The outcome of a job that an exception has ended. A bug's text may hold anything, so it is
    left out."""
    is_ours = isinstance(error, CicdError)
    text = str(error) if is_ours else f"internal error ({type(error).__name__})"
    result = Result.TIMED_OUT if isinstance(error, TimedOut) else Result.FAILED
    ended = outcome(job, result, error=text, seconds=seconds)
    if isinstance(error, ConnectionFailed) and job.kind.unknown and _goes_on(job):
        ended = replace(ended, status=job.kind.unknown)
    return replace(ended, exit_code=exit_code(error), log=last_words(job))


def _goes_on(job: Job) -> bool:
    return job.live is not None and not job.live.status.has_ended


def last_words(job: Job) -> tuple[str, ...]:
    """The end of its log, as told or as its status knows it."""
    said = job.live.facts.get("last_log", "") if job.live else ""
    lines = [*job.tail] or said.splitlines()[-LAST_LINES:]
    return tuple(one_line(text, LONGEST_LINE) for text in lines)


def exit_code(error: Exception) -> int:
    """The exit code of an error; of one that tells what became of a failed call, that call's."""
    cause = error.__cause__ if type(error) is CicdError else None
    meant = cause if isinstance(cause, PlatformError) else error
    return meant.exit_code if isinstance(meant, CicdError) else CicdError.exit_code
