"""Gets OAuth tokens: one at a time for all threads, renewed before they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth

from cicd.errors import ConnectionFailed, Denied
from cicd.platforms.training_job import answers
from cicd.platforms.training_job.credentials import Credentials

TIMEOUT = (10.0, 30.0)
EARLY = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life if that is less."""
LIFE = 300.0
"""Seconds that a token is taken to be good for where nothing tells."""
OTHER_METHOD = frozenset({400, 404, 405, 415})
"""Answers after which a token is asked for by POST."""
REFUSED = 401
"""Asked once more, by the other way where there is one: a server that has just begun may refuse
everybody."""
Method = Literal["auto", "GET", "POST"]


class Login:
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
        self._credentials = credentials
        self._session = session
        self._method = method
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """A valid token. Raises Denied (wrong client or secret) or ConnectionFailed."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._renew()
            return self._token

    def forget(self, token: str) -> None:
        """Do not use this token again: the API refused it."""
        with self._lock:
            if token == self._token:
                self._token = ""

    def probe(self) -> float:
        """Asks for a token as if there were none; the seconds it is good for. Raises as above."""
        with self._lock:
            return self._renew()

    def _renew(self) -> float:
        self._token = ""
        first = "POST" if self._method == "POST" else "GET"
        second = "POST" if self._method == "auto" else first
        response = self._ask(first)
        is_other = second != first and response.status_code in OTHER_METHOD
        if (is_other or response.status_code == REFUSED) and not answers.is_html(response):
            response = self._ask(second)
        if response.status_code // 100 != 2:
            raise self._refusal(response)
        self._token, life = self._read(response)
        self._renew_at = self._clock() + life - min(EARLY, life / 10)
        return life

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
