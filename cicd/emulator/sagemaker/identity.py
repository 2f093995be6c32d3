"""Who may: the login of the emulator, and what STS gives for it or for a token of somebody else's.

A temporary login is known by itself: its secret and token follow from its key and the emulator's
own secret, so that nothing is kept.
https://docs.aws.amazon.com/STS/latest/APIReference
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from starlette.datastructures import Headers

from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.nouns import ACCOUNT
from cicd.emulator.state.credentials import Credentials, is_same

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
LIFETIME = 3600
"""Seconds of a temporary login whose maker wants no other time."""
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
USER = f"arn:aws:iam::{ACCOUNT}:user/emulator"
KEY = re.compile(r"Credential=([^/,\s]+)/")
TEMPORARY = "ASIA"
"""With what the key of a temporary login begins."""
ACTIONS = frozenset(
    {"GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken"}
)


@dataclass(frozen=True)
class Login:
    """``arn`` of who has it."""

    key: str
    secret: str
    arn: str


class Logins:
    """The logins of one emulator."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def find(self, key: str, token: str) -> Login | None:
        """The login of an access key, None where it is nobody's. Refused where it has expired."""
        own = self._credentials.s3_login
        if key == own["AWS_ACCESS_KEY_ID"]:
            return Login(key, own["AWS_SECRET_ACCESS_KEY"], USER)
        if not key.startswith(TEMPORARY) or not is_same(token, self._token(key, token)):
            return None
        told = json.loads(base64.urlsafe_b64decode(token.partition(".")[0]))
        if told["until"] < time.time():
            text = "The security token included in the request is expired"
            raise Refused("ExpiredTokenException", text)
        return Login(key, self._secret(key), str(told["arn"]))

    def temporary_of(self, headers: Headers) -> dict[str, str]:
        """Access key -> secret of the temporary login that a request was signed with, if any."""
        found = KEY.search(headers.get("authorization", ""))
        token = headers.get("x-amz-security-token", "")
        try:
            login = self.find(found[1], token) if found and token else None
        except Refused:
            return {}
        return {login.key: login.secret} if login else {}

    def temporary(self, arn: str, seconds: int) -> tuple[Login, str, float]:
        """A new login for so long, its token, and when it ends (seconds since 1970)."""
        key = f"{TEMPORARY}{base64.b32encode(secrets.token_bytes(10)).decode()}"
        until = round(time.time()) + seconds
        told = json.dumps({"arn": arn, "until": until}).encode()
        head = base64.urlsafe_b64encode(told).decode()
        return Login(key, self._secret(key), arn), self._token(key, head), until

    def _secret(self, key: str) -> str:
        return self._credentials.derived(f"secret of {key}")[:40]

    def _token(self, key: str, text: str) -> str:
        head = text.partition(".")[0]
        return f"{head}.{self._credentials.derived(f'token of {key} {head}')}"


def answer(logins: Logins, who: Login | None, body: bytes) -> str:
    """The XML that an action of STS answers. Refused for one that is not here."""
    asked = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
    action = asked.get("Action", "")
    if action not in ACTIONS:
        text = f"Could not find operation {action} for version 2011-06-15"
        raise Refused("InvalidAction", text)
    if action == "AssumeRoleWithWebIdentity":
        if not asked.get("WebIdentityToken"):
            raise Refused("InvalidIdentityToken", "No token was given")
    elif who is None:
        raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    if action == "GetCallerIdentity":
        assert who is not None
        found = f"<Arn>{escape(who.arn)}</Arn><UserId>{_id(who.arn)}</UserId>"
        return _xml(action, f"{found}<Account>{ACCOUNT}</Account>")
    seconds = int(asked.get("DurationSeconds") or LIFETIME)
    if action == "GetSessionToken":
        return _xml(action, _credentials(logins, USER, seconds))
    return _xml(action, _assumed(logins, asked, seconds))


def _assumed(logins: Logins, asked: Mapping[str, str], seconds: int) -> str:
    role, session = asked.get("RoleArn", ""), asked.get("RoleSessionName", "")
    if not role or not session:
        raise Refused("ValidationError", "RoleArn and RoleSessionName must be given")
    name = role.rpartition("/")[2]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}"
    user = f"<AssumedRoleId>{_id(role)}:{escape(session)}</AssumedRoleId><Arn>{escape(arn)}</Arn>"
    made = _credentials(logins, arn, seconds)
    return f"{made}<AssumedRoleUser>{user}</AssumedRoleUser>"


def _credentials(logins: Logins, arn: str, seconds: int) -> str:
    login, token, until = logins.temporary(arn, seconds)
    end = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"<Credentials><AccessKeyId>{login.key}</AccessKeyId>"
        f"<SecretAccessKey>{login.secret}</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials>"
    )


def _id(arn: str) -> str:
    """An id for whoever has an ARN, always the same."""
    return f"AROA{hashlib.sha256(arn.encode()).hexdigest()[:17].upper()}"


def _xml(action: str, text: str) -> str:
    return (
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{text}</{action}Result>'
        f"<ResponseMetadata><RequestId>sts</RequestId></ResponseMetadata></{action}Response>"
    )


def error(refused: Refused) -> str:
    """A refusal as STS answers it."""
    kind = "Sender" if refused.status < 500 else "Receiver"
    text = f"<Type>{kind}</Type><Code>{refused.code}</Code>"
    text += f"<Message>{escape(refused.message)}</Message>"
    return f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{text}</Error></ErrorResponse>'
