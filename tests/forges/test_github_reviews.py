"""What people have said on GitHub of a pull request and of a run that waits for an environment."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from cicd.errors import Denied, PlatformError, Refused
from cicd.forges.base import Request, Review
from cicd.forges.github import Client
from tests.forges.github_server import BOT, TOKEN, GitHub, Reply

HEAD, OLD, MERGED, NOWHERE = "a" * 40, "b" * 40, "c" * 40, "0" * 40
IDS = itertools.count(1)


def said(user: str, state: str, commit: str = HEAD, **more: Any) -> dict[str, Any]:
    return {
        "id": next(IDS),
        "user": {"login": user},
        "state": state,
        "commit_id": commit,
        "submitted_at": "2026-11-30T10:00:00Z",
        "body": "",
        "html_url": "",
        **more,
    }


def test_of_each_reviewer_the_last_verdict_counts(github: GitHub, client: Client) -> None:
    number = github.add_pull("feature", "prd", HEAD)["number"]
    github.reviews[number] = [
        said("alice", "CHANGES_REQUESTED", OLD),
        said("bob", "APPROVED"),
        said("alice", "APPROVED", OLD),
        said("alice", "COMMENTED"),  # takes nothing back
        said("carol", "APPROVED"),
        said("carol", "DISMISSED"),
        said("dave", "APPROVED"),
        said("dave", "CHANGES_REQUESTED"),
        said("author", "APPROVED"),  # nobody approves their own
        said("erin", "PENDING"),
    ]
    found = {review.user: (review.verdict, review.commit) for review in client.reviews(number)}
    assert found == {
        "bob": ("approved", HEAD),
        "alice": ("approved", OLD),
        "carol": ("withdrawn", HEAD),
        "dave": ("rejected", HEAD),
    }


def test_reviews_of_all_pages_count(github: GitHub, client: Client) -> None:
    number = github.add_pull("feature", "prd", HEAD)["number"]
    github.reviews[number] = [said("alice", "CHANGES_REQUESTED") for _ in range(230)]
    github.reviews[number].append(said("alice", "APPROVED"))
    assert [review.verdict for review in client.reviews(number)] == ["approved"]


def test_the_pull_request_of_a_commit(github: GitHub, client: Client) -> None:
    landed = github.add_pull(
        "feature", "prd", HEAD, merged_at="2026-11-30T10:00:00Z", merge_commit_sha=MERGED,
        state="closed", labels=[{"name": "ok"}],
    )  # fmt: skip
    url = f"{github.url}/org/repo/pull/40"
    wanted = Request(40, "feature", "prd", HEAD, False, ("ok",), "author", MERGED, url)
    assert client.request_of("prd", MERGED) == wanted
    assert client.request_of("feature", HEAD) == wanted
    assert client.request_of("", MERGED) == wanted
    assert client.request_of("prd", NOWHERE) is None
    assert client.request_of("feature", "") is None  # none is open any more
    landed["state"] = "open"
    assert client.request_of("feature", NOWHERE) == wanted
    # the same commit in two changes: the one of this branch, or else nobody knows
    github.add_pull("feature", "main", HEAD)
    assert client.request_of("main", HEAD) == client.request_of("main", HEAD)
    found = client.request_of("main", HEAD)
    assert found and found.base == "main"
    assert client.request_of("feature", HEAD) is None
    github.add_pull("fork", "tst", OLD)["head"]["repo"] = None  # deleted since
    found = client.request_of("tst", OLD)
    assert found and found.is_fork


def test_what_reviewers_of_an_environment_said(github: GitHub, client: Client) -> None:
    def entry(state: str, user: str, *names: str) -> dict[str, Any]:
        environments = [{"id": 5, "name": name, "html_url": f"https://x/{name}"} for name in names]
        return {
            "state": state, "comment": "fp", "user": {"login": user}, "environments": environments
        }  # fmt: skip

    github.approvals[42] = [
        entry("approved", "alice", "tst", "prd"),
        entry("rejected", "bob", "prd"),
        entry("approved", "carol", "dev"),
        entry("waiting", "dave", "prd"),
    ]
    assert client.gate("42", "prd") == [
        Review("alice", "approved", comment="fp", url="https://x/prd"),
        Review("bob", "rejected", comment="fp", url="https://x/prd"),
    ]
    github.approvals[43] = []
    assert client.gate("43", "prd") == []


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_a_reviewer_decides_about_a_run_that_waits(
    github: GitHub, client: Client, verdict: Any
) -> None:
    github.users[TOKEN] = "alice"
    github.pending[42] = [{"id": 6, "name": "tst"}, {"id": 5, "name": "prd"}]
    client.decide("42", "prd", verdict, "fp 3fa9")
    assert [(said.user, said.verdict) for said in client.gate("42", "prd")] == [("alice", verdict)]
    assert github.pending[42] == [{"id": 6, "name": "tst"}]


def test_an_answer_that_is_lost_decides_once(github: GitHub, client: Client) -> None:
    github.users[TOKEN] = "alice"
    github.pending[42] = [{"id": 5, "name": "prd"}]
    github.fail("POST .*", Reply(502, done=True), Reply(502, done=True))
    client.decide("42", "prd", "approved", "x")
    assert {review.verdict for review in client.gate("42", "prd")} == {"approved"}


def test_who_may_not_decide_is_told(github: GitHub, client: Client) -> None:
    github.pending[42] = [{"id": 5, "name": "prd"}]
    assert github.users[TOKEN] == BOT
    with pytest.raises(Refused, match="may not decide about the environment prd"):
        client.decide("42", "prd", "approved", "")
    with pytest.raises(Refused, match="no job of run 42 waits for the environment eu"):
        client.decide("42", "eu", "approved", "")
    assert not github.sent("POST .*pending.*")


def test_who_gave_a_label_and_when(github: GitHub, client: Client) -> None:
    def event(name: str, who: str, at: str, label: str = "ship") -> dict[str, Any]:
        return {
            "id": next(IDS), "event": name, "actor": {"login": who}, "created_at": at,
            "label": {"name": label},
        }  # fmt: skip

    github.events[7] = [
        event("labeled", "alice", "T1"),
        event("unlabeled", "alice", "T2"),
        event("labeled", "bob", "T3"),
        event("labeled", "carol", "T4", "other"),
        {"id": 99, "event": "closed"},
    ]
    assert client.labelled(7, "ship") == Review("bob", "approved", at="T3")
    github.events[7].append(event("unlabeled", "alice", "T5"))
    assert client.labelled(7, "ship") is None
    assert client.labelled(7, "never") is None


def test_when_a_branch_was_pushed_is_githubs_own_time(github: GitHub, client: Client) -> None:
    github.activity = [
        {"id": 2, "ref": "refs/heads/feature", "after": HEAD, "timestamp": "T2"},
        {"id": 1, "ref": "refs/heads/feature", "after": OLD, "timestamp": "T1"},
        {"id": 3, "ref": "refs/heads/other", "after": NOWHERE, "timestamp": "T3"},
    ]
    assert client.pushed_at("feature", HEAD) == "T2"
    assert client.pushed_at("feature", NOWHERE) == ""


def test_members_of_a_team(github: GitHub, client: Client) -> None:
    github.teams["org/ml"] = {"alice": "active", "bob": "pending"}
    assert client.is_member("org", "ml", "alice")
    assert not client.is_member("org", "ml", "bob")
    assert not client.is_member("org", "ml", "mallory")
    with pytest.raises(Denied, match="cannot see the team org/secret"):
        client.is_member("org", "secret", "alice")


@pytest.mark.parametrize("answer", [{"message": "x"}, None, "no"])
def test_approvals_that_are_no_list_are_no_approval(
    github: GitHub, client: Client, answer: Any
) -> None:
    github.fail("GET .*approvals", Reply(200, answer))
    with pytest.raises(PlatformError, match="GitHub's API"):
        client.gate("42", "prd")
