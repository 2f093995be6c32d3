"""Calls of the training-job API: login, retries and errors in one place. Safe for many threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from cicd.errors import Conflict
from cicd.platforms.training_job import answers, statuses
from cicd.platforms.training_job.login import Login

TIMEOUT = (10.0, 60.0)
"""Seconds to connect and to wait for an answer."""
MOST_LOG = 1 << 20
"""Bytes of a log that are read at once."""
NO_LOG = frozenset({404, 409, 416, 425})
"""What is said of a log that is not there yet, or not that long."""


class Api:
    """``routes``: where the API has what, with ``{version}``, ``{id}`` and ``{offset}``."""

    def __init__(
        self,
        api_url: str,
        version: str,
        routes: Mapping[str, str],
        login: Login,
        session: requests.Session,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = api_url.rstrip("/").removesuffix(f"/api/{version}")
        self._version = version
        self._routes = routes
        self.login = login
        self._session = session
        self._sleep = sleep
        self._told: tuple[str, float] = ("", 0.0)

    def is_at(self, address: str) -> bool:
        """Whether this is the API at an address, with or without its version."""
        root = address.rstrip("/").removesuffix(f"/{self._version}").removesuffix("/api")
        return root in {self._base, self._base.removesuffix("/api")}

    def now(self) -> datetime:
        """The time by the server's clock, as its last answer told it; else by ours."""
        told, heard_at = self._told
        try:
            since = timedelta(seconds=time.monotonic() - heard_at)
            return parsedate_to_datetime(told).astimezone(UTC) + since
        except (TypeError, ValueError, OverflowError):
            return datetime.now(UTC)

    def storage(self) -> dict[str, Any]:
        """What the API tells of its storage, its login among it."""
        response = self._good("GET", self._url("storage"))
        told = answers.content(response)
        if not isinstance(told, dict):
            raise answers.not_the_api(response)
        return told

    def submit(self, id: str, body: bytes) -> dict[str, Any]:
        """Its status, also where it was submitted before: who has its id has made the same."""
        try:
            response = self._good("POST", self._url("job", id=id), body)
        except Conflict:
            return self.status(id)
        told = answers.content(response)
        return statuses.normal(told, id) if told else self.status(id)

    def status(self, id: str) -> dict[str, Any]:
        """The seven fields of its status. Raises NotFound."""
        response = self._good("GET", self._url("job", id=id))
        told = answers.content(response)
        if statuses.one_of(told, id) is None:
            raise answers.not_the_api(response)
        return statuses.normal(told, id)

    def stop(self, id: str) -> None:
        """Ask it to stop. Raises NotFound."""
        self._good("DELETE", self._url("job", id=id))

    def log(self, id: str, offset: int) -> bytes:
        """Its log from a byte on, so much as is read at once; empty while there is none."""
        response = self._send("GET", self._url("logs", id=id, offset=str(offset)), stream=True)
        with response:
            if response.status_code in NO_LOG:
                return b""
            if response.status_code // 100 != 2:
                raise answers.failure(response)
            found = b""
            try:
                for chunk in response.iter_content(1 << 16):
                    found += chunk
                    if len(found) >= MOST_LOG:
                        break
            except requests.RequestException as error:  # what came so far is good
                if not found:
                    raise answers.unanswered("GET", response.url, error) from None
            return found

    def _url(self, route: str, **names: str) -> str:
        path = self._routes[route]
        for name, value in {"version": self._version, **names}.items():
            path = path.replace(f"{{{name}}}", value)
        return self._base + path

    def _good(self, method: str, url: str, body: bytes | None = None) -> requests.Response:
        response = self._send(method, url, data=body)
        if response.status_code // 100 != 2:
            raise answers.failure(response)
        return response

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        """Any answer. Whatever it is that is sent may be sent again: the same id, the same job."""
        answer = answers.RETRIES.send(
            lambda: self._once(method, url, options), is_repeatable=True, sleep=self._sleep
        )
        if isinstance(answer, requests.RequestException):
            # not chained: the exceptions of requests hold the request with its token
            raise answers.unanswered(method, url, answer) from None
        return answer

    def _once(self, method: str, url: str, options: Mapping[str, Any]) -> requests.Response:
        """The answer; where it was the token that is refused, that to a new one."""
        token = self.login.token()
        response = self._try(method, url, token, options)
        if response.status_code != 401:
            return response
        self.login.forget(token)
        response.close()
        return self._try(method, url, self.login.token(), options)

    def _try(
        self, method: str, url: str, token: str, options: Mapping[str, Any]
    ) -> requests.Response:
        response = self._session.request(
            method,
            url,
            headers={"Accept": "*/*"},
            auth=_Bearer(token),
            timeout=TIMEOUT,
            allow_redirects=False,
            **options,
        )
        if date := response.headers.get("Date"):
            self._told = (date, time.monotonic())
        return response


class _Bearer(requests.auth.AuthBase):
    """An auth object also keeps requests from adding a login out of ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
