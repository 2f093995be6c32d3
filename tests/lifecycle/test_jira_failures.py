"""B28: everything that Jira, or what stands before it, can answer instead of a ticket: what
happened, where, and what to do; no token in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cicd.errors import (
    CicdError,
    Conflict,
    ConnectionFailed,
    Denied,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.lifecycle.approvals import Surroundings
from cicd.lifecycle.jira import connect
from cicd.lifecycle.jira.client import Client
from cicd.model import ApprovalState, JiraApproval, Secret
from tests.lifecycle.jira_server import (
    ALICE,
    BOT,
    DROP,
    LOGIN_PAGE,
    Reply,
    User,
    errors,
    running,
)
from tests.lifecycle.jira_world import REQUEST, World

HTML = Reply(503, "<html>Service Unavailable</html>")
CAPTCHA = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://x/login.jsp"}


def failing(world: World, act: Callable[[], Any], type_: type[CicdError] = CicdError) -> str:
    """What is told when this fails, in which no token is."""
    with pytest.raises(type_) as caught:
        act()
    told = f"{caught.value} {caught.value!r}"
    for user in (BOT, ALICE):
        assert user.token not in told
    assert "Traceback" not in told
    return str(caught.value)


@pytest.mark.parametrize(
    ("reply", "type_", "told"),
    [
        (errors(400, "Error in the JQL Query"), PlatformError, ["400", "Error in the JQL"]),
        (errors(401, "No login"), Denied, ["401", "No login", "check user and token"]),
        (errors(403, "No right"), Denied, ["403", "No right", "needs the rights to browse"]),
        (Reply(403, LOGIN_PAGE, CAPTCHA), Denied, ["403", "log in once in a browser"]),
        (Reply(401, LOGIN_PAGE), Denied, ["401", "check user and token"]),
        (errors(404, "Issue Does Not Exist"), NotFound, ["404", "the account may not see it"]),
        (errors(409, "in use"), Conflict, ["409", "in use"]),
        (errors(422, labels="too many"), PlatformError, ["422", "labels: too many"]),
        (errors(413, "too large"), PlatformError, ["413"]),
        (Reply(200, LOGIN_PAGE), ConnectionFailed, ["does not answer as Jira's API", "url"]),
        (Reply(200, ["x"]), ConnectionFailed, ["no JSON object"]),
        (Reply(200, {}), ConnectionFailed, ["/myself", "no account"]),
        (Reply(302, "", {"Location": "https://sso.x/"}), ConnectionFailed, ["a login page"]),
        (Reply(501, "<html>"), PlatformError, ["501"]),
    ],
)
def test_an_answer_that_is_none_is_told_at_once(
    world: World, reply: Reply, type_: type[CicdError], told: list[str]
) -> None:
    world.tickets().ask(REQUEST)
    world.jira.fail("GET /myself", reply)
    message = failing(world, lambda: world.tickets().read(REQUEST), type_)
    assert world.jira.url.partition("//")[2] in message
    for words in told:
        assert words in message
    assert world.naps == []


@pytest.mark.parametrize("wish", [{}, {"Retry-After": "7"}])
def test_429_is_waited_out_with_and_without_retry_after(world: World, wish: dict[str, str]) -> None:
    world.jira.fail("POST /issue", *[Reply(429, {"message": "Rate limit exceeded"}, wish)] * 2)
    assert world.tickets().ask(REQUEST).state is ApprovalState.PENDING
    assert world.naps == ([7.0, 7.0] if wish else [1.0, 2.0])
    assert len(world.jira.issues) == 1


def test_429_waits_until_the_moment_that_cloud_names(world: World) -> None:
    limit = {"X-RateLimit-Reset": "2020-01-01T00:00Z", "RateLimit-Reason": "jira-burst-based"}
    world.jira.fail("POST /search.*", Reply(429, None, limit))
    world.tickets().ask(REQUEST)
    assert world.naps == [1.0]


def test_429_that_asks_for_an_hour_is_told_and_not_waited_for(world: World) -> None:
    world.jira.fail("POST /search.*", Reply(429, {"message": "slow down"}, {"Retry-After": "3600"}))
    told = failing(world, lambda: world.tickets().ask(REQUEST), Throttled)
    assert "429" in told
    assert "slow down" in told
    assert world.naps == []


@pytest.mark.parametrize("reply", [DROP, HTML, Reply(500), Reply(408)], ids=str)
def test_a_read_is_repeated_until_it_passes(world: World, reply: Reply) -> None:
    for pattern in ("POST /search.*", "GET /myself", "GET /issue/.*"):
        world.jira.fail(pattern, reply, reply)
    world.tickets().ask(REQUEST)
    assert world.tickets().read(REQUEST).state is ApprovalState.PENDING
    assert len(world.jira.issues) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_5xx_that_stays_is_told_after_five_tries(world: World, status: int) -> None:
    world.jira.fail("POST /search.*", *[Reply(status, "<html>broken</html>")] * 9)
    told = failing(world, lambda: world.tickets().read(REQUEST), PlatformError)
    assert f"Jira answers {status} to POST" in told
    assert "a page and no JSON" in told
    assert world.naps == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"issue_type": "Epic"}, ["400", "issuetype: The issue type selected is invalid."]),
        ({"project": "NOPE"}, ["400", "NOPE"]),
    ],
)
def test_a_ticket_that_jira_does_not_take_says_which_field_is_wrong(
    world: World, settings: dict[str, Any], told: list[str]
) -> None:
    if world.jira.is_cloud and "project" in settings:
        told = ["400", "project: valid project is required"]  # its search finds nothing there
    message = failing(world, lambda: world.tickets(**settings).ask(REQUEST), PlatformError)
    for words in told:
        assert words in message
    assert not world.jira.issues
    assert world.naps == []


def test_a_create_that_is_not_allowed_is_told_and_not_looked_for(world: World) -> None:
    for reply in (errors(403, "no"), Reply(401, LOGIN_PAGE), errors(404, "gone")):
        world.jira.fail("POST /issue", reply)
        failing(world, lambda: world.tickets().ask(REQUEST), PlatformError)
    assert world.naps == []
    assert not world.jira.issues


def test_a_wrong_token_is_told_with_what_to_do(world: World) -> None:
    wrong = User("cicd-bot", "tok-kanary-wrong")
    told = failing(world, lambda: world.tickets(wrong).read(REQUEST), Denied)
    assert "Cloud takes e-mail and API token, others a token alone" in told
    assert wrong.token not in told
    if not world.jira.is_cloud:
        assert "Jira says AUTHENTICATED_FAILED" in told


def test_a_proxy_that_repeats_the_login_does_not_give_it_away(world: World) -> None:
    world.tickets().ask(REQUEST)
    header = world.jira.requests[-1].headers["Authorization"]
    for echo in (BOT.token, header, header.partition(" ")[2]):
        world.jira.fail("GET /myself", errors(400, f"bad header {echo}"))
        told = failing(world, lambda: world.tickets().read(REQUEST))
        assert "bad header" in told
        assert header.partition(" ")[2] not in told


def test_a_missing_token_is_told_before_anything_is_sent(world: World) -> None:
    around = Surroundings(root=None, environ={}, git=lambda *words: None)  # type: ignore[arg-type]
    settings = JiraApproval(url=world.jira.url, project="ML")
    told = failing(world, lambda: connect(settings, around), Denied)
    assert "JIRA_TOKEN is not set" in told
    assert "JIRA_USER" in told
    assert not world.jira.requests


def test_nothing_listens_there(world: World) -> None:
    away = world.tickets(url="http://127.0.0.1:1/jira")
    told = failing(world, lambda: away.read(REQUEST), ConnectionFailed)
    assert "Jira cannot be reached at http://127.0.0.1:1" in told
    assert "check approval.jira.url" in told


def test_a_wrong_context_path_is_told(world: World) -> None:
    away = world.tickets(url=f"{world.jira.root}/elsewhere")
    told = failing(world, lambda: away.read(REQUEST), ConnectionFailed)
    assert "/elsewhere/rest/api/" in told
    assert "check approval.jira.url, with its context path" in told


def test_a_404_of_a_proxy_is_no_ticket_that_was_deleted(world: World) -> None:
    world.tickets().ask(REQUEST)
    world.jira.fail("GET /issue/ML-1", Reply(404, "<html>no upstream</html>"))
    failing(world, lambda: world.tickets().ask(REQUEST), ConnectionFailed)
    assert len(world.jira.issues) == 1


@pytest.mark.parametrize("reply", [Reply(404, "<html>"), Reply(401, LOGIN_PAGE)])
def test_which_jira_it_is_tells_the_login_where_nothing_else_does(
    world: World, reply: Reply
) -> None:
    world.jira.fail("GET /serverInfo", *[reply] * 2)
    world.tickets().ask(REQUEST)
    versions = {one.version for one in world.jira.requests if one.path != "/serverInfo"}
    assert versions == {"3" if world.jira.is_cloud else "2"}
    told = world.tickets(version=2).read(REQUEST)  # said in the stage file: nobody is asked
    assert told.state is ApprovalState.PENDING
    assert len(world.jira.sent("GET /serverInfo")) == 1


def test_a_redirect_does_not_carry_the_token(world: World) -> None:
    elsewhere = f"{world.jira.url}/rest/api/2/stolen"
    world.jira.fail("POST /search.*", Reply(307, "", {"Location": elsewhere}))
    failing(world, lambda: world.tickets().read(REQUEST), ConnectionFailed)
    assert not [one for one in world.jira.requests if "stolen" in one.path]


@pytest.mark.parametrize("body", [{"issues": [{}]}, {"issues": [7]}, {"issues": "x"}, {"total": 9}])
def test_an_answer_of_another_shape_is_no_ticket(world: World, body: Any) -> None:
    world.jira.fail("POST /search.*", Reply(200, body))
    try:
        assert world.tickets().read(REQUEST).state is ApprovalState.NONE
    except CicdError as error:
        assert "does not answer as Jira" in str(error) or "404" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "key": "ML-1"},
        {"id": "10001", "key": "ML-1", "fields": None, "properties": []},
        {"id": "10001", "key": "ML-1", "fields": {"status": "Done"}, "properties": {"cicd": "x"}},
    ],
)
def test_a_ticket_of_another_shape_approves_nothing(world: World, body: Any) -> None:
    world.tickets().ask(REQUEST)
    world.jira.move(world.jira.keys()[0], "Done")
    world.jira.fail("GET /issue/ML-1", *[Reply(200, body)] * 3)
    try:
        assert not world.tickets().read(REQUEST).is_given
    except CicdError as error:
        assert "does not answer as Jira" in str(error)


def test_rest_v2_of_a_cloud_finds_the_new_search_by_the_410_of_the_old_one() -> None:
    with running("cloud") as jira:
        key = jira.add(labels=["cicd-x"])
        client = Client(jira.url, Secret(BOT.token), user=BOT.mail, version=2)
        assert [list(client.labelled("ML", "cicd-x")) for _ in range(2)] == [[key], [key]]
        client.close()
        assert len(jira.sent("POST /search")) == 1
        assert len(jira.sent("POST /search/jql")) == 2
