"""Whether a plan is the one that the change which a commit came with has shown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from cicd.errors import Refused
from cicd.forges.base import Forge, Request
from cicd.forges.sticky import own_notes
from cicd.render.sections import (
    SHOWN,
    Document,
    Section,
    name_of,
    parse,
    section_text,
    shown_digest,
)
from cicd.words import printable

HINT = "open a pull request, and have its plan reviewed"
LINES = 12
"""How many lines that moved are told."""
SHORT = 12


def check_reviewed(forge: Forge, branch: str, documents: Iterable[Document]) -> Request | None:
    """The change that showed just these plans before it landed on ``branch``; None for no plans.
    Raises Refused, saying what moved."""
    change: Request | None = None
    for document in documents:
        commit = str(document.get("commit") or "")
        change = forge.request_of(branch, commit) if commit else None
        if change is None or not change.merged or branch not in {"", change.base}:
            at = commit[:SHORT] or "what is planned"
            raise Refused(f"{at} came without a pull request, or with several", hint=HINT)
        known: dict[str, Section] = {}
        for note in sorted(own_notes(forge, change.number), key=lambda note: note.updated_at):
            known |= parse(note.body)
        section = known.get(name_of(document))
        if why := moved(section, document, forge):
            raise Refused(f"#{change.number} {why}", hint=HINT)
    return change


def moved(section: Section | None, document: Document, forge: Forge) -> str:
    """What a plan has that its section of a comment has not shown; empty where they are one."""
    name = printable(name_of(document))
    if section is None:
        return f"has shown no plan of {name}"
    shown = "" if "failed" in section.facts else section.facts.get(SHOWN)
    if not shown:
        return f"has no plan of {name} that was made with a login and could be applied"
    if shown == shown_digest(document):
        return ""
    now = section_text(document, dialect=forge.dialect).splitlines()
    lines = [
        printable(line)
        for line in difflib.unified_diff(section.text.splitlines(), now, n=0, lineterm="")
        if line[:1] in "+-" and line[:3] not in {"+++", "---"} and line[1:].strip()
    ]
    told = "".join(f"\n  {line}" for line in lines[:LINES])
    return f"has shown another plan of {name}{':' if told else ''}{told}"
