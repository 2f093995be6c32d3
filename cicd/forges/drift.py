"""The drift issue: one per project and stage, open while live differs from the stage file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from cicd.errors import LostAnswer
from cicd.forges.answers import Json
from cicd.forges.github import Client
from cicd.model import identity
from cicd.render.markdown import escape
from cicd.render.sections import LIMIT, Document, counts_of, describe, hidden, section_text
from cicd.words import printable

LABEL = "cicd-drift"
_COLOUR, _DESCRIPTION = "d93f0b", "The live state differs from the stage file"
_NEXT = "Apply the stage to bring it back, or change the stage file to keep what is live."
_CLEAN = "No drift any more: the stage is as its file says."
ROUNDS = 3
LONGEST_NAME = 150
"""Characters of a stage's name in a title, of which GitHub takes 256."""
_HEAD = re.compile(r"<!-- cicd:drift (\{.*\}) -->")


def sync_drift_issue(
    client: Client, stage: str, document: Document | None, *, run_url: str = ""
) -> str:
    """Open or update the issue of a stage, or close it when nothing differs (or None is given).

    ``stage``: what it is called in the repository, ``churn/dev`` for one of the project ``churn``.
    The URL of the issue, empty when there is none. Raises Denied when the token may not write.
    """
    if document is None or not _has_drifted(document):
        return _close(client, stage, run_url)
    counts = describe(counts_of(document))
    title = f"Drift on {printable(stage)[:LONGEST_NAME]}: {counts}"
    body = _body(stage, document, run_url)
    was_lost = False
    for round_number in range(ROUNDS):
        look = partial(own_issues, client, stage)
        mine = client.looked_for(look) if was_lost else look()
        if mine:
            issue, *others = mine
            if (issue.get("title"), issue.get("body")) != (title, body):
                client.edit_issue(issue["number"], {"title": title, "body": body})
            # Two scheduled runs at the same time may both have found none. The oldest stays, so
            # that each of them picks the same one.
            for other in others:
                _end(client, other, "not_planned")
            return str(issue.get("html_url") or "")
        # First, so that it has its colour and its words by the time that the issue names it.
        client.ensure_label(LABEL, _COLOUR, _DESCRIPTION)
        try:
            return str(client.create_issue(title, body, LABEL).get("html_url") or "")
        except LostAnswer:
            was_lost = True
            if round_number == ROUNDS - 1:
                raise
    return ""


def own_issues(client: Client, stage: str) -> list[Json]:
    """Our open issues of a stage, the oldest first; anyone can paste the hidden head."""
    login = client.login().lower()
    found = [
        issue
        for issue in client.open_issues(LABEL)
        if str((issue.get("user") or {}).get("login") or "").lower() == login
        if _stage_of(str(issue.get("body") or "")) == stage
    ]
    return sorted(found, key=lambda issue: int(issue["number"]))


def _has_drifted(document: Mapping[str, Any]) -> bool:
    return describe(counts_of(document)) != describe({})


def _close(client: Client, stage: str, run_url: str) -> str:
    mine = own_issues(client, stage)
    for issue in mine:
        note = f"{_CLEAN} ([run]({run_url}))" if run_url else _CLEAN
        _end(client, issue, "completed", body=f"{_head(stage)}\n{note}\n")
    return str(mine[0].get("html_url") or "") if mine else ""


def _end(client: Client, issue: Json, reason: str, **changes: str) -> None:
    client.edit_issue(issue["number"], {"state": "closed", "state_reason": reason, **changes})


def _head(stage: str) -> str:
    project, _, name = stage.rpartition("/")
    return hidden(
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


def _body(stage: str, document: Document, run_url: str) -> str:
    """The issue's text within the limit, with the last run that saw the drift."""
    run = f"\n[The run that saw it last]({run_url})\n" if run_url else ""
    frame = f"{_head(stage)}\nThe live state of **{escape(stage)}** differs. {_NEXT}\n{run}\n"
    text = section_text(document)
    if len(frame) + len(text) > LIMIT:
        text = section_text(document, LIMIT - len(frame))[: LIMIT - len(frame)]
    return frame + text
