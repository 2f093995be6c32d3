"""Gets OAuth tokens: one at a time for all threads, renewed before they end."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

from cicd.errors import Denied, PlatformError
from cicd.platforms.aicore import answers
from cicd.platforms.aicore.credentials import Certificate, Credentials

TIMEOUT = (10.0, 30.0)
ATTEMPTS = 4
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

    def token(self) -> str:
        """A valid token. Raises Denied (wrong client or secret) or ConnectionFailed."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._token, life = self._fetch()
                self._renew_at = self._clock() + life - min(EARLY, life / 10)
            return self._token

    def forget(self, token: str) -> None:
        """Do not use this token again: the platform refused it."""
        with self._lock:
            if token == self._token:
                self._token = ""

    def _fetch(self) -> tuple[str, float]:
        response = self._ask()
        if response.status_code != 200:
            raise self._refusal(response)
        answer = answers.content(response)
        try:
            return str(answer["access_token"]), float(answer.get("expires_in") or 300)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise answers.not_the_api(response) from None

    def _ask(self) -> requests.Response:
        """Asking for a token changes nothing, so it is repeated like a GET."""
        for attempt in range(1, ATTEMPTS + 1):
            problem: requests.Response | requests.RequestException
            try:
                problem = self._post()
            except requests.RequestException as error:
                problem = error
            if attempt == ATTEMPTS or not answers.may_repeat("GET", problem):
                break
            self._sleep(0.3 * 2**attempt)
        if isinstance(problem, requests.RequestException):
            raise answers.unanswered("GET", self._credentials.auth_url, problem) from None
        return problem

    def _post(self) -> requests.Response:
        known = self._credentials
        form = {"grant_type": "client_credentials", "client_id": known.client_id}
        if known.client_secret:
            form["client_secret"] = known.client_secret.reveal()
        with _certificate_files(known.certificate) as files:
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
        error = answers.failure(response, mask=[secret.reveal()] if secret else [])
        if response.status_code in {400, 401, 403} and not answers.is_html(response):
            host = urlsplit(self._credentials.auth_url).netloc
            return Denied(
                f"{host} refused the login: {error.message}",
                hint="check client id and client secret",
                status=error.status,
                request_id=error.request_id,
            )
        return error


@contextmanager
def _certificate_files(certificate: Certificate | None) -> Iterator[tuple[str, str] | None]:
    """The certificate and key as files, which is the only way that requests takes them."""
    if certificate is None:
        yield None
    elif certificate.is_path:
        yield certificate.certificate, certificate.key.reveal()
    else:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "certificate.pem"), Path(folder, "key.pem")
            for file, text in zip(
                files, (certificate.certificate, certificate.key.reveal()), strict=True
            ):
                file.write_text(text, encoding="utf-8")
            yield str(files[0]), str(files[1])
