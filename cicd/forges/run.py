"""The run of a CI system that this is part of, and what it is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from cicd.masking import without_logins
from cicd.values import Secret

HEADS, TAGS = "refs/heads/", "refs/tags/"
GITHUB, GITLAB, AZURE, JENKINS = "github", "gitlab", "azure", "jenkins"
TITLES = {
    GITHUB: "GitHub",
    GITLAB: "GitLab",
    AZURE: "Azure DevOps",
    JENKINS: "Jenkins",
}
"""What people call them."""
GITHUB_API, GITLAB_API = "https://api.github.com", "https://gitlab.com/api/v4"
API_VARIABLES = {
    GITHUB: "GITHUB_API_URL",
    GITLAB: "CI_API_V4_URL",
    AZURE: "SYSTEM_COLLECTIONURI",
}
"""What says where the API of a forge is, before anything that is told by an address."""
TOKENS = {
    GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    # that of the job may read, but not write a note
    GITLAB: ("CICD_GITLAB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"),
    # the first is only there where a step maps it
    AZURE: ("SYSTEM_ACCESSTOKEN", "AZURE_DEVOPS_EXT_PAT"),
}
"""The variables in which each forge's token is looked for."""
_ODD = re.compile(r"[^\w.~:/?#@!$&'*+,;=%\[\]-]|[^\x00-\x7f]")
_UNSET = re.compile(r"\$\([\w.]+\)|\$\{?[A-Z_]+\}?")


@dataclass(frozen=True)
class Run:
    """Which CI system runs this, which forge holds the repository, and what the run is about.

    Empty texts and None: not known. All values but ``ci``, ``forge`` and ``mode`` are text of
    others. ``repository``: OWNER/NAME, the path of a GitLab project, or an id; ``project``: what
    Azure DevOps calls so, and of GitLab the number by which its API knows the repository.
    ``branch``: the one that the run is on or whose change it shows; ``target``: the one that the
    change goes into. ``number``: of the pull or merge request.
    ``event``: what started it, as the CI system says. ``commit``: the one of the run, maybe a merge
    that the forge made up; ``head``: the one that its author knows. ``is_fork``: the change comes
    from another repository. ``url``: the page of the run. ``id``: how its API calls it.
    ``login``: the variable that has the token. ``ca_file``: who vouches for the forge's server.
    ``mode``: to show a change, to make it so, or not to read its files at all.
    """

    ci: str = ""
    forge: str = GITHUB
    api_url: str = ""
    project: str = ""
    repository: str = ""
    branch: str = ""
    target: str = ""
    number: int | None = None
    event: str = ""
    head: str = ""
    commit: str = ""
    is_fork: bool = False
    actor: str = ""
    url: str = ""
    token: Secret | None = None
    login: str = ""
    ca_file: str = ""
    id: str = ""
    tag: str = ""
    mode: Literal["plan", "apply", "refuse"] = "apply"

    @property
    def is_foreign(self) -> bool:
        """Whether files of a fork meet secrets of ours: only GitHub gives its runs none."""
        return self.is_fork and self.ci not in {"", GITHUB}

    @property
    def stage_branch(self) -> str:
        """The branch whose stage is meant: a change counts as the branch that it goes into."""
        return self.target if self.mode == "plan" else self.branch


def told(environ: Mapping[str, str], *names: str) -> str:
    """The first of these variables that has a value. Azure and Jenkins hand on ``$(X)`` as it is
    where X is not set."""
    values = (environ.get(name, "").strip() for name in names)
    return next((value for value in values if value and not _UNSET.fullmatch(value)), "")


def page_of(url: str) -> str:
    """The address of a page, without a login, as it may stand in any link; empty where it is none.

    Jenkins leaves brackets of a branch's name as they are, and one would end a link.
    """
    if not re.match("https?://[^/]", url):
        return ""
    return _ODD.sub(lambda match: quote(match[0], safe="", errors="replace"), without_logins(url))


def number_in(environ: Mapping[str, str], *names: str) -> int | None:
    """The number of a pull or merge request in the first of these variables that has one."""
    value = told(environ, *names)
    return int(value) if value.isascii() and value.isdecimal() and int(value) > 0 else None


def short_ref(ref: str) -> str:
    """A branch by its own name: ``refs/heads/a/b`` is ``a/b``."""
    return ref.removeprefix(HEADS)


def with_token(run: Run, environ: Mapping[str, str]) -> Run:
    """The run with the token of its forge, from the first variable that has one."""
    for name in TOKENS.get(run.forge, ()):
        if value := told(environ, name):
            return replace(run, token=Secret(value), login=name)
    return replace(run, token=None, login="")
