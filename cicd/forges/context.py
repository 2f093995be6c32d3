"""What GitHub Actions tells a step: environment variables and the event that started the run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.errors import Usage
from cicd.values import Secret

API_URL, SERVER_URL = "https://api.github.com", "https://github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_PULL_REQUEST_REF = re.compile(r"refs/pull/(\d+)/")


@dataclass(frozen=True)
class Context:
    """Where this runs. Empty texts and None: not known. ``run_url`` leads to the run's page."""

    api_url: str = API_URL
    token: Secret | None = None
    repository: str = ""
    pull_request: int | None = None
    is_fork: bool = False
    run_url: str = ""
    summary_file: Path | None = None
    output_file: Path | None = None
    is_actions: bool = False


def read_context(
    environ: Mapping[str, str], *, repository: str = "", pull_request: int | None = None
) -> Context:
    """The context of a run; ``repository`` and ``pull_request`` go before what it says.

    Raises Usage when a value cannot be used. Never raises for an event file that is not there.
    """
    event = read_event(environ.get("GITHUB_EVENT_PATH", ""))
    here = environ.get("GITHUB_REPOSITORY", "")
    wanted = repository or here
    if wanted and not _REPOSITORY.fullmatch(wanted):
        raise Usage(f"{wanted!r} is not a GitHub repository", hint="write OWNER/NAME")
    number = _number(event, environ.get("GITHUB_REF", ""))
    api_url = (environ.get("GITHUB_API_URL") or API_URL).rstrip("/")
    if not api_url.startswith(("https://", "http://")):
        raise Usage(f"GITHUB_API_URL {api_url!r} is not a URL", hint="https://HOST/api/v3")
    server, run = environ.get("GITHUB_SERVER_URL") or SERVER_URL, environ.get("GITHUB_RUN_ID", "")
    attempt = environ.get("GITHUB_RUN_ATTEMPT", "")
    # the page of a run shows its last attempt, and this is about one of them
    again = f"/attempts/{attempt}" if attempt.isdigit() and int(attempt) > 1 else ""
    return Context(
        api_url=api_url,
        token=_token(environ),
        repository=wanted,
        # the run's own number says nothing about another repository
        pull_request=pull_request or (number if wanted == here or not repository else None),
        is_fork=_is_fork(event),
        run_url=f"{server.rstrip('/')}/{here}/actions/runs/{run}{again}"
        if here and run.isdigit()
        else "",
        summary_file=_path(environ, "GITHUB_STEP_SUMMARY"),
        output_file=_path(environ, "GITHUB_OUTPUT"),
        is_actions=environ.get("GITHUB_ACTIONS") == "true",
    )


def read_event(path: str) -> dict[str, Any]:
    """The event that started the run; empty where there is none, or no JSON of one."""
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _token(environ: Mapping[str, str]) -> Secret | None:
    value = (environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or "").strip()
    # a line break or a foreign character would fail inside the HTTP library, which then quotes it
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise Usage("GITHUB_TOKEN is not a token", hint="it holds blanks or foreign characters")
    return Secret(value) if value else None


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


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None
