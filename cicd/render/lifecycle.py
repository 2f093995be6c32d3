"""What stands before the changes of what serves, in lines for people; from the plan document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd.words import may_approve, some

Document = Mapping[str, Any]

SHOWN = 12
"""How many digits of a fingerprint people are shown."""
MOST_NAMED = 5
_STATES = {
    "none": "not given yet",
    "pending": "not decided yet",
    "approved": "approved",
    "rejected": "rejected",
    "stale": "decided for something else than this",
}


def lines(status: Document) -> Iterator[tuple[str, str]]:
    """(what it is about, what is said of it); nothing where nothing waits and nothing is amiss."""
    waits = _texts(status, "waits")
    for text in _texts(status, "missing"):
        yield "missing", text
    if waits:
        word = "goes on" if _text(status, "step") == "deploy" else "waits"
        yield word, some(waits, MOST_NAMED)
    if test := _test(status):
        yield "test", test
    if verdict := _text(status, "verdict"):
        yield "comparator", verdict
    if waits and _text(status, "means"):
        yield from _approval(status)
    for text in _texts(status, "notes"):
        yield "note", text


def _test(status: Document) -> str:
    name, state = _text(status, "test"), _text(status, "test_state")
    told = {"due": "has to pass before", "passed": "has passed"}.get(state, "")
    return f"{name} {told}" if name and told and _texts(status, "waits") else ""


def _approval(status: Document) -> Iterator[tuple[str, str]]:
    approval = status.get("approval")
    means, mark = _text(status, "means"), _text(status, "fingerprint")[:SHOWN]
    if not isinstance(approval, Mapping):
        yield "approval", f"{means} ({mark})"
        return
    told = _STATES.get(_text(approval, "state"), "unknown")
    by, at = _text(approval, "by"), _text(approval, "at")
    told += f" by {by}" if by else ""
    told += f" at {at}" if at else ""
    why = "; ".join(
        filter(None, [_text(approval, "note"), some(_texts(status, "moved"), MOST_NAMED)])
    )
    told += f" ({mark})" + (f": {why}" if why else "")
    link = _text(approval, "link")
    if _text(approval, "state") == "approved":
        yield "approval", "; ".join(filter(None, [told, link]))
        return
    where = may_approve(_text(approval, "approvers"), link)
    yield "approval", "; ".join(filter(None, [told, where]))


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _texts(document: Document, name: str) -> list[str]:
    found = document.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
