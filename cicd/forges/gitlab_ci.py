"""What GitLab CI tells a job. Source: docs.gitlab.com, "Predefined CI/CD variables reference"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from cicd.forges.run import (
    GITHUB,
    GITHUB_API,
    GITLAB,
    GITLAB_API,
    Run,
    number_in,
    page_of,
    told,
)


def read(environ: Mapping[str, str]) -> Run:
    """The run of a job. A pipeline of a merge request shows a change, any other makes it so.

    The one of a merge train shows what may never land, so it speaks for no single merge request.
    """
    kind = told(environ, "CI_MERGE_REQUEST_EVENT_TYPE")
    number = number_in(environ, "CI_MERGE_REQUEST_IID")
    target = told(environ, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    commit, tag = told(environ, "CI_COMMIT_SHA"), told(environ, "CI_COMMIT_TAG")
    is_change = bool(number or target)
    source = told(environ, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
    branch = told(environ, "CI_COMMIT_BRANCH", *([] if tag else ["CI_COMMIT_REF_NAME"]))
    sides = [told(environ, f"CI_MERGE_REQUEST_{side}PROJECT_ID") for side in ("SOURCE_", "")]
    run = Run(
        ci=GITLAB,
        forge=GITLAB,
        api_url=(told(environ, "CI_API_V4_URL") or GITLAB_API).rstrip("/"),
        project=told(environ, "CI_PROJECT_ID"),
        repository=told(environ, "CI_PROJECT_PATH", "CI_PROJECT_ID"),
        branch=source if is_change else branch,
        target=target,
        number=number if is_change else _only_open(environ),
        event=kind or told(environ, "CI_PIPELINE_SOURCE"),
        # only a pipeline for merged results knows another commit than its own
        head=(told(environ, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or commit) if is_change else "",
        commit=commit,
        is_fork=all(sides) and sides[0] != sides[1],
        actor=told(environ, "GITLAB_USER_LOGIN"),
        url=page_of(told(environ, "CI_JOB_URL", "CI_PIPELINE_URL")),
        # who names a bundle for all of Python means that one
        ca_file=""
        if told(environ, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        else told(environ, "CI_SERVER_TLS_CA_FILE"),
        id=told(environ, "CI_PIPELINE_ID"),
        tag="" if is_change else tag,
        mode="plan" if is_change else "apply",
    )
    if told(environ, "CI_EXTERNAL_PULL_REQUEST_IID"):
        return _external(run, environ)
    return replace(run, number=None) if kind == "merge_train" else run


def _external(run: Run, environ: Mapping[str, str]) -> Run:
    """The same for a repository of GitHub that GitLab only builds."""
    name = "CI_EXTERNAL_PULL_REQUEST_{}"
    source, target = (
        told(environ, name.format(f"{side}_REPOSITORY")) for side in ("SOURCE", "TARGET")
    )
    return replace(
        run,
        forge=GITHUB,
        api_url=(told(environ, "GITHUB_API_URL") or GITHUB_API).rstrip("/"),
        project="",
        ca_file="",
        repository=target,
        branch=told(environ, name.format("SOURCE_BRANCH_NAME")),
        target=told(environ, name.format("TARGET_BRANCH_NAME")),
        number=number_in(environ, name.format("IID")),
        head=told(environ, name.format("SOURCE_BRANCH_SHA")),
        is_fork=source != target,
        mode="plan",
    )


def _only_open(environ: Mapping[str, str]) -> int | None:
    """The merge request of a branch's pipeline, where it has exactly one in this project."""
    listed = told(environ, "CI_OPEN_MERGE_REQUESTS").split(",")
    found = re.fullmatch(r"(.+)!([1-9]\d*)", listed[0]) if len(listed) == 1 else None
    return int(found[2]) if found and found[1] == told(environ, "CI_PROJECT_PATH") else None
