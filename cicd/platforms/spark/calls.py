"""HTTP calls of Spark's masters and workers: retries and errors in one place. For many threads."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from cicd.errors import (
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.http import REFUSALS, Retries, chain_of, was_sent

TIMEOUT = (10.0, 60.0)
"""Seconds to connect and to wait for an answer."""
MOST = 300
"""Characters of an answer that a message quotes."""


def is_refusal(response: requests.Response) -> bool:
    """Whether a request surely had no effect."""
    return response.status_code in REFUSALS


RETRIES = Retries(4, first=0.3, longest=30.0, is_refusal=is_refusal)


class Calls:
    """One pool of connections for all addresses of a cluster."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session = requests.Session()
        self._sleep = sleep

    def json(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, *, once: bool = False
    ) -> dict[str, Any]:
        """The JSON object that is answered. ``once``: the request must not be sent twice. Raises
        LostAnswer where such a one may have had its effect."""
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        data = None if body is None else json.dumps(body).encode()
        response = self._good(method, url, once=once, data=data, headers=headers)
        try:
            told = response.json()
        except (ValueError, RecursionError):
            told = None
        if isinstance(told, dict):
            return told
        text = f"{_host(url)} does not answer like Spark: {method} {urlsplit(url).path}"
        if once:
            raise LostAnswer(text, status=response.status_code)
        raise ConnectionFailed(text, hint="check the address", status=response.status_code)

    def text(self, url: str, **parameters: str | int) -> str:
        """The text that is answered to a GET."""
        response = self._good("GET", url, once=False, params=parameters)
        response.encoding = "utf-8"
        return response.text

    def close(self) -> None:
        """Give connections back."""
        self._session.close()

    def _good(self, method: str, url: str, *, once: bool, **options: Any) -> requests.Response:
        answer = RETRIES.send(
            lambda: self._session.request(
                method, url, timeout=TIMEOUT, allow_redirects=False, **options
            ),
            is_repeatable=not once,
            sleep=self._sleep,
        )
        if isinstance(answer, requests.RequestException):
            raise _unanswered(method, url, answer, once) from None
        if answer.status_code // 100 != 2:
            raise _failure(answer, once)
        return answer


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _failure(response: requests.Response, once: bool) -> PlatformError:
    """The error that a bad answer is."""
    status = response.status_code
    path = urlsplit(response.url).path
    text = f"{response.request.method} {path}: {_said(response)} (HTTP {status})"
    if once and not is_refusal(response):
        return LostAnswer(text, status=status)
    kinds: dict[int, type[PlatformError]] = {401: Denied, 403: Denied, 404: NotFound}
    kinds |= {429: Throttled}
    kind = kinds.get(status, ConnectionFailed if status >= 500 else PlatformError)
    return kind(text, status=status)


def _said(response: requests.Response) -> str:
    """What a bad answer says, on one line: of a page of HTML its title."""
    text = response.text
    try:
        told = json.loads(text)
        text = str(told.get("message") or told) if isinstance(told, dict) else text
    except (ValueError, RecursionError):
        title = re.search(r"<title>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
        text = title[1] if title else text
    text = " ".join((text or str(response.reason or "")).split())
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def _unanswered(
    method: str, url: str, error: requests.RequestException, once: bool
) -> PlatformError:
    """The error that a missing answer is."""
    if isinstance(error, requests.exceptions.Timeout):
        why = "no answer in time"
    else:
        links = [link for link in chain_of(error) if isinstance(link, OSError | ValueError)]
        last = links[-1] if links else error
        why = (isinstance(last, OSError) and last.strerror) or str(last).rpartition(": ")[2]
    if once and was_sent(error):
        return LostAnswer(f"{method} {urlsplit(url).path}: no answer from {_host(url)}: {why}")
    hint = "is the cluster up? Check the address and the network"
    return ConnectionFailed(f"cannot reach {_host(url)}: {why}", hint=hint)
