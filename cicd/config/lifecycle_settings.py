"""What ``lifecycle`` of a stage file becomes."""

from __future__ import annotations

from cicd.config.formats import seconds
from cicd.config.lifecycle_schema import Approval
from cicd.config.lifecycle_schema import Lifecycle as LifecyclePart
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


def lifecycle_of(part: LifecyclePart | None) -> Lifecycle | None:
    """What it asks for, of a part without errors."""
    if part is None:
        return None
    program = part.comparator
    return Lifecycle(
        require_assets=part.require_assets,
        test=_key(part.test) if part.test else None,
        test_data=part.test_data or "",
        comparator=Comparator(tuple(program.command), seconds(program.timeout))
        if program
        else None,
        approval=_approval(part.approval) if part.approval else None,
        deploy=tuple(map(_key, part.deploy)),
        watch=part.watch,
    )


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
        return FileApproval(part.file)
    return ModelPackageApproval(Key(PACKAGE, part.model_package)) if part.model_package else None
