"""Gets OAuth tokens: one at a time for all threads, renewed before they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import requests

from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.http import Retries
from cicd.platforms.aicore import answers, certificate
from cicd.platforms.aicore.credentials import Credentials

TIMEOUT = (10.0, 30.0)
ATTEMPTS = 4
RETRIES = Retries(ATTEMPTS, first=0.6, longest=30.0, is_refusal=answers.is_refusal)
EARLY = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life if that is less."""


class Login:
    """The token of one client, shared by all threads."""

    def __init__(
        self,
        credentials: Credentials,
        session: requests.Session,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._session = session
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._failure: PlatformError | None = None
        self._failed_at = 0.0

    def token(self) -> str:
        """A valid token. Raises Denied (wrong client or secret) or ConnectionFailed."""
        asked = self._clock()
        with self._lock:
            # Whoever had to wait for the lock finds the token that another thread got meanwhile:
            # many threads that begin at once ask for one.
            if self._token and self._clock() < self._renew_at:
                return self._token
            if self._failure and self._failed_at >= asked:
                # of somebody who was waited for here: the next fails too
                raise self._failure.with_traceback(None)
            self._renew()
            return self._token

    def forget(self, token: str) -> None:
        """Do not use this token again: the platform refused it."""
        with self._lock:
            if token == self._token:
                self._token = ""

    def probe(self) -> float:
        """Asks for a token as if there were none; the seconds it is good for. Raises as above."""
        with self._lock:
            return self._renew()

    def _renew(self) -> float:
        try:
            self._token, life = self._fetch()
        except PlatformError as error:
            self._failure, self._failed_at = error, self._clock()
            raise
        self._renew_at = self._clock() + life - min(EARLY, life / 10)
        return life

    def _fetch(self) -> tuple[str, float]:
        response = self._ask()
        if response.status_code != 200:
            raise self._refusal(response)
        answer = answers.content(response)
        try:
            token, life = str(answer["access_token"]), float(answer.get("expires_in") or 300)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise answers.not_the_api(response) from None
        # a line break or a foreign character would fail inside the HTTP library, which quotes it
        if not (token.isascii() and token.isprintable()):
            raise answers.not_the_api(response)
        return token, life

    def _ask(self) -> requests.Response:
        """Asking for a token changes nothing, so it is repeated like a GET."""
        problem = RETRIES.send(self._post, is_repeatable=True, sleep=self._sleep)
        if isinstance(problem, requests.RequestException):
            known = self._credentials
            if known.certificate and answers.is_broken_off(problem):
                host = urlsplit(known.auth_url).netloc
                message = (
                    f"{host} broke off the login: it seems to refuse {known.certificate.title}"
                )
                raise Denied(message, hint=certificate.RENEW) from None
            raise answers.unanswered("GET", known.auth_url, problem) from None
        return problem

    def _post(self) -> requests.Response:
        known = self._credentials
        form = {"grant_type": "client_credentials", "client_id": known.client_id}
        if known.client_secret:
            form["client_secret"] = known.client_secret.reveal()
        with certificate.as_files(known.certificate) as files:
            if known.certificate and files:
                certificate.check(known.certificate, files, datetime.now(UTC))
            return self._session.post(
                known.auth_url,
                data=form,
                headers={"Accept": "application/json"},
                # An auth object keeps requests from adding a login out of ~/.netrc.
                auth=lambda request: request,
                cert=files,
                timeout=TIMEOUT,
                allow_redirects=False,
            )

    def _refusal(self, response: requests.Response) -> PlatformError:
        secret = self._credentials.client_secret
        error = answers.failure(response, mask=[secret.reveal()] if secret else [], is_safe=True)
        host = urlsplit(self._credentials.auth_url).netloc
        if response.status_code in {400, 401, 403} and not answers.is_html(response):
            proof = "client secret" if secret else "certificate"
            place = f" in {self._credentials.source}" if self._credentials.source else ""
            return Denied(
                f"{host} refused the login: {error.message}",
                hint=f"check client id and {proof}{place}",
                status=error.status,
                request_id=error.request_id,
            )
        if isinstance(error, ConnectionFailed):
            return error
        # whatever else it may be of an API: without a token nothing was asked of one
        return ConnectionFailed(
            f"{host} gives no token: {error.message}",
            hint="try again later",
            status=error.status,
            request_id=error.request_id,
        )
