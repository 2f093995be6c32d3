"""Plan documents as one page: what ``pages/plan.html`` shows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cicd.model import Action
from cicd.render import document as read
from cicd.render.document import Document
from cicd.render.lifecycle import lines as lifecycle_lines
from cicd.render.page import page


def render_page(documents: Sequence[Document]) -> str:
    """A whole page with a section per plan; every change with its reason and its fields."""
    names = ", ".join(read.text(document, "stage") for document in documents)
    return page("plan.html", title=f"Plan: {names}", plans=list(map(plan_values, documents)))


def plan_values(document: Document) -> dict[str, Any]:
    """All that a page tells of one plan, as texts and lists of them."""
    changes = read.changes(document)
    dangers = {Action.DELETE: "Deletes", Action.REPLACE: "Replaces"}
    return {
        "stage": read.text(document, "stage"),
        "counted": read.counted(document),
        "about": _about(document),
        "verdict": read.verdict(document),
        "refusal": read.text(document, "refusal"),
        "dangers": [(word, _keys(changes, action)) for action, word in dangers.items()],
        "loosened": [(key, _field(field)) for key, field in read.loosened(document)],
        "lifecycle": _lifecycle(document),
        "warnings": read.texts(document, "warnings"),
        "treatment": list(map(_field, read.items(document, "treatment"))),
        "changes": list(map(_change, read.listed(document))),
        "unchanged": _unchanged(document),
        "hints": read.texts(document, "hints"),
    }


def _lifecycle(document: Document) -> list[tuple[str, str]]:
    status = document.get("lifecycle")
    return list(lifecycle_lines(status)) if isinstance(status, Mapping) else []


def _about(document: Document) -> str:
    parts = [read.place(document)]
    for name in ("commit", "created_at", "tool_version"):
        if found := read.text(document, name):
            parts.append(f"{name.replace('_', ' ')} {found}")
    return " · ".join(filter(None, parts))


def _keys(changes: Sequence[Document], action: Action) -> list[str]:
    return [read.with_id(item) for item in changes if read.text(item, "action") == action.value]


def _unchanged(document: Document) -> list[tuple[str, str]]:
    return [
        (read.text(item, "key"), read.text(item, "reason"))
        for item in read.items(document, "changes")
        if read.text(item, "action") == Action.NO_OP.value and not read.items(item, "treatment")
    ]


def _change(change: Document) -> dict[str, Any]:
    return {
        "action": read.text(change, "action"),
        "key": read.with_id(change),
        "sentence": read.sentence(change),
        "templates": read.texts(change, "templates"),
        "remarks": read.remarks(change),
        "fields": [
            _field(field) for field in [*read.differences(change), *read.items(change, "treatment")]
        ],
    }


def _field(field: Document) -> dict[str, Any]:
    before, after = read.sides(field)
    return {
        "path": read.text(field, "path"),
        "before": before,
        "was_there": field.get("before") is not None,
        "after": after,
        "reason": read.text(field, "reason"),
    }
