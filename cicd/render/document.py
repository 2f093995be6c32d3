"""Reads a plan document the same way for every rendering of it. A saved one may be damaged or
edited by hand: whatever is missing or of another type counts as empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd.model import Action
from cicd.render.text import show

Document = Mapping[str, Any]

CHANGING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.RUN, Action.DELETE)
"""The actions that do something, in the order in which they are counted."""


def text(document: Document, name: str) -> str:
    """A text of the document, empty where there is none."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def items(document: Document, name: str) -> list[Document]:
    """The maps of a list in the document."""
    found = document.get(name)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def texts(document: Document, name: str) -> list[str]:
    """The texts of a list in the document."""
    found = document.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def changes(document: Document) -> list[Document]:
    """The changes that do something, in the order of the plan."""
    known = {action.value for action in CHANGING}
    return [change for change in items(document, "changes") if text(change, "action") in known]


def counts(document: Document) -> dict[Action, int]:
    """How many changes of each action, all actions present."""
    actions = [text(change, "action") for change in items(document, "changes")]
    return {action: actions.count(action.value) for action in Action}


def counted(document: Document) -> str:
    """``2 to create, 1 to delete, 7 unchanged``; ``no changes`` where there are none."""
    numbers = counts(document)
    parts = [f"{numbers[action]} to {action.value}" for action in CHANGING if numbers[action]]
    unchanged = f"{numbers[Action.NO_OP]} unchanged"
    return ", ".join([*parts, unchanged]) if parts else f"no changes ({unchanged})"


def place(document: Document) -> str:
    """Where it goes: ``aicore · cicd-dev``."""
    target = document.get("target")
    names = target.values() if isinstance(target, Mapping) else ()
    parts = [text(document, "platform"), ", ".join(map(str, names))]
    return " · ".join(part for part in parts if part)


def value(content: Any) -> str:
    """A value before or after, on one line."""
    if content == "***":
        return "***"
    if _is_unknown(content):
        return "(known after apply)"
    return show(_in_words(content))


def _in_words(content: Any) -> Any:
    """The same with what is known only after apply in words."""
    if _is_unknown(content):
        return "(known after apply)"
    if isinstance(content, Mapping):
        return {name: _in_words(item) for name, item in content.items()}
    return [_in_words(item) for item in content] if isinstance(content, list) else content


def _is_unknown(content: Any) -> bool:
    return isinstance(content, Mapping) and set(content) == {"known_after_apply"}


def with_id(change: Document) -> str:
    """The key of a change, with its live id where that tells more."""
    key, live_id = text(change, "key"), text(change, "id")
    return f"{key} ({live_id})" if live_id and live_id not in key else key
