"""What a workflow's event asks for: to show a change or to make it so, and on which branch. Pure.

=========================================  ======  ========================================
event                                      mode    branch
=========================================  ======  ========================================
push, workflow_dispatch, schedule, others  apply   the one that the run is on; none for a tag
release, push of a tag                     apply   none: a tag belongs to no branch
pull_request and its reviews               plan    the one that it goes into
merge_group                                plan    the one that the queue leads to
pull_request_target                        refuse  none
workflow_run after a pull request's run    refuse  none
workflow_run after another                 apply   that run's, where its commit is checked out
workflow_call                              as the event of the workflow that called
=========================================  ======  ========================================

Source: docs.github.com, "Events that trigger workflows" and "Variables reference".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

REFUSAL = (
    "{event} runs with this repository's secrets, whoever wrote the pull request, and planning its "
    "files would hand them over"
)
REFUSAL_HINT = "use on: pull_request; a fork's is planned with --offline, which needs no secret"
_HEADS, _TAGS, _PULLS = "refs/heads/", "refs/tags/", "refs/pull/"
_QUEUE = re.compile(r"(?:refs/heads/)?gh-readonly-queue/(.+)/pr-\d+-[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Trigger:
    """``branch``: whose stage is meant, empty where the event belongs to none or nobody knows.
    ``commit``: the one that its author knows, where a made-up merge of it is checked out.
    ``tag``: the tag that the run is on."""

    mode: Literal["plan", "apply", "refuse"] = "apply"
    branch: str = ""
    commit: str = ""
    tag: str = ""


def read_trigger(environ: Mapping[str, str], event: Mapping[str, Any], head: str = "") -> Trigger:
    """What the run is about, from its variables and its event; outside GitHub nothing is known.
    ``head``: the commit that is checked out."""
    name, ref = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_REF", "")
    follows = _text(event, "workflow_run", "event") if name == "workflow_run" else ""
    if name == "pull_request_target" or follows.startswith("pull_request"):
        return Trigger("refuse")
    found = _read(environ, event, name, ref)
    # Only with that very commit checked out is the run about it: actions/checkout takes the default
    # branch unless it is told otherwise.
    if follows and head and head == _text(event, "workflow_run", "head_sha"):
        # itself it is on the default branch, whichever the run before was on
        is_same = head == environ.get("GITHUB_SHA")
        branch = found.branch if is_same else _text(event, "workflow_run", "head_branch")
        found = replace(found, branch=branch)
    return found


def _read(environ: Mapping[str, str], event: Mapping[str, Any], name: str, ref: str) -> Trigger:
    base = environ.get("GITHUB_BASE_REF") or (
        _text(event, "pull_request", "base", "ref") if _is_pull_request(name, ref) else ""
    )
    if base:
        return Trigger("plan", base, _text(event, "pull_request", "head", "sha"))
    short = environ.get("GITHUB_REF_NAME", "")
    if queue := _queue(event, ref, short, is_queue=name == "merge_group"):
        return Trigger("plan", queue)
    if environ.get("GITHUB_REF_TYPE") == "tag" or ref.startswith(_TAGS):
        return Trigger("apply", tag=short or ref.removeprefix(_TAGS))
    if _is_pull_request(name, ref):
        return Trigger("plan")
    return Trigger("apply", short or (ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else ""))


def _is_pull_request(name: str, ref: str) -> bool:
    return name.startswith("pull_request") or ref.startswith(_PULLS)


def _queue(event: Mapping[str, Any], ref: str, short: str, *, is_queue: bool) -> str:
    """The branch that a merge queue leads to; its temporary branch stands for it."""
    told = _text(event, "merge_group", "base_ref").removeprefix(_HEADS)
    match = _QUEUE.fullmatch(ref) or _QUEUE.fullmatch(short)
    return (told if is_queue else "") or (match[1] if match else "")


def _text(event: Mapping[str, Any], *path: str) -> str:
    value: Any = event
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
