"""A real HTTP server on loopback: answers what a test tells it, keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.serving import serving


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer: ``body`` as JSON, or as it is when it is text or bytes; ``headers``: None leaves
    out what is sent otherwise. ``drop``: hang up instead."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    drop: bool = False
    delay: float = 0.0


Answer = Reply | Callable[[Request], Reply]
DROP = Reply(drop=True)


class StubServer:
    """Answers per ``METHOD /path``: a list is used up one by one, its last element stays.

    ``otherwise`` answers what no answer was set for: nothing is there, or what lies behind."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, list[Answer]] = {}
        self.otherwise: Answer = refused(404, "no such thing", "404")
        self.tokens = 0
        self.url = ""
        self.token_life = 3600
        self.release = threading.Event()
        self._lock = threading.Lock()
        self.on("POST", "/oauth/token", self._token)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self.answers[f"{method} {path}"] = list(answers)

    def sent(self, method: str, path: str = "") -> list[Request]:
        """What arrived for one method and, if given, one path; never token requests."""
        return [
            request
            for request in self.requests
            if request.method == method and request.path != "/oauth/token"
            if not path or request.path == path
        ]

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            answers = self.answers.get(f"{request.method} {request.path}")
            if not answers:
                answer = self.otherwise
            else:
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Reply) else answer(request)

    def _token(self, _: Request) -> Reply:
        self.tokens += 1
        token = {"access_token": f"token-{self.tokens}", "expires_in": self.token_life}
        return Reply(200, token)


@contextmanager
def running() -> Iterator[tuple[StubServer, str]]:
    """The server and its URL; everything is closed at the end."""
    stub = StubServer()
    with serving(_handler(stub)) as url:
        try:
            yield stub, url
        finally:
            stub.release.set()


def _handler(stub: StubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            reply = stub.answer(self.read())
            if reply.delay:
                stub.release.wait(reply.delay)
            if reply.drop:
                self.close_connection = True
                return
            is_text = isinstance(reply.body, str | bytes)
            body = "" if reply.body is None else reply.body if is_text else json.dumps(reply.body)
            content = body if isinstance(body, bytes) else body.encode()
            has_date = "Date" in reply.headers
            (self.send_response_only if has_date else self.send_response)(reply.status)
            kind = "text/plain" if is_text else "application/json"
            headers = {"Content-Type": kind, **reply.headers, "Content-Length": str(len(content))}
            for name, value in headers.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def read(self) -> Request:
            parts = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            port = self.client_address[1]
            return Request(self.command, parts.path, query, dict(self.headers), body, port)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests look at ``requests`` instead."""

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    return Handler


def page(*items: Any) -> Reply:
    """A list as AI Core answers it."""
    return Reply(200, {"count": len(items), "resources": list(items)})


def refused(status: int, message: str, code: str = "c1") -> Reply:
    """An error as AI Core answers it."""
    return Reply(status, {"error": {"code": code, "message": message, "requestId": "r-1"}})
