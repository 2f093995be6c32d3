"""As much of S3 as its clients need to keep objects, so that programs which pass their data through
a bucket run without an account: /BUCKET/KEY for what is signed, and /s3/BUCKET/KEY, where a bucket
of every name exists (Metaflow's steps make none).

Who signs with the emulator's own login, or with that of a registered object store secret, may do
everything. Bodies stream to disk. https://docs.aws.amazon.com/AmazonS3/latest/API
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from cicd.emulator.api.s3_answers import S3Error, entry, error_answer, xml_answer
from cicd.emulator.api.s3_requests import (
    condition,
    headers_of,
    kept,
    received,
    small_body,
    texts_in,
)
from cicd.emulator.api.signature import QUERY, Signed, refusal
from cicd.emulator.state.buckets import Buckets, Draft, NotAsExpected, Object
from cicd.emulator.world import World

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

LOG = logging.getLogger(__name__)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
MOST = 1000
"""Objects in one answer to a list."""
LONGEST_KEY = 1024
"""Bytes."""
KNOWN = {"prefix", "delimiter", "max-keys", "list-type", "continuation-token", "start-after"} | {
    "marker",
    "encoding-type",
    "fetch-owner",
    "uploads",
    "uploadId",
    "partNumber",
    "delete",
    "location",
    "x-id",
    "versionId",
}
SPAN = re.compile(r"bytes=(\d{1,18})-(\d{1,18})")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
Query = Mapping[str, list[str]]


def nobody(headers: Headers) -> Mapping[str, str]:
    """Nobody else may."""
    return {}


class S3:
    """An ASGI application for all buckets below ``prefix``. With ``has_all`` a bucket of every name
    exists there, else those that were made. ``guests``: access key -> secret of who else may, by
    the headers of a request."""

    def __init__(
        self,
        world: World,
        prefix: str = "",
        *,
        has_all: bool = False,
        guests: Callable[[Headers], Mapping[str, str]] = nobody,
    ) -> None:
        self._world = world
        self._buckets: Buckets = world.buckets
        self._prefix = prefix
        self._has_all = has_all
        self._guests = guests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except S3Error as error:
            answer = error_answer(error.code, request)
        except NotAsExpected:
            answer = error_answer("PreconditionFailed", request)
        except ClientDisconnect:
            return
        except OSError as error:
            LOG.warning("%s %s failed: %s", request.method, request.url.path, error)
            answer = error_answer("InternalError", request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
        path = raw.decode("ascii", "replace")
        signed = Signed(request.method, path, request.url.query, headers_of(request))
        keys = {**await run_in_threadpool(self._keys), **self._guests(request.headers)}
        if code := refusal(signed, keys):
            raise S3Error(code)
        said = parse_qs(request.url.query, keep_blank_values=True)
        query = {name: values for name, values in said.items() if not name.startswith(QUERY)}
        if query.keys() - KNOWN:
            raise S3Error("NotImplemented")
        bucket, _, key = path.removeprefix(self._prefix).lstrip("/").partition("/")
        bucket, key = unquote(bucket), unquote(key)
        is_needed = bucket and (key or request.method != "PUT") and not self._has_all
        if is_needed and not await run_in_threadpool(self._buckets.exists, bucket):
            raise S3Error("NoSuchBucket")
        if len(key.encode()) > LONGEST_KEY:
            raise S3Error("KeyTooLongError")
        if key:
            return await self._with_object(request, query, bucket, key)
        return await self._with_bucket(request, query, bucket)

    def _keys(self) -> dict[str, str]:
        """Access key -> secret of everybody who may."""
        sql = "SELECT data FROM secrets WHERE kind = 'object_store'"
        logins = [json.loads(row["data"])["data"] for row in self._world.store.rows(sql)]
        logins.append(self._world.credentials.s3_login)
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        found = [tuple(str(login.get(name) or "") for name in names) for login in logins]
        return {key: secret for key, secret in found if key and secret}

    async def _with_bucket(self, request: Request, query: Query, bucket: str) -> Response:
        if not bucket:
            buckets = "".join(
                f"<Bucket><Name>{escape(name)}</Name><CreationDate>{since}</CreationDate></Bucket>"
                for name, since in await run_in_threadpool(self._buckets.all)
            )
            return xml_answer("ListAllMyBucketsResult", f"<Buckets>{buckets}</Buckets>")
        if request.method == "POST" and "delete" in query:
            keys = texts_in(await small_body(request), "Object", "Key")
            for key in keys:
                await run_in_threadpool(self._buckets.delete, bucket, key)
            gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
            return xml_answer("DeleteResult", gone)
        if request.method == "GET" and "location" in query:
            return xml_answer("LocationConstraint", "")
        if request.method == "GET" and "uploads" not in query:
            return await run_in_threadpool(self._list, query, bucket)
        if request.method == "PUT" and not query:
            if not (self._has_all or BUCKET.fullmatch(bucket)):
                raise S3Error("InvalidBucketName")
            await run_in_threadpool(self._buckets.make, bucket)
            return Response(headers={"Location": f"/{quote(bucket)}"})
        if request.method == "DELETE" and not query:
            if not await run_in_threadpool(self._buckets.remove, bucket):
                raise S3Error("BucketNotEmpty")
            return Response(status_code=204)
        if request.method == "HEAD":
            return Response()
        raise S3Error("NotImplemented")

    def _list(self, query: Query, bucket: str) -> Response:
        """Both versions of the list."""

        def one(name: str) -> str:
            return query.get(name, [""])[0]

        is_second = one("list-type") == "2"
        prefix, delimiter = one("prefix"), one("delimiter")
        after = (one("continuation-token") or one("start-after")) if is_second else one("marker")
        if not (one("max-keys") or "0").isdigit():
            raise S3Error("InvalidArgument")
        most = min(int(one("max-keys") or MOST), MOST)
        encode = quote if one("encoding-type") == "url" else escape
        entries: dict[str, Object | None] = {}
        for item in self._buckets.listed(bucket, prefix, after):
            rest, found, _ = (
                item.key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            )
            folder = f"{prefix}{rest}{delimiter}" if found else ""
            if folder and folder <= after:
                continue
            entries.setdefault(folder or item.key, None if folder else item)
            if len(entries) > most:
                break
        shown = list(entries.items())[:most]
        is_cut = len(entries) > most
        text = f"<Name>{escape(bucket)}</Name><Prefix>{encode(prefix)}</Prefix>"
        text += f"<Delimiter>{encode(delimiter)}</Delimiter>" if delimiter else ""
        text += f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(is_cut).lower()}</IsTruncated>"
        text += "<EncodingType>url</EncodingType>" if encode is quote else ""
        text += f"<KeyCount>{len(shown)}</KeyCount>" if is_second else ""
        if is_cut and shown:
            name = "NextContinuationToken" if is_second else "NextMarker"
            last = shown[-1][0]
            text += f"<{name}>{escape(last) if is_second else encode(last)}</{name}>"
        text += "".join(entry(key, item, encode) for key, item in shown)
        return xml_answer("ListBucketResult", text)

    async def _with_object(self, request: Request, query: Query, bucket: str, key: str) -> Response:
        upload = query.get("uploadId", [""])[0]
        match request.method:
            case "GET" | "HEAD" if not upload:
                return await run_in_threadpool(self._read, request, bucket, key)
            case "PUT":
                return await self._put(request, query, bucket, key, upload)
            case "POST" if "uploads" in query:
                headers = kept(request)
                begun = await run_in_threadpool(self._buckets.begin, bucket, key, headers)
                text = f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>"
                return xml_answer(
                    "InitiateMultipartUploadResult", f"{text}<UploadId>{begun}</UploadId>"
                )
            case "POST" if upload:
                return await self._complete(request, bucket, key, upload)
            case "DELETE" if upload:
                if not await run_in_threadpool(self._buckets.abort, upload, bucket, key):
                    raise S3Error("NoSuchUpload")
                return Response(status_code=204)
            case "DELETE":
                await run_in_threadpool(self._buckets.delete, bucket, key)
                return Response(status_code=204)
        raise S3Error("NotImplemented")

    def _read(self, request: Request, bucket: str, key: str) -> Response:
        found = self._buckets.get(bucket, key)
        if found is None:
            raise S3Error("NoSuchKey")
        if not is_among(found.etag, request.headers.get("if-match", "*")):
            raise NotAsExpected
        if is_among(found.etag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers={"ETag": f'"{found.etag}"'})
        moment = datetime.fromisoformat(found.modified)
        headers = {
            "content-type": "binary/octet-stream",
            **found.headers,
            "etag": f'"{found.etag}"',
            "last-modified": format_datetime(moment, usegmt=True),
        }
        return FileResponse(found.path, headers=headers)

    async def _put(
        self, request: Request, query: Query, bucket: str, key: str, upload: str
    ) -> Response:
        number = query.get("partNumber", ["0"])[0]
        source = unquote(request.headers.get("x-amz-copy-source", ""))
        if source and not upload:
            return await run_in_threadpool(self._copy, request, source, bucket, key)
        if bool(upload) != bool(number.isdigit() and 0 < int(number) <= 10_000):
            raise S3Error("InvalidArgument")
        wanted = condition(request)
        if source:
            span = request.headers.get("x-amz-copy-source-range", "")
            draft = await run_in_threadpool(self._piece, source, span)
        else:
            draft = await received(request, self._buckets.draft())
        if not upload:
            put = (bucket, key, draft, kept(request), wanted)
            made = await run_in_threadpool(self._buckets.put, *put)
            return Response(headers={"ETag": f'"{made.etag}"'})
        part = (upload, bucket, key, int(number), draft)
        if not await run_in_threadpool(self._buckets.add_part, *part):
            draft.path.unlink(missing_ok=True)
            raise S3Error("NoSuchUpload")
        if source:
            return xml_answer("CopyPartResult", f"<ETag>&quot;{draft.md5}&quot;</ETag>")
        return Response(headers={"ETag": f'"{draft.md5}"'})

    def _source(self, source: str) -> Object:
        """What is to be copied."""
        bucket, _, key = source.lstrip("/").partition("?")[0].partition("/")
        found = self._buckets.get(bucket, key)
        if found is None:
            raise S3Error("NoSuchKey")
        return found

    def _piece(self, source: str, span: str) -> Draft:
        """A part of an object as the content of another; ``span`` as ``bytes=0-99``."""
        found = self._source(source)
        match = SPAN.fullmatch(span or f"bytes=0-{max(0, found.size - 1)}")
        if not match or not int(match[1]) <= int(match[2]) < max(1, found.size):
            raise S3Error("InvalidRange")
        return self._buckets.piece(found, int(match[1]), int(match[2]) + 1)

    def _copy(self, request: Request, source: str, bucket: str, key: str) -> Response:
        found = self._source(source)
        is_new = request.headers.get("x-amz-metadata-directive", "").upper() == "REPLACE"
        made = self._buckets.copy(found, bucket, key, kept(request) if is_new else None)
        text = f"<LastModified>{made.modified}</LastModified><ETag>&quot;{made.etag}&quot;</ETag>"
        return xml_answer("CopyObjectResult", text)

    async def _complete(self, request: Request, bucket: str, key: str, upload: str) -> Response:
        numbers = texts_in(await small_body(request), "Part", "PartNumber")
        if not numbers or not all(number.isdigit() for number in numbers):
            raise S3Error("MalformedXML")
        order = list(map(int, numbers))
        parts = (upload, bucket, key, order, condition(request))
        made = await run_in_threadpool(self._buckets.complete, *parts)
        if made is None:
            raise S3Error("NoSuchUpload")
        text = f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>"
        text += f"<ETag>&quot;{made.etag}&quot;</ETag>"
        return xml_answer("CompleteMultipartUploadResult", text)


def is_among(etag: str, wanted: str) -> bool:
    """Whether a header names this object: a list of ETags, or ``*`` for any."""
    return wanted.strip() == "*" or etag in {part.strip().strip('"') for part in wanted.split(",")}
