"""Answers that do not end, as a broken proxy or a bad line sends them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.errors import ConnectionFailed, LostAnswer
from cicd.model import Secret
from cicd.platforms.aicore import transport
from cicd.platforms.aicore.credentials import Credentials
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.transport import CONNECTIONS, open_session
from tests.serving import serving

GOOD = json.dumps({"name": "Häuser"}).encode()
BOMB = gzip.compress(b" " * 20_000_000)


class Handler(BaseHTTPRequestHandler):
    """What comes depends on the path."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body go out together
    leave = threading.Event()

    def log_message(self, *_: Any) -> None: ...

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/oauth/token":
            self.plain(json.dumps({"access_token": "t", "expires_in": 3600}).encode())
        else:
            self.do_GET()

    def do_GET(self) -> None:
        getattr(self, self.path.strip("/"))()

    def plain(self, body: bytes = GOOD, **headers: str) -> None:
        self.send_response(200)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def packed(self) -> None:
        self.plain(gzip.compress(GOOD), Content_Encoding="gzip")

    def chunks(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (GOOD[:5], GOOD[5:]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def short(self) -> None:
        self.plain(GOOD, Content_Length="1000")
        self.close_connection = True

    def trickle(self) -> None:
        self.plain(b" ", Content_Length="1000000")
        self.drip(b" ", 0.02)

    def endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.drip(b" " * 100_000, 0.0)

    def bomb(self) -> None:
        self.plain(BOMB, Content_Encoding="gzip")

    def drip(self, part: bytes, pause: float) -> None:
        self.close_connection = True
        try:
            while not self.leave.wait(pause):
                self.wfile.write(part)
                self.wfile.flush()
        except OSError:
            return


@pytest.fixture
def http(mocker: MockerFixture) -> Iterator[Http]:
    mocker.patch.object(transport, "MAX_BYTES", 2_000_000)
    mocker.patch.object(transport, "PATIENCE", 1)
    Handler.leave.clear()
    with serving(Handler) as url, open_session(url) as session:
        login = Login(Credentials(url, f"{url}/oauth/token", "me", Secret("s3cret")), session)
        try:
            yield Http(url, login, session, sleep=lambda _: None, timeout=(5.0, 1.0))
        finally:
            Handler.leave.set()


@pytest.mark.parametrize("path", ["plain", "packed", "chunks"])
def test_an_answer_is_read_whatever_it_is_wrapped_in(http: Http, path: str) -> None:
    for _ in range(2 * CONNECTIONS):
        assert http.call("GET", f"/{path}") == {"name": "Häuser"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("trickle", "the answer does not end"),
        ("endless", "the answer is larger than 2 MB"),
        ("bomb", "the answer is larger than 2 MB"),
        ("short", "cannot reach http://127.0.0.1"),
    ],
)
def test_an_answer_that_does_not_end_is_given_up_with_its_connection(
    http: Http, path: str, words: str
) -> None:
    # one more often than there are connections: each of them is given back
    for _ in range(1 if path == "trickle" else CONNECTIONS + 1):
        with pytest.raises(ConnectionFailed, match=words):
            http.send("GET", f"{http.base_url}/{path}", attempts=1)
    with pytest.raises(LostAnswer):
        http.call("POST", f"/{path}", body={})
    assert http.call("GET", "/plain") == {"name": "Häuser"}
