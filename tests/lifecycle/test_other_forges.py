"""Approvals at GitLab and Azure DevOps: what holds a job of a run, and the request that a commit
came with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.errors import Denied, Refused
from cicd.lifecycle.approvals import Approvals, Checked, Surroundings
from cicd.lifecycle.registry import connect
from cicd.model import (
    ApprovalSettings,
    ApprovalState,
    AzureApproval,
    GitHubApproval,
    GitLabApproval,
    PullRequestApproval,
)
from tests.forges import azure_server, gitlab_server
from tests.forges.azure_server import Azure
from tests.forges.gitlab_server import GitLab
from tests.lifecycle.github_world import HEAD, MERGED, OLD
from tests.lifecycle.jira_world import PLAN
from tests.lifecycle.jira_world import REQUEST as ASKED

NONE, PENDING, APPROVED, REJECTED, STALE = ApprovalState
REQUEST = replace(ASKED, commit=MERGED)
SAME_FILES = {f"rev-parse --verify {HEAD}^{{tree}}": "t1", "rev-parse --verify HEAD^{tree}": "t1"}


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with gitlab_server.running() as server:
        merged = {"state": "merged", "merge_commit_sha": MERGED}
        server.requests_of[7] = server.change(7, **merged)
        server.commits = {MERGED: [7], HEAD: [7]}
        server.versions[7] = [
            {"id": 1, "head_commit_sha": OLD, "created_at": "2026-11-30T09:00:00.000Z"},
            {"id": 2, "head_commit_sha": HEAD, "created_at": "2026-11-30T10:00:00.000Z"},
        ]
        yield server


@pytest.fixture
def azure() -> Iterator[Azure]:
    with azure_server.running() as server:
        server.changes[7].update(status="completed")
        server.iterations[7] = [
            {"id": 1, "createdDate": "2026-11-30T09:00:00Z", "sourceRefCommit": {"commitId": OLD}},
            {
                "id": 2,
                "createdDate": "2026-11-30T10:00:00.25Z",
                "sourceRefCommit": {"commitId": HEAD},
            },
        ]
        yield server


def around(environ: dict[str, str], git: dict[str, str] | None = None) -> Surroundings:
    said = SAME_FILES if git is None else git
    return Surroundings(
        root=Path("/nowhere"),
        environ=environ,
        git=lambda *words: said.get(" ".join(words)),
        branch="prd",
        checked_out="prd",
    )


def on_gitlab(gitlab: GitLab, settings: ApprovalSettings, user: str = "", **more: str) -> Approvals:
    """As a job of a pipeline has it; ``user``: as somebody at a terminal has it."""
    token = gitlab_server.TOKEN
    if user:
        token = f"glpat-{user}"
        gitlab.users[token] = {"id": len(gitlab.users), "username": user}
    pipeline = {"GITLAB_CI": "true", "CI_PIPELINE_ID": "77", "CI_COMMIT_SHA": MERGED}
    return connect(
        settings,
        around(
            {
                "CICD_FORGE": "gitlab",
                "CI_API_V4_URL": f"{gitlab.url}/api/v4",
                "CI_PROJECT_PATH": gitlab_server.PROJECT,
                "CI_COMMIT_BRANCH": "prd",
                "CICD_GITLAB_TOKEN": token,
                **({} if user else pipeline),
                **more,
            }
        ),
    )


def on_azure(azure: Azure, settings: ApprovalSettings, user: str = "", **more: str) -> Approvals:
    token = azure_server.TOKEN
    if user:
        token = f"eyJ0eXAi.eyJhdWQi.{user}"
        azure.users[f"Bearer {token}"] = user
        azure.names[user] = f"{user}@example.com"
    run = {"TF_BUILD": "True", "BUILD_BUILDID": "42", "BUILD_SOURCEVERSION": MERGED}
    return connect(
        settings,
        around(
            {
                "CICD_FORGE": "azure",
                "SYSTEM_COLLECTIONURI": f"{azure.url}/org/",
                "SYSTEM_TEAMPROJECT": azure_server.PROJECT,
                "BUILD_REPOSITORY_PROVIDER": "TfsGit",
                "BUILD_REPOSITORY_NAME": azure_server.REPOSITORY,
                "BUILD_SOURCEBRANCH": "refs/heads/prd",
                "SYSTEM_ACCESSTOKEN": token,
                **({} if user else run),
                **more,
            }
        ),
    )


REVIEW = PullRequestApproval(reviewers=("alice", "group/approvers"))
VOTE = PullRequestApproval(reviewers=("alice@example.com",))


def approve(gitlab: GitLab, user: str, at: str) -> None:
    given = gitlab.approvals.setdefault(7, [])
    given.append({"user": {"id": 3, "username": user}, "approved_at": at})


def test_an_approval_of_a_merge_request_is_of_what_had_been_pushed_by_then(gitlab: GitLab) -> None:
    assert on_gitlab(gitlab, REVIEW).read(REQUEST).state is PENDING
    approve(gitlab, "alice", "2026-11-30T09:30:00.000Z")
    approval = on_gitlab(gitlab, REVIEW).read(REQUEST)
    assert approval.state is PENDING
    assert f"alice approved {OLD[:12]}, and the head is {HEAD[:12]}" in approval.note
    gitlab.approvals[7].clear()
    approve(gitlab, "alice", "2026-11-30T10:30:00.000Z")
    approval = on_gitlab(gitlab, REVIEW).read(REQUEST)
    assert approval.is_given
    assert (approval.by, approval.fingerprint) == ("alice", PLAN)


@pytest.mark.parametrize("user", ["mallory", "author"])
def test_not_allowed_approver_of_a_merge_request_does_not_count(gitlab: GitLab, user: str) -> None:
    gitlab.groups["group/approvers"] = ["carol"]
    approve(gitlab, user, "2026-11-30T10:30:00.000Z")
    assert on_gitlab(gitlab, REVIEW).read(REQUEST).state is PENDING


def test_a_group_of_gitlab_is_asked_for_its_members(gitlab: GitLab) -> None:
    approve(gitlab, "carol", "2026-11-30T10:30:00.000Z")
    with pytest.raises(Denied, match="the token cannot see the group group/approvers"):
        on_gitlab(gitlab, REVIEW).read(REQUEST)
    gitlab.groups["group/approvers"] = ["carolina", "Carol", "carol"]
    assert on_gitlab(gitlab, REVIEW).read(REQUEST).by == "carol"


def test_a_merge_request_is_approved_by_cicd_once_and_anew_for_a_new_head(gitlab: GitLab) -> None:
    approve(gitlab, "alice", "2026-11-30T09:30:00.000Z")  # of an older head
    for _ in range(2):
        assert on_gitlab(gitlab, REVIEW, "alice").decide(REQUEST, "approved", "").is_given
    assert [one.body for one in gitlab.sent("POST .*/approve")] == [{"sha": HEAD}]
    assert len(gitlab.sent("POST .*/unapprove")) == 1
    with pytest.raises(Refused, match="can be approved, and not refused"):
        on_gitlab(gitlab, REVIEW, "alice").decide(REQUEST, "rejected", "no")
    with pytest.raises(Refused, match=r"#7 is by author"):
        on_gitlab(gitlab, REVIEW, "author").decide(REQUEST, "approved", "")


def test_the_token_of_a_job_may_read_an_approval(gitlab: GitLab) -> None:
    approve(gitlab, "alice", "2026-11-30T10:30:00.000Z")
    job = {"CICD_GITLAB_TOKEN": "", "CI_JOB_TOKEN": gitlab_server.JOB_TOKEN}
    assert on_gitlab(gitlab, REVIEW, **job).read(REQUEST).is_given


def held(gitlab: GitLab, pipeline: int, *said: tuple[str, str], sha: str = MERGED) -> None:
    approvals = [
        {"user": {"id": 1, "username": user}, "status": status, "comment": ""}
        | {"created_at": "2026-11-30T10:00:00.000Z"}
        for user, status in said
    ]
    number = len(gitlab.deployments) + 1
    gitlab.deployments.append(
        {
            "id": number,
            "iid": number,
            "status": "running" if said else "blocked",
            "sha": sha,
            "approvals": approvals,
            "environment": {"id": 1, "name": "prd", "external_url": None},
            "deployable": {"id": 5, "pipeline": {"id": pipeline}},
        }
    )


def test_an_approval_of_a_protected_environment_of_gitlab(gitlab: GitLab) -> None:
    settings = GitLabApproval("prd")
    held(gitlab, 76, ("alice", "approved"))
    approval = on_gitlab(gitlab, settings).read(REQUEST)
    assert approval.state is NONE  # that was another pipeline
    assert "nobody has reviewed this run for the environment prd" in approval.note
    held(gitlab, 77, ("alice", "approved"))
    approval = on_gitlab(gitlab, settings).read(REQUEST)
    assert approval.is_given
    assert approval.by == "alice"
    held(gitlab, 77, ("alice", "approved"), ("bob", "rejected"))
    assert on_gitlab(gitlab, settings).read(REQUEST).state is REJECTED


def test_cicd_approves_what_waits_at_gitlab_for_the_commit(gitlab: GitLab) -> None:
    settings = GitLabApproval("prd")
    held(gitlab, 78, sha=OLD)
    with pytest.raises(Refused, match=r"no run of commit c{12} waits for the environment prd"):
        on_gitlab(gitlab, settings, "alice").decide(REQUEST, "approved", "")
    held(gitlab, 77)
    approval = on_gitlab(gitlab, settings, "alice").decide(REQUEST, "approved", "ok")
    assert (approval.state, approval.by, approval.note) == (APPROVED, "alice", "ok")
    assert gitlab.deployments[0]["status"] == "blocked"
    assert on_gitlab(gitlab, settings).read(REQUEST).is_given


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ({"approval_rules": [{"required_approvals": 1}]}, "ok"),
        ({"required_approval_count": 1, "approval_rules": []}, "ok"),
        ({"required_approval_count": 0, "approval_rules": []}, "error"),
        (None, "error"),
    ],
)
def test_a_check_tells_whether_gitlab_asks_anybody(
    gitlab: GitLab, rules: dict[str, Any] | None, state: str
) -> None:
    gitlab.protected = {} if rules is None else {"prd": rules}
    approvals = on_gitlab(gitlab, GitLabApproval("prd"))
    assert isinstance(approvals, Checked)
    assert [one.state for one in approvals.check()] == [state]


def test_a_vote_of_azure_is_of_what_had_been_pushed_by_then(azure: Azure) -> None:
    assert on_azure(azure, VOTE).read(REQUEST).state is PENDING
    azure.names["a"] = "alice@example.com"
    azure.vote(7, "a", 10, "2026-11-30T10:00:00.2Z")  # before the second push, which came at .25
    approval = on_azure(azure, VOTE).read(REQUEST)
    assert approval.state is PENDING
    assert f"approved {OLD[:12]}, and the head is {HEAD[:12]}" in approval.note
    azure.vote(7, "a", 10, "2026-11-30T10:00:00.3Z")
    assert on_azure(azure, VOTE).read(REQUEST).by == "alice@example.com"
    azure.vote(7, "a", -5, "2026-11-30T10:05:00Z")
    assert on_azure(azure, VOTE).read(REQUEST).state is REJECTED


def test_a_vote_of_which_nobody_knows_when_it_was_cast_does_not_count(azure: Azure) -> None:
    azure.reviewers[7] = [{"id": "a", "uniqueName": "alice@example.com", "vote": 10}]
    approval = on_azure(azure, VOTE).read(REQUEST)
    assert approval.state is PENDING
    assert "approved nobody knows which commit" in approval.note


def test_cicd_votes_in_azure(azure: Azure) -> None:
    approval = on_azure(azure, VOTE, "alice").decide(REQUEST, "approved", "checked")
    assert (approval.state, approval.by) == (APPROVED, "alice@example.com")
    assert [one.body for one in azure.sent("PUT .*/reviewers/.*")] == [{"vote": 10}]
    assert azure.threads[7][-1]["comments"][0]["content"] == "checked"
    rejected = on_azure(azure, VOTE, "alice").decide(REQUEST, "rejected", "")
    assert rejected.state is REJECTED
    with pytest.raises(Refused, match=r"bob@example.com is none of alice@example.com"):
        on_azure(azure, VOTE, "bob").decide(REQUEST, "approved", "")


def waiting(azure: Azure, run: int) -> None:
    azure.timelines[run] = [
        {"id": "s", "type": "Stage", "identifier": "prd", "parentId": None},
        {"id": "c", "type": "Checkpoint", "parentId": "s"},
        {"id": "a", "type": "Checkpoint.Approval", "parentId": "c"},
    ]
    azure.approvals.append({"id": "a", "status": "pending", "steps": []})


def test_a_check_of_an_environment_of_azure(azure: Azure) -> None:
    settings = AzureApproval("prd")
    assert on_azure(azure, settings).read(REQUEST).state is NONE
    waiting(azure, 42)
    azure.builds = [{"id": 41, "sourceVersion": OLD}, {"id": 42, "sourceVersion": MERGED}]
    approval = on_azure(azure, settings, "alice").decide(REQUEST, "approved", "ok")
    assert (approval.state, approval.note) == (APPROVED, "ok")
    assert on_azure(azure, settings).read(REQUEST).is_given


def test_a_check_of_another_stage_of_the_run_does_not_count(azure: Azure) -> None:
    waiting(azure, 42)
    azure.timelines[42][0]["identifier"] = "apply_tst"
    azure.timelines[42].append({"id": "p", "type": "Stage", "identifier": "apply_prd"})
    azure.builds = [{"id": 42, "sourceVersion": MERGED}]
    on_azure(azure, AzureApproval("tst"), "alice").decide(REQUEST, "approved", "")
    of_tst = on_azure(azure, AzureApproval("tst"), SYSTEM_STAGENAME="apply_tst")
    assert of_tst.read(REQUEST).is_given
    of_prd = on_azure(azure, AzureApproval("prd"), SYSTEM_STAGENAME="apply_prd")
    assert of_prd.read(REQUEST).state is NONE


def test_a_run_of_azure_holds_a_repository_of_github_too(azure: Azure) -> None:
    waiting(azure, 42)
    built = {
        "CICD_FORGE": "",
        "BUILD_REPOSITORY_PROVIDER": "GitHub",
        "BUILD_REPOSITORY_NAME": "org/repo",
        "BUILD_REPOSITORY_URI": "https://github.com/org/repo",
    }
    approval = on_azure(azure, AzureApproval("prd"), **built).read(REQUEST)
    assert "nobody has reviewed this run" in approval.note
    with pytest.raises(Refused, match=r"approval.github is a review at GitHub, and this is Azure"):
        on_azure(azure, GitHubApproval("prd"), **built)


LABEL = PullRequestApproval("ok", ("alice",))


def test_a_label_of_gitlab_put_on_after_the_last_push_approves(gitlab: GitLab) -> None:
    gitlab.label(7, "ok", "alice", "2026-11-30T09:30:00.000Z")
    approval = on_gitlab(gitlab, LABEL).read(REQUEST)
    assert approval.state is PENDING
    assert f"alice put it on before {HEAD[:12]} was pushed" in approval.note
    gitlab.label(7, "ok", "alice", "2026-11-30T09:30:00.000Z", "remove")
    assert on_gitlab(gitlab, LABEL).read(REQUEST).state is PENDING
    gitlab.label(7, "ok", "mallory", "2026-11-30T10:30:00.000Z")
    assert "that of mallory does not count" in on_gitlab(gitlab, LABEL).read(REQUEST).note
    assert on_gitlab(gitlab, LABEL, "alice").decide(REQUEST, "approved", "").is_given
    assert gitlab.sent("PUT .*/merge_requests/7")[0].body == {"add_labels": "ok"}


def test_a_label_of_azure_is_refused(azure: Azure) -> None:
    with pytest.raises(Refused, match="Azure DevOps is not asked who has set a label"):
        on_azure(azure, LABEL)
