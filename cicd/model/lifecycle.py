"""What stands between a trained model and the service it is for: settings, and who agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from cicd.values import Key


@dataclass(frozen=True)
class GitHubApproval:
    """The review of what waits for an environment of GitHub."""

    means: ClassVar[str] = "github"
    environment: str


@dataclass(frozen=True)
class GitLabApproval:
    """The approval of what waits for a protected environment of GitLab."""

    means: ClassVar[str] = "gitlab"
    environment: str


@dataclass(frozen=True)
class AzureApproval:
    """The approval check of an environment of Azure DevOps."""

    means: ClassVar[str] = "azure"
    environment: str


@dataclass(frozen=True)
class PullRequestApproval:
    """A review or a label of the pull request, given by one of the ``reviewers``: logins, and
    teams as ``org/team``. Without a ``label`` a review that approves."""

    means: ClassVar[str] = "pull_request"
    label: str = ""
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True)
class JiraApproval:
    """A ticket. ``approved`` and ``rejected``: names of its status. ``approvers``: who may have
    moved it there, by account id, name or mail; empty for whoever its workflow lets. ``fields``:
    further fields of a new ticket as Jira takes them. ``version`` of its REST API: None for what it
    says itself."""

    means: ClassVar[str] = "jira"
    url: str
    project: str
    issue_type: str = "Task"
    approved: tuple[str, ...] = ("Done", "Approved")
    rejected: tuple[str, ...] = ("Rejected", "Declined")
    approvers: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    version: Literal[2, 3] | None = None


@dataclass(frozen=True)
class FileApproval:
    """A file in Git; ``path`` from the project on. ``prevent_self_approval``: whoever has written
    a change does not approve it."""

    means: ClassVar[str] = "file"
    path: str
    prevent_self_approval: bool = False


@dataclass(frozen=True)
class ModelPackageApproval:
    """The approval that the platform keeps with a version of a model."""

    means: ClassVar[str] = "model_package"
    key: Key


ApprovalSettings = (
    GitHubApproval
    | GitLabApproval
    | AzureApproval
    | PullRequestApproval
    | JiraApproval
    | FileApproval
    | ModelPackageApproval
)
"""By which means an approval is given."""


@dataclass(frozen=True)
class Comparator:
    """A program of the user that judges the result of a test. ``timeout`` in seconds. ``files``:
    those of the project that its command names -> their digests."""

    command: tuple[str, ...]
    timeout: float = 600.0
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lifecycle:
    """What a stage asks for before anything changes that serves.

    ``require_assets``: name -> path or URL of what must be there and hold something. ``test``: the
    run that tries the model, on ``test_data`` (a path or URL; empty where the run knows its own).
    ``deploy``: what waits besides everything that serves. ``watch``: also what is made outside Git.
    """

    require_assets: Mapping[str, str] = field(default_factory=dict)
    test: Key | None = None
    test_data: str = ""
    comparator: Comparator | None = None
    approval: ApprovalSettings | None = None
    deploy: tuple[Key, ...] = ()
    watch: bool = False


class ApprovalState(StrEnum):
    """What somebody has decided. STALE: of another content than is to be deployed now."""

    NONE = "none"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    STALE = "stale"


@dataclass(frozen=True)
class Approval:
    """A decision, as far as there is one. ``at`` is ISO 8601 in UTC.

    ``fingerprint``: of what it was given for. ``link``: where it is given, or was. ``approvers``:
    who may give it, in words. ``note``: what a person should know of it: a reason, what is missing
    that it counts. ``parts`` and ``made``: those of the Request that it was given for, where its
    means can keep them.
    """

    state: ApprovalState
    by: str = ""
    at: str = ""
    fingerprint: str = ""
    link: str = ""
    note: str = ""
    approvers: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_given(self) -> bool:
        return self.state is ApprovalState.APPROVED


class Step(StrEnum):
    """What comes next before anything changes that serves."""

    ASSETS = "assets"
    TEST = "test"
    APPROVAL = "approval"
    DEPLOY = "deploy"
    REGISTERED = "registered"
    """Nothing waits: what serves is what the stage file asks for."""


@dataclass(frozen=True)
class LifecycleStatus:
    """How far a stage is, as far as it was looked at.

    ``waits``: the changes that wait, in the order of the plan. ``means``: what the stage file calls
    the means of approval, empty for none. ``fingerprint``: of what an approval is bound to.
    ``missing``: a sentence for each asset that is not there. ``test``: the run that tries the
    model, ``test_state`` how it is (``due``, ``passed``, ``none``). ``moved``: what changed since
    an approval that counts no more. ``notes``: what a person should know besides. ``verdict``: what
    the comparator said of the test, empty where nobody knows. ``snapshots``: the ids of what was
    made outside Git and is told now.
    """

    step: Step
    waits: tuple[Key, ...] = ()
    means: str = ""
    fingerprint: str = ""
    missing: tuple[str, ...] = ()
    test: str = ""
    test_state: str = ""
    approval: Approval | None = None
    moved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    verdict: str = ""
    snapshots: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The same as plain data; ``approval`` is null where nobody has looked."""
        told = ("state", "by", "at", "fingerprint", "link", "approvers", "note")
        given = self.approval
        return {
            "step": self.step.value,
            "waits": [str(key) for key in self.waits],
            "fingerprint": self.fingerprint,
            "missing": list(self.missing),
            "test": self.test,
            "test_state": self.test_state,
            "verdict": self.verdict,
            "means": self.means,
            "approval": {name: str(getattr(given, name)) for name in told} if given else None,
            "moved": list(self.moved),
            "snapshots": list(self.snapshots),
            "notes": list(self.notes),
        }
