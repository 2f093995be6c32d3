"""What the stand-ins of all forges share: a server on loopback that checks each request against the
documented ones, and does wrong what a test asks for."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass(frozen=True)
class Endpoint:
    """One documented endpoint: required and optional body keys with their types, query names."""

    method: str
    path: str
    required: dict[str, type] = field(default_factory=dict)
    optional: dict[str, type] = field(default_factory=dict)
    query: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Request:
    """One request as it arrived; ``path`` without the prefix of the API."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Reply:
    """An answer; a text is a page. ``drop``: hang up instead. ``done``: carry the request out
    before (a lost one)."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    done: bool = False


DROP = Reply(drop=True)


class ForgeServer:
    """What has been asked, what was wrong with it, and what goes wrong next."""

    def __init__(self, *prefixes: str, headers: dict[str, str] | None = None) -> None:
        self.prefixes = prefixes
        self.headers = headers or {}
        self.url = ""
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.faults: list[tuple[str, Reply | Callable[[], None]]] = []
        self.max_per_page = 100
        self._ids = iter(range(1000, 10**6))
        self._lock = threading.RLock()

    def fail(self, pattern: str, *answers: Reply | Callable[[], None]) -> None:
        """The next requests ``METHOD /path`` that match get these; a function only runs first."""
        self.faults += [(pattern, answer) for answer in answers]

    def sent(self, pattern: str) -> list[Request]:
        return [request for request in self.requests if re.fullmatch(pattern, str(request))]

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            self.violations += self.check(request)
            for index, (pattern, fault) in enumerate(self.faults):
                if re.fullmatch(pattern, str(request)):
                    del self.faults[index]
                    if isinstance(fault, Reply):
                        if fault.done:
                            self.carry_out(request)
                        return fault
                    fault()
                    break
            return self.carry_out(request)

    def check(self, request: Request) -> list[str]:
        """What is wrong with a request by the forge's documentation."""
        raise NotImplementedError

    def carry_out(self, request: Request) -> Reply:
        """Do it."""
        raise NotImplementedError

    def page(self, request: Request, items: list[dict[str, Any]], default: int) -> Reply:
        """One page of a list, with the Link header that leads to the others."""
        size = min(int(request.query.get("per_page", default)), self.max_per_page)
        page = int(request.query.get("page", 1))
        last = max(1, -(-len(items) // size))
        links = {"next": page + 1, "last": last} if page < last else {}
        links |= {"prev": page - 1, "first": 1} if page > 1 else {}
        url = f"{self.url}{self.prefixes[0]}{request.path}"
        header = ", ".join(
            f'<{url}?{urlencode({**request.query, "page": number})}>; rel="{name}"'
            for name, number in links.items()
        )
        shown = items[(page - 1) * size : page * size]
        return Reply(200, shown, {"Link": header} if header else {})


def check_body(
    request: Request, endpoint: Endpoint, enums: dict[str, set[Any]] | None = None
) -> list[str]:
    """What is wrong with the body of a request."""
    body = request.body
    if not endpoint.required and not endpoint.optional:
        return [] if body is None else [f"{request}: has a body"]
    if not isinstance(body, dict):
        return [f"{request}: no JSON object"]
    types = endpoint.required | endpoint.optional
    wrong = [f"{request}: {name} is missing" for name in endpoint.required.keys() - body.keys()]
    wrong += [f"{request}: unknown key {name}" for name in body.keys() - types.keys()]
    return wrong + [
        f"{request}: {name} is {value!r:.40}"
        for name, value in body.items()
        if name in types
        if not isinstance(value, types[name]) or value not in (enums or {}).get(name, [value])
    ]


def handler_of(server: ForgeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            reply = server.answer(self.read())
            if reply.drop:
                self.close_connection = True
                return
            is_page = isinstance(reply.body, str) and "Content-Type" in reply.headers
            text = reply.body if is_page else json.dumps(reply.body)
            content = b"" if reply.body is None else text.encode()
            self.send_response(reply.status)
            kind = {"Content-Type": "application/json; charset=utf-8"} if content else {}
            headers = {**kind, **server.headers, **reply.headers}
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def read(self) -> Request:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(data) if data else None
            path = parts.path
            for prefix in server.prefixes:
                if prefix and path.startswith(prefix):
                    path = path.removeprefix(prefix)
                    break
            return Request(self.command, path, query, dict(self.headers), body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests look at ``requests`` instead."""

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any

    return Handler
