"""Which CI system runs and which forge holds the repository: two questions, asked once.

=============================  ==========================================================
first that is so               CI system, and which forge it says
=============================  ==========================================================
``GITHUB_ACTIONS=true``        GitHub Actions: GitHub
``GITLAB_CI=true``             GitLab CI: GitLab, or GitHub where that is only built here
``TF_BUILD=True``              Azure Pipelines: as ``BUILD_REPOSITORY_PROVIDER`` says
``JENKINS_URL`` is set         Jenkins: what ``CHANGE_URL`` or else ``GIT_URL`` leads to
none of them                   none: GitHub, with the variables that somebody has set
=============================  ==========================================================

``CICD_FORGE`` goes before all of these, ``CICD_BRANCH`` before the branch that they tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from cicd.errors import Usage
from cicd.forges.run import (
    API_VARIABLES,
    AZURE,
    GITHUB,
    GITHUB_API,
    GITLAB,
    GITLAB_API,
    JENKINS,
    Run,
    number_in,
    short_ref,
    told,
    with_token,
)

FORGES = (GITHUB, GITLAB, AZURE)
BRANCHES = {GITLAB: "CI_COMMIT_BRANCH", AZURE: "BUILD_SOURCEBRANCH", JENKINS: "BRANCH_NAME"}
"""The variable in which each of these CI systems says its branch."""
TARGETS = {
    GITLAB: "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    AZURE: "SYSTEM_PULLREQUEST_TARGETBRANCH",
    JENKINS: "CHANGE_TARGET",
}
"""The one in which it says where a change goes."""
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_ADDRESSES = ("CHANGE_URL", "GIT_URL", "BUILD_REPOSITORY_URI")
"""Variables that lead to the repository, whatever holds it."""
NUMBERS = {
    GITLAB: "CI_MERGE_REQUEST_IID",
    AZURE: "SYSTEM_PULLREQUEST_PULLREQUESTID",
    JENKINS: "CHANGE_ID",
}
"""The variable in which each of these says the number of a change."""
_API_FORMS = {
    GITHUB: "https://HOST/api/v3",
    GITLAB: "https://HOST/api/v4",
    AZURE: "https://dev.azure.com/ORGANISATION/",
}
_DEFAULT_APIS = {GITHUB: GITHUB_API, GITLAB: GITLAB_API, AZURE: ""}


def ci_of(environ: Mapping[str, str]) -> str:
    """The CI system that runs this; empty where none is known."""
    marks = (
        (GITHUB, environ.get("GITHUB_ACTIONS") == "true"),
        (GITLAB, environ.get("GITLAB_CI") == "true"),
        (AZURE, environ.get("TF_BUILD", "").lower() == "true"),
        (JENKINS, bool(environ.get("JENKINS_URL"))),
    )
    return next((name for name, is_so in marks if is_so), "")


def read_run(environ: Mapping[str, str], head: str = "") -> Run:
    """The run of a CI system that this is part of. Says of values that cannot be used nothing yet:
    that does ``usable``. ``head``: the commit that is checked out."""
    run = with_token(_read(ci_of(environ), environ, head), environ)
    chosen = short_ref(environ.get("CICD_BRANCH", "").strip())
    if chosen and run.mode == "plan":
        run = replace(run, target=chosen, tag="")
    elif chosen and run.mode == "apply":
        run = replace(run, branch=chosen, tag="")
    return with_forge(run, environ, environ.get("CICD_FORGE", "").strip().lower())


def _read(system: str, environ: Mapping[str, str], head: str = "") -> Run:
    """What one CI system tells; only its own module is loaded."""
    if system == GITLAB:
        from cicd.forges import gitlab_ci

        return gitlab_ci.read(environ)
    if system == AZURE:
        from cicd.forges import azure_pipelines

        return azure_pipelines.read(environ)
    if system == JENKINS:
        from cicd.forges import jenkins

        return jenkins.read(environ)
    from cicd.forges import actions

    return actions.read(environ, head)


def with_forge(run: Run, environ: Mapping[str, str], forge: str) -> Run:
    """The run with another forge than it tells, of which only its own variables and the addresses
    that are known tell something."""
    if not forge or forge == run.forge:
        return run
    if forge not in FORGES:
        named = replace(run, forge=forge, api_url="", project="", repository="")
        return with_token(named, environ)
    from cicd.forges.addresses import Address, address_of, moved_to

    own = _read(forge, {**environ, "BUILD_REPOSITORY_PROVIDER": "TfsGit"})
    api_url = told(environ, API_VARIABLES[forge])
    places = (moved_to(address_of(told(environ, name), forge), api_url) for name in _ADDRESSES)
    at = next((place for place in places if place.forge), Address())
    found = replace(
        run,
        forge=forge,
        api_url=(own.api_url if api_url else at.api_url) or _DEFAULT_APIS[forge],
        project=own.project or at.project,
        repository=own.repository or at.repository,
        # the number of a change says nothing about another forge
        number=own.number or (None if run.forge else run.number),
    )
    return with_token(found, environ)


def at_remote(run: Run, remote: str, environ: Mapping[str, str]) -> Run:
    """The run with what the remote of a checkout leads to; as it is where that is no forge."""
    from cicd.forges.addresses import address_of, moved_to

    # that it is GitHub's is also what nobody has said
    address = address_of(remote, "" if run.forge == GITHUB else run.forge)
    if not address.forge:
        return run
    at = moved_to(address, told(environ, API_VARIABLES[address.forge]))
    found = replace(
        run,
        forge=at.forge,
        api_url=at.api_url,
        project=at.project,
        repository=at.repository,
    )
    return with_token(found, environ)


def in_repository(run: Run, repository: str, number: int | None) -> Run:
    """The run with what somebody names instead; its own number says nothing about another one."""
    is_same = not repository or repository == run.repository
    return replace(
        run,
        project=run.project if is_same or run.forge != GITLAB else "",
        repository=repository or run.repository,
        number=number or (run.number if is_same else None),
    )


def usable(run: Run, environ: Mapping[str, str]) -> Run:
    """The run, with nothing in it of which no request could be made. Raises Usage for what is
    wrong, by the name of the variable that says it."""
    if run.forge not in FORGES:
        why = f"{run.forge!r} is no forge that cicd knows" if run.forge else "which forge is it?"
        raise Usage(why, hint=f"set CICD_FORGE to one of {', '.join(FORGES)}")
    if run.repository and run.forge == GITHUB and not _REPOSITORY.fullmatch(run.repository):
        raise Usage(f"{run.repository!r} is not a GitHub repository", hint="write OWNER/NAME")
    for name in (run.project, run.repository):
        if not name.isprintable():
            raise Usage(f"{name!r} is not the name of a repository")
    if run.api_url and not is_web(run.api_url):
        raise Usage(
            f"{API_VARIABLES[run.forge]} {run.api_url!r} is not a URL", hint=_API_FORMS[run.forge]
        )
    name = NUMBERS.get(run.ci, "")
    if told(environ, name) and number_in(environ, name) is None:
        raise Usage(f"{name} is {told(environ, name)!r} and no number of a change")
    check_token(run)
    return run


def is_web(url: str) -> bool:
    """Whether a request can be sent there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def check_token(run: Run) -> None:
    """Raise Usage for what cannot be sent: a line break or a foreign character would fail inside
    the HTTP library, which then quotes it."""
    value = run.token.reveal() if run.token else ""
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise Usage(f"{run.login} is not a token", hint="it holds blanks or foreign characters")
