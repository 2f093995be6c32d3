"""The status of a job, in whatever spelling the API tells it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cicd.model import State, Status
from cicd.platforms.training_job.kinds import STATUS_FIELDS

WORDS: Mapping[State, frozenset[str]] = {
    State.PENDING: frozenset({"pending", "created", "queued", "submitted", "waiting"}),
    State.RUNNING: frozenset({"running", "started"}),
    State.SUCCEEDED: frozenset({"successful", "succeeded", "success", "completed", "finished"}),
    State.FAILED: frozenset({"failed", "error", "dead"}),
    State.STOPPING: frozenset({"stopping", "cancelling", "killing"}),
    State.STOPPED: frozenset({"stopped", "cancelled", "canceled", "killed"}),
}
"""What words of the API mean; SUCCESSFUL and Running are documented, the others are guessed."""


def normal(document: Any, id: str = "") -> dict[str, Any]:
    """The seven fields of a status: those that are missing empty, ``finishTime`` None. Letters'
    case of the names does not matter; what else there is is left out."""
    told = one_of(document, id) or {}
    inner = told.get("job")
    if isinstance(inner, dict) and "status" not in {str(name).lower() for name in told}:
        told = inner
    plain = {_letters(name): value for name, value in told.items()}
    found: dict[str, Any] = {}
    for name in STATUS_FIELDS:
        value = plain.get(_letters(name))
        empty = None if name == "finishTime" else ""
        found[name] = empty if value is None or value == "" else str(value)
    found["job_id"] = found["job_id"] or id
    return found


def one_of(document: Any, id: str) -> dict[str, Any] | None:
    """The document itself; of a list that of the job, or the only one; None for all else."""
    if not isinstance(document, list):
        return document if isinstance(document, dict) else None
    found = [item for item in document if isinstance(item, dict)]
    named = [item for item in found if id in item.values()]
    return (named or found)[0] if named or len(found) == 1 else None


def _letters(name: Any) -> str:
    return str(name).replace("_", "").replace("-", "").lower()


def status_of(told: Mapping[str, Any], more: Mapping[str, str]) -> Status:
    """What a status means; ``more``: words of the stage file. One that nobody knows is UNKNOWN,
    and never a success."""
    raw = str(told["status"]).strip()
    word = raw.lower()
    for known, state in more.items():
        if known.lower() == word:
            return Status(State(state), raw)
    for state, words in WORDS.items():
        if word in words:
            return Status(state, raw)
    if not raw:
        return Status(State.UNKNOWN, "UNKNOWN", "the API tells no status")
    text = f'"{raw}" is no status that cicd knows: say in training_job.statuses what it means'
    return Status(State.UNKNOWN, raw, text)


def moment(text: Any) -> datetime | None:
    """A time of the API in UTC; None where it tells none, as year 1 does, the zero of some."""
    try:
        found = datetime.fromisoformat(str(text).strip())
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year > 1 else None


def stamp(text: Any) -> str:
    """The same as everybody writes it here; empty for none."""
    found = moment(text)
    return found.isoformat(timespec="microseconds") if found else ""
