"""AWS Signature Version 4 of a request, in its header or its query, checked.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote_plus

from cicd.emulator.state.credentials import is_same

HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([\w-]*)/([\w-]+)/aws4_request,\s*"
    r"SignedHeaders=([\w;-]+),\s*Signature=([0-9a-f]{64})"
)
UNSIGNED = "UNSIGNED-PAYLOAD"
QUERY = "X-Amz-"
"""How the parameters of a url begin that is signed in advance."""
IN_QUERY = f"{QUERY}Signature"
STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Signed:
    """``path`` and ``query`` as they were sent, still encoded; header names in lower case.
    ``seconds``: how long it may be sent, where it was signed in advance."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    seconds: str | None = None


def refusal(request: Signed, keys: Mapping[str, str]) -> str:
    """S3's code for a request that none of ``keys`` (id -> secret) has signed; empty for a good
    one."""
    if IN_QUERY in request.query:
        request = from_query(request)
    match = HEADER.fullmatch(request.headers.get("authorization", "").strip())
    if not match or is_over(request):
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


def from_query(request: Signed) -> Signed:
    """The same request as if its header said what its query does."""
    said = dict(parse_qsl(request.query))
    parts = (part for part in request.query.split("&") if not part.startswith(f"{IN_QUERY}="))
    authorization = (
        f"{said.get(f'{QUERY}Algorithm')} Credential={said.get(f'{QUERY}Credential')}, "
        f"SignedHeaders={said.get(f'{QUERY}SignedHeaders')}, Signature={said[IN_QUERY]}"
    )
    headers = {
        **request.headers,
        "authorization": authorization,
        "x-amz-date": said.get(f"{QUERY}Date", ""),
        "x-amz-content-sha256": UNSIGNED,
    }
    return replace(
        request, query="&".join(parts), headers=headers, seconds=said.get(f"{QUERY}Expires", "0")
    )


def is_over(request: Signed) -> bool:
    """Whether it was signed in advance and its time has gone by."""
    if request.seconds is None:
        return False
    try:
        begun = datetime.strptime(request.headers["x-amz-date"], STAMP).replace(tzinfo=UTC)
        return datetime.now(UTC) >= begun + timedelta(seconds=int(request.seconds))
    except (ValueError, OverflowError):
        return True


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
