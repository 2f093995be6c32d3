"""What a bad answer means, by status, words and shape: without a server, as nothing is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from cicd.errors import (
    Conflict,
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.platforms.aicore import answers

QUOTA = answers.QUOTA


def answer(
    status: int, body: Any = None, method: str = "GET", kind: str = "application/json", **more: str
) -> requests.Response:
    """An answer as requests has it."""
    made = requests.Response()
    made.status_code, made.reason, made.url = status, "Reason", "https://h/v2/x?secret=1"
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    made._content = text.encode()
    made.headers.update({"Content-Type": kind, **more})
    made.request = requests.Request(method, made.url).prepare()
    return made


def said(message: str, code: str = "c1") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "requestId": "r-1"}}


HTML = "<html>sign in</html>"


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(400, said("bad")), PlatformError),
        (answer(401, said("who")), Denied),
        (answer(403, said("no")), Denied),
        (answer(404, said("gone")), NotFound),
        (answer(404), NotFound),
        (answer(404, "no route"), ConnectionFailed),
        (answer(404, "null"), ConnectionFailed),
        (answer(404, HTML), ConnectionFailed),
        (answer(409, said("twice")), Conflict),
        (answer(412, said("not now")), Conflict),
        (answer(410, said("gone")), PlatformError),
        (answer(400, said("not now", "01010076")), Conflict),
        (answer(500, said("not now", "01010076")), Conflict),
        (answer(400, said("a already exists"), "POST"), Conflict),
        (answer(422, said("a already exists"), "POST"), PlatformError),
        (answer(400, said("a Already Exists"), "GET"), PlatformError),
        (answer(429, said("slowly")), Throttled),
        (answer(500, said("oops")), PlatformError),
        (answer(500, HTML, kind="text/html"), ConnectionFailed),
        (answer(301), ConnectionFailed),
        (answer(399), ConnectionFailed),
        (answer(299), PlatformError),
        (answer(500, said("oops"), "POST"), LostAnswer),
        (answer(500, said("oops"), "PATCH"), LostAnswer),
        (answer(500, said("oops"), "PUT"), PlatformError),
        (answer(500, said("oops"), "DELETE"), PlatformError),
        (answer(408, said("late"), "POST"), LostAnswer),
        (answer(400, ["odd"], "POST"), LostAnswer),
        (answer(400, {"other": 1}, "POST"), LostAnswer),
        (answer(400, {"message": "m"}, "POST"), PlatformError),
        (answer(403, HTML, "POST", kind="text/html"), LostAnswer),
        (answer(403, "RBAC: denied", "POST"), Denied),
        (answer(403, "denied", "POST"), LostAnswer),
        (answer(400, "RBAC: denied", "POST"), LostAnswer),
    ],
)
def test_a_bad_answer_is_one_error(response: requests.Response, error: type[PlatformError]) -> None:
    found = answers.failure(response)
    assert type(found) is error
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("status", "text", "is_quota"),
    [
        (400, "Quota is used up", True),
        (403, "no QUOTA left", True),
        (409, "quota", True),
        (401, "quota", False),
        (404, "quota", False),
        (410, "quota", False),
        (412, "quota", False),
        (400, "quot", False),
    ],
)
def test_a_quota_that_is_used_up_has_its_cure(status: int, text: str, *, is_quota: bool) -> None:
    assert (answers.failure(answer(status, said(text))).hint == QUOTA) is is_quota


def test_what_nobody_may_do_is_said_with_the_group_where_there_is_one() -> None:
    refusal = answer(403, said("no"))
    assert answers.failure(refusal).hint.startswith("this login has no right for it")
    assert answers.failure(refusal, group="rg").hint.startswith('does resource group "rg" (header')
    assert answers.failure(answer(401, said("no"))).hint.startswith("the login was refused")


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (answer(400, said("bad")), "GET /v2/x: bad (HTTP 400, code c1)"),
        (answer(400, said("bad", "400")), "GET /v2/x: bad (HTTP 400)"),
        (answer(400, said("bad", "")), "GET /v2/x: bad (HTTP 400)"),
        (answer(400, said("")), "GET /v2/x: Reason (HTTP 400, code c1)"),
        (answer(400), "GET /v2/x: Reason (HTTP 400)"),
        (answer(400, "plain words"), "GET /v2/x: plain words (HTTP 400)"),
        (answer(400, {"error": "odd"}), "GET /v2/x: odd (HTTP 400)"),
        (
            answer(400, {"error": "odd", "error_description": "why"}),
            "GET /v2/x: odd why (HTTP 400)",
        ),
        (answer(400, ["?"]), "GET /v2/x: ['?'] (HTTP 400)"),
        (answer(400, {"ErrorMessage": "e"}), "GET /v2/x: e (HTTP 400)"),
        (
            answer(400, {"error": {"message": "m", "details": [{"message": "d"}, {"a": 1}, "x"]}}),
            "GET /v2/x: m; d; {'a': 1} (HTTP 400)",
        ),
        (answer(400, {"error": {"message": "m", "details": "d"}}), "GET /v2/x: m (HTTP 400)"),
        (answer(400, said("a\n b\t c")), "GET /v2/x: a b c (HTTP 400, code c1)"),
        (answer(400, said("x" * 300)), f"GET /v2/x: {'x' * 300} (HTTP 400, code c1)"),
        (answer(400, said("x" * 301)), f"GET /v2/x: {'x' * 299}… (HTTP 400, code c1)"),
        (answer(400, said("a s3cret-word b")), "GET /v2/x: a *** b (HTTP 400, code c1)"),
    ],
)
def test_an_error_says_what_was_asked_and_answered(response: requests.Response, text: str) -> None:
    assert answers.failure(response, mask=["s3cret-word"]).message == text


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (said("m"), {}, "r-1"),
        (said("m"), {"X-Request-Id": "r-2"}, "r-1"),
        ({"error": {"message": "m"}}, {"X-Request-Id": "r-2"}, "r-2"),
        ({"error": {"requestID": "r-3"}}, {}, "r-3"),
        ({"error": {"request_id": 4}}, {}, "4"),
        ({"error": {"requestId": ""}}, {"X-Correlation-Id": "r-5"}, "r-5"),
        ("words", {"X-Vcap-Request-Id": "r-6", "X-Request-Id": ""}, "r-6"),
        ({"error": "word"}, {"X-Request-Id": "r-7"}, "r-7"),
        ({}, {}, ""),
    ],
)
def test_an_error_has_the_id_by_which_support_finds_it(
    body: Any, headers: dict[str, str], expected: str
) -> None:
    assert answers.failure(answer(400, body, **headers)).request_id == expected


def test_an_error_that_is_safe_is_never_a_lost_answer() -> None:
    lost = answer(500, said("oops"), "POST")
    assert type(answers.failure(lost, is_safe=True)) is PlatformError
    found = answers.failure(lost)
    assert (type(found), found.status, found.code, found.request_id) == (
        LostAnswer,
        500,
        "c1",
        "r-1",
    )


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (answer(200, {"a": 1}), {"a": 1}),
        (answer(200, "null"), None),
        (answer(204, "", "DELETE"), {}),
        (answer(200, " \n", "PATCH"), {}),
    ],
)
def test_a_good_answer_is_its_json(response: requests.Response, expected: Any) -> None:
    assert answers.content(response) == expected


@pytest.mark.parametrize(
    "response",
    [answer(200), answer(200, HTML), answer(200, "{", "POST"), answer(200, "[" * 100_000)],
)
def test_a_good_answer_without_json_is_not_of_the_api(response: requests.Response) -> None:
    with pytest.raises(ConnectionFailed) as error:
        answers.content(response)
    assert error.value.message == (
        "https://h/v2/x does not answer like the API: HTTP 200, application/json"
    )


def test_a_page_without_a_kind_is_told_as_such() -> None:
    page = answer(200, HTML, kind="text/html; charset=utf-8")
    assert answers.not_the_api(page).message.endswith("HTTP 200, text/html")
    del page.headers["Content-Type"]
    assert answers.not_the_api(page).message.endswith("HTTP 200, no content type")
    assert answers.is_html(page)
    assert not answers.is_html(answer(200, "  x<"))
    assert answers.is_html(answer(200, "\n <"))


@pytest.mark.parametrize(
    ("method", "cause", "error", "text"),
    [
        (
            "GET",
            requests.ConnectTimeout("t"),
            ConnectionFailed,
            "cannot reach https://h: conn",
        ),
        (
            "POST",
            requests.ConnectTimeout("t"),
            ConnectionFailed,
            "cannot reach https://h: conn",
        ),
        (
            "GET",
            requests.ReadTimeout("t"),
            ConnectionFailed,
            "cannot reach https://h: no a",
        ),
        (
            "POST",
            requests.ReadTimeout("t"),
            LostAnswer,
            "POST /x: no answer from h: no",
        ),
        (
            "PUT",
            requests.ReadTimeout("t"),
            ConnectionFailed,
            "cannot reach https://h: no a",
        ),
    ],
)
def test_no_answer_at_all_is_lost_only_where_something_may_have_been_done(
    method: str, cause: requests.RequestException, error: type[PlatformError], text: str
) -> None:
    found = answers.unanswered(method, "https://h/x?y=1", cause)
    assert type(found) is error
    assert found.message.startswith(text)
