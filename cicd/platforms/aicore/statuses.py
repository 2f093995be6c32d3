"""What AI Core says of a status: words, messages, and details whose shape nobody promises."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cicd.model import State, Status

STATES: dict[str, State] = {
    "PENDING": State.PENDING,
    "RUNNING": State.RUNNING,
    "COMPLETED": State.SUCCEEDED,
    "DEAD": State.FAILED,
    "STOPPING": State.STOPPING,
    "STOPPED": State.STOPPED,
    "DELETING": State.STOPPING,
    # resource groups and repositories
    "PROVISIONED": State.SUCCEEDED,
    "PROVISIONING": State.PENDING,
    "IN-PROGRESS": State.PENDING,
    "DEPROVISIONING": State.STOPPING,
    "ERROR": State.FAILED,
    # schedules: a paused one is as it should be, and the active one of two comes first
    "ACTIVE": State.RUNNING,
    "INACTIVE": State.SUCCEEDED,
}
THERE = Status(State.SUCCEEDED, "")
"""For what has no status of its own."""
CLOSED = frozenset({State.PENDING, State.FAILED, State.STOPPING})
"""States of a resource group in which nothing in it can be asked for."""


def status_of(raw: Any, message: str = "") -> Status:
    """The status for one of the platform's words, in whatever case; one not known is UNKNOWN."""
    word = str(raw or "UNKNOWN")
    known = word.upper() if word.upper() in STATES else word
    return Status(STATES.get(known, State.UNKNOWN), known, message)


def is_going(document: Mapping[str, Any]) -> bool:
    """Whether its deletion is under way: as good as gone for planning."""
    target, status = (str(document.get(n)).upper() for n in ("targetStatus", "status"))
    return target == "DELETED" or status == "DELETING"


LAST_LOG = "last_log"
"""Fact: what a container that has ended said last."""


def why(document: Mapping[str, Any]) -> str:
    """What the platform says of a run's status: its message, or the first of its details."""
    if document.get("statusMessage"):
        return str(document["statusMessage"])
    details = document.get("statusDetails")
    found = [*messages(details)] if isinstance(details, Mapping) else []
    return "; ".join(dict.fromkeys(found))[:1000]


def messages(value: Any) -> Iterable[str]:
    """Every text under a key "message" in a tree whose shape nobody promises."""
    if isinstance(value, Mapping):
        text = value.get("message")
        if isinstance(text, str) and text.strip():
            yield text.strip()
        for part in value.values():
            yield from messages(part)
    elif isinstance(value, list):
        for part in value:
            yield from messages(part)


def exit_codes(document: Mapping[str, Any]) -> list[int]:
    """The exit codes other than 0 that the details of a status tell, each once."""
    found = _leaves(document.get("statusDetails"), {"exit_code", "exitCode"})
    codes = [value for value in found if isinstance(value, int) and not isinstance(value, bool)]
    return list(dict.fromkeys(code for code in codes if code))


def end_facts(document: Mapping[str, Any]) -> dict[str, str]:
    """What the details of a status tell of an end: exit codes, and what was said last."""
    said = [
        text.strip()
        for text in _leaves(document.get("statusDetails"), {"last_log_messages"})
        if isinstance(text, str) and text.strip()
    ]
    return {
        "exit_code": ", ".join(map(str, exit_codes(document))),
        LAST_LOG: "\n".join(dict.fromkeys(said)),
    }


def _leaves(value: Any, names: Collection[str]) -> Iterator[Any]:
    """Every value under one of these keys in a tree whose shape nobody promises."""
    parts: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, Mapping):
        yield from (value[name] for name in value if name in names)
        parts = value.values()
    for part in parts:
        yield from _leaves(part, names)


def run_status(document: Mapping[str, Any]) -> Status:
    """The status of a run or service, with what its details add to the message."""
    if is_going(document):
        return Status(State.STOPPING, "DELETING")
    if document.get("status") is None:  # a list that leaves it out: the thing itself tells it
        return Status(State.UNKNOWN, "")
    status = status_of(document["status"], why(document))
    codes = [str(code) for code in exit_codes(document) if f"{code}" not in status.message]
    if codes and status.has_failed:
        told = f"exit code {', '.join(codes)}"
        return replace(status, message=f"{status.message} ({told})" if status.message else told)
    return status
