"""Can the commit that is being deployed still reach the platform? Asked before anything waits for
it: the platform syncs where a branch is now, and never where it was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from cicd.automation.git import git, origin_url
from cicd.errors import CicdError, Refused
from cicd.masking import without_logins
from cicd.model import Action, Change, Plan

PATIENCE = 20.0
"""Seconds for a look at a repository; one that does not answer is left to the platform."""
SHA = re.compile(r"[0-9a-f]{7,64}")
RANGE = re.compile(r"[*^~<>=\s]")
"""What no branch is named like: a range of versions, which the platform resolves by itself."""
ALONE: Mapping[str, str] = {
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10",
    "GCM_INTERACTIVE": "never",
}
"""Nobody is asked for a login."""


def check_arrival(root: Path, plan: Plan, environ: Mapping[str, str]) -> None:
    """Raises Refused where an application would wait for a commit that its revision does not (or
    no longer) point at. A repository that git cannot ask here tells nothing."""
    found = (_problem(root, change, environ) for change in plan.changes)
    problems = [problem for problem in found if problem]
    if problems:
        raise Refused(
            "; ".join(problems),
            hint="nothing was sent: push the commit, or fetch (tags, too) and plan again",
        )


def _problem(root: Path, change: Change, environ: Mapping[str, str]) -> str:
    if change.desired is None or change.action is Action.NO_OP:
        return ""
    spec, live = change.desired.spec, change.live.spec if change.live else {}
    commit, revision = str(spec.get("commit") or ""), str(spec.get("revision") or "")
    url = str(spec.get("repository") or live.get("repository") or "")
    if not (commit and url) or RANGE.search(revision):
        return ""
    found = remote_commit(root, url, revision, environ)
    # Only what is known for sure keeps an apply from starting: the platform may reach what this
    # machine cannot.
    if found is None or found == commit:
        return ""
    if spec.get("pinned") and found and _is_within(root, commit, found, environ):
        return ""  # wherever the branch is by now, this commit of it is synced
    place = f"{revision} of {without_logins(url)}"
    if not found:
        return f"{change.key} would wait for commit {commit[:12]}, and there is no {place}"
    return (
        f"{change.key} would wait for commit {commit[:12]}, and {place} is at {found[:12]}"
        + _relation(root, commit, found, environ)
    )


def remote_commit(root: Path, url: str, revision: str, environ: Mapping[str, str]) -> str | None:
    """The commit that a branch, tag or HEAD of a repository is at; empty where there is none of
    that name, None where git cannot tell from here. A commit is at itself."""
    if SHA.fullmatch(revision):
        return revision if len(revision) in {40, 64} else None
    names = (
        [revision]
        if revision == "HEAD" or revision.startswith("refs/")
        else [f"refs/heads/{revision}", f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}"]
    )
    # `origin` may come with a login that the bare address does not have
    is_origin = _same_project(origin_url(root, environ), url)
    asked = partial(git, cwd=root, environ=environ, env=ALONE, timeout=PATIENCE)
    for place in [url, *(["origin"] if is_origin else [])]:
        try:
            told = asked("ls-remote", "--", place, *names)
        except CicdError:
            continue
        found = {name: sha for sha, _, name in (line.partition("\t") for line in told.splitlines())}
        return next((found[name] for name in names if name in found), "")
    return None


def _same_project(one: str, other: str) -> bool:
    """Whether two addresses end in the same ``owner/name``, however they are reached."""
    tails = [
        re.split(r"[/:]", url.rstrip("/").removesuffix(".git").lower()) for url in (one, other)
    ]
    return bool(one) and tails[0][-2:] == tails[1][-2:]


def _is_within(root: Path, commit: str, found: str, environ: Mapping[str, str]) -> bool:
    """Whether a commit is one of those that lead to another, as far as what is here tells."""
    try:
        git("merge-base", "--is-ancestor", commit, found, cwd=root, environ=environ)
    except CicdError:
        return False
    return True


def _relation(root: Path, commit: str, found: str, environ: Mapping[str, str]) -> str:
    """How the two lie to each other, as far as what is fetched here tells."""
    for older, newer, words in (
        (found, commit, ": the commit is not pushed"),
        (commit, found, ": the branch has moved on"),
    ):
        try:
            git("merge-base", "--is-ancestor", older, newer, cwd=root, environ=environ)
        except CicdError:
            continue
        return words
    return ": it has moved on since, or the commit is not pushed"
