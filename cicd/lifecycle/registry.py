"""Which means of approval there are. Loaded on use: no command pays for those of others."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from cicd.lifecycle.approvals import Approvals, Surroundings
from cicd.model import (
    ApprovalSettings,
    AzureApproval,
    FileApproval,
    GitHubApproval,
    GitLabApproval,
    JiraApproval,
    ModelPackageApproval,
    PullRequestApproval,
)

MEANS: dict[type[ApprovalSettings], tuple[str, str]] = {
    GitHubApproval: ("github", "cicd.lifecycle.environment"),
    GitLabApproval: ("gitlab", "cicd.lifecycle.environment"),
    AzureApproval: ("azure", "cicd.lifecycle.environment"),
    PullRequestApproval: ("pull_request", "cicd.lifecycle.pull_request"),
    JiraApproval: ("jira", "cicd.lifecycle.jira"),
    FileApproval: ("file", "cicd.lifecycle.file"),
    ModelPackageApproval: ("model_package", "cicd.lifecycle.model_package"),
}
"""Settings -> the key of the stage file, and the module with a function ``connect(settings,
surroundings)``."""


def name_of(settings: ApprovalSettings) -> str:
    """What the stage file calls these means."""
    return MEANS[type(settings)][0]


def connect(settings: ApprovalSettings, surroundings: Surroundings) -> Approvals:
    """The means that a stage file names, ready for use. Sends nothing yet. Raises Denied where a
    login is missing."""
    module = import_module(MEANS[type(settings)][1])
    return cast(Approvals, module.connect(settings, surroundings))
