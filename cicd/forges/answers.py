"""What the answers of a forge mean: which may be asked for again, and what error a bad one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests

from cicd import http, masking
from cicd.errors import (
    Conflict,
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.http import Retries, asked_pause, was_sent
from cicd.words import printable

ATTEMPTS = 5
MAX_PAUSE = 90.0
LIMIT_PAUSE = 60.0
"""Seconds that pass before a service that limits and names no time is asked again: limits are by
the minute."""
REFUSALS = http.REFUSALS | {451}
"""What a forge says, in its own words, before it creates anything; and where it has moved to."""
MOVED = frozenset({301, 302, 307, 308})

Json = dict[str, Any]


def never(answer: requests.Response) -> bool:
    """For what a forge does not have."""
    return False


@dataclass(frozen=True)
class Service:
    """How a forge's API talks, where they differ.

    ``setting``: the variable that says where it is. ``headers``: of every request.
    ``authorization``: token -> header and value. ``request_id``: the header that names a request.
    ``words``: the JSON of a bad answer -> what it says is wrong, None where it is none of its own.
    ``is_limited``: whether an answer is a limit and no refusal. ``asked``: the seconds that it asks
    for. ``is_sign_in``: whether a page to log in with came instead of an answer.
    ``login``: the variables that a token may come from. ``page``: how many items of a list it gives
    to who does not ask for more. ``plain_refusals``: what it says in plain text too, before it does
    anything.
    """

    name: str
    setting: str
    login: str
    headers: Mapping[str, str]
    authorization: Callable[[str], tuple[str, str]]
    request_id: str
    words: Callable[[Any], str | None]
    is_limited: Callable[[requests.Response], bool] = http.is_too_many
    asked: Callable[[requests.Response], float | None] = asked_pause
    is_sign_in: Callable[[requests.Response], bool] = never
    page: int = 30
    plain_refusals: frozenset[int] = frozenset()
    moved_hint: str = "name it with --repository"

    @cached_property
    def retries(self) -> Retries:
        """When it is asked the same again."""
        return Retries(ATTEMPTS, 0.5, MAX_PAUSE, self.is_refusal, self.is_limited, self.pause)

    def is_refusal(self, answer: requests.Response) -> bool:
        """Whether it is certain that nothing was created: the forge itself says so, in its own
        words, or nobody was logged in."""
        if self.is_sign_in(answer) or answer.status_code in self.plain_refusals:
            return True
        return self._words(answer) is not None and answer.status_code in REFUSALS | MOVED

    def pause(self, answer: requests.Response) -> float | None:
        """The seconds that an answer asks for; None where it asks for none."""
        asked = self.asked(answer)
        return LIMIT_PAUSE if asked is None and self.is_limited(answer) else asked

    def said(self, answer: requests.Response) -> str:
        """What it says is wrong, on one line."""
        return " ".join((self._words(answer) or "").split())[:300]

    def _words(self, answer: requests.Response) -> str | None:
        try:
            return self.words(answer.json())
        except (ValueError, RecursionError):
            return None

    def failure(self, method: str, answer: requests.Response, *, repeat: bool) -> PlatformError:
        """The error for an answer that is none of the good ones; the forge's own words in it."""
        message = f"{self.name} answers {answer.status_code} to {method} {_path(answer.url)}"
        header = self.authorization("")[0]
        token = str(answer.request.headers.get(header, "")).rpartition(" ")[2]
        # whatever stands between may echo it
        words = printable(masking.hide(self.said(answer), [token], shortest=1))
        return self._error_type(answer, repeat=repeat)(
            f"{message}: {words}" if words else message,
            status=answer.status_code,
            request_id=answer.headers.get(self.request_id, ""),
        )

    def _error_type(self, answer: requests.Response, *, repeat: bool) -> type[PlatformError]:
        status = answer.status_code
        if not (repeat or self.is_refusal(answer)):
            return LostAnswer
        if self.is_limited(answer):
            return Throttled
        found: dict[int, type[PlatformError]] = {
            401: Denied,
            403: Denied,
            404: NotFound,
            409: Conflict,
            410: NotFound,
        }
        return found.get(status, PlatformError)

    def unanswered(
        self, method: str, url: str, error: requests.RequestException, *, repeat: bool
    ) -> PlatformError:
        """The error for a request without an answer. One that may have created something is
        lost."""
        if not repeat and was_sent(error):
            return LostAnswer(f"{self.name}'s answer to {method} {_path(url)} was lost")
        parts = urlsplit(url)
        why = "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
        return ConnectionFailed(
            f"{self.name} cannot be reached at {parts.scheme}://{parts.netloc}: {why}",
            hint=f"check {self.setting} and the network",
        )

    def no_api(self, url: str, why: str = "") -> ConnectionFailed:
        """The error for an answer that the API would not give, such as a proxy's own page."""
        parts = urlsplit(url)
        told = f": {why}" if why else ""
        return ConnectionFailed(
            f"{parts.scheme}://{parts.netloc}{parts.path} does not answer as "
            f"{self.name}'s API{told}",
            hint=f"check {self.setting}",
        )

    def no_login(self, url: str) -> ConnectionFailed:
        """The error for a page to log in with. Not of those rights that a token may lack: this one
        is none at all."""
        parts = urlsplit(url)
        return ConnectionFailed(
            f"the login to {self.name} has failed: {parts.scheme}://{parts.netloc} sends its "
            "sign-in page",
            hint=f"check the token in {self.login}",
        )

    def content_of(self, answer: requests.Response) -> Any:
        """The JSON of a good answer, None for an empty one. Raises ConnectionFailed for a page."""
        if answer.status_code == 204 or not answer.content:
            return None
        try:
            return answer.json()
        except (ValueError, RecursionError):
            raise self.no_api(answer.url) from None

    def items_of(self, response: requests.Response) -> dict[int, Json]:
        """The items of a page by number or id. Raises ConnectionFailed, naming what is none."""
        items = self.content_of(response)
        if not isinstance(items, list):
            raise self.no_api(response.url, "no list")
        found: dict[int, Json] = {}
        for place, item in enumerate(items):
            if not isinstance(item, dict):
                raise self.no_api(response.url, f"[{place}] is no object")
            name = "number" if "number" in item else "id"
            if not isinstance(item.get(name), int):
                raise self.no_api(response.url, f"[{place}].{name} is no number")
            found[item[name]] = item
        return found


def _path(url: str) -> str:
    return urlsplit(url).path


def text_in(value: Any, *path: str) -> str:
    """The text at a path of an answer; empty for whatever else is there."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def items_in(value: Any, *path: str) -> list[Json]:
    """The objects of a list at a path of an answer; none for whatever else is there."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
