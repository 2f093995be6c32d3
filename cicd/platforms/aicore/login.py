"""Gets OAuth tokens of AI Core, by client secret or certificate."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import requests

from cicd.errors import ConnectionFailed, Denied, PlatformError
from cicd.http import Retries
from cicd.platforms.aicore import answers, certificate
from cicd.platforms.aicore.credentials import Credentials
from cicd.platforms.tokens import Tokens

TIMEOUT = (10.0, 30.0)
ATTEMPTS = 4
RETRIES = Retries(ATTEMPTS, first=0.6, longest=30.0, is_refusal=answers.is_refusal)


class Login(Tokens):
    """The token of one client, shared by all threads."""

    def __init__(
        self,
        credentials: Credentials,
        session: requests.Session,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(self._given, credentials.source, clock=clock)
        self._credentials = credentials
        self._session = session
        self._sleep = sleep

    def _given(self) -> tuple[str, float]:
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
