"""Calls, pages, retries and errors in one place, and the seam at which the SAP SDK uses it.

The SDK's own RestClient opens a connection per call, never repeats a POST that was refused with
429, sends ``top`` for ``$top`` and rewrites the keys of user data. This one does none of that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from ai_api_client_sdk.helpers.rest_client import RestClient as SdkRestClient

from cicd.errors import ConnectionFailed, LostAnswer
from cicd.http import Retries
from cicd.model import Secret
from cicd.platforms.aicore import answers, shapes
from cicd.platforms.aicore.listing import Listing, find_in, resources
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.transport import Sender

TIMEOUT = (10.0, 60.0)
"""Seconds to connect and to wait for an answer."""
ATTEMPTS = 5
RETRIES = Retries(ATTEMPTS, first=0.2, longest=30.0, is_refusal=answers.is_refusal)


class Http:
    """Calls one API: login, retries and errors in one place. Safe for many threads.

    Bodies are sent as they are; a Secret in them is opened at the last moment and masked in errors.
    """

    def __init__(
        self,
        base_url: str,
        login: Login,
        session: requests.Session,
        *,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.base_url = base_url
        self._login = login
        self._sender = Sender(session)
        self._headers = {"Accept": "application/json", **(headers or {})}
        self.sleep = sleep
        self._timeout = timeout
        self._told: tuple[str, float] = ("", 0.0)
        self._secrets: dict[str, None] = {}
        """All that were sent so far: any answer may echo them."""

    def now(self) -> datetime:
        """The time by the server's clock, as its last answer told it, in UTC; else by ours."""
        told, heard_at = self._told
        try:
            # by itself the clock of this machine may be wrong, or put right meanwhile
            since = timedelta(seconds=time.monotonic() - heard_at)
            return parsedate_to_datetime(told).astimezone(UTC) + since
        except (TypeError, ValueError, OverflowError):
            return datetime.now(UTC)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Any:
        """The JSON that the API answers. Idempotent calls are repeated on any passing failure,
        others only when they surely had no effect; else raises LostAnswer. A header that is None
        is not sent."""
        return self._told_by(self._answer(method, path, params, body, headers), method, path)

    def _answer(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        headers: Mapping[str, str | None] | None,
    ) -> requests.Response:
        """A good answer, whatever it says."""
        given = {**self._headers, **(headers or {})}
        sent = {name: value for name, value in given.items() if value is not None}
        data = None
        if body is not None:
            data = json.dumps(body, default=lambda leaf: _reveal(leaf, self._secrets)).encode()
            sent.setdefault("Content-Type", "application/json")
        response = self.send(method, self.base_url + path, params=params, data=data, headers=sent)
        if response.status_code // 100 == 2:
            return response
        group = "" if path.startswith("/admin") else sent.get("AI-Resource-Group", "")
        raise answers.failure(response, group=group, mask=list(self._secrets))

    def _told_by(self, response: requests.Response, method: str, path: str) -> Any:
        """What a good answer says, each field of its type. That of a write in words that are none
        of the API's is lost: what was made is to be found by looking."""
        try:
            told = answers.content(response)
        except ConnectionFailed as error:
            if method in answers.IDEMPOTENT:
                raise
            raise LostAnswer(error.message, hint=error.hint, status=error.status) from None
        if method == "GET":
            return self._checked(response, path, told)
        if method in answers.IDEMPOTENT or isinstance(told, dict):
            return told
        if told is None:
            return {}
        raise LostAnswer(
            f"{method} {urlsplit(response.url).path}: accepted, but the answer is no object",
            status=response.status_code,
        )

    def _checked(self, response: requests.Response, path: str, told: Any) -> Any:
        try:
            return shapes.checked(path, told)
        except shapes.Unfit as problem:
            raise answers.unfit(response, problem) from None

    def those(
        self,
        path: str,
        ids: Collection[str],
        params: Mapping[str, Any] | None = None,
        *,
        only_first_page: bool = False,
    ) -> list[dict[str, Any]]:
        """The items of a list that have these ids; nobody looks at the others. It is read until
        all are found, or with ``only_first_page`` for one page."""

        def ask(path: str, params: Mapping[str, Any]) -> Any:
            response = self._answer("GET", path, params, None, None)
            items = resources(answers.content(response), self.base_url + path)
            told = [str(item.get("id")) for item in items]
            wanted = [item for item, id in zip(items, told, strict=True) if id in ids]
            checked = self._checked(response, path, {"resources": wanted})
            return told, checked["resources"]

        return find_in(ask, path, params or {}, ids, only_first_page=only_first_page)

    def pages(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        is_paged: bool = True,
        is_thorough: bool = False,
    ) -> list[dict[str, Any]]:
        """Every item of a list, each once however the pages shift while they are read. See
        ``listing`` for ``is_paged`` and ``is_thorough``."""

        def ask(path: str, params: Mapping[str, Any]) -> Any:
            return self.call("GET", path, params=params, headers=headers)

        name = self.base_url + path
        return Listing(ask, path, params or {}, name, is_paged, is_thorough, self.sleep).read()

    def send(
        self, method: str, url: str, *, attempts: int = ATTEMPTS, **options: Any
    ) -> requests.Response:
        """One request with login and retries, any answer returned. Raises when there is none."""
        answer = replace(RETRIES, attempts=attempts).send(
            lambda: self._once(method, url, options),
            is_repeatable=method in answers.IDEMPOTENT,
            sleep=self.sleep,
        )
        if isinstance(answer, requests.RequestException):
            # Not chained: requests' exceptions hold the request with its body and token.
            raise answers.unanswered(method, url, answer) from None
        return answer

    def _once(self, method: str, url: str, options: Mapping[str, Any]) -> requests.Response:
        """The answer; where it was the token that is refused, that to a new one."""
        token = self._login.token()
        response = self._try(method, url, token, options)
        if not _is_refused_token(method, response):
            return response
        # A token can be revoked, or the gateway restart, long before it expires. Only this very
        # token is forgotten: another thread may have fetched a new one meanwhile.
        self._login.forget(token)
        return self._try(method, url, self._login.token(), options)

    def _try(
        self, method: str, url: str, token: str, options: Mapping[str, Any]
    ) -> requests.Response:
        given = {"timeout": self._timeout, **options}
        headers = {**given.pop("headers", {}), "Authorization": f"Bearer {token}"}
        response = self._sender.send(method, url, headers=headers, **given)
        # Windows of logs and schedules are cut by the server's clock; that of a laptop or a runner
        # may be minutes off.
        if date := response.headers.get("Date"):
            self._told = (date, time.monotonic())
        return response


class RestClient(SdkRestClient):  # type: ignore[misc]
    """What the SDK's resource clients are given: their calls on our session.

    Names are mapped where they are the SDK's (snake_case arguments at the top of a body and in its
    lists) and nowhere deeper: what lies in a map, such as ``data``, belongs to the user.
    """

    def __init__(self, http: Http, prefix: str = "") -> None:
        super().__init__(http.base_url + prefix, get_token=lambda: "")
        self._http = http
        self._prefix = prefix

    def _handle_request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body_json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        resource_group: str | None = None,
        **_: Any,
    ) -> Any:
        sent = dict(headers or {})
        if resource_group:
            sent[self.resource_group_header] = resource_group
        answer = self._http.call(
            method.upper(),
            self._prefix + path,
            params=query_names(params or {}),
            body=None if body_json is None else body_names(body_json),
            headers=sent,
        )
        return sdk_names(answer)


def query_names(params: Mapping[str, Any]) -> dict[str, Any]:
    """The SDK's query arguments by their names in the API."""
    paging = {"top", "skip", "order"}
    return {f"${name}" if name in paging else camel(name): params[name] for name in params}


def body_names(body: Mapping[str, Any]) -> dict[str, Any]:
    """The SDK's body by the API's names: its own arguments and its lists of small objects."""
    return {camel(name): _items(value) for name, value in body.items()}


def _items(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [{camel(k): v for k, v in i.items()} if isinstance(i, dict) else i for i in value]


def sdk_names(answer: Any) -> Any:
    """An answer as the SDK's models want it: snake_case, and for writes never a field missing, and
    none but those that they know.

    Servers leave out ``id``, ``message`` or the body itself, or say what is no text, at which the
    SDK raises although the write has been done.
    """
    if not isinstance(answer, dict):
        return answer
    if "resources" in answer:
        # Only the names at the top: the SDK's own RestClient rewrites those inside too, and so
        # spoils maps whose keys are the user's.
        return {_snake(name): value for name, value in answer.items()}
    # Nothing in the answer to a write is worth failing for, as the write has been done: what counts
    # is read afterwards.
    told = {_snake(name): value for name, value in answer.items() if isinstance(value, str)}
    status = told.get("status", "").upper()
    named = {name: told.get(name, "") for name in SDK_FIELDS}
    return {**named, "status": status if status in SDK_STATUSES else "UNKNOWN"}


SDK_FIELDS = ("id", "message", "url", "deployment_url")
SDK_STATUSES = frozenset(
    {"PENDING", "RUNNING", "COMPLETED", "DEAD", "STOPPING", "STOPPED", "UNKNOWN"}
)


def camel(name: str) -> str:
    """``scenario_id`` -> ``scenarioId``; names that are no snake_case stay."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _reveal(leaf: Any, secrets: dict[str, None]) -> str:
    if not isinstance(leaf, Secret):
        raise TypeError(f"{type(leaf).__name__} cannot be sent")
    secrets[leaf.reveal()] = None
    return leaf.reveal()


def _is_refused_token(method: str, response: requests.Response) -> bool:
    """Whether it was the token that was refused, and surely nothing was done."""
    is_harmless = method in answers.IDEMPOTENT or answers.is_refusal(response)
    return response.status_code == 401 and is_harmless
