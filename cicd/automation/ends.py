"""How runs and services ended that have failed: asked for once each, and only of those."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cicd.automation.session import End, Session
from cicd.errors import PlatformError
from cicd.model import Change, LiveResource, Plan, State
from cicd.words import printable

LINES = 5
"""Lines of a log that a failure is told with, where many are."""
MOST = 5
"""Failures that are asked for at once; the others say how to ask."""
LONGEST = 200
_STEP_ENDED = re.compile(r"step .+: .*\(exit code -?\d+\).*")


def learn_end(session: Session, live: LiveResource) -> End | None:
    """What the platform tells of the end of a failed run: its message with the exit code, and the
    last lines of its log, without secrets. None for what has not failed, cannot be asked for, or
    comes after too many others."""
    kind = session.platform.kinds[live.key.kind]
    if live.status.state is not State.FAILED or not kind.log:
        return None
    if live.id not in session.ends and len(session.ends) < MOST:
        try:
            message = session.platform.get(live).status.message
            entries = session.platform.tail(live, LINES)
        except PlatformError:
            return None
        lines = tuple(session.hide(entry.text)[:LONGEST] for entry in entries)
        session.ends[live.id] = End(session.hide(message), lines)
    return session.ends.get(live.id)


def tell_ends(session: Session, plan: Plan) -> list[str]:
    """For each change of what has failed one line: why, how its log ends, the command for more."""
    return [text for change in plan.changes for text in _tell(session, change)]


def _tell(session: Session, change: Change) -> Iterable[str]:
    end = learn_end(session, change.live) if change.live else None
    if change.live and end:
        said = [f"{change.key}: {change.id} is {change.live.status.raw}", end.message]
        words = [line for line in end.log if says_more(line, end.message)]
        said += [f'its log ends with "{printable(words[-1])}"'] if words else []
        told = ", ".join(part.rstrip(".") for part in said if part)
        yield f"{told} ({session.explain_command(change.key)})"


def says_more(line: str, message: str) -> bool:
    """Whether a line of a log is a word of the program itself: not what the platform writes when
    a step of it has ended, and not what its message tells already."""
    return line.strip() not in {"", message} and not _STEP_ENDED.fullmatch(line.strip())
