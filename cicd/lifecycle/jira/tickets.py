"""What a new ticket holds: its fields, what it says, and the proof whose ticket it is."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from cicd.errors import Refused
from cicd.lifecycle.approvals import Request
from cicd.lifecycle.jira.client import Client
from cicd.lifecycle.jira.judgement import approvers_of
from cicd.lifecycle.jira.texts import SUMMARY_LIMIT, Block, Line, Part, summary
from cicd.lifecycle.judging import moved_runs, shortened
from cicd.model import JiraApproval, Secret

LABEL = "cicd"
INVISIBLE = "\u200b"
_FENCE = re.compile(r"\s*```")
_QUOTE = re.compile(r"^\s*>( \[!\w+\])? ?")
_TAG = re.compile(r"</?(?:details|summary|b|code|br)>")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
SHORT = 12
"""Digits of a fingerprint that a label has."""
LABEL_LIMIT = 255
PROOF_LIMIT = 32_768
"""Characters of a property of a ticket."""
OURS = frozenset({"project", "issuetype", "summary", "description"})
_NAMED = frozenset({"priority", "component", "version"})
_OPTION = frozenset({"select", "radiobuttons", "option"})
_OPTIONS = frozenset({"multiselect", "multicheckboxes"})


def label_of(fingerprint: str) -> str:
    """The label by which the ticket of a plan is found again."""
    return f"{LABEL}-{fingerprint[:SHORT]}"


def stage_label(stage: str) -> str:
    """The label of all tickets of a stage; no blank is allowed in one."""
    return f"{LABEL}-stage-{re.sub(r'[^a-z0-9._-]+', '-', stage.casefold())}"[:LABEL_LIMIT]


def proof_of(request: Request) -> dict[str, Any]:
    """What the property of a ticket says: of which plan of which stage it is."""
    told = {"fingerprint": request.fingerprint, "stage": request.stage, "commit": request.commit}
    bound = {**told, "made": dict(request.made)}
    whole = {**bound, "parts": shortened(request.parts)}
    # without its parts nobody is told what changed, which is all that is lost
    return whole if len(json.dumps(whole)) <= PROOF_LIMIT else bound


def is_of(proof: Mapping[str, Any], request: Request) -> bool:
    """Whether the property of a ticket says that it asks for this very plan, with what the same
    runs have made: another model under the same plan is asked for anew."""
    made = proof.get("made")
    is_same_model = not (isinstance(made, Mapping) and moved_runs(made, request.made))
    wanted = (request.fingerprint, request.stage)
    return is_same_model and (proof.get("fingerprint"), proof.get("stage")) == wanted


def description(request: Request, settings: JiraApproval) -> list[Part]:
    """What a new ticket says: of what, by whom, and how to decide."""
    lines = [
        Line("Stage", request.stage),
        Line("Commit", request.commit),
        Line("Author", request.author),
        Line("Run", request.link, request.link),
        Line("Plan", request.fingerprint),
        Line("Approve", f"move this ticket to {' or '.join(settings.approved)}"),
    ]
    if settings.rejected:
        lines.append(Line("Reject", f"move it to {' or '.join(settings.rejected)}, with a comment"))
    lines.append(Line("Approvers", approvers_of(settings)))
    return [
        *(line for line in lines if line.text),
        Line("", "It approves this plan alone: another plan gets another ticket."),
    ]


def plan_comment(request: Request) -> list[Part]:
    """The plan, as the first comment of its ticket."""
    return [Line("Plan", request.title), Block(without_markdown(request.text))]


def without_markdown(text: str) -> str:
    """A plan as we write it for a forge, for where nothing of that is known: without folds, fences,
    quotes and what keeps text from being markup there."""
    lines = [line for line in text.splitlines() if not _FENCE.match(line)]
    bare = _TAG.sub("", "\n".join(_QUOTE.sub("", line) for line in lines)).replace("**", "")
    plain = html.unescape(_ESCAPE.sub(r"\1", bare)).replace(INVISIBLE, "")
    return re.sub(r"\n{3,}", "\n\n", plain).strip()


def fields_of(
    request: Request, settings: JiraApproval, client: Client, hide: Callable[[str], str]
) -> dict[str, Any]:
    """The fields of a new ticket, without its description. Raises Refused for what Jira does not
    have, or what is not to be told in a ticket: what ``hide`` makes another text of."""
    labels = [LABEL, label_of(request.fingerprint), stage_label(request.stage)]
    fields: dict[str, Any] = {
        "project": {"key": settings.project},
        "issuetype": {"name": settings.issue_type},
        "summary": _summary(hide(request.title), request.fingerprint[:SHORT]),
    }
    types = client.field_types() if settings.fields else {}
    for name, value in settings.fields.items():
        at = f"approval.jira.fields.{name}"
        if _has_secret(value, hide):
            raise Refused(f"{at} is a secret, and a ticket is read by many", hint="take it out")
        if name in OURS or (types and (name not in types or types[name][0] in OURS)):
            why = "is written by cicd itself" if name in OURS else "is no field of this Jira"
            raise Refused(f"{at}: {name} {why}", hint="name a field by its id or its name")
        id, sort = types.get(name, (name, ""))
        if id == "labels":
            labels += value if isinstance(value, list) else [str(value)]
        else:
            fields[id] = _as_jira_takes_it(value, sort, client.rich)
    return {**fields, "labels": list(dict.fromkeys(labels))}


def _summary(title: str, short: str) -> str:
    """The title, with the beginning of the fingerprint even where it is cut."""
    mark, title = f" ({short})", summary(title)
    return title if short in title else summary(f"{title[: SUMMARY_LIMIT - len(mark)]}{mark}")


def _as_jira_takes_it(value: Any, sort: str, rich: Callable[[list[Part]], Any]) -> Any:
    """A value of a stage file for a field of this sort; what is written as Jira has it stays."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        if sort in _OPTIONS:
            return [{"value": one} for one in value]
        return [{"name": one} for one in value] if sort == "array" else value
    if not isinstance(value, str):
        return value
    if sort == "textarea":
        return rich([Line("", value)])
    if sort in _OPTION:
        return {"value": value}
    return {"name": value} if sort in _NAMED else value


def _has_secret(value: Any, hide: Callable[[str], str]) -> bool:
    if isinstance(value, Mapping):
        return any(_has_secret(one, hide) for one in value.values())
    if isinstance(value, list | tuple):
        return any(_has_secret(one, hide) for one in value)
    return isinstance(value, Secret) or (isinstance(value, str) and hide(value) != value)
