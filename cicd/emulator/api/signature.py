"""AWS Signature Version 4 of a request, checked.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

from cicd.emulator.state.credentials import is_same

HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([\w-]*)/(\w+)/aws4_request,\s*"
    r"SignedHeaders=([\w;-]+),\s*Signature=([0-9a-f]{64})"
)
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class Signed:
    """``path`` and ``query`` as they were sent, still encoded; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


def refusal(request: Signed, keys: Mapping[str, str]) -> str:
    """S3's code for a request that none of ``keys`` (id -> secret) has signed; empty for a good
    one."""
    match = HEADER.fullmatch(request.headers.get("authorization", "").strip())
    if not match:
        return "AccessDenied"
    key_id, date, region, service, names, signature = match.groups()
    if key_id not in keys:
        return "InvalidAccessKeyId"
    scope = f"{date}/{region}/{service}/aws4_request"
    stamp = request.headers.get("x-amz-date", "")
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, _digest(canonical(request, names))])
    key = f"AWS4{keys[key_id]}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    right = hmac.digest(key, text.encode(), hashlib.sha256).hex()
    return "" if is_same(right, signature) else "SignatureDoesNotMatch"


def canonical(request: Signed, names: str) -> str:
    """The request in the one form that is signed."""
    headers = [
        f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names.split(";")
    ]
    payload = request.headers.get("x-amz-content-sha256", UNSIGNED)
    parts = (request.method, request.path, _query(request.query), *headers, "", names, payload)
    return "\n".join(parts)


def _query(text: str) -> str:
    pairs = [part.partition("=") for part in text.split("&") if part]
    encoded = [(_encoded(name), _encoded(value)) for name, _, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encoded(text: str) -> str:
    return quote(unquote_plus(text), safe="-_.~")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
