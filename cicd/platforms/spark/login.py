"""Tokens for a REST server or a Livy behind a gateway: given, signed here, or of an OAuth login."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from requests.auth import HTTPBasicAuth

from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.model import Secret
from cicd.platforms.spark.calls import Calls
from cicd.platforms.tokens import FOR_EVER, Tokens

LIFE = 300.0
"""Seconds that a token is signed for, and taken to be good for where nothing tells."""
SHORTEST_KEY = 32
"""Bytes of a key that Spark's JWS filter takes at least."""


def tokens_of(login: Mapping[str, Any]) -> Tokens:
    """What the stage file says of a login, as tokens. Sends nothing."""
    source = str(login["source"])
    if token := login.get("token"):
        return Tokens(lambda: (header_text(token.reveal(), source), FOR_EVER), source)
    if key := login.get("signing_key"):
        return Tokens(lambda: (signed(key, source, int(time.time())), LIFE), source)
    return Tokens(lambda: granted(login, source), source)


def header_text(token: str, source: str) -> str:
    """A token as it is sent. One that is no header would fail inside the HTTP library, which
    quotes it."""
    text = token.strip()
    if not (text and text.isascii() and text.isprintable()):
        raise Denied("the token is empty, or none that can be sent", hint=f"check {source}")
    return text


def signed(key: Secret, source: str, now: int) -> str:
    """A token of Spark's JWS filter (HS256), good for a short time from ``now``. ``key``: as the
    property of the filter has it, in base64url."""
    text = key.reveal().strip()
    try:
        secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) < SHORTEST_KEY:
        raise Denied(
            f"{source} is no key of {SHORTEST_KEY} bytes or more in base64url",
            hint="give it the secretKey of the JWS filter",
        )
    head = _part({"alg": "HS256", "typ": "JWT"})
    body = _part({"sub": "cicd", "iat": now, "exp": now + int(LIFE)})
    proof = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_base64url(proof)}"


def _part(claims: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(claims, separators=(",", ":")).encode())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def granted(login: Mapping[str, Any], source: str) -> tuple[str, float]:
    """A token by the grant of client credentials (RFC 6749, 4.4), and the seconds it is good for.
    The login is sent as Basic first, which every server must take, then in the form."""
    url, secret = str(login["token_url"]), login["client_secret"].reveal().strip()
    client = str(login["client_id"])
    grant = {"grant_type": "client_credentials"}
    if scope := login.get("scope"):
        grant["scope"] = str(scope)
    calls = Calls(secrets=[secret])
    try:
        try:
            basic = HTTPBasicAuth(quote(client, safe=""), quote(secret, safe=""))
            told = calls.form(url, grant, basic)
        except PlatformError as error:
            if error.status not in {400, 401}:
                raise
            form = {**grant, "client_id": client, "client_secret": secret}
            told = calls.form(url, form, None)
    except PlatformError as error:
        raise _refusal(url, error, source) from None
    finally:
        calls.close()
    try:
        return header_text(str(told["access_token"]), source), float(told.get("expires_in") or LIFE)
    except (KeyError, TypeError, ValueError):
        host = urlsplit(url).netloc
        text = f"{host} does not answer with a token"
        raise ConnectionFailed(text, hint="check spark.login.token_url") from None


def _refusal(url: str, error: PlatformError, source: str) -> PlatformError:
    host = urlsplit(url).netloc
    if error.status in {400, 401, 403}:
        text = f"{host} refused the login: {error.message}"
        return Denied(text, hint=f"check {source}", status=error.status)
    if not error.status:
        return error
    text = f"{host} gives no token: {error.message}"
    return ConnectionFailed(text, hint="check spark.login.token_url", status=error.status)
