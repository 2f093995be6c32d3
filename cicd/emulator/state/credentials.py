"""Client ids and secrets of one data folder, and the tokens they get."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from cicd.emulator.errors import EmulatorError, GatewayError
from cicd.emulator.state.private import write_private

FILE_NAME = "credentials.json"
LIFETIME = 43199
"""Seconds, as AI Core's."""

Audience = Literal["aicore", "destination"]


@dataclass(frozen=True)
class Credentials:
    """Random, made once per data folder, stored with mode 0600."""

    client_id: str
    client_secret: str
    destination_client_id: str
    destination_client_secret: str
    signing_key: str
    tenant_id: str

    def __repr__(self) -> str:
        return "Credentials(***)"

    def audience(self, client_id: str, client_secret: str) -> Audience | None:
        """Which API this client may call, None when id or secret is wrong."""
        known: tuple[tuple[Audience, str, str], ...] = (
            ("aicore", self.client_id, self.client_secret),
            ("destination", self.destination_client_id, self.destination_client_secret),
        )
        for audience, right_id, right_secret in known:
            if is_same(client_id, right_id) and is_same(client_secret, right_secret):
                return audience
        return None

    def derived(self, purpose: str) -> str:
        """64 digits that stay the same for a purpose, and tell nothing of those for another."""
        return hmac.digest(self.signing_key.encode(), purpose.encode(), hashlib.sha256).hex()

    @property
    def s3_login(self) -> dict[str, str]:
        """Of the emulator's own S3, by the names of its variables."""
        secret = self.derived("s3")[:40]
        key = f"CICD{hashlib.sha256(self.client_id.encode()).hexdigest()[:16].upper()}"
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}

    def issue(self, audience: Audience, *, issuer: str, lifetime: int = LIFETIME) -> str:
        """A signed token for ``lifetime`` seconds, in the shape of a JWT."""
        issued = int(time.time())
        client = self.client_id if audience == "aicore" else self.destination_client_id
        claims = {
            "jti": secrets.token_hex(16),
            "iss": f"{issuer}/oauth/token",
            "sub": client,
            "client_id": client,
            "cid": client,
            "azp": client,
            "aud": [audience],
            "scope": ["uaa.resource"],
            "grant_type": "client_credentials",
            "zid": self.tenant_id,
            "iat": issued,
            "exp": issued + lifetime,
        }
        head = encode({"alg": "HS256", "typ": "JWT", "kid": "emulator"}) + "." + encode(claims)
        return f"{head}.{self._sign(head)}"

    def check(self, authorization: str, audience: Audience) -> None:
        """Pass a good ``Bearer …`` header; raise the gateway's 401 or 403 for any other."""
        scheme, _, token = authorization.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise GatewayError(403, "RBAC: access denied")
        head, _, signature = token.strip().rpartition(".")
        try:
            claims = decode(head.split(".")[1])
        except (ValueError, IndexError):
            text = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
            raise GatewayError(401, text) from None
        if not is_same(signature, self._sign(head)):
            raise GatewayError(401, "Jwt verification fails")
        if float(claims.get("exp", 0)) <= time.time():
            raise GatewayError(401, "Jwt is expired")
        if audience not in claims.get("aud", ()):
            raise GatewayError(403, "RBAC: access denied")

    def _sign(self, text: str) -> str:
        digest = hmac.digest(self.signing_key.encode(), text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def encode(part: dict[str, Any]) -> str:
    """JSON in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def decode(part: str) -> dict[str, Any]:
    """The reverse of encode(); ValueError when it is not that."""
    loaded = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(loaded, dict):
        raise ValueError("not a JSON object")
    return loaded


def is_same(left: str, right: str) -> bool:
    """Equality that takes the same time wherever they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def read(folder: Path) -> Credentials:
    """The credentials of a data folder; EmulatorError when there are none or they are damaged."""
    path = folder / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(
            **{field.name: str(content[field.name]) for field in fields(Credentials)}
        )
    except FileNotFoundError:
        raise EmulatorError(
            f"no emulator has run in {folder}", "start it with `cicd emulator start`"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise EmulatorError(
            f"{path} is damaged", "start from nothing with `cicd emulator reset`"
        ) from None


def read_or_create(folder: Path) -> Credentials:
    """The credentials of a data folder, made now if it has none."""
    if (folder / FILE_NAME).exists():
        return read(folder)
    made = Credentials(
        client_id=f"sb-{secrets.token_hex(8)}!emulator|aicore",
        client_secret=secrets.token_urlsafe(32),
        destination_client_id=f"sb-{secrets.token_hex(8)}!emulator|destination",
        destination_client_secret=secrets.token_urlsafe(32),
        signing_key=secrets.token_urlsafe(32),
        tenant_id=secrets.token_hex(16),
    )
    write_private(folder / FILE_NAME, json.dumps(asdict(made)))
    return made
