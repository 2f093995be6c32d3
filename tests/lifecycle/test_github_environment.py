"""Approval by the reviewers of an environment of GitHub: of this run, and of this attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import Denied, Refused
from cicd.lifecycle.approvals import Approvals, Checked
from cicd.model import ApprovalState, GitHubApproval
from tests.forges.github_server import TOKEN, Reply
from tests.lifecycle.github_world import HEAD, MERGED, RUN, World
from tests.lifecycle.jira_world import PLAN
from tests.lifecycle.jira_world import REQUEST as ASKED

NONE, PENDING, APPROVED, REJECTED, STALE = ApprovalState
REQUEST = replace(ASKED, commit=MERGED)


def means(world: World, run: dict[str, str] | None = None, token: str = TOKEN) -> Approvals:
    return world.means(GitHubApproval("prd"), run, token)


def said(user: str, state: str, comment: str = "", environment: str = "prd") -> dict[str, Any]:
    environments = [{"id": 1, "name": environment, "html_url": "https://github.example/prd"}]
    shown = {"login": user, "id": 1, "type": "User"}
    return {"state": state, "comment": comment, "user": shown, "environments": environments}


def test_a_review_of_this_run_approves(hub: World) -> None:
    hub.github.approvals[77] = [said("alice", "approved", "looks good")]
    approval = means(hub).read(REQUEST)
    assert approval.is_given
    assert (approval.by, approval.note, approval.fingerprint) == ("alice", "looks good", PLAN)
    assert approval.approvers == "the reviewers of the environment prd"
    assert approval.link == "https://github.com/org/repo/actions/runs/77"
    assert means(hub).ask(REQUEST) == approval


@pytest.mark.parametrize(
    "reviews",
    [
        [],
        [said("alice", "approved", environment="tst")],
        [said("alice", "pending")],
    ],
    ids=["bypassed", "other environment", "pending"],
)
def test_administrator_bypass_is_refused(hub: World, reviews: list[dict[str, Any]]) -> None:
    hub.github.approvals[77] = reviews
    approval = means(hub).read(REQUEST)
    assert approval.state is NONE
    assert "nobody has reviewed this run for the environment prd" in approval.note
    assert "an administrator went past them" in approval.note


def test_a_rejected_deployment_says_by_whom_and_why(hub: World) -> None:
    hub.github.approvals[77] = [said("bob", "approved"), said("alice", "rejected", "not today")]
    approval = means(hub).read(REQUEST)
    assert (approval.state, approval.by, approval.note) == (REJECTED, "alice", "not today")


def test_a_review_of_an_earlier_attempt_does_not_count(hub: World) -> None:
    hub.github.approvals[77] = [said("alice", "approved")]
    again = {**RUN, "GITHUB_RUN_ATTEMPT": "2"}
    approval = means(hub, again).read(REQUEST)
    assert approval.state is STALE
    assert "attempt 2 of the run" in approval.note
    hub.github.approvals[77].append(said("alice", "approved"))
    assert means(hub, again).read(REQUEST).is_given
    # a review that names the plan is of it, whatever the attempt
    hub.github.approvals[77] = [said("alice", "approved", f"fp {PLAN[:12]}")]
    assert means(hub, again).read(REQUEST).is_given


def test_a_review_that_names_another_plan_is_stale(hub: World) -> None:
    hub.github.approvals[77] = [said("alice", "approved", "fp 77aa00ff3311")]
    approval = means(hub).read(REQUEST)
    assert (approval.state, approval.fingerprint) == (STALE, "77aa00ff3311")


def test_outside_of_the_run_that_applies_nobody_was_asked(hub: World) -> None:
    plan = {**RUN, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
    for run in ({}, plan):
        approval = means(hub, run).read(REQUEST)
        assert approval.state is NONE
        assert "asked by the job that applies" in approval.note
    assert not hub.github.requests


def test_deciding_reviews_the_runs_of_the_commit_that_wait(hub: World) -> None:
    hub.github.runs = [
        {"id": 77, "head_sha": MERGED, "status": "waiting"},
        {"id": 78, "head_sha": MERGED, "status": "completed"},
        {"id": 79, "head_sha": HEAD, "status": "waiting"},
    ]
    hub.github.pending = {77: [{"id": 3, "name": "prd"}], 79: [{"id": 3, "name": "prd"}]}
    approval = means(hub, {}, hub.login("alice")).decide(REQUEST, "approved", "checked")
    assert (approval.state, approval.by, approval.note) == (APPROVED, "alice", "checked")
    [sent] = hub.github.sent("POST .*/pending_deployments")
    assert sent.body["environment_ids"] == [3]
    assert sent.body["comment"] == "checked (fp 3fa94c1d2b77)"
    assert 79 not in hub.github.approvals
    assert means(hub).read(REQUEST).is_given  # the run that waited
    told = r"no run of commit c{12} waits for the environment prd"
    with pytest.raises(Refused, match=r"no job of run 77 waits|" + told):
        means(hub, {}, hub.login("alice")).decide(REQUEST, "approved", "")


def test_a_review_that_is_not_shown_yet_is_said(hub: World) -> None:
    hub.github.runs = [{"id": 77, "head_sha": MERGED, "status": "waiting"}]
    hub.github.pending = {77: [{"id": 3, "name": "prd"}]}
    hub.github.fail("GET .*/approvals", Reply(200, []))
    approval = means(hub, {}, hub.login("alice")).decide(REQUEST, "approved", "")
    assert (approval.state, approval.note) == (PENDING, "approved, and not shown there yet")


def test_a_token_of_a_workflow_cannot_review(hub: World) -> None:
    hub.github.runs = [{"id": 77, "head_sha": MERGED, "status": "waiting"}]
    hub.github.pending = {77: [{"id": 3, "name": "prd"}]}
    with pytest.raises(Refused, match="use the token of one of its reviewers"):
        means(hub, {}).decide(REQUEST, "rejected", "")
    assert not hub.github.approvals


def test_without_a_run_that_waits_it_is_said_what_has_to_wait(hub: World) -> None:
    with pytest.raises(Refused, match=r"no run of commit c{12} waits.*has to wait first"):
        means(hub, {}, hub.login("alice")).decide(REQUEST, "approved", "")


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(401, {"message": "Bad credentials"}), "Bad credentials"),
        (Reply(403, {"message": "Resource not accessible by integration"}), "not accessible"),
    ],
)
def test_an_answer_of_github_that_is_none_is_told(hub: World, reply: Reply, told: str) -> None:
    hub.github.fail("GET .*/approvals", reply)
    with pytest.raises(Denied, match=told):
        means(hub).read(REQUEST)


def test_a_project_elsewhere_is_refused_and_a_missing_login_told(hub: World) -> None:
    gitlab = {
        "GITHUB_ACTIONS": "",
        "GITLAB_CI": "true",
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_PROJECT_ID": "5",
        "CI_PROJECT_PATH": "org/repo",
        "GITLAB_TOKEN": "glpat-x",
    }
    told = r"approval.github is a review at GitHub, and this is GitLab.*pull_request, jira or file"
    with pytest.raises(Refused, match=told):
        means(hub, gitlab)
    hub.git = {"remote get-url origin": "git@gitlab.example.com:org/repo.git"}
    with pytest.raises(Refused, match=told):
        means(hub, {"GITHUB_REPOSITORY": "", "GITHUB_API_URL": ""})
    hub.git = {}
    with pytest.raises(Denied, match="the approval is given at the forge: no token for GitHub"):
        means(hub, {"GITHUB_TOKEN": ""})
    with pytest.raises(Denied, match=r"which repository\?"):
        means(hub, {"GITHUB_REPOSITORY": ""})


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([{"type": "required_reviewers", "reviewers": []}], "ok asks its reviewers"),
        ([{"type": "wait_timer", "wait_timer": 30}], "error asks no reviewers"),
        ([], "error asks no reviewers"),
        (None, "error org/repo has no environment prd"),
    ],
)
def test_a_check_tells_whether_the_environment_asks_anybody(
    hub: World, rules: list[dict[str, Any]] | None, told: str
) -> None:
    hub.github.environments = {} if rules is None else {"prd": rules}
    approvals = means(hub)
    assert isinstance(approvals, Checked)
    [found] = approvals.check()
    state, _, words = told.partition(" ")
    assert found.state == state
    assert words in found.text
