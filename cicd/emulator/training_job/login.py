"""The one client of the API, and the tokens that it gets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import unquote

from cicd.emulator.state.credentials import Credentials, is_same

BAD_CREDENTIALS = {"error": "unauthorized", "error_description": "Bad credentials"}
LIFETIME = 3600
"""Seconds that a token is good for."""


class Login:
    """The same in every emulator of a data folder. Tokens are signed, not kept: they outlive a
    restart."""

    def __init__(self, credentials: Credentials) -> None:
        self.client_id = f"sb-{credentials.derived('training_job id')[:16]}!emulator"
        self.client_secret = credentials.derived("training_job secret")[:40]
        self._key = credentials.derived("training_job token").encode()

    def is_client(self, client_id: str, client_secret: str) -> bool:
        """Whether this is the client; both may come form-encoded, as RFC 6749 has it."""
        return any(
            is_same(decode(client_id), self.client_id)
            and is_same(decode(client_secret), self.client_secret)
            for decode in (str, unquote)
        )

    def issue(self, lifetime: float = LIFETIME) -> str:
        """A new token that is good for so many seconds."""
        text = f"{time.time() + lifetime:.3f}-{secrets.token_hex(8)}"
        return base64.urlsafe_b64encode(f"{text}-{self._sign(text)}".encode()).decode().rstrip("=")

    def is_good(self, authorization: str) -> bool:
        """Whether a header ``Bearer …`` has a token of ours that is not over."""
        scheme, _, token = authorization.partition(" ")
        try:
            padded = token.strip() + "=" * (-len(token.strip()) % 4)
            text, _, signature = base64.urlsafe_b64decode(padded).decode().rpartition("-")
        except ValueError:
            return False
        if scheme.lower() != "bearer" or not is_same(signature, self._sign(text)):
            return False
        return float(text.partition("-")[0]) > time.time()

    def _sign(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()


def basic(authorization: str) -> tuple[str, str] | None:
    """Id and secret of a header ``Basic …``; None for any other."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return client_id, secret
