"""Checks of single parts of a stage file that a schema cannot express: values, files, support.

Schedules and secrets have their own: ``schedules`` and ``secrets``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from cicd.config.formats import seconds
from cicd.config.rules import check_gates, check_local, check_protect, check_watch
from cicd.config.tree import Path, did_you_mean
from cicd.errors import Problem
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.draft import PLATFORM_SCENARIOS, Draft, Run, is_held
from cicd.platforms.aicore.dialect.labels import check_labels
from cicd.platforms.aicore.dialect.repository import is_synced
from cicd.platforms.aicore.dialect.schedules import check_schedules
from cicd.platforms.aicore.dialect.schema import Deployment, Execution
from cicd.platforms.aicore.dialect.secrets import (
    check_parameters,
    check_secrets,
    check_used_secrets,
)
from cicd.values import Key

NO_GROUP = "missing-resource-group"
_IN_LINKS = ("kind", "id", "resource_group")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_rules(draft: Draft) -> list[Problem]:
    """All problems that one part has by itself."""
    problems = [
        *_check_place(draft),
        *_check_nodes(draft),
        *check_labels(draft),
        *_check_git(draft),
        *_check_revision(draft),
        *_check_artifacts(draft),
        *_check_bindings(draft),
        *check_schedules(draft),
        *check_secrets(draft),
        *check_parameters(draft),
        *check_used_secrets(draft),
        *check_local(draft, _local_artifacts(draft)),
        *check_protect(draft, _more_protected(draft), ("repository", "configuration")),
    ]
    for run in draft.runs:
        if isinstance(run.item, Execution):
            problems += _check_execution(draft, run, run.item)
        else:
            problems += _check_deployment(draft, run, run.item)
    return problems


def _check_place(draft: Draft) -> Iterator[Problem]:
    if not draft.resource_group and not draft.has_lost("aicore", "resource_group"):
        message = "no resource group: set aicore.resource_group or AICORE_RESOURCE_GROUP"
        yield draft.place("aicore").problem(message, NO_GROUP)
    for name in _PLACEHOLDER.findall(draft.file.aicore.launchpad_url or ""):
        if name not in _IN_LINKS:
            there = ", ".join(f"{{{known}}}" for known in _IN_LINKS)
            hint = did_you_mean(name, _IN_LINKS) or f" (there are: {there})"
            message = f'aicore.launchpad_url has an unknown placeholder "{{{name}}}"{hint}'
            yield draft.place("aicore", "launchpad_url").problem(message, "wrong-format")


def _check_nodes(draft: Draft) -> Iterator[Problem]:
    for plan in draft.file.aicore.nodes:
        if problem := formats.plan_problem(plan):
            message = f'"{plan}" {problem}'
            place = draft.place("aicore", "nodes", plan, key=True)
            yield place.problem(message, "unknown-plan", "warning")


def _check_git(draft: Draft) -> Iterator[Problem]:
    git = draft.file.git
    if git is None:
        return
    present, missing = ("username", "password") if git.username else ("password", "username")
    is_half = (git.username is None) != (git.password is None)
    if is_half and not draft.has_lost("git", missing):
        message = f"git has a {present} but no {missing}: add it"
        yield draft.place("git", present, key=True).problem(message, "git-login")
    if git.username and not git.repository and not draft.has_lost("git", "repository"):
        message = "git has credentials, but no repository that they are for: add git.repository"
        yield draft.place("git", "username", key=True).problem(message, "git-login")
    if git.repository and "@" in urlsplit(git.repository).netloc:
        message = "a credential in the URL: use git.username and git.password with ${env.NAME}"
        yield draft.place("git", "repository").problem(message, "secret-in-plain-text")


def _check_revision(draft: Draft) -> Iterator[Problem]:
    """A branch moves by itself, whatever has been approved."""
    git, node = draft.file.git, draft.tree.get("git", "revision")
    if git is None or node is None or not is_held(draft):
        return
    if _COMMIT.fullmatch(str(node.value)) or "${git.commit}" in node.text:
        return
    cure = "it is pinned to the commit that is applied: write ${git.commit}"
    if not is_synced(draft.git, git.repository, git.path):
        cure = "its templates lie in another repository, so it cannot be pinned: name a commit"
    message = (
        f'git.revision is "{node.text}", which AI Core syncs by itself every few minutes, also '
    )
    has_lifecycle = draft.file.lifecycle and draft.file.lifecycle.approval
    told = "what nobody has approved" if has_lifecycle else "what sync does not let through"
    message += f"{told}; {cure}"
    yield node.place.problem(message, "moving-revision", "warning")


def _check_artifacts(draft: Draft) -> Iterator[Problem]:
    for index, artifact in enumerate(draft.file.artifacts):
        if isinstance(artifact.url, str) and artifact.url.endswith("/"):
            message = f'artifact/{artifact.key}: AI Core cannot resolve "{artifact.url}": '
            place = draft.place("artifacts", index, "url")
            yield place.problem(f"{message}leave out the / at its end", "artifact-url", "warning")


def _check_bindings(draft: Draft) -> Iterator[Problem]:
    for run in draft.runs:
        for field in ("parameter_bindings", "input_artifact_bindings"):
            for name in getattr(run.configuration, field):
                if not 0 < len(name) <= formats.MAX_KEY:
                    message = f"{run.key}: the name of a binding has 1 to {formats.MAX_KEY} "
                    place = draft.place(*run.path, "configuration", field, name, key=True)
                    yield place.problem(f"{message}characters, not {len(name)}", "wrong-length")


def _check_execution(draft: Draft, run: Run, item: Execution) -> Iterator[Problem]:
    yield from check_watch(draft, run.key, item.watch, run.path)
    if item.require and item.wait_for_status != "COMPLETED":
        message = f"{run.key} requires metrics, so wait_for_status must be COMPLETED"
        yield draft.place(*run.path, "require", key=True).problem(message, "needs-wait")
    yield from check_gates(draft, run.key, item.require, run.path)


def _check_deployment(draft: Draft, run: Run, item: Deployment) -> Iterator[Problem]:
    if item.ttl and seconds(item.ttl) < formats.MIN_TTL:
        message = f'{run.key}: ttl "{item.ttl}" is too short, at least 10m'
        yield draft.place(*run.path, "ttl").problem(message, "bad-ttl")
    if item.wait_for_status is None:
        for field in ("smoke_test", "destination_name"):
            if getattr(item, field):
                message = f"{run.key} has a {field}, so wait_for_status must be RUNNING"
                yield draft.place(*run.path, field, key=True).problem(message, "needs-wait")
    is_own = run.configuration.scenario_id not in PLATFORM_SCENARIOS
    if is_own and item.smoke_test and not item.smoke_test.path.startswith("/v"):
        message = f"{run.key}: AI Core routes only paths that start with /v1/, /v2/ and so on"
        place = draft.place(*run.path, "smoke_test", "path")
        yield place.problem(message, "smoke-test-path", "warning")


def _local_artifacts(draft: Draft) -> Iterator[tuple[str, Path]]:
    for url, path in draft.file.local.artifacts.items():
        yield path, ("local", "artifacts", url)


def _more_protected(draft: Draft) -> Iterator[Key]:
    """What may be protected and no section names."""
    yield from (run.key for run in draft.runs)
    yield Key("resource_group", draft.resource_group)
    if draft.file.git:
        yield Key("application", draft.file.git.application)
