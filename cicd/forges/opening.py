"""The forge that a run is about, ready for use."""

from __future__ import annotations

from cicd.errors import Denied, Usage
from cicd.forges.base import Forge
from cicd.forges.run import TITLES, Run

MISSING = {
    "github": "set GITHUB_REPOSITORY or --repository OWNER/NAME",
}
"""What to do where nobody tells which repository is meant."""
LOGINS = {
    "github": "set GITHUB_TOKEN or GH_TOKEN",
}
"""What to do where there is no token."""


def open_forge(run: Run) -> Forge:
    """The forge that holds the repository of a usable run. Sends nothing yet. Raises Usage where a
    setting is missing, and Denied where there cannot be a token."""
    if not run.repository:
        raise Usage("which repository?", hint=MISSING[run.forge])
    if run.token is None:
        # a fork's run gets no secrets; anywhere else a missing token is a mistake
        if run.is_fork:
            raise Denied(f"no token for {TITLES[run.forge]}")
        raise Usage(f"no token for {TITLES[run.forge]}", hint=LOGINS[run.forge])
    from cicd.forges.github import Client

    return Client(run.api_url, run.token, run.repository)
