"""What Azure Pipelines tells a step. Source: learn.microsoft.com, "Use predefined variables".

A branch is read from the whole ref: ``BUILD_SOURCEBRANCHNAME`` is only what follows the last slash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from cicd.forges.addresses import address_of, build_page
from cicd.forges.run import (
    AZURE,
    GITHUB,
    GITHUB_API,
    TAGS,
    Run,
    number_in,
    page_of,
    short_ref,
    told,
)

_PULL = re.compile(r"refs/pull/(\d+)/")
_LOGIN = re.compile(r"(?<=://)[^/@]+@")


def read(environ: Mapping[str, str]) -> Run:
    """The run of a step."""
    ref = told(environ, "BUILD_SOURCEBRANCH")
    target = short_ref(told(environ, "SYSTEM_PULLREQUEST_TARGETBRANCH"))
    is_change = bool(target) or told(environ, "BUILD_REASON") == "PullRequest"
    is_change = is_change or _PULL.match(ref) is not None
    collection = _slashed(told(environ, "SYSTEM_COLLECTIONURI"))
    project = told(environ, "SYSTEM_TEAMPROJECT", "SYSTEM_TEAMPROJECTID")
    build, tag = told(environ, "BUILD_BUILDID"), ref.startswith(TAGS)
    run = Run(
        ci=AZURE,
        forge="",
        branch=_branch(environ, ref, is_change=is_change),
        target=target,
        event=told(environ, "BUILD_REASON"),
        head=told(environ, "SYSTEM_PULLREQUEST_SOURCECOMMITID") if is_change else "",
        commit=told(environ, "BUILD_SOURCEVERSION"),
        is_fork=told(environ, "SYSTEM_PULLREQUEST_ISFORK").lower() == "true",
        actor=told(environ, "BUILD_REQUESTEDFOR"),
        url=page_of(build_page(collection, project, build)) if project and build else "",
        id=build,
        tag=ref.removeprefix(TAGS) if tag and not is_change else "",
        mode="plan" if is_change else "apply",
    )
    return _with_forge(run, environ, ref)


def _branch(environ: Mapping[str, str], ref: str, *, is_change: bool) -> str:
    if is_change:
        return short_ref(told(environ, "SYSTEM_PULLREQUEST_SOURCEBRANCH"))
    return "" if ref.startswith("refs/") and short_ref(ref) == ref else short_ref(ref)


def _with_forge(run: Run, environ: Mapping[str, str], ref: str) -> Run:
    """The same with what holds the repository: Azure Repos, GitHub, or something we do not know."""
    provider = told(environ, "BUILD_REPOSITORY_PROVIDER")
    by_ref = _PULL.match(ref)
    if provider.startswith("GitHub"):
        # a login in the address is not ours to send
        at = address_of(_LOGIN.sub("", told(environ, "BUILD_REPOSITORY_URI")))
        given = told(environ, "GITHUB_API_URL").rstrip("/")
        number = number_in(environ, "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
        return replace(
            run,
            forge=GITHUB,
            api_url=given or (at.api_url if at.forge == GITHUB else GITHUB_API),
            repository=told(environ, "BUILD_REPOSITORY_NAME") or at.repository,
            number=number or (int(by_ref[1]) if by_ref else None),
        )
    if provider != "TfsGit":
        return run
    number = number_in(environ, "SYSTEM_PULLREQUEST_PULLREQUESTID")
    return replace(
        run,
        forge=AZURE,
        api_url=_slashed(told(environ, "SYSTEM_COLLECTIONURI")),
        project=told(environ, "SYSTEM_TEAMPROJECTID", "SYSTEM_TEAMPROJECT"),
        repository=told(environ, "BUILD_REPOSITORY_ID", "BUILD_REPOSITORY_NAME"),
        number=number or (int(by_ref[1]) if by_ref else None),
    )


def _slashed(url: str) -> str:
    return f"{url.rstrip('/')}/" if url else ""
