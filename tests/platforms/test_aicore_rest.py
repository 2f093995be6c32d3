"""The REST client against a real HTTP server: retries, lost answers, tokens, pages, errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from ai_core_sdk.resource_clients import ConfigurationClient
from pytest_mock import MockerFixture

from cicd.errors import (
    Conflict,
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.model import Secret
from cicd.platforms.aicore import listing, rest
from cicd.platforms.aicore.credentials import Credentials
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.rest import Http, RestClient
from cicd.platforms.aicore.transport import open_session
from tests.platforms.stub_server import DROP, Reply, Request, StubServer, page, refused, running

HTML = Reply(200, "<html>sign in</html>", {"Content-Type": "text/html"})


class Bench:
    """A server and a client of it that never really sleeps."""

    def __init__(self, stub: StubServer, url: str, timeout: float = 5.0) -> None:
        self.stub, self.url = stub, url
        self.pauses: list[float] = []
        self.time = 0.0
        self.session = open_session(url)
        credentials = Credentials(f"{url}/v2", f"{url}/oauth/token", "me", Secret("s3cret!"))
        self.login = Login(
            credentials, self.session, clock=lambda: self.time, sleep=self.pauses.append
        )
        self.http = Http(
            f"{url}/v2",
            self.login,
            self.session,
            headers={"AI-Resource-Group": "rg"},
            sleep=self.pauses.append,
            timeout=(timeout, timeout),
        )


@pytest.fixture
def bench() -> Iterator[Bench]:
    with running() as (stub, url):
        made = Bench(stub, url)
        yield made
        made.session.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("trouble", [refused(429, "slow"), refused(500, "oops"), Reply(503), DROP])
def test_idempotent_calls_are_repeated(bench: Bench, method: str, trouble: Reply) -> None:
    bench.stub.on(method, "/v2/x", trouble, trouble, Reply(200, {"id": "1"}))
    assert bench.http.call(method, "/x") == {"id": "1"}
    assert bench.pauses == [0.2, 0.4]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("trouble", [refused(500, "oops"), Reply(502, "<html>bad"), DROP])
def test_a_write_whose_answer_is_lost_is_sent_once(
    bench: Bench, method: str, trouble: Reply
) -> None:
    bench.stub.on(method, "/v2/x", trouble)
    with pytest.raises(LostAnswer):
        bench.http.call(method, "/x", body={"a": 1})
    assert len(bench.stub.sent(method)) == 1


def test_a_write_with_no_answer_in_time_is_lost(bench: Bench) -> None:
    bench.stub.on("POST", "/v2/x", Reply(200, {}, delay=5))
    slow = Http(f"{bench.url}/v2", bench.login, bench.session, timeout=(5, 0.1))
    with pytest.raises(LostAnswer, match="no answer in time"):
        slow.call("POST", "/x", body={})


def test_a_write_refused_with_429_is_repeated_as_the_server_wishes(bench: Bench) -> None:
    busy = Reply(429, {"error": {"message": "busy"}}, {"Retry-After": "7"})
    bench.stub.on("POST", "/v2/x", busy, Reply(201, {"id": "1"}))
    assert bench.http.call("POST", "/x", body={}) == {"id": "1"}
    assert bench.pauses == [7.0]


def test_too_long_a_wish_ends_in_throttled(bench: Bench) -> None:
    bench.stub.on("GET", "/v2/x", Reply(429, {}, {"Retry-After": "3600"}))
    with pytest.raises(Throttled):
        bench.http.call("GET", "/x")
    assert bench.pauses == []


def test_nobody_listens_names_the_host(bench: Bench) -> None:
    with running() as (_, url):
        pass  # now that port is free again
    http = Http(f"{url}/v2", bench.login, bench.session, sleep=bench.pauses.append)
    for method in ("GET", "POST"):
        with pytest.raises(ConnectionFailed, match=f"cannot reach {url}: Connection refused"):
            http.call(method, "/x")
    assert len(bench.pauses) == 2 * (rest.ATTEMPTS - 1)


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        Reply(404, "<html>", {"Content-Type": "text/html"}),
        Reply(200, "hello"),
        Reply(404, "Requested route does not exist"),
        Reply(302, None, {"Location": "/login"}),
    ],
)
def test_an_answer_of_something_else_names_the_url(bench: Bench, answer: Reply) -> None:
    bench.stub.on("GET", "/v2/x", answer)
    with pytest.raises(ConnectionFailed, match=f"{bench.url}/v2/x does not answer like the API"):
        bench.http.call("GET", "/x")


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (refused(400, "bad"), PlatformError, r"GET /v2/x: bad \(HTTP 400, code c1\)"),
        (refused(404, "gone"), NotFound, "gone"),
        (Reply(404), NotFound, "HTTP 404"),
        (refused(409, "twice"), Conflict, "twice"),
        (refused(412, "not now"), Conflict, "not now"),
        (refused(400, "status UNKNOWN", "01010076"), Conflict, "01010076"),
        (Reply(401, "Jwt is expired"), Denied, "Jwt is expired"),
        (Reply(403, "RBAC: access denied"), Denied, 'RBAC.*resource group "rg".*AI-Resource-Group'),
        (Reply(400, {"error": "odd"}), PlatformError, "odd"),
        (Reply(400, {"ErrorMessage": "no such field"}), PlatformError, "no such field"),
        (Reply(400, ["?"]), PlatformError, "HTTP 400"),
        (Reply(418, None), PlatformError, "HTTP 418"),
    ],
)
def test_errors_say_what_and_where(
    bench: Bench, answer: Reply, error: type[PlatformError], text: str
) -> None:
    bench.stub.on("GET", "/v2/x", answer)
    with pytest.raises(error, match=text) as caught:
        bench.http.call("GET", "/x")
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "answer", "error"),
    [
        ("POST", refused(400, "Application app already exists"), Conflict),
        ("POST", refused(400, "no such repository"), PlatformError),
        ("POST", refused(404, "the parent already exists no more"), NotFound),
        ("PATCH", refused(400, "a thing of that name already exists"), PlatformError),
    ],
)
def test_a_name_that_is_taken_is_a_conflict_whatever_the_status(
    bench: Bench, method: str, answer: Reply, error: type[PlatformError]
) -> None:
    bench.stub.on(method, "/v2/x", answer)
    with pytest.raises(PlatformError) as caught:
        bench.http.call(method, "/x", body={})
    assert type(caught.value) is error


def test_an_error_carries_code_and_request_id(bench: Bench) -> None:
    bench.stub.on("GET", "/v2/x", refused(400, "bad", "01510003"))
    with pytest.raises(PlatformError) as caught:
        bench.http.call("GET", "/x")
    error = caught.value
    assert (error.status, error.code, error.request_id) == (400, "01510003", "r-1")


def test_secrets_are_sent_but_never_shown(bench: Bench) -> None:
    def echo(request: Request) -> Reply:
        return refused(400, f"cannot store {request.body}")

    bench.stub.on("POST", "/v2/x", echo)
    body = {"data": {"my_key": Secret('p"ss word'), "hf_token": "plain"}}
    with pytest.raises(PlatformError) as caught:
        bench.http.call("POST", "/x", body=body)
    assert bench.stub.sent("POST")[0].json == {"data": {"my_key": 'p"ss word', "hf_token": "plain"}}
    assert "ss word" not in str(caught.value) and "***" in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_token_refused_once_is_renewed_even_for_a_post(bench: Bench) -> None:
    bench.stub.on("POST", "/v2/x", Reply(401, "Jwt is expired"), Reply(201, {"id": "1"}))
    assert bench.http.call("POST", "/x", body={}) == {"id": "1"}
    used = [request.headers["Authorization"] for request in bench.stub.sent("POST")]
    assert used == ["Bearer token-1", "Bearer token-2"]


def test_a_token_is_shared_and_renewed_before_its_end(bench: Bench) -> None:
    bench.stub.token_life = 100
    bench.stub.on("GET", "/v2/x", Reply(200, {}))
    threads = [threading.Thread(target=bench.http.call, args=("GET", "/x")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.stub.tokens == 1
    bench.time = 89
    bench.http.call("GET", "/x")
    assert bench.stub.tokens == 1
    bench.time = 91
    bench.http.call("GET", "/x")
    assert bench.stub.tokens == 2


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_secret_is_denied_without_showing_it(bench: Bench, status: int) -> None:
    answer = {"error": "unauthorized", "error_description": "Bad credentials s3cret!"}
    bench.stub.on("POST", "/oauth/token", Reply(status, answer))
    with pytest.raises(Denied, match=r"refused the login.*Bad credentials") as caught:
        bench.http.call("GET", "/x")
    assert "s3cret!" not in str(caught.value)


@pytest.mark.parametrize("answer", [HTML, Reply(200, {"token": "?"}), Reply(404, "<html>")])
def test_a_token_url_that_is_none_names_it(bench: Bench, answer: Reply) -> None:
    bench.stub.on("POST", "/oauth/token", answer)
    with pytest.raises(ConnectionFailed, match=f"{bench.url}/oauth/token"):
        bench.http.call("GET", "/x")


@pytest.mark.parametrize(("wish", "is_waited_for"), [("30", True), ("31", False)])
@pytest.mark.parametrize("path", ["/v2/x", "/oauth/token"])
def test_half_a_minute_is_the_longest_that_a_server_is_waited_for(
    bench: Bench, path: str, wish: str, *, is_waited_for: bool
) -> None:
    later = Reply(429, "busy", {"Retry-After": wish})
    bench.stub.on("GET", "/v2/x", Reply(200, {}))
    if path == "/v2/x":
        bench.stub.on("GET", path, later, Reply(200, {}))
    else:
        bench.stub.on("POST", path, later, Reply(200, {"access_token": "t", "expires_in": 60}))
    if is_waited_for:
        assert bench.http.call("GET", "/x") == {}
        assert bench.pauses == [30.0]
    else:
        with pytest.raises(PlatformError):
            bench.http.call("GET", "/x")
        assert bench.pauses == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_secret_is_never_sent_on_to_where_a_login_is_redirected(
    bench: Bench, status: int
) -> None:
    answer = Reply(status, "", {"Location": f"{bench.url}/elsewhere"})
    bench.stub.on("POST", "/oauth/token", answer)
    for method in ("GET", "POST"):
        token = {"access_token": "t", "expires_in": 60}
        bench.stub.on(method, "/elsewhere", Reply(200, token))
    with pytest.raises(ConnectionFailed, match=f"{bench.url}/oauth/token"):
        bench.http.call("GET", "/x")
    assert {request.path for request in bench.stub.requests} == {"/oauth/token"}


def test_calls_share_one_connection(bench: Bench) -> None:
    bench.stub.on("GET", "/v2/x", Reply(200, {}))
    for _ in range(5):
        bench.http.call("GET", "/x")
    assert len({request.connection for request in bench.stub.requests}) == 1


def test_pages_are_followed_and_repeated_items_come_once(
    bench: Bench, mocker: MockerFixture
) -> None:
    mocker.patch.object(listing, "PAGE", 3)
    # Something was added at the front while reading, so "c" is seen twice.
    bench.stub.on(
        "GET",
        "/v2/lm/things",
        page(*({"id": name} for name in "abc")),
        page(*({"id": name} for name in "cde")),
        page({"id": "f"}),
    )
    found = bench.http.pages("/lm/things", {"scenarioId": "s"})
    assert [item["id"] for item in found] == list("abcdef")
    assert [request.query for request in bench.stub.sent("GET")] == [
        {"scenarioId": "s", "$top": "3"},
        {"scenarioId": "s", "$top": "3", "$skip": "3"},
        {"scenarioId": "s", "$top": "3", "$skip": "6"},
    ]


def test_a_server_that_ignores_skip_ends_the_reading(bench: Bench, mocker: MockerFixture) -> None:
    mocker.patch.object(listing, "PAGE", 2)
    bench.stub.on("GET", "/v2/lm/things", page({"id": "a"}, {"id": "b"}, {"id": "c"}))
    assert len(bench.http.pages("/lm/things")) == 3
    assert len(bench.stub.requests) == 3


@pytest.mark.parametrize("answer", [Reply(200, {}), Reply(200, []), Reply(200, {"resources": 1})])
def test_an_answer_without_a_list_is_no_empty_list(bench: Bench, answer: Reply) -> None:
    bench.stub.on("GET", "/v2/lm/things", answer)
    with pytest.raises(ConnectionFailed, match="does not answer with a list"):
        bench.http.pages("/lm/things")


def test_the_sdk_speaks_right_names_and_leaves_user_keys_alone(bench: Bench) -> None:
    bench.stub.on("GET", "/v2/lm/configurations", page())
    ConfigurationClient(RestClient(bench.http, "/lm")).query(
        scenario_id="s", executable_ids=["a", "b"], top=5, skip=7, search="x"
    )
    assert bench.stub.requests[-1].query == {
        "scenarioId": "s",
        "executableIds": "a,b",
        "$top": "5",
        "$skip": "7",
        "$search": "x",
    }
    body = {"scenario_id": "s", "data": {"hf_token": 1}, "list": [{"artifact_id": "x"}, "y"]}
    assert rest.body_names(body) == {
        "scenarioId": "s",
        "data": {"hf_token": 1},
        "list": [{"artifactId": "x"}, "y"],
    }
