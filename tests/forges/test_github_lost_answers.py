"""What a create at GitHub may have made is looked for, and never made twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.errors import ConnectionFailed, LostAnswer, PlatformError
from cicd.forges.answers import REFUSALS
from cicd.forges.drift import sync_drift_issue
from cicd.forges.github import Client
from cicd.forges.pulls import sync_pull_request
from cicd.forges.sticky import write_comment
from tests.forges.github_server import DROP, GitHub, Reply
from tests.forges.plan_documents import typical
from tests.sampling import failing_statuses

PAGE = "<html>proxy</html>"
LOST = {
    "520": Reply(520, PAGE),
    "524": Reply(524, PAGE),
    "599": Reply(599),
    "408": Reply(408, {"message": "Request Timeout"}),
    "499": Reply(499, PAGE),
    "500": Reply(500, {"message": "Server Error"}),
    "a page that says yes": Reply(200, PAGE),
    "a login page": Reply(403, PAGE),
    "a limit of a proxy": Reply(429, PAGE),
    "a page for 404": Reply(404, PAGE),
    "a redirect of a proxy": Reply(302, PAGE, {"Location": "/login"}),
    "a list": Reply(201, ["?"]),
    "reset": DROP,
}
WAYS: dict[str, tuple[str, Callable[[Client], str], Callable[[GitHub], int]]] = {
    "comment": (
        "POST /repos/org/repo/issues/7/comments",
        lambda client: write_comment(client, 7, [typical()]),
        lambda github: len(github.bodies()),
    ),
    "issue": (
        "POST /repos/org/repo/issues",
        lambda client: sync_drift_issue(client, "dev", typical()),
        lambda github: len(github.issues),
    ),
    "pull request": (
        "POST /repos/org/repo/pulls",
        lambda client: sync_pull_request(client, branch="b", base="main", title="t", body="x"),
        lambda github: len(github.pulls),
    ),
}
LISTS = {
    "comment": "GET /repos/org/repo/issues/7/comments",
    "issue": "GET /repos/org/repo/issues",
    "pull request": "GET /repos/org/repo/pulls",
}


@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("answer", LOST)
@pytest.mark.parametrize("way", WAYS)
def test_a_create_with_an_uncertain_answer_is_looked_up(
    github: GitHub, client: Client, way: str, answer: str, is_done: bool
) -> None:
    create, write, count = WAYS[way]
    github.fail(re.escape(create), replace(LOST[answer], done=is_done))
    assert write(client).startswith(github.url)
    assert count(github) == 1
    assert len(github.sent(re.escape(create))) == (1 if is_done else 2)


BODIES = {"JSON": {"message": "no"}, "HTML": PAGE}


@pytest.mark.parametrize("is_done", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("body", BODIES)
def test_a_create_answered_with_any_status_happens_once(
    github: GitHub, client: Client, body: str, is_done: bool
) -> None:
    """400 to 599, each at another kind of create: made once, or refused and said so."""
    ways = list(WAYS)
    for status in failing_statuses(2 * (body == "JSON") + is_done):
        is_refusal = body == "JSON" and status in REFUSALS
        if is_refusal and is_done:
            continue  # an API that does what it refuses
        create, write, count = WAYS[ways[status % len(ways)]]
        github.comments[7].clear()
        github.issues.clear()
        github.pulls.clear()
        github.fail(re.escape(create), Reply(status, BODIES[body], done=is_done))
        if is_refusal and status != 429:
            with pytest.raises(PlatformError):
                write(client)
        else:
            assert write(client).startswith(github.url), status
        assert count(github) == (0 if is_refusal and status != 429 else 1), status


@pytest.mark.parametrize("is_done", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("body", BODIES)
def test_a_change_answered_with_any_status_leaves_one_comment(
    github: GitHub, client: Client, body: str, is_done: bool
) -> None:
    """A comment is brought up to date, and one too many is deleted."""
    write_comment(client, 7, [typical()])
    for status in failing_statuses(2 * (body == "JSON") + is_done):
        (known,) = github.comments[7]
        text = known["body"]
        known["body"] = text.replace("dev", "dav", 1)
        github.add_comment(text)
        for change in ("PATCH", "DELETE"):
            fault = Reply(status, BODIES[body], done=is_done)
            github.fail(f"{change} .*/issues/comments/", fault)
        with suppress(PlatformError):
            write_comment(client, 7, [typical()])
        github.faults.clear()
        assert write_comment(client, 7, [typical()]).startswith(github.url)
        assert len(github.comments[7]) == 1, status


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"a":' * 100_000, '{"message": "\\ud800"}', "[[]]"]
)
@pytest.mark.parametrize("status", [200, 201, 403, 500])
def test_an_answer_that_nothing_can_be_made_of_is_an_error_in_words(
    github: GitHub, client: Client, body: str, status: int
) -> None:
    calls: list[Callable[[], Any]] = [lambda: client.notes(7), lambda: client.add_note(7, "x", "")]
    # an object in answer to a create is one that nobody looks at
    is_object = status < 300 and body.endswith("}")
    for ask in calls[:1] if is_object else calls:
        github.fail(".*", *[Reply(status, body, {"Content-Type": "application/json"})] * 9)
        with pytest.raises(PlatformError) as caught:
            ask()
        str(caught.value).encode()
        github.faults.clear()


@pytest.mark.parametrize("fault", [Reply(524, PAGE, done=True), None], ids=["lost", "answered"])
@pytest.mark.parametrize("way", ["comment", "issue", "pull request"])
def test_a_list_that_lags_makes_no_second_one(
    github: GitHub, client: Client, way: str, fault: Reply | None
) -> None:
    create, write, count = WAYS[way]
    if fault:
        github.fail(re.escape(create), fault)
    # the look before the create, and three after it
    github.fail(re.escape(LISTS[way]), *[Reply(200, [])] * 4)
    assert write(client)
    assert count(github) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_of_github_itself_is_certain(github: GitHub, client: Client, status: int) -> None:
    github.fail("POST .*comments", Reply(status, {"message": "no"}))
    with pytest.raises(PlatformError) as caught:
        client.add_note(7, "x", "")
    assert not isinstance(caught.value, LostAnswer)


def many(github: GitHub, count: int) -> None:
    for number in range(count):
        github.add_comment(f"comment {number}", "somebody")


@pytest.mark.parametrize("count", [100, 250, 301])
def test_pages_without_a_link_header_are_followed_to_the_end(
    github: GitHub, client: Client, mocker: MockerFixture, count: int
) -> None:
    many(github, count)
    carry_out = github.carry_out
    mocker.patch.object(github, "carry_out", lambda request: Reply(200, carry_out(request).body))
    assert len(client.notes(7)) == count


def test_a_gateway_that_gives_thirty_a_page_hides_nothing(github: GitHub, client: Client) -> None:
    many(github, 95)
    github.max_per_page = 30
    assert len(client.notes(7)) == 95


def test_a_list_that_leads_in_circles_ends(github: GitHub, client: Client) -> None:
    many(github, 3)
    url = f"{github.url}/api/v3/repos/org/repo/issues/7/comments"
    body = [{"id": 1}]
    github.fail("GET .*comments", *[Reply(200, body, {"Link": f'<{url}>; rel="next"'})] * 2000)
    with pytest.raises(ConnectionFailed, match="does not end"):
        client.notes(7)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([None], r"\[0\] is no object"),
        ([{"id": 1}, 7], r"\[1\] is no object"),
        ([{"id": None}], r"\[0\]\.id is no number"),
        ([{"id": "1"}], r"\[0\]\.id is no number"),
        ({"message": "?"}, "no list"),
        (None, "no list"),
    ],
)
def test_what_is_no_item_of_a_list_is_named(
    github: GitHub, client: Client, items: Any, words: str
) -> None:
    github.fail("GET .*comments", Reply(200, items))
    with pytest.raises(ConnectionFailed, match=words):
        client.notes(7)


@pytest.mark.parametrize("answer", [None, [], {}, {"login": None}, {"login": 7}, "bot"])
def test_a_login_that_is_none_is_named(github: GitHub, client: Client, answer: Any) -> None:
    github.fail("GET /user", Reply(200, answer))
    with pytest.raises(ConnectionFailed, match="GitHub's API"):
        client.me()
