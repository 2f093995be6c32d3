"""Login and calls against a server that answers in other ways than ours (C1, C4)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cicd.errors import ConnectionFailed, Denied, LostAnswer, NotFound, PlatformError
from cicd.model import Secret
from cicd.platforms.training_job.adapter import ROUTES
from cicd.platforms.training_job.api import Api
from cicd.platforms.training_job.credentials import Credentials, credentials
from cicd.platforms.training_job.login import Login, Method
from tests.platforms.stub_server import DROP, Reply, Request, StubServer, running

ID = "0f0f"
JOB = f"/api/v2/jobs/{ID}"
TOKEN = Reply(200, {"access_token": "token-1", "token_type": "bearer", "expires_in": 3600})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[StubServer]:
    with running() as (stub, url):
        stub.url = url
        stub.on("GET", "/oauth/token", TOKEN)
        yield stub


def known(server: StubServer) -> Credentials:
    return Credentials(
        server.url, f"{server.url}/oauth/token", "me", Secret("quite secret"), "HERE"
    )


def api_of(server: StubServer, method: Method = "auto", clock: Clock | None = None) -> Api:
    session = requests.Session()
    session.trust_env = False
    login = Login(known(server), session, method, clock=clock or Clock(), sleep=lambda _: None)
    return Api(server.url, "v2", ROUTES, login, session, sleep=lambda _: None)


def tokens(server: StubServer) -> list[Request]:
    return [request for request in server.requests if request.path == "/oauth/token"]


def test_c1_a_token_is_asked_for_with_the_clients_id_and_secret(server: StubServer) -> None:
    server.on("GET", JOB, Reply(200, {"status": "Running"}))
    assert api_of(server).status(ID)["status"] == "Running"
    [asked] = tokens(server)
    assert asked.query == {"grant_type": "client_credentials"}
    login = base64.b64encode(b"me:quite secret").decode()
    assert asked.headers["Authorization"] == f"Basic {login}"
    [sent] = server.sent("GET", JOB)
    assert sent.headers["Authorization"] == "Bearer token-1"


@pytest.mark.parametrize("refusal", [400, 401, 404, 405])
def test_c1_who_gives_no_token_by_get_is_asked_by_post(refusal: int, server: StubServer) -> None:
    server.on("GET", "/oauth/token", Reply(refusal, {"error": "unsupported"}))
    server.on("GET", JOB, Reply(200, {"status": "Running"}))
    api_of(server).status(ID)
    asked = tokens(server)[-1]
    assert asked.method == "POST"
    assert "grant_type=client_credentials" in asked.body and "client_id=me" in asked.body
    assert "client_secret=quite+secret" in asked.body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_c1_a_login_that_is_refused_once_is_tried_again(method: Method, server: StubServer) -> None:
    server.on(method, "/oauth/token", Reply(401, {"error": "unauthorized"}), TOKEN)
    server.on("GET", JOB, Reply(200, {"status": "Running"}))
    assert api_of(server, method).status(ID)["status"] == "Running"
    assert [request.method for request in tokens(server)] == [method, method]


@pytest.mark.parametrize(("method", "sent"), [("GET", "GET"), ("POST", "POST")])
def test_how_a_token_is_asked_for_can_be_said(
    method: Method, sent: str, server: StubServer
) -> None:
    server.on("GET", JOB, Reply(200, {"status": "Running"}))
    api_of(server, method).status(ID)
    assert [request.method for request in tokens(server)] == [sent]


def test_c1_a_wrong_secret_names_where_it_is_from(server: StubServer) -> None:
    error = {"error": "unauthorized", "error_description": "Bad credentials: quite secret"}
    for method in ("GET", "POST"):
        server.on(method, "/oauth/token", Reply(401, error))
    with pytest.raises(Denied) as caught:
        api_of(server).status(ID)
    assert caught.value.exit_code == 4
    assert "Bad credentials" in str(caught.value) and "HERE" in str(caught.value)
    assert "quite secret" not in str(caught.value)


def test_c1_a_token_is_renewed_before_it_ends(server: StubServer) -> None:
    clock = Clock()
    server.on("GET", JOB, Reply(200, {"status": "Running"}))
    api = api_of(server, clock=clock)
    for now, asked in ((0.0, 1), (3539.0, 1), (3541.0, 2)):
        clock.now = now
        api.status(ID)
        assert len(tokens(server)) == asked


def test_c1_a_token_that_is_refused_is_renewed_once(server: StubServer) -> None:
    server.on("GET", JOB, Reply(401, {"error": "invalid_token"}), Reply(200, {"status": "Running"}))
    assert api_of(server).status(ID)["status"] == "Running"
    assert len(tokens(server)) == 2
    server.on("GET", JOB, Reply(401, {"error": "invalid_token"}))
    with pytest.raises(Denied, match="cicd doctor"):
        api_of(server).status(ID)


@pytest.mark.parametrize(
    "told",
    [
        Reply(200, "<html>log in</html>", {"Content-Type": "text/html"}),
        Reply(200, {"no": "token"}),
        Reply(302, "", {"Location": "/login"}),
        Reply(500, {"error": "x"}),
        DROP,
    ],
)
def test_c9_what_gives_no_token_is_no_token_url(told: Reply, server: StubServer) -> None:
    server.on("GET", "/oauth/token", told)
    with pytest.raises(ConnectionFailed) as caught:
        api_of(server).status(ID)
    assert caught.value.exit_code == 4


STATUS = {"job_id": ID, "status": "PENDING"}


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ([Reply(200, STATUS)], "PENDING"),
        ([Reply(201, STATUS)], "PENDING"),
        ([Reply(202, {"Status": "queued", "extra": None})], "queued"),
        ([Reply(201)], "RUNNING"),
        ([Reply(409, {"error": f"job {ID} exists"})], "RUNNING"),
        ([Reply(500, {"error": "x"}), Reply(409, {"error": "exists"})], "RUNNING"),
        ([DROP, Reply(409, {"error": "exists"})], "RUNNING"),
        ([Reply(429, {"error": "x"}), Reply(201, STATUS)], "PENDING"),
    ],
)
def test_c4_a_submission_ends_in_a_status_and_is_made_once(
    answers: list[Reply], word: str, server: StubServer
) -> None:
    server.on("POST", JOB, *answers)
    server.on("GET", JOB, Reply(200, {"status": "RUNNING"}))
    assert api_of(server).submit(ID, b"job: {}")["status"] == word
    sent = server.sent("POST", JOB)
    assert {request.body for request in sent} == {"job: {}"}
    assert not any(name.lower() == "content-type" for name in sent[0].headers)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(400, {"error": "missing: execution.image"}), PlatformError),
        (Reply(403, {"error": "no"}), Denied),
        (Reply(500, {"error": "x"}), LostAnswer),
        (DROP, LostAnswer),
        (Reply(200, "<html>", {"Content-Type": "text/html"}), ConnectionFailed),
    ],
)
def test_a_submission_that_fails_says_how(
    answer: Reply, error: type[PlatformError], server: StubServer
) -> None:
    server.on("POST", JOB, answer)
    with pytest.raises(PlatformError) as caught:
        api_of(server).submit(ID, b"job: {}")
    assert type(caught.value) is error
    assert "token-1" not in str(caught.value)


@pytest.mark.parametrize("answer", [Reply(404, {"error": "x"}), Reply(404), Reply(416), Reply(200)])
def test_a_log_that_is_not_there_is_empty(answer: Reply, server: StubServer) -> None:
    server.on("GET", f"{JOB}/logs", answer)
    assert api_of(server).log(ID, 7) == b""
    assert server.sent("GET")[-1].query == {"offset": "7"}


def test_a_job_that_is_unknown_is_not_found(server: StubServer) -> None:
    with pytest.raises(NotFound):
        api_of(server).status(ID)


@pytest.mark.parametrize("told", [[], "RUNNING", None])
def test_an_answer_that_is_no_status_is_not_of_the_api(told: Any, server: StubServer) -> None:
    server.on("GET", JOB, Reply(200, told))
    with pytest.raises(ConnectionFailed):
        api_of(server).status(ID)


def test_routes_and_version_can_be_said(server: StubServer) -> None:
    session = requests.Session()
    login = Login(known(server), session)
    routes = {**ROUTES, "job": "/{version}/training/{id}"}
    server.on("GET", f"/v3/training/{ID}", Reply(200, {"status": "RUNNING"}))
    assert Api(f"{server.url}/", "v3", routes, login, session).status(ID)["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        ({}, "login is missing: TRAINING_JOB_API_URL, TRAINING_JOB_TOKEN_URL, TRAINING_JOB_CLIENT"),
        (
            {"CLIENT_ID": "me", "CLIENT_SECRET": "x", "API_URL": "https://a"},
            "TRAINING_JOB_TOKEN_URL",
        ),
        (
            {"CLIENT_ID": "me", "API_URL": "https://a", "TOKEN_URL": "https://b"},
            "CLIENT_SECRET not",
        ),
        ({"SERVICE_KEY": "{nothing"}, "is not the JSON of a service key"),
        ({"SERVICE_KEY": "/no/such/file"}, "neither the JSON of a service key nor a file"),
        (
            {"CLIENT_ID": "me", "CLIENT_SECRET": "x", "API_URL": "a", "TOKEN_URL": "https://b"},
            "TRAINING_JOB_API_URL is no URL",
        ),
    ],
)
def test_a_login_that_is_not_complete_says_what_is_missing(
    env: dict[str, str], missing: str
) -> None:
    with pytest.raises(Denied, match=missing) as caught:
        credentials({}, {f"TRAINING_JOB_{name}": value for name, value in env.items()})
    assert caught.value.exit_code == 4
