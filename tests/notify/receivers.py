"""Those who are told: real servers on loopback that keep what they get."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import serving


@dataclass
class Got:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A server for messages. ``status``: how it answers; paths with ``slow`` in them only once
    ``go`` is set, those with ``moved`` with a redirect."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    status: int = 200
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def happened(self) -> list[str]:
        """What our own webhook was told of, in its order."""
        return [got.json["on"] for got in self.got]


@contextmanager
def receiver() -> Iterator[Receiver]:
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            here.got.append(Got("POST", self.path, dict(self.headers), body))
            if "slow" in self.path:
                here.go.wait(30)
            moved = "moved" in self.path
            self.send_response(302 if moved else here.status)
            if moved:
                self.send_header("Location", "/after")
            self.end_headers()
            self.wfile.write(b"ok")

        def do_GET(self) -> None:
            here.got.append(Got("GET", self.path, dict(self.headers), b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nobody reads it."""

    with serving(Handler) as url:
        here.url = url
        try:
            yield here
        finally:
            here.go.set()


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client without a login speaks."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.letters.append(b"".join(lines))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@contextmanager
def mailbox() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a mail server, and the letters that it gets."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server:
        letters: list[bytes] = []
        server.letters = letters  # type: ignore[attr-defined]
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        host, port = server.server_address[:2]
        try:
            yield f"{host!s}:{port}", letters
        finally:
            server.shutdown()
            thread.join()


def text_of(letter: bytes) -> str:
    """What a letter says, for whoever reads no HTML."""
    part = message_from_bytes(letter, policy=policy.default).get_body(("plain", "html"))
    assert part is not None
    return str(part.get_content())
