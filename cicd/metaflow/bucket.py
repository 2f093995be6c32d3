"""A bucket in memory behind the S3 protocol, on 127.0.0.1, for as long as a ``with`` lasts.

Generators put the code package into a bucket before they write anything. Where nobody needs it
there (the code is in the image, or templates are only compared) this one takes it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_XML = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True)
class Bucket:
    """``objects``: ``bucket/key`` -> content. ``url`` is the endpoint."""

    url: str
    objects: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def bucket_in_memory() -> Iterator[Bucket]:
    """A bucket that takes everything from everybody on this machine, under any name."""
    objects: dict[str, bytes] = {}
    handler = type("Handler", (_Handler,), {"objects": objects})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Bucket(f"http://127.0.0.1:{server.server_address[1]}", objects)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    objects: dict[str, bytes]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        content = self.objects.get(self._key)
        self._answer(404 if content is None else 200, content or b"", has_body=False)

    def do_GET(self) -> None:
        if self._key.strip("/").count("/") == 0:  # a listing
            self._answer(200, f"{_XML}<ListBucketResult></ListBucketResult>".encode())
            return
        content = self.objects.get(self._key)
        missing = f"{_XML}<Error><Code>NoSuchKey</Code></Error>".encode()
        self._answer(404 if content is None else 200, missing if content is None else content)

    def do_PUT(self) -> None:
        number = self._query.get("partNumber")
        key = f"{self._key}?{int(number[0]):05d}" if number else self._key
        self.objects[key] = self._body()
        self._answer(200)

    def do_POST(self) -> None:
        """Large objects come in parts: begin (``uploads``), then put together (``uploadId``)."""
        self._body()
        if "uploads" in self._query:
            text = "<InitiateMultipartUploadResult><UploadId>1</UploadId>"
            self._answer(200, f"{_XML}{text}</InitiateMultipartUploadResult>".encode())
            return
        parts = sorted(key for key in self.objects if key.startswith(f"{self._key}?"))
        self.objects[self._key] = b"".join(self.objects.pop(key) for key in parts)
        done = "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"
        self._answer(200, f"{_XML}{done}".encode())

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    @property
    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"", *, has_body: bool = True) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0"')
        self.end_headers()
        if has_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""
