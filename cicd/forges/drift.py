"""The drift issue: one per project and stage, open while live differs from the stage file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from cicd.errors import LostAnswer
from cicd.forges.base import Forge, Issue, looked_for
from cicd.model import identity
from cicd.render.dialect import Dialect
from cicd.render.sections import Document, counts_of, describe, section_text
from cicd.words import printable

LABEL = "cicd-drift"
_NEXT = "Apply the stage to bring it back, or change the stage file to keep what is live."
_CLEAN = "No drift any more: the stage is as its file says."
ROUNDS = 3
LONGEST_NAME = 150
"""Characters of a stage's name in a title, of which GitHub takes 256."""
_HEAD = re.compile(r"<!-- cicd:drift (\{.*\}) -->")


def sync_drift_issue(
    forge: Forge, stage: str, document: Document | None, *, run_url: str = ""
) -> str:
    """Open or update the issue of a stage, or close it when nothing differs (or None is given).

    ``stage``: what it is called in the repository, ``churn/dev`` for one of the project ``churn``.
    The URL of the issue, empty when there is none. Raises Denied when the token may not write.
    """
    if document is None or not _has_drifted(document):
        return _close(forge, stage, run_url)
    counts = describe(counts_of(document))
    title = f"Drift on {forge.dialect.title(printable(stage)[:LONGEST_NAME])}: {counts}"
    body = _body(stage, document, run_url, forge.dialect)
    was_lost = False
    for round_number in range(ROUNDS):
        look = partial(own_issues, forge, stage)
        mine = looked_for(forge.sleep, look) if was_lost else look()
        if mine:
            issue, *others = mine
            if (issue.title, issue.body) != (title, body):
                forge.change_issue(issue, title, body)
            # Two scheduled runs at the same time may both have found none. The oldest stays, so
            # that each of them picks the same one.
            for other in others:
                forge.end_issue(other, is_done=False)
            return issue.url
        try:
            return forge.add_issue(title, body, LABEL).url
        except LostAnswer:
            was_lost = True
            if round_number == ROUNDS - 1:
                raise
    return ""


def own_issues(forge: Forge, stage: str) -> list[Issue]:
    """Our open issues of a stage, the oldest first; anyone can paste the hidden head."""
    me = forge.me().lower()
    found = [
        issue
        for issue in forge.issues(LABEL)
        if issue.author.lower() == me
        if _stage_of(issue.body) == stage
    ]
    return sorted(found, key=lambda issue: issue.number)


def _has_drifted(document: Mapping[str, Any]) -> bool:
    return describe(counts_of(document)) != describe({})


def _close(forge: Forge, stage: str, run_url: str) -> str:
    mine = own_issues(forge, stage)
    for issue in mine:
        note = f"{_CLEAN} ([run]({run_url}))" if run_url else _CLEAN
        forge.end_issue(issue, is_done=True, body=f"{_head(stage, forge.dialect)}\n{note}\n")
    return mine[0].url if mine else ""


def _head(stage: str, dialect: Dialect) -> str:
    project, _, name = stage.rpartition("/")
    return dialect.hidden(
        "drift", {"schema": 1, **({"project": project} if project else {}), "stage": name}
    )


def _stage_of(body: str) -> str:
    """Which stage an issue is about, as its hidden head says; empty for any other issue."""
    match = _HEAD.match(body)
    try:
        head = json.loads(match[1]) if match else {}
    except ValueError:
        return ""
    return identity(str(head.get("project") or ""), str(head.get("stage") or ""))


def _body(stage: str, document: Document, run_url: str, dialect: Dialect) -> str:
    """The issue's text within the limit, with the last run that saw the drift."""
    run = f"\n[The run that saw it last]({run_url})\n" if run_url else ""
    what = f"The live state of **{dialect.escape(stage)}** differs. {_NEXT}"
    frame = f"{_head(stage, dialect)}\n{what}\n{run}\n"
    text = section_text(document, None, dialect)
    if len(frame) + len(text) > dialect.limit:
        room = dialect.limit - len(frame)
        text = section_text(document, room, dialect)[:room]
    return frame + text
