"""Which means of approval there are. Loaded on use: no command pays for those of others."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from cicd.lifecycle.approvals import Approvals, Surroundings
from cicd.model import ApprovalSettings

MEANS: dict[str, str] = {
    "github": "cicd.lifecycle.environment",
    "gitlab": "cicd.lifecycle.environment",
    "azure": "cicd.lifecycle.environment",
    "pull_request": "cicd.lifecycle.pull_request",
    "jira": "cicd.lifecycle.jira",
    "file": "cicd.lifecycle.file",
    "model_package": "cicd.lifecycle.model_package",
}
"""What the stage file calls them -> the module with a function ``connect(settings, surroundings)``.
"""


def connect(settings: ApprovalSettings, surroundings: Surroundings) -> Approvals:
    """The means that a stage file names, ready for use. Sends nothing yet. Raises Denied where a
    login is missing."""
    module = import_module(MEANS[settings.means])
    return cast(Approvals, module.connect(settings, surroundings))
