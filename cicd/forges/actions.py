"""What GitHub Actions tells a step: environment variables and the event that started the run.

Its variables count outside of it too, where somebody has set them.
Source: docs.github.com, "Variables reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd.forges.run import GITHUB, GITHUB_API, Run, page_of
from cicd.forges.trigger import read_trigger

SERVER = "https://github.com"
_PULL_REQUEST_REF = re.compile(r"refs/pull/(\d+)/")


def read(environ: Mapping[str, str], head: str = "") -> Run:
    """The run; ``head``: the commit that is checked out."""
    event = read_event(environ.get("GITHUB_EVENT_PATH", ""))
    trigger = read_trigger(environ, event, head)
    is_plan = trigger.mode == "plan"
    source = environ.get("GITHUB_HEAD_REF", "")
    return Run(
        ci=GITHUB if environ.get("GITHUB_ACTIONS") == "true" else "",
        api_url=(environ.get("GITHUB_API_URL") or GITHUB_API).rstrip("/"),
        repository=environ.get("GITHUB_REPOSITORY", ""),
        branch=source if is_plan else trigger.branch,
        target=trigger.branch if is_plan else "",
        number=_number(event, environ.get("GITHUB_REF", "")),
        event=environ.get("GITHUB_EVENT_NAME", ""),
        head=trigger.commit,
        commit=environ.get("GITHUB_SHA", ""),
        is_fork=_is_fork(event),
        actor=environ.get("GITHUB_ACTOR", ""),
        url=_page(environ),
        id=environ.get("GITHUB_RUN_ID", ""),
        tag=trigger.tag,
        mode=trigger.mode,
    )


def read_event(path: str) -> dict[str, Any]:
    """The event that started the run; empty where there is none, or no JSON of one."""
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _page(environ: Mapping[str, str]) -> str:
    here, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    if not (here and run.isdigit()):
        # everybody with access to the platform may read it
        return page_of(environ.get("CI_JOB_URL", "") or environ.get("BUILD_URL", ""))
    server = (environ.get("GITHUB_SERVER_URL") or SERVER).rstrip("/")
    attempt = environ.get("GITHUB_RUN_ATTEMPT", "")
    # the page of a run shows its last attempt, and this is about one of them
    again = f"/attempts/{attempt}" if attempt.isdigit() and int(attempt) > 1 else ""
    return page_of(f"{server}/{here}/actions/runs/{run}{again}")


def _number(event: Mapping[str, Any], ref: str) -> int | None:
    """The pull request of a ``pull_request`` or ``issue_comment`` event, the one that the run
    before a ``workflow_run`` was about (a fork's is not told), or that of the ref."""
    pull_request = event.get("pull_request")
    run = event.get("workflow_run")
    others = run.get("pull_requests") if isinstance(run, dict) else None
    # With two of them nobody can tell which one is meant.
    if isinstance(others, list) and len(others) == 1:
        pull_request = others[0]
    issue = event.get("issue")
    if isinstance(pull_request, dict):
        found = pull_request.get("number")
    elif isinstance(issue, dict) and "pull_request" in issue:
        found = issue.get("number")
    else:
        match = _PULL_REQUEST_REF.match(ref)
        found = int(match[1]) if match else None
    return found if isinstance(found, int) and found > 0 else None


def _is_fork(event: Mapping[str, Any]) -> bool:
    """Whether the pull request comes from another repository (its token then may not write)."""
    pull_request = event.get("pull_request")
    if not isinstance(pull_request, dict):
        return False
    head, base = (
        ((pull_request.get(side) or {}).get("repo") or {}).get("full_name")
        for side in ("head", "base")
    )
    return bool(head != base)
