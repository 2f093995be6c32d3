"""What ``lifecycle`` of a stage file becomes."""

from __future__ import annotations

from pathlib import Path

from cicd.config.formats import seconds
from cicd.config.lifecycle_schema import Approval
from cicd.config.lifecycle_schema import Comparator as ComparatorPart
from cicd.config.lifecycle_schema import Lifecycle as LifecyclePart
from cicd.config.watch import file_digests, named_files
from cicd.model import (
    ApprovalSettings,
    AzureApproval,
    Comparator,
    FileApproval,
    GitHubApproval,
    GitLabApproval,
    JiraApproval,
    Lifecycle,
    ModelPackageApproval,
    PullRequestApproval,
)
from cicd.values import Key

PACKAGE = "model_package"


def lifecycle_of(part: LifecyclePart | None, root: Path) -> Lifecycle | None:
    """What it asks for, of a part without errors, of the project in ``root``."""
    if part is None:
        return None
    return Lifecycle(
        require_assets=part.require_assets,
        test=_key(part.test) if part.test else None,
        test_data=part.test_data or "",
        comparator=_comparator(part.comparator, root) if part.comparator else None,
        approval=_approval(part.approval) if part.approval else None,
        deploy=tuple(map(_key, part.deploy)),
        watch=part.watch,
    )


def _comparator(part: ComparatorPart, root: Path) -> Comparator:
    files = (file for word in part.command for file in named_files(root, word))
    digests = file_digests(root, sorted(set(files)))
    return Comparator(tuple(part.command), seconds(part.timeout), digests)


def _key(text: str) -> Key:
    kind, _, name = text.partition("/")
    return Key(kind, name)


def _approval(part: Approval) -> ApprovalSettings | None:
    if part.github:
        return GitHubApproval(part.github.environment)
    if part.gitlab:
        return GitLabApproval(part.gitlab.environment)
    if part.azure:
        return AzureApproval(part.azure.environment)
    if asked := part.pull_request:
        return PullRequestApproval(asked.label, tuple(asked.reviewers))
    if jira := part.jira:
        return JiraApproval(
            url=jira.url.rstrip("/"),
            project=jira.project,
            issue_type=jira.issue_type,
            approved=tuple(jira.approved),
            rejected=tuple(jira.rejected),
            approvers=tuple(jira.approvers),
            fields=jira.fields,
            version=jira.version,
        )
    if part.file:
        return FileApproval(part.file, part.prevent_self_approval)
    return ModelPackageApproval(Key(PACKAGE, part.model_package)) if part.model_package else None
