"""What clients of S3 send: bodies that stream to disk, small ones of XML, headers that count."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

from starlette.requests import Request

from cicd.emulator.api.s3_answers import S3Error
from cicd.emulator.api.signature import IN_QUERY
from cicd.emulator.state.buckets import Condition, Draft

MOST_XML = 4 * 2**20
KEPT = {"content-type", "content-encoding", "content-disposition", "content-language"} | {
    "cache-control",
    "expires",
}


def is_signed(request: Request) -> bool:
    """Whether a client of S3 has sent this, and no other."""
    header = request.headers.get("authorization", "")
    return header.startswith("AWS4-HMAC-SHA256") or IN_QUERY in request.url.query


async def received(request: Request, path: Path) -> Draft:
    """The body as a file at ``path``; whoever signed what it is must have sent just that."""
    wanted = request.headers.get("x-amz-content-sha256", "")
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    try:
        with path.open("wb") as file:
            body = request.stream()
            async for piece in _unchunked(body) if wanted.startswith("STREAMING-") else body:
                file.write(piece)
                md5.update(piece)
                sha256.update(piece)
                size += len(piece)
        if len(wanted) == 64 and wanted != sha256.hexdigest():
            raise S3Error("XAmzContentSHA256Mismatch")
        if request.headers.get("x-amz-decoded-content-length", str(size)) != str(size):
            raise S3Error("IncompleteBody")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Draft(path, size, md5.hexdigest())


async def _unchunked(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What aws-chunked carries: ``SIZE;…\\r\\nDATA\\r\\n`` until a size of 0, then trailers."""
    rest, left = b"", 0
    async for piece in body:
        rest += piece
        while rest:
            if left:
                yield rest[:left]
                left, rest = max(0, left - len(rest)), rest[left:]
                continue
            line, found, after = rest.removeprefix(b"\r\n").partition(b"\r\n")
            if not found:
                break
            try:
                left = int(line.partition(b";")[0], 16)
            except ValueError:
                raise S3Error("InvalidArgument") from None
            if not left:
                return
            rest = after


async def small_body(request: Request) -> bytes:
    """A body of XML."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_XML:
            raise S3Error("MalformedXML")
    return body


def texts_in(body: bytes, outer: str, inner: str) -> list[str]:
    """The text of each ``inner`` in an ``outer``, whatever the namespace."""
    if b"<!" in body:
        raise S3Error("MalformedXML")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 no declarations, see above
    except ElementTree.ParseError:
        raise S3Error("MalformedXML") from None
    return [
        child.text or ""
        for item in root.iter()
        if item.tag.rpartition("}")[2] == outer
        for child in item
        if child.tag.rpartition("}")[2] == inner
    ]


def headers_of(request: Request) -> dict[str, str]:
    """Headers by name; those sent twice have both values."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def kept(request: Request) -> dict[str, str]:
    """The headers that an object is given back with."""
    return {
        name: value
        for name, value in headers_of(request).items()
        if (name in KEPT and value != "aws-chunked") or name.startswith("x-amz-meta-")
    }


def condition(request: Request) -> Condition:
    """What must be there for a write: ``*`` for nothing yet, an ETag, or empty for whatever.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    is_new = request.headers.get("if-none-match")
    if is_new not in (None, "*"):
        raise S3Error("NotImplemented")
    return is_new or request.headers.get("if-match", "").strip('"')
