"""The token endpoint of XSUAA, for both the AI Core and the Destination client."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, unquote

from cicd.emulator.api.web import ApiCall, Operation, Reply
from cicd.emulator.state.credentials import LIFETIME


def token(call: ApiCall) -> Reply:
    """A client-credentials grant; id and secret in the form or as Basic authorization."""
    form = {key: values[-1] for key, values in parse_qs(text_of(call)).items()}
    form = {**{key: values[-1] for key, values in call.query.items()}, **form}
    grant = form.get("grant_type")
    if grant != "client_credentials":
        text = "Missing grant type" if grant is None else f"Unsupported grant type: {grant[:50]}"
        return refusal(400, "unsupported_grant_type" if grant else "invalid_request", text)
    client_id, client_secret = basic(call) or (
        form.get("client_id", ""),
        form.get("client_secret", ""),
    )
    audience = call.world.credentials.audience(client_id, client_secret)
    if audience is None:
        return refusal(401, "unauthorized", "Bad credentials")
    issued = call.world.credentials.issue(audience, issuer=call.base_url)
    return Reply(
        {
            "access_token": issued,
            "token_type": "bearer",
            "expires_in": LIFETIME,
            "scope": "uaa.resource",
            "jti": issued[-20:],
        },
        headers={"Cache-Control": "no-store"},
    )


def refusal(status: int, error: str, description: str) -> Reply:
    """An OAuth error."""
    return Reply({"error": error, "error_description": description}, status)


def text_of(call: ApiCall) -> str:
    """The form as text; a body that is none has no fields."""
    return call.raw_body.decode("utf-8", "replace")


def basic(call: ApiCall) -> tuple[str, str] | None:
    """Id and secret of a Basic authorization header, None when there is none."""
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    known = call.world.credentials
    if known.audience(client_id, secret) is None:
        # RFC 6749 wants both parts form-encoded; most clients do not do that
        return unquote(client_id), unquote(secret)
    return client_id, secret


OPERATIONS = tuple(
    Operation("token.create", method, "/oauth/token", token, "none") for method in ("POST", "GET")
)
