"""The client against a server that behaves, and misbehaves, as GitHub does."""

from __future__ import annotations

import time
import traceback

import pytest

from cicd.errors import (
    CicdError,
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.forges.answers import ATTEMPTS
from cicd.forges.github import BOT, Client
from cicd.model import Secret
from tests.forges.github_server import (
    DROP,
    NOT_ACCESSIBLE,
    SECONDARY,
    TOKEN,
    GitHub,
    Reply,
    running,
)

COMMENTS = "GET /repos/org/repo/issues/7/comments"
CREATE = "POST /repos/org/repo/issues/7/comments"


def test_every_page_is_read(github: GitHub, client: Client) -> None:
    for number in range(250):
        github.add_comment(str(number))
    assert [note.body for note in client.notes(7)] == [str(i) for i in range(250)]
    assert len(github.sent(COMMENTS)) == 3
    github.max_per_page = 30  # a server may give less than it was asked for
    assert len(client.notes(7)) == 250


def test_the_token_does_not_follow_a_link_to_another_host(github: GitHub, client: Client) -> None:
    link = '<https://evil.example/next>; rel="next"'
    github.fail(COMMENTS, Reply(200, [], {"Link": link}))
    with pytest.raises(ConnectionFailed, match=r"evil\.example/next does not answer"):
        client.notes(7)


def test_a_workflow_token_is_the_actions_bot(github: GitHub, client: Client) -> None:
    assert client.me() == BOT
    assert client.me() == BOT
    assert len(github.sent("GET /user")) == 1


@pytest.mark.parametrize(
    ("account", "login"), [("alice", "alice"), ("my-app[bot]", "my-app[bot]"), (BOT, BOT)]
)
def test_each_sort_of_token_has_its_login(
    github: GitHub, client: Client, account: str, login: str
) -> None:
    github.users[TOKEN] = account
    assert client.me() == login


def test_where_nobody_tells_the_login_it_is_the_actions_bot(github: GitHub, client: Client) -> None:
    github.fail("POST /graphql", Reply(403, NOT_ACCESSIBLE))
    assert client.me() == BOT


def test_graphql_lies_elsewhere_than_on_enterprise_on_github_com() -> None:
    with running(prefix="") as github:
        client = Client(github.url, Secret(TOKEN), "org/repo")
        assert client.me() == BOT
        assert github.sent("POST /graphql")
        client.close()


@pytest.mark.parametrize("status", [429, 403])
def test_a_limit_is_waited_out_also_for_a_create(
    github: GitHub, client: Client, naps: list[float], status: int
) -> None:
    github.fail(CREATE, Reply(status, SECONDARY, {"Retry-After": "7"}))
    assert client.add_note(7, "hi", "").body == "hi"
    assert naps == [7.0]
    assert github.bodies() == ["hi"]


def test_a_secondary_limit_without_a_time_waits_a_minute(
    github: GitHub, client: Client, naps: list[float]
) -> None:
    github.fail(COMMENTS, Reply(403, SECONDARY))
    client.notes(7)
    assert naps == [60.0]


def test_an_empty_budget_waits_for_its_reset_but_not_for_an_hour(
    github: GitHub, client: Client, naps: list[float]
) -> None:
    def spent(seconds: float) -> Reply:
        reset = str(int(time.time() + seconds))
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        return Reply(403, {"message": "API rate limit exceeded"}, headers)

    github.fail(COMMENTS, spent(20))
    client.notes(7)
    assert 1 <= naps[0] <= 20
    github.fail(COMMENTS, spent(3000))
    with pytest.raises(Throttled, match="API rate limit exceeded"):
        client.notes(7)
    assert len(naps) == 1


@pytest.mark.parametrize("fault", [Reply(500), Reply(502), Reply(503, {"message": "x"}), DROP])
def test_reads_and_edits_are_repeated(
    github: GitHub, client: Client, naps: list[float], fault: Reply
) -> None:
    github.add_comment("old")
    github.fail(COMMENTS, fault, fault)
    github.fail("PATCH .*", fault)
    (note,) = client.notes(7)
    client.change_note(7, note, "new")
    assert github.bodies() == ["new"]
    assert naps == sorted(naps[:2]) + naps[:1]


@pytest.mark.parametrize("fault", [Reply(502), DROP])
def test_a_create_with_a_lost_answer_is_not_repeated(
    github: GitHub, client: Client, naps: list[float], fault: Reply
) -> None:
    github.fail(CREATE, fault)
    with pytest.raises(LostAnswer):
        client.add_note(7, "hi", "")
    assert len(github.sent(CREATE)) == 1
    assert naps == []


def test_it_gives_up_in_the_end(github: GitHub, client: Client) -> None:
    github.fail(COMMENTS, *[Reply(503)] * ATTEMPTS)
    with pytest.raises(PlatformError, match="GitHub answers 503 to GET"):
        client.notes(7)
    assert len(github.sent(COMMENTS)) == ATTEMPTS


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(401, {"message": "Bad credentials"}), Denied, "401 .* Bad credentials"),
        (Reply(403, NOT_ACCESSIBLE), Denied, "Resource not accessible by integration"),
        (Reply(404, {"message": "Not Found"}), NotFound, "404 to POST /api/v3/repos/org/repo"),
        (Reply(410, {"message": "Issues are disabled"}), NotFound, "Issues are disabled"),
        (
            Reply(301, {"message": "Moved Permanently"}, {"Location": "/x"}),
            PlatformError,
            "org/repo has moved",
        ),
        (Reply(422, {"message": "V", "errors": [{"code": "c"}, "d"]}), PlatformError, "V; c; d"),
    ],
)
def test_refusals_say_what_github_says(
    github: GitHub, client: Client, reply: Reply, error: type[CicdError], words: str
) -> None:
    github.fail(CREATE, reply)
    with pytest.raises(error, match=words):
        client.add_note(7, "hi", "")


def test_a_body_that_is_too_long_is_said(github: GitHub, client: Client) -> None:
    with pytest.raises(PlatformError, match="body is too long") as caught:
        client.add_note(7, "x" * 65_537, "")
    assert caught.value.status == 422
    assert caught.value.request_id == "ABCD:1234"
    client.add_note(7, "ä" * 65_536, "")


def test_something_else_than_github_is_said(github: GitHub, client: Client) -> None:
    github.fail(COMMENTS, Reply(200, {"hello": 1}))
    with pytest.raises(ConnectionFailed, match="does not answer as GitHub's API"):
        client.notes(7)


def test_nobody_there(naps: list[float]) -> None:
    with running() as github:
        url = github.url
    client = Client(url, Secret(TOKEN), "org/repo", sleep=naps.append)
    with pytest.raises(ConnectionFailed, match="cannot be reached at http://127"):
        client.notes(7)
    with pytest.raises(ConnectionFailed, match="cannot be reached at http://127"):
        client.add_note(7, "hi", "")  # surely not made
    assert len(naps) == 2 * (ATTEMPTS - 1)
    client.close()


@pytest.mark.parametrize("fault", [Reply(503, "", {"Retry-After": "7"}), Reply(425, "")])
def test_a_passing_failure_is_waited_out_as_long_as_github_asks(
    github: GitHub, client: Client, naps: list[float], fault: Reply
) -> None:
    github.fail(COMMENTS, fault)
    client.notes(7)
    assert naps == [float(fault.headers.get("Retry-After", 0.5))]


@pytest.mark.parametrize("status", [501, 505, 510])
def test_a_failure_that_stays_is_asked_for_once(
    github: GitHub, client: Client, status: int
) -> None:
    github.fail(COMMENTS, Reply(status))
    with pytest.raises(PlatformError, match=f"GitHub answers {status}"):
        client.notes(7)
    assert len(github.sent(COMMENTS)) == 1


def test_no_error_holds_the_token(github: GitHub, client: Client) -> None:
    github.fail(CREATE, DROP, Reply(403, NOT_ACCESSIBLE), Reply(422, {"message": "no"}))
    for _ in range(3):
        with pytest.raises(CicdError) as caught:
            client.add_note(7, "hi", "")
        shown = "".join(traceback.format_exception(caught.value))
        assert TOKEN not in shown + repr(caught.value) + str(vars(caught.value))
        assert caught.value.__context__ is None or TOKEN not in repr(caught.value.__context__)
