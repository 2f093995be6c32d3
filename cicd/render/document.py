"""Reads a plan document the same way for every rendering of it. A saved one may be damaged or
edited by hand: whatever is missing or of another type counts as empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cicd.model import Action
from cicd.render.text import INTERNAL, is_of_template, known_after_apply, show, show_both

Document = Mapping[str, Any]

CHANGING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.RUN, Action.DELETE)
"""The actions that do something, in the order in which they are counted."""
LONGEST_VALUE = 300
"""Longest value shown, in characters."""
LOOSENED = "loosened"
"""The reason of a difference in treatment that loosens a check."""
_UNKNOWN = "known_after_apply"
_ANEW = "anew"
"""What a replacement counts as that keeps its name, and with it its URL."""
_TOLD = (
    ("run", "run", "run", ""),
    ("service", "create", "new service", ""),
    ("service", "update", "service", " updated in place"),
    ("service", "replace", "service", " replaced (new URL)"),
    ("service", _ANEW, "service", " replaced (same URL, without an answer meanwhile)"),
    ("service", "delete", "service", " stopped for good"),
)
"""(role, action, noun, rest) of what a verdict tells."""


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
        return known_after_apply(str(content[_UNKNOWN]))
    return show(_in_words(content), longest=LONGEST_VALUE)


def sides(field: Document) -> tuple[str, str]:
    """The values before and after."""
    before, after = field.get("before"), field.get("after")
    if isinstance(before, str) and isinstance(after, str) and "***" not in (before, after):
        return show_both(before, after, longest=LONGEST_VALUE)
    return value(before), value(after)


def sentence(change: Document) -> str:
    """What comes of a change; of a document that does not say it, the reason."""
    return text(change, "consequence") or text(change, "reason")


def differences(change: Document) -> list[Document]:
    """What a change is about, most telling first: what is behind it, then its own fields.

    Without what says nothing to a person: ids and digests of things that are shown themselves.
    """
    causes = [cause for cause in items(change, "causes") if _is_shown(cause)]
    hidden = set(INTERNAL)
    if items(change, "causes"):
        told = {text(cause, "path") for cause in items(change, "causes")}
        # of what is new they are the parts of what it needs, which go by their own names
        told |= {key.partition("/")[0] for key in texts(change, "depends_on")}
        hidden |= told | {f"{path}_name" for path in told}
    templates = texts(change, "templates")
    fields = [
        field
        for field in items(change, "fields")
        if text(field, "path") not in hidden
        if not text(field, "path").startswith("files.")
        if not is_of_template(text(field, "path"), templates)
    ]
    return causes + fields


def _is_shown(cause: Document) -> bool:
    """What stands for all files without their names is a remark and no value."""
    return text(cause, "path") != "files"


def remarks(change: Document) -> list[str]:
    """What is to be said of a change beside its differences."""
    live_id = text(change, "id")
    known = [f"id {live_id}"] if live_id and live_id not in with_id(change) else []
    told = [text(cause, "reason") for cause in items(change, "causes") if not _is_shown(cause)]
    return known + told


def loosened(document: Document) -> list[tuple[str, Document]]:
    """(key, field) of every check that a plan loosens; the key of the stage's own is ``stage``."""
    places = [("stage", document)]
    places += [(text(change, "key"), change) for change in items(document, "changes")]
    return [
        (key, field)
        for key, place in places
        for field in items(place, "treatment")
        if text(field, "reason") == LOOSENED
    ]


def listed(document: Document) -> list[Document]:
    """The changes that do something, and those that stay and are treated otherwise from now on."""
    shown = {id(change) for change in changes(document)}
    return [
        change
        for change in items(document, "changes")
        if id(change) in shown or items(change, "treatment")
    ]


def verdict(document: Document) -> str:
    """What a plan comes to, in one line: what runs, answers, is lost, is loosened. Empty where it
    changes nothing, or does not say what its changes are to a person."""
    found = changes(document)
    if not found or not all(text(change, "role") for change in found):
        return ""
    counts = Counter((text(change, "role"), _what(change)) for change in found)
    told = [
        f"{count} {noun}{'s' * (count != 1)}{rest}"
        for role, action, noun, rest in _TOLD
        if (count := counts[role, action])
    ]
    deletes = sum(text(change, "action") == Action.DELETE.value for change in found)
    is_more = any(text(change, "action") == Action.REPLACE.value for change in found)
    none = "nothing else is deleted" if is_more else "nothing is deleted"
    lost = [f"{deletes} deleted" if deletes else none]
    if not any(counts["service", action] for action in ("replace", "delete", "create")):
        lost.append("no URL changes")
    if checks := len(loosened(document)):
        lost.append(f"{checks} check{'s' * (checks != 1)} loosened")
    return "; ".join(filter(None, [", ".join(told), ", ".join(lost)]))


def _what(change: Document) -> str:
    action = text(change, "action")
    return _ANEW if action == Action.REPLACE.value and change.get("keeps_url") is True else action


def _in_words(content: Any) -> Any:
    """The same with what is known only after apply in words."""
    if _is_unknown(content):
        return known_after_apply(str(content[_UNKNOWN]))
    if isinstance(content, Mapping):
        return {name: _in_words(item) for name, item in content.items()}
    return [_in_words(item) for item in content] if isinstance(content, list) else content


def _is_unknown(content: Any) -> bool:
    return isinstance(content, Mapping) and set(content) == {_UNKNOWN}


def with_id(change: Document) -> str:
    """The key of a change, with its live id where something is lost and that tells more."""
    key, live_id = text(change, "key"), text(change, "id")
    is_lost = text(change, "action") in {Action.DELETE.value, Action.REPLACE.value}
    return f"{key} ({live_id})" if is_lost and live_id and live_id not in key else key
