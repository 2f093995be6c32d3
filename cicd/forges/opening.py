"""The forge that a run is about, ready for use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cicd.errors import Denied, Usage
from cicd.forges.base import Forge, Proposing
from cicd.forges.run import AZURE, GITHUB, GITLAB, TITLES, Run

if TYPE_CHECKING:
    from cicd.forges import azure, github, gitlab

REPOSITORIES = {
    GITHUB: "set GITHUB_REPOSITORY or --repository OWNER/NAME",
    GITLAB: "set CI_PROJECT_PATH or --repository GROUP/PROJECT",
    AZURE: "set BUILD_REPOSITORY_NAME or --repository NAME",
}
"""What to do where nobody tells which repository is meant."""
LOGINS = {
    GITHUB: "set GITHUB_TOKEN or GH_TOKEN",
    GITLAB: "set CICD_GITLAB_TOKEN",
    AZURE: "map it in the step: env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
}
"""What to do where there is no token."""


def open_forge(run: Run) -> Forge:
    """The forge that holds the repository of a usable run; sends nothing yet. Raises Usage
    where a setting is missing, and Denied where a token is that most runs do without."""
    return _open(run)


def open_proposing(run: Run) -> Proposing:
    """The same, to propose a change to it."""
    return _open(run)


def _open(run: Run) -> github.Client | gitlab.Client | azure.Client:
    if not run.forge:
        hint = "set CICD_FORGE or --forge"
        raise Denied("which forge holds the repository is not known", hint=hint)
    if not run.repository:
        raise Usage("which repository?", hint=REPOSITORIES[run.forge])
    if run.token is None:
        # a fork's run gets no secrets; anywhere else on GitHub a missing token is a mistake
        if run.is_fork and run.forge == GITHUB:
            raise Denied(f"no token for {TITLES[run.forge]}")
        if run.forge != GITHUB:
            raise Denied(f"no token for {TITLES[run.forge]}", hint=LOGINS[run.forge])
        raise Usage(f"no token for {TITLES[run.forge]}", hint=LOGINS[run.forge])
    if run.forge == GITLAB:
        from cicd.forges import gitlab

        is_job = run.login == "CI_JOB_TOKEN"
        return gitlab.Client(
            run.api_url,
            run.token,
            run.repository,
            number=run.project,
            is_job=is_job,
            ca_file=run.ca_file,
        )
    if run.forge == AZURE:
        from cicd.forges import azure

        for value, name in (
            (run.api_url, "SYSTEM_COLLECTIONURI"),
            (run.project, "SYSTEM_TEAMPROJECT"),
        ):
            if not value:
                raise Usage(f"which project of Azure DevOps? {name} is not set")
        return azure.Client(run.api_url, run.token, run.project, run.repository)
    from cicd.forges import github

    return github.Client(run.api_url, run.token, run.repository)
