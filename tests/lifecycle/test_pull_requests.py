"""Approval by the pull request that a commit came with: a review or a label, of the head that is
applied, by people who are named."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import Denied, Refused
from cicd.lifecycle.approvals import Approvals
from cicd.model import ApprovalState, PullRequestApproval
from cicd.render.sections import compose
from tests.forges.github_server import BOT, TOKEN
from tests.forges.plan_documents import plan
from tests.lifecycle.github_world import HEAD, MERGED, OLD, RUN, World
from tests.lifecycle.jira_world import OTHER, PLAN
from tests.lifecycle.jira_world import REQUEST as ASKED

NONE, PENDING, APPROVED, REJECTED, STALE = ApprovalState
REQUEST = replace(ASKED, commit=MERGED, stage="prd")
IDS = itertools.count(1)
SAME_FILES = {f"rev-parse --verify {HEAD}^{{tree}}": "t1", "rev-parse --verify HEAD^{tree}": "t1"}


def means(
    world: World, *reviewers: str, label: str = "", run: dict[str, str] | None = None, **more: str
) -> Approvals:
    token = more.get("token", TOKEN)
    return world.means(PullRequestApproval(label, reviewers or ("alice", "bob")), run, token)


def landed(world: World, **more: Any) -> int:
    """A pull request that has landed as MERGED; its files are those of its head."""
    world.git = dict(SAME_FILES)
    at = {"merged_at": "2026-11-30T11:00:00Z", "merge_commit_sha": MERGED, "state": "closed"}
    return int(world.github.add_pull("feature", "prd", HEAD, **{**at, **more})["number"])


def review(world: World, number: int, user: str, state: str, commit: str = HEAD) -> None:
    world.github.reviews.setdefault(number, []).append(
        {
            "id": next(IDS),
            "user": {"login": user},
            "state": state,
            "commit_id": commit,
            "submitted_at": f"2026-11-30T10:{next(IDS) % 60:02}:00Z",
            "body": "too @slow" if state == "CHANGES_REQUESTED" else "",
            "html_url": f"https://github.example/pull/{number}#review",
        }
    )


def test_a_review_of_the_head_by_somebody_named_approves(hub: World) -> None:
    number = landed(hub)
    assert means(hub).read(REQUEST).state is PENDING
    review(hub, number, "Alice", "APPROVED")
    approval = means(hub).ask(REQUEST)
    assert approval.is_given
    assert (approval.by, approval.fingerprint) == ("Alice", PLAN)
    assert approval.at.startswith("2026-11-30T10:")
    assert approval.link == f"https://github.example/pull/{number}#review"
    assert approval.approvers == "alice, bob"


def test_not_allowed_approver_does_not_count(hub: World) -> None:
    number = landed(hub)
    review(hub, number, "mallory", "APPROVED")
    review(hub, number, "author", "APPROVED")
    approval = means(hub, "alice", "author").read(REQUEST)
    assert approval.state is PENDING
    assert approval.note == f"a review of #{number} by alice, author approves"
    assert approval.link.endswith(f"/pull/{number}")


def test_approval_of_an_older_head_does_not_count(hub: World) -> None:
    number = landed(hub)
    review(hub, number, "alice", "APPROVED", OLD)
    approval = means(hub).read(REQUEST)
    assert approval.state is PENDING
    assert f"alice approved {OLD[:12]}, and the head is {HEAD[:12]}" in approval.note


def test_approval_withdrawn_is_none_any_more(hub: World) -> None:
    number = landed(hub)
    review(hub, number, "alice", "APPROVED")
    asked = means(hub)
    assert asked.read(REQUEST).is_given
    review(hub, number, "alice", "DISMISSED")
    approval = asked.read(REQUEST)
    assert approval.state is PENDING
    assert "that of alice was withdrawn" in approval.note


def test_the_last_word_counts_and_one_refusal_stands_against_all_approvals(hub: World) -> None:
    number = landed(hub)
    review(hub, number, "alice", "APPROVED")
    review(hub, number, "mallory", "CHANGES_REQUESTED")  # nobody asked them
    assert means(hub).read(REQUEST).is_given
    review(hub, number, "bob", "CHANGES_REQUESTED")
    approval = means(hub).read(REQUEST)
    assert (approval.state, approval.by, approval.note) == (REJECTED, "bob", "too @slow")
    review(hub, number, "bob", "APPROVED")
    assert means(hub).read(REQUEST).by == "bob"


def test_a_team_is_asked_for_its_members(hub: World) -> None:
    number = landed(hub)
    review(hub, number, "carol", "APPROVED")
    hub.github.teams["acme/ml"] = {"carol": "active", "dave": "pending"}
    assert means(hub, "acme/ml").read(REQUEST).by == "carol"
    hub.github.teams["acme/ml"]["carol"] = "pending"
    assert means(hub, "@acme/ml").read(REQUEST).state is PENDING
    with pytest.raises(Denied, match="the token cannot see the team acme/other"):
        means(hub, "acme/other").read(REQUEST)


@pytest.mark.parametrize(("right", "counts"), [("admin", 1), ("write", 1), ("read", 0), ("", 0)])
def test_without_names_a_review_counts_of_whoever_may_write(
    hub: World, right: str, counts: int
) -> None:
    number = landed(hub)
    review(hub, number, "carol", "APPROVED")
    hub.github.collaborators = {"carol": right} if right else {}
    assert hub.means(PullRequestApproval()).read(REQUEST).is_given is bool(counts)


def test_approval_of_another_fingerprint_does_not_count(hub: World) -> None:
    number = landed(hub)
    review(hub, number, "alice", "APPROVED")
    hub.git["rev-parse --verify HEAD^{tree}"] = "t2"  # others have landed in between
    hub.github.comments[number] = []
    approval = means(hub).read(REQUEST)
    assert approval.state is STALE
    assert f"({MERGED[:12]}) is not what #{number} showed at {HEAD[:12]}" in approval.note
    # our own comment shows the plan that is applied
    document = {**plan("prd"), "lifecycle": {"fingerprint": PLAN}}
    hub.github.add_comment(compose({}, [document]), BOT, number)
    assert means(hub).read(REQUEST).is_given
    assert means(hub).read(replace(REQUEST, fingerprint=OTHER)).state is STALE


def test_a_comment_of_somebody_else_shows_nothing(hub: World) -> None:
    number = landed(hub)
    review(hub, number, "alice", "APPROVED")
    hub.git = {}
    document = {**plan("prd"), "lifecycle": {"fingerprint": PLAN}}
    hub.github.comments[number] = []
    hub.github.add_comment(compose({}, [document]), "mallory", number)
    assert means(hub).read(REQUEST).state is STALE


def test_a_commit_that_came_with_no_pull_request_is_not_approved(hub: World) -> None:
    approval = means(hub).read(REQUEST)
    assert approval.state is NONE
    assert f"{MERGED[:12]} came with no pull request" in approval.note
    landed(hub)
    landed(hub)  # and of two nobody knows which
    assert means(hub).read(REQUEST).state is NONE


def test_a_review_of_a_change_into_another_branch_does_not_count(hub: World) -> None:
    hub.git = dict(SAME_FILES)
    number = int(hub.github.add_pull("feature", "dev", HEAD)["number"])
    review(hub, number, "alice", "APPROVED")
    pushed_on = replace(REQUEST, commit=HEAD)  # the same commit, pushed to prd
    approval = means(hub, run={**RUN, "GITHUB_SHA": HEAD}).read(pushed_on)
    assert approval.state is NONE
    assert "came with no pull request into prd" in approval.note


def test_a_plan_of_an_open_pull_request_shows_how_it_stands(hub: World) -> None:
    number = int(hub.github.add_pull("feature", "prd", HEAD)["number"])
    review(hub, number, "alice", "APPROVED")
    run = {
        **RUN,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REF": f"refs/pull/{number}/merge",
        "GITHUB_HEAD_REF": "feature",
        "GITHUB_BASE_REF": "prd",
    }
    assert means(hub, run=run).read(replace(REQUEST, commit=HEAD)).is_given


LABEL = "approved-prd"


def pushed(world: World, at: str) -> None:
    world.github.activity = [{"id": 1, "ref": "refs/heads/feature", "after": HEAD, "timestamp": at}]


def labelled(world: World, user: str = "alice", at: str = "2026-11-30T10:30:00Z") -> int:
    number = landed(world)
    world.github.label(world.github.pulls[-1], LABEL, user, at)
    pushed(world, "2026-11-30T10:00:00Z")
    return number


def test_a_label_put_on_after_the_last_push_by_somebody_named_approves(hub: World) -> None:
    labelled(hub)
    approval = means(hub, label=LABEL).read(REQUEST)
    assert approval.is_given
    assert (approval.by, approval.at) == ("alice", "2026-11-30T10:30:00Z")


@pytest.mark.parametrize("user", ["mallory", "author", BOT])
def test_a_label_of_somebody_else_does_not_count(hub: World, user: str) -> None:
    labelled(hub, user)
    approval = means(hub, "alice", "author", label=LABEL).read(REQUEST)
    assert approval.state is PENDING
    assert f"that of {user} does not count" in approval.note


def test_a_label_from_before_the_last_push_does_not_count(hub: World) -> None:
    labelled(hub)
    pushed(hub, "2026-11-30T10:45:00Z")
    approval = means(hub, label=LABEL).read(REQUEST)
    assert approval.state is PENDING
    assert f"alice put it on before {HEAD[:12]} was pushed" in approval.note
    hub.github.activity = []
    assert "is not known, so ask for a review" in means(hub, label=LABEL).read(REQUEST).note


def test_a_label_that_was_taken_off_does_not_count(hub: World) -> None:
    number = labelled(hub)
    hub.github.pulls[-1]["labels"] = []
    assert means(hub, label=LABEL).read(REQUEST).state is PENDING
    hub.github.pulls[-1]["labels"] = [{"name": LABEL}]
    off = {"id": 9, "event": "unlabeled", "label": {"name": LABEL}, "actor": {"login": "alice"}}
    hub.github.events[number].append({**off, "created_at": "2026-11-30T10:50:00Z"})
    assert means(hub, label=LABEL).read(REQUEST).state is PENDING


def test_deciding_reviews_the_head_or_puts_the_label_on(hub: World) -> None:
    number = landed(hub)
    alice = hub.login("alice")
    approval = means(hub, run={}, token=alice).decide(REQUEST, "rejected", "")
    assert (approval.state, approval.by) == (REJECTED, "alice")
    approval = means(hub, run={}, token=alice).decide(REQUEST, "approved", "fine now")
    assert approval.is_given
    assert [one.body["commit_id"] for one in hub.github.sent("POST .*/reviews")] == [HEAD, HEAD]
    pushed(hub, "2026-11-30T10:00:00Z")
    assert means(hub, label=LABEL, run={}, token=alice).decide(REQUEST, "approved", "").is_given
    assert hub.github.events[number][-1]["label"] == {"name": LABEL}


def test_a_decision_that_would_not_count_is_refused_before_anything_is_sent(hub: World) -> None:
    with pytest.raises(Refused, match=r"c{12} came with no pull request"):
        means(hub, run={}, token=hub.login("alice")).decide(REQUEST, "approved", "")
    landed(hub)
    with pytest.raises(Refused, match=r"#40 is by author: somebody else has to approve it"):
        means(hub, "author", run={}, token=hub.login("author")).decide(REQUEST, "approved", "")
    with pytest.raises(Refused, match="mallory is none of alice, bob"):
        means(hub, run={}, token=hub.login("mallory")).decide(REQUEST, "approved", "")
    assert not hub.github.reviews
