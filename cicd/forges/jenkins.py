"""What Jenkins tells a build, multibranch or not. Source: its Pipeline and Git plug-ins, and
SAP/jenkins-library (pkg/orchestrator).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from cicd.forges.addresses import Address, address_of, moved_to
from cicd.forges.run import API_VARIABLES, JENKINS, Run, number_in, page_of, told

_REMOTE = re.compile(r"^(?:refs/(?:heads|remotes/[^/]+)/|origin/)")


def read(environ: Mapping[str, str]) -> Run:
    """The run of a build. A change request shows a change, everything else makes it so."""
    target = told(environ, "CHANGE_TARGET")
    is_change = bool(target or told(environ, "CHANGE_ID"))
    tag = "" if is_change else told(environ, "TAG_NAME")
    run = Run(
        ci=JENKINS,
        forge="",
        branch=told(environ, "CHANGE_BRANCH") if is_change else "" if tag else _branch(environ),
        target=target,
        number=number_in(environ, "CHANGE_ID"),
        event="change" if is_change else "tag" if tag else "branch",
        commit=told(environ, "GIT_COMMIT"),
        is_fork=bool(told(environ, "CHANGE_FORK")),
        actor=told(environ, "CHANGE_AUTHOR", "BUILD_USER_ID"),
        url=page_of(told(environ, "BUILD_URL")),
        id=told(environ, "BUILD_ID"),
        tag=tag,
        mode="plan" if is_change else "apply",
    )
    # a job that builds one branch has no change, and knows the repository by what it clones
    places = (address_of(told(environ, name)) for name in ("CHANGE_URL", "GIT_URL"))
    at = next((place for place in places if place.forge), Address())
    if not at.forge:
        return run
    at = moved_to(at, told(environ, API_VARIABLES[at.forge]))
    return replace(
        run,
        forge=at.forge,
        api_url=at.api_url,
        project=at.project,
        repository=at.repository,
    )


def _branch(environ: Mapping[str, str]) -> str:
    """The branch that is built; without a multibranch job it is named as the remote has it."""
    name = told(environ, "BRANCH_NAME") or _REMOTE.sub("", told(environ, "GIT_BRANCH"))
    return "" if name in {"HEAD", "detached"} else name
