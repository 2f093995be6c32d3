"""What only GitLab does: tokens of jobs, quick actions, approvals of merge requests and of runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.errors import Denied, NotFound, PlatformError, Refused
from cicd.forges.base import Request, Review
from cicd.forges.drift import LABEL, sync_drift_issue
from cicd.forges.gitlab import Client
from cicd.forges.sticky import write_comment
from cicd.model import Secret
from tests.forges.forge_server import Reply
from tests.forges.gitlab_server import JOB_TOKEN, PROJECT, TOKEN, GitLab, running
from tests.forges.plan_documents import RUN, change, plan, typical

HEAD, OLD, MERGED, NOWHERE = "a" * 40, "b" * 40, "c" * 40, "0" * 40


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with running() as server:
        yield server


@pytest.fixture
def client(gitlab: GitLab) -> Iterator[Client]:
    client = Client(f"{gitlab.url}/api/v4", Secret(TOKEN), PROJECT, sleep=lambda _: None)
    yield client
    client.close()


@pytest.fixture
def of_job(gitlab: GitLab) -> Iterator[Client]:
    client = Client(f"{gitlab.url}/api/v4", Secret(JOB_TOKEN), PROJECT, is_job=True)
    yield client
    client.close()


EVIL = (
    "/close",
    "x\n/merge",
    "\r/approve",
    "/assign @mallory",
    "```\n/label ~x\n```",
    ">>>\n/x\n>>>",
)


def test_no_text_of_others_is_carried_out_as_a_command(gitlab: GitLab, client: Client) -> None:
    """When a note is made, and when it is edited: GitLab looks for commands both times."""
    for text in EVIL:
        document = plan(
            "dev", change(f"run/{text}", "update", text), warnings=(text,)
        ) | {"refusal": text, "commit": text}  # fmt: skip
        write_comment(client, 7, [document], run_url=RUN)
    assert gitlab.sent("PUT .*")
    assert gitlab.commands == []


def test_system_notes_are_none_of_ours(gitlab: GitLab, client: Client) -> None:
    gitlab.add_note("changed the description", system=True)
    assert client.notes(7) == []


def test_a_note_has_a_page(client: Client) -> None:
    url = write_comment(client, 7, [typical()])
    assert f"/{PROJECT}/-/merge_requests/7#note_" in url


def test_the_token_of_a_job_may_not_write_and_nothing_is_tried(
    gitlab: GitLab, of_job: Client
) -> None:
    with pytest.raises(Denied, match="set CICD_GITLAB_TOKEN to a project access token"):
        write_comment(of_job, 7, [typical()])
    assert gitlab.requests == []
    assert of_job.notes(7) == []  # it may read
    assert gitlab.requests[0].headers["JOB-TOKEN"] == JOB_TOKEN
    assert "Authorization" not in gitlab.requests[0].headers


def test_a_project_that_has_moved_is_told(gitlab: GitLab, client: Client) -> None:
    moved = {"Content-Type": "text/plain", "Location": f"{gitlab.url}/api/v4/projects/13"}
    reply = Reply(301, "This resource has been moved permanently", moved)
    for call in (lambda: client.notes(7), lambda: client.add_note(7, "x", "plan")):
        gitlab.fail(".*", reply)
        with pytest.raises(PlatformError, match="has moved"):
            call()
    assert len(gitlab.requests) == 2


def test_a_limit_in_plain_text_is_one(gitlab: GitLab) -> None:
    naps: list[float] = []
    client = Client(f"{gitlab.url}/api/v4", Secret(TOKEN), PROJECT, sleep=naps.append)
    plain = {"Content-Type": "text/plain", "Retry-After": "9"}
    gitlab.fail("POST .*notes", Reply(429, "Retry later\n", plain))
    client.add_note(7, "x", "plan")
    assert naps == [9.0]
    assert len(gitlab.notes[7]) == 1
    client.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "404 Not found"}, "404 Not found"),
        ({"message": {"note": ["is too long", "is odd"]}}, "note is too long; is odd"),
        ({"message": ["one", "two"]}, "one; two"),
        ({"error": "insufficient_scope", "error_description": "needs api", "scope": "api"},
         "insufficient_scope: needs api"),
        ({"error": "body is missing"}, "body is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_any_shape(
    gitlab: GitLab, client: Client, body: Any, words: str
) -> None:
    gitlab.fail("POST .*notes", Reply(400, body))
    with pytest.raises(PlatformError, match=words) as caught:
        client.add_note(7, "x", "plan")
    assert caught.value.request_id == "01HABC"


def test_a_note_that_was_all_commands_is_none(gitlab: GitLab, client: Client) -> None:
    with pytest.raises(PlatformError, match="for commands only"):
        client.add_note(7, "/close", "plan")


def test_the_merge_request_of_a_commit(gitlab: GitLab, client: Client) -> None:
    landed = gitlab.change(8, state="merged", merge_commit_sha=MERGED, labels=["ok"])
    gitlab.requests_of[8] = landed
    gitlab.commits = {MERGED: [8], HEAD: [7, 8]}
    wanted = Request(
        8, "feature", "prd", HEAD, False, ("ok",), "author", MERGED, landed["web_url"]
    )  # fmt: skip
    assert client.request_of("prd", MERGED) == wanted
    assert client.request_of("", MERGED) == wanted
    assert client.request_of("prd", HEAD) is None  # two of them
    found = client.request_of("feature", NOWHERE)
    assert found and (found.number, found.merged) == (7, "")
    assert client.request_of("other", NOWHERE) is None
    gitlab.requests_of[7]["source_project_id"] = 13
    found = client.request_of("feature", "")
    assert found and found.is_fork


def test_an_approval_is_of_the_commit_that_was_there_then(gitlab: GitLab, client: Client) -> None:
    gitlab.versions[7] = [
        {"id": 2, "head_commit_sha": HEAD, "created_at": "2026-11-30T12:00:00.000Z"},
        {"id": 1, "head_commit_sha": OLD, "created_at": "2026-11-30T10:00:00.000Z"},
    ]
    gitlab.approvals[7] = [
        {"user": {"username": who}, "approved_at": at}
        for who, at in (
            ("alice", "2026-11-30T11:00:00.000Z"),
            ("bob", "2026-11-30T12:30:00.000Z"),
            ("carol", None),
            ("author", "2026-11-30T12:30:00.000Z"),
        )
    ]
    found = {review.user: review.commit for review in client.reviews(7)}
    assert found == {"alice": OLD, "bob": HEAD, "carol": ""}


def held(gitlab: GitLab, number: int, pipeline: int, **more: Any) -> None:
    gitlab.deployments.append({
        "id": number, "iid": number, "status": "blocked", "sha": HEAD, "approvals": [],
        "environment": {"id": 1, "name": "prd", "external_url": None},
        "deployable": {"id": 5, "pipeline": {"id": pipeline}}, **more,
    })  # fmt: skip


def test_who_approved_a_run_and_who_decides(gitlab: GitLab, client: Client) -> None:
    held(gitlab, 1, 41)
    held(gitlab, 2, 42)
    held(gitlab, 3, 43, deployable=None)
    assert client.gate("42", "prd") == []
    client.decide("42", "prd", "approved", "fp 3fa9")
    at = "2026-11-30T10:00:00.000Z"
    who = "project_12_bot_1a2b"
    assert client.gate("42", "prd") == [Review(who, "approved", HEAD, at, "fp 3fa9")]
    assert client.gate("41", "prd") == []
    assert client.gate("99", "prd") == []
    for run, environment in (("42", "prd"), ("99", "prd"), ("41", "tst")):
        with pytest.raises(Refused, match=f"pipeline {run} waits for the environment"):
            client.decide(run, environment, "rejected", "")


def test_what_was_brought_to_an_environment_is_told_with_who_agreed(
    gitlab: GitLab, client: Client
) -> None:
    times = {"created_at": "2026-11-30T09:00:00.000Z", "user": {"username": "dora"}}
    job = {"started_at": "2026-11-30T10:00:00.000Z", "duration": 61.5, "web_url": "https://x/5"}
    for number, status in enumerate(("success", "failed", "blocked", "skipped"), 1):
        held(gitlab, number, number, status=status, **times, deployable=job | {"pipeline": None})
    held(gitlab, 9, 9, status="success", **times, deployable=None)
    gitlab.deployments[0]["approvals"] = [
        {"user": {"username": who}, "status": said}
        for who, said in (("carol", "approved"), ("mallory", "rejected"))
    ]
    newest, *others = client.applies("prd", 5)
    assert (newest.at, newest.seconds, newest.link) == (times["created_at"], None, "")
    assert [one.result for one in others] == ["", "held", "failed", "applied"]
    first = others[-1]
    assert (first.at, first.seconds, first.link) == (job["started_at"], 61.5, "https://x/5")
    assert (first.commit, first.by, first.approved_by) == (HEAD, "dora", "carol")
    assert len(client.applies("prd", 2)) == 2 and not client.applies("tst", 5)


def test_a_decision_whose_answer_is_lost_is_looked_for(gitlab: GitLab, client: Client) -> None:
    held(gitlab, 2, 42)
    gitlab.fail("POST .*approval", Reply(502, done=True))
    client.decide("42", "prd", "rejected", "")
    assert [review.verdict for review in client.gate("42", "prd")] == ["rejected"]


def test_the_drift_issue_opens_is_updated_and_closes(gitlab: GitLab, client: Client) -> None:
    gitlab.add_issue("Drift on prd", "pasted", LABEL, author=1)
    url = sync_drift_issue(client, "churn/prd", typical("prd"), run_url=RUN)
    assert url == gitlab.issues[1]["web_url"]
    sync_drift_issue(client, "churn/prd", plan("prd", change("run/x", "run")), run_url=RUN)
    assert len(gitlab.issues) == 2
    assert gitlab.issues[1]["title"] == "Drift on churn/prd: 1 to run"
    assert "[!" not in gitlab.issues[1]["title"]
    sync_drift_issue(client, "churn/prd", None)
    assert [issue["state"] for issue in gitlab.issues] == ["opened", "closed"]


def test_an_issue_whose_answer_is_lost_is_there_once(gitlab: GitLab, client: Client) -> None:
    gitlab.fail("POST .*issues", Reply(502, done=True))
    sync_drift_issue(client, "prd", typical("prd"))
    assert len(gitlab.issues) == 1


def test_a_project_that_is_not_there(gitlab: GitLab) -> None:
    client = Client(f"{gitlab.url}/api/v4", Secret(TOKEN), "other/project")
    with pytest.raises(NotFound, match="404 Project Not Found"):
        client.notes(7)
    client.close()
