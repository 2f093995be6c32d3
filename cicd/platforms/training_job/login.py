"""Gets OAuth tokens of the training-job API, by GET or POST."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth

from cicd.errors import ConnectionFailed, Denied
from cicd.platforms.tokens import Tokens
from cicd.platforms.training_job import answers
from cicd.platforms.training_job.credentials import Credentials

TIMEOUT = (10.0, 30.0)
LIFE = 300.0
"""Seconds that a token is taken to be good for where nothing tells."""
OTHER_METHOD = frozenset({400, 404, 405, 415})
"""Answers after which a token is asked for by POST."""
REFUSED = 401
"""Asked once more, by the other way where there is one: a server that has just begun may refuse
everybody."""
Method = Literal["auto", "GET", "POST"]


class Login(Tokens):
    """The token of one client, shared by all threads. ``method``: how a token is asked for; GET
    with Basic is what the service's own samples do, and others take a form by POST alone."""

    def __init__(
        self,
        credentials: Credentials,
        session: requests.Session,
        method: Method = "auto",
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(self._given, credentials.source, clock=clock)
        self._credentials = credentials
        self._session = session
        self._method = method
        self._sleep = sleep

    def _given(self) -> tuple[str, float]:
        first = "POST" if self._method == "POST" else "GET"
        second = "POST" if self._method == "auto" else first
        response = self._ask(first)
        is_other = second != first and response.status_code in OTHER_METHOD
        if (is_other or response.status_code == REFUSED) and not answers.is_html(response):
            response = self._ask(second)
        if response.status_code // 100 != 2:
            raise self._refusal(response)
        return self._read(response)

    def _read(self, response: requests.Response) -> tuple[str, float]:
        told = answers.content(response)
        try:
            plain = {str(name).lower(): value for name, value in told.items()}
            token, life = str(plain["access_token"]), float(plain.get("expires_in") or LIFE)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise answers.not_the_api(response) from None
        # one that is no header would fail inside the HTTP library, which quotes it
        if not (token and token.isascii() and token.isprintable()):
            raise answers.not_the_api(response)
        return token, life

    def _ask(self, method: str) -> requests.Response:
        """Asking for a token changes nothing, so it is repeated."""
        known = self._credentials
        grant = {"grant_type": "client_credentials"}
        form = {**grant, "client_id": known.client_id, "client_secret": known.client_secret}
        sent: dict[str, Any] = {"params": grant} if method == "GET" else {}

        def once() -> requests.Response:
            if method == "POST":
                sent["data"] = {**form, "client_secret": known.client_secret.reveal()}
            return self._session.request(
                method,
                known.token_url,
                headers={"Accept": "application/json"},
                auth=HTTPBasicAuth(known.client_id.encode(), known.client_secret.reveal().encode()),
                timeout=TIMEOUT,
                allow_redirects=False,
                **sent,
            )

        answer = answers.RETRIES.send(once, is_repeatable=True, sleep=self._sleep)
        if isinstance(answer, requests.RequestException):
            raise answers.unanswered("GET", known.token_url, answer) from None
        return answer

    def _refusal(self, response: requests.Response) -> Denied | ConnectionFailed:
        known = self._credentials
        host = urlsplit(known.token_url).netloc
        if answers.is_html(response) or response.status_code not in {400, 401, 403}:
            status = response.status_code
            return ConnectionFailed(
                f"{host} gives no token (HTTP {status})",
                hint="check TRAINING_JOB_TOKEN_URL, or training_job.token_url",
                status=status,
            )
        error = answers.failure(response, [known.client_secret.reveal()])
        return Denied(
            f"{host} refused the login: {error.message}",
            hint=f"check client id and secret: {known.source}",
            status=error.status,
            request_id=error.request_id,
        )
