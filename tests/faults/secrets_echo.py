"""A gateway before the emulator that says back what it was sent, in every way that servers do."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from tests.faults.secrets_canaries import WORDS
from tests.serving import serving

JSON = "application/json"


@dataclass
class Gateway:
    """``echoes``: which requests (``METHOD /path``) are answered by it; ``shape``: how."""

    target: str
    url: str = ""
    echoes: Callable[[str], bool] = lambda request: False
    shape: str = "envelope"
    token: str = ""
    """What the login gives instead of the real token."""
    fired: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """An answer: a status with its reason, headers and a body."""

    body: str
    content_type: str = JSON
    status: int = 400
    reason: str = "Bad Request"
    headers: dict[str, str] = field(default_factory=dict)


def spellings(text: str) -> list[str]:
    """A text as servers repeat it: as it is, in JSON, Python, a URL, HTML, base64."""
    return [
        text,
        json.dumps(text),
        json.dumps(text, ensure_ascii=False),
        repr(text),
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        html.escape(text),
        base64.b64encode(text.encode()).decode(),
        base64.urlsafe_b64encode(text.encode()).decode(),
        " ".join(text.split()),
    ]


def values_in(content: object) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            yield from values_in(part)


def said_back(authorization: str, body: bytes) -> Iterator[str]:
    """Everything secret in a request, one by one: a message is cut where it gets long."""
    text = body.decode()
    try:
        values = [*values_in(json.loads(text))]
    except ValueError:
        values = [value for _, value in parse_qsl(text)]
    yield from (value for value in values if any(word in value for word in WORDS))
    yield authorization
    yield authorization.removeprefix("Bearer ")


def printable(text: str) -> str:
    """What fits into one line of a header."""
    return "".join(letter if letter.isascii() and letter.isprintable() else " " for letter in text)


def envelope(text: str) -> Told:
    error = {"code": "0101", "message": text, "requestId": "r", "target": "t"}
    return Told(json.dumps({"error": {**error, "details": [{"message": text}]}}))


SHAPES: dict[str, Callable[[str], Told]] = {
    "envelope": envelope,
    "denied": lambda text: Told(
        json.dumps({"error": "denied", "error_description": text}), status=403
    ),
    "plain": lambda text: Told(text, "text/plain"),
    "html": lambda text: Told(f"<html><body>{text}</body></html>", "text/html"),
    "a list": lambda text: Told(json.dumps([text, {"a": text}])),
    "redirect": lambda text: Told(
        "",
        status=302,
        reason="Found",
        headers={"Location": f"https://127.0.0.1:1/?t={quote(text)}"},
    ),
    "reason": lambda text: Told("", reason=printable(text)),
    "headers": lambda text: Told(
        "{}", headers=dict.fromkeys(("X-Request-Id", "Retry-After", "Date"), printable(text))
    ),
    "good": lambda text: Told(json.dumps({"resources": text, "message": text}), status=200),
    "no HTTP": lambda text: Told("", reason=printable(text), status=0),
}


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = f"{self.command} {urlsplit(self.path).path}"
            if not gateway.echoes(request):
                self.pass_on(body)
                return
            sent = list(filter(None, said_back(self.headers.get("Authorization", ""), body)))
            text = sent[len(gateway.fired) % len(sent)] if sent else ""
            gateway.fired.append(request)
            self.tell(SHAPES[gateway.shape](" ".join(spellings(text))))

        def tell(self, told: Told) -> None:
            content = told.body.encode()
            if told.status == 0:
                self.wfile.write(told.reason.encode() + b"\r\n\r\n")
                self.close_connection = True
                return
            self.send_response(told.status, told.reason)
            headers = {"Content-Type": told.content_type, "Content-Length": str(len(content))}
            for name, value in {**headers, **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def pass_on(self, body: bytes) -> None:
            parts = urlsplit(gateway.target)
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
            connection.request(self.command, self.path, body or None, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if gateway.token and self.path.endswith("/oauth/token"):
                content = json.dumps(
                    {**json.loads(content), "access_token": gateway.token}
                ).encode()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests look at ``fired``."""

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    return Handler


@contextmanager
def running(target: str) -> Iterator[Gateway]:
    """The gateway on loopback before the server at ``target``."""
    gateway = Gateway(target)
    with serving(_handler(gateway)) as gateway.url:
        yield gateway
