"""What S3 answers: its words for errors, and XML."""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from cicd.emulator.state.buckets import Object

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
STATUSES = {
    "AccessDenied": 403,
    "BucketNotEmpty": 409,
    "InvalidBucketName": 400,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "IncompleteBody": 400,
    "InvalidPart": 400,
    "InvalidRange": 416,
    "KeyTooLongError": 400,
    "MalformedXML": 400,
    "InvalidArgument": 400,
    "XAmzContentSHA256Mismatch": 400,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
}


class S3Error(Exception):
    """What S3 answers in place of a result; the code is its own word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def entry(key: str, item: Object | None, encode: Callable[[str], str]) -> str:
    """An object of a list, or a folder."""
    if item is None:
        return f"<CommonPrefixes><Prefix>{encode(key)}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{encode(key)}</Key><LastModified>{item.modified}</LastModified>"
        f"<ETag>&quot;{item.etag}&quot;</ETag><Size>{item.size}</Size>"
        f"<StorageClass>STANDARD</StorageClass></Contents>"
    )


def xml_answer(name: str, text: str) -> Response:
    """A result."""
    body = f'{HEAD}<{name} xmlns="{NAMESPACE}">{text}</{name}>'
    return Response(body, 200, None, "application/xml")


def error_answer(code: str, request: Request) -> Response:
    """An error, by its word."""
    where = escape(request.url.path)
    text = f"<Code>{code}</Code><Message>{code}</Message><Resource>{where}</Resource>"
    # what of the body was not read cannot be told from the next request
    headers = {"Connection": "close"} if request.method in ("PUT", "POST") else None
    body = f"{HEAD}<Error>{text}</Error>"
    return Response(body, STATUSES.get(code, 500), headers, "application/xml")
