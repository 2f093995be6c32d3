"""What only Azure DevOps does: threads, pages to log in with, old servers, votes and checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.errors import CicdError, ConnectionFailed, Denied, Refused
from cicd.forges.azure import Client
from cicd.forges.base import Request, Review, Unsupported
from cicd.forges.drift import sync_drift_issue
from cicd.forges.sticky import write_comment
from cicd.model import Secret
from tests.forges.azure_server import (
    GUESSED,
    ME,
    PERSONAL,
    PROJECT,
    REPOSITORY,
    SIGN_IN,
    TOKEN,
    Azure,
    error,
    running,
)
from tests.forges.forge_server import Reply
from tests.forges.plan_documents import RUN, typical

HEAD, MERGED, NOWHERE = "a" * 40, "c" * 40, "0" * 40


@pytest.fixture
def azure() -> Iterator[Azure]:
    with running() as server:
        yield server


def connect(azure: Azure, token: str = TOKEN, naps: list[float] | None = None) -> Client:
    sleep = [] if naps is None else naps
    return Client(
        f"{azure.url}/org/", Secret(token), PROJECT, REPOSITORY, sleep=sleep.append
    )  # fmt: skip


@pytest.fixture
def client(azure: Azure) -> Iterator[Client]:
    client = connect(azure)
    yield client
    client.close()


def test_the_thread_is_closed_and_carries_our_mark(azure: Azure, client: Client) -> None:
    """An open one would keep the pull request from being completed."""
    url = write_comment(client, 7, [typical()])
    assert "/pullrequest/7?discussionId=" in url
    (request,) = azure.sent("POST .*threads")
    assert request.body["status"] == 4
    assert request.body["properties"] == {"cicd.plan": "plan"}
    (note,) = client.notes(7)
    assert (note.mark, note.author) == ("plan", ME)


def test_a_comment_that_people_have_emptied_is_found_by_its_mark(
    azure: Azure, client: Client
) -> None:
    write_comment(client, 7, [typical()])
    azure.threads[7][0]["comments"][0]["content"] = "cleaned up"
    write_comment(client, 7, [typical()])
    assert len(azure.threads[7]) == 1
    assert "cicd:plan" in azure.threads[7][0]["comments"][0]["content"]


def test_answers_of_people_and_of_the_system_are_no_notes_of_ours(
    azure: Azure, client: Client
) -> None:
    write_comment(client, 7, [typical()])
    thread = azure.threads[7][0]
    reply = {**thread["comments"][0], "id": 2, "parentCommentId": 1, "content": "fine"}
    thread["comments"].append(reply)
    system = {**reply, "id": 1, "commentType": "system", "content": "voted 10"}
    azure.add_thread("", comments=[system])
    azure.add_thread("gone", isDeleted=True)
    assert len(client.notes(7)) == 1


@pytest.mark.parametrize("token", [TOKEN, PERSONAL])
def test_tokens_of_jobs_and_of_people_log_in(azure: Azure, token: str) -> None:
    client = connect(azure, token)
    assert client.me() == ME
    scheme = azure.requests[0].headers["Authorization"].split()[0]
    assert scheme == ("Bearer" if token == TOKEN else "Basic")
    client.close()


@pytest.mark.parametrize(
    "reply",
    [
        SIGN_IN,
        Reply(302, "<html>", {"Content-Type": "text/html", "Location": "https://login.example/"}),
        Reply(200, "<html>", {"Content-Type": "text/html"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_sign_in_page_is_a_failed_login_and_surely_made_nothing(
    azure: Azure, client: Client, reply: Reply, method: str
) -> None:
    azure.fail(f"{method} .*threads", reply)
    with pytest.raises(ConnectionFailed, match="the login to Azure DevOps has failed") as caught:
        write_comment(client, 7, [typical()])
    assert caught.value.exit_code == 4
    assert "SYSTEM_ACCESSTOKEN" in str(caught.value)
    assert azure.threads[7] == []


def test_who_is_nobody_is_not_logged_in(azure: Azure, client: Client) -> None:
    azure.fail("GET .*", Reply(200, {"authenticatedUser": {"id": GUESSED["anonymous"]}}))
    with pytest.raises(ConnectionFailed, match="login"):
        client.me()


def test_a_wrong_token_is_told(azure: Azure) -> None:
    client = connect(azure, "wrong")
    with pytest.raises(CicdError) as caught:
        client.notes(7)
    assert caught.value.exit_code == 4
    client.close()


def test_a_missing_right_is_told_in_its_words(azure: Azure, client: Client) -> None:
    words = "TF401027: You need the Git 'PullRequestContribute' permission"
    azure.fail("POST .*threads", Reply(403, error(words, "GitNeedsPermissionException")))
    with pytest.raises(Denied, match="PullRequestContribute") as caught:
        write_comment(client, 7, [typical()])
    assert caught.value.request_id == "5e1f-e2e"


@pytest.mark.parametrize("newest", [5.0, 6.0, 7.0])
def test_an_old_server_is_asked_by_its_own_version(newest: float) -> None:
    with running(newest) as azure:
        client = connect(azure)
        write_comment(client, 7, [typical()])
        asked = [request.query.get("api-version") for request in azure.requests]
        assert asked[1:3] == ["7.1", "5.0"]
        assert set(asked[2:]) == {"5.0"}
        assert len(azure.threads[7]) == 1
        client.close()


def test_a_good_answer_may_ask_for_a_pause(azure: Azure) -> None:
    naps: list[float] = []
    client = connect(azure, naps=naps)
    azure.fail("GET .*threads", Reply(200, {"value": [], "count": 0}, {"Retry-After": "12"}))
    client.notes(7)
    assert naps == []
    client.notes(7)
    client.notes(7)
    assert naps == [12.0]
    client.close()


def test_the_pull_request_of_a_commit(azure: Azure, client: Client) -> None:
    azure.changes[7].update(status="completed", labels=[{"name": "ok"}])
    found = client.request_of("prd", MERGED)
    assert found == Request(
        7, "feature", "prd", HEAD, False, ("ok",), "author@example.com", MERGED,
        f"{azure.url}/org/ML%20Ops/_git/churn/pullrequest/7",
    )  # fmt: skip
    assert client.request_of("", HEAD) == found
    assert client.request_of("feature", NOWHERE) is None
    azure.changes[8] = azure.change(8, forkSource={"repository": {}})
    found = client.request_of("feature", NOWHERE)
    assert found and (found.number, found.is_fork, found.merged) == (8, True, "")


def test_votes_of_people_count_and_those_of_groups_do_not(azure: Azure, client: Client) -> None:
    def vote(user: str, number: int, **more: Any) -> dict[str, Any]:
        return {"id": f"{user}-id", "uniqueName": user, "vote": number, **more}

    azure.reviewers[7] = [
        vote("alice", 10), vote("bob", 5), vote("carol", -5), vote("dave", -10), vote("erin", 0),
        vote("team", 10, isContainer=True), vote("author", 10),
    ]  # fmt: skip
    found = {review.user: (review.verdict, review.commit) for review in client.reviews(7)}
    assert found == {
        "alice": ("approved", ""),
        "bob": ("approved", ""),
        "carol": ("rejected", ""),
        "dave": ("rejected", ""),
    }


def waiting(azure: Azure, run: int, *stages: str) -> None:
    records: list[dict[str, Any]] = []
    for stage in stages:
        records += [
            {"id": f"s-{stage}", "type": "Stage", "identifier": stage, "parentId": None},
            {"id": f"c-{stage}", "type": "Checkpoint", "parentId": f"s-{stage}"},
            {"id": f"a-{stage}", "type": "Checkpoint.Approval", "parentId": f"c-{stage}"},
        ]
        azure.approvals.append({"id": f"a-{stage}", "status": "pending", "steps": []})
    azure.timelines[run] = records


def test_who_approved_a_run_and_who_decides(azure: Azure, client: Client) -> None:
    waiting(azure, 42, "tst", "prd")
    assert client.gate("42", "prd") == []
    client.decide("42", "prd", "approved", "fp 3fa9")
    url = f"{azure.url}/org/ML%20Ops/_build/results?buildId=42"
    at = "2026-11-30T10:00:00Z"
    assert client.gate("42", "prd") == [
        Review("alice@example.com", "approved", "", at, "fp 3fa9", url)
    ]
    assert client.gate("42", "tst") == []
    assert client.gate("42", "eu") == []  # two stages, and none is called so
    assert client.gate("43", "prd") == []
    with pytest.raises(Refused, match="no stage of run 42 waits"):
        client.decide("42", "prd", "approved", "")


def test_the_only_stage_that_is_held_is_meant(azure: Azure, client: Client) -> None:
    waiting(azure, 42, "apply")
    client.decide("42", "prd", "rejected", "")
    assert [review.verdict for review in client.gate("42", "prd")] == ["rejected"]


def test_there_is_no_drift_issue(client: Client) -> None:
    for document in (typical(), None):
        with pytest.raises(Unsupported, match="notify"):
            sync_drift_issue(client, "prd", document, run_url=RUN)
