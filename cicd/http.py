"""Requests that are sent again: which, when and how often. One place for all services.

What an answer means beyond that is said where a service is known.
"""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3.exceptions

Answer = requests.Response | requests.RequestException
"""What comes of a request: an answer, or why there is none."""
REFUSALS = frozenset(
    {400, 401, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 417, 421, 422, 423, 424}
    | {426, 428, 429, 431}
)
"""What a service says before it does anything. Not 408 and 499, with which a proxy gives up on an
answer, no 5xx, and no redirect, which may come after the deed."""
PASSING = frozenset({408, 425, 429, 499})
"""What may be over the next time, besides 5xx and what no service says."""
NEVER = frozenset({501, 505, 506, 508, 510})
"""5xx that stay."""


class TooLarge(requests.RequestException):
    """An answer that has no end, or might as well have none."""


def is_too_many(response: requests.Response) -> bool:
    """Whether it says: too many requests."""
    return response.status_code == 429


def asked_pause(response: requests.Response) -> float | None:
    """The seconds that ``Retry-After`` asks for, as seconds or as a date; None without it."""
    wish = response.headers.get("Retry-After", "")
    if wish.isdecimal():
        return float(wish)
    until = _moment(wish)
    # by the server's own clock: ours may be minutes off
    now = _moment(response.headers.get("Date", "")) or time.time()
    return None if until is None else until - now


@dataclass(frozen=True)
class Retries:
    """How often and when a service is asked the same again.

    ``attempts``: how often a request is sent at most. ``first``: the pause before the second, in
    seconds; each further one is twice as long. ``longest``: who asks for a longer pause is not
    asked again. ``is_refusal``: whether an answer surely had no effect. ``is_limited``: whether it
    only says: later. ``asked``: the pause that it asks for.
    """

    attempts: int
    first: float
    longest: float
    is_refusal: Callable[[requests.Response], bool]
    is_limited: Callable[[requests.Response], bool] = is_too_many
    asked: Callable[[requests.Response], float | None] = asked_pause

    def send(
        self,
        once: Callable[[], requests.Response],
        *,
        is_repeatable: bool,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Answer:
        """The last answer to what ``once`` sends, or its error. ``is_repeatable``: sent twice the
        request does what it does once."""
        attempt = 0
        while True:
            attempt += 1
            answer: Answer
            try:
                answer = once()
            except requests.RequestException as error:
                answer = error
            pause = self.pause(attempt, answer, is_repeatable=is_repeatable)
            if pause is None:
                return answer
            sleep(pause)

    def pause(self, attempt: int, answer: Answer, *, is_repeatable: bool) -> float | None:
        """Seconds until the next attempt; None when there is none to make."""
        if attempt >= self.attempts or not self.may_repeat(answer, is_repeatable=is_repeatable):
            return None
        growing = self.first * 2.0 ** (attempt - 1)
        asked = self.asked(answer) if isinstance(answer, requests.Response) else None
        # A service that asks for no pause at all would else be asked without one.
        pause = growing if asked is None else max(asked, growing)
        # Who is to come back in an hour is told so, and not kept waiting: a run of CI costs money.
        return pause if pause <= self.longest else None

    def may_repeat(self, answer: Answer, *, is_repeatable: bool) -> bool:
        """Whether the same request can be sent again without doing anything twice, and may fare
        better."""
        if isinstance(answer, requests.Response):
            if not (is_repeatable or self.is_refusal(answer)):
                return False
            status = answer.status_code
            passes = status in PASSING or (status >= 400 and status not in REFUSALS | NEVER)
            return self.is_limited(answer) or (is_repeatable and passes)
        # A wrong certificate or address stays wrong, and so does an answer without end.
        hopeless = (ssl.SSLCertVerificationError, ValueError, TooLarge)
        if any(isinstance(link, hopeless) for link in chain_of(answer)):
            return False
        return is_repeatable or not was_sent(answer)


def was_sent(error: requests.RequestException) -> bool:
    """False only when it is certain that no byte of the request was sent."""
    never_sent = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.ProxyError,
        ssl.SSLCertVerificationError,
        requests.exceptions.ConnectTimeout,
        # Raised while the URL is looked at: InvalidURL, MissingSchema, InvalidSchema.
        ValueError,
    )
    return not any(isinstance(link, never_sent) for link in chain_of(error))


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error and all that caused it: requests and urllib3 hide it in args, reason or context.

    Not what was being handled when the request was sent: that is the context of all that follows.
    """
    handled = sys.exception()
    seen = set() if handled is error else {id(handled)}
    waiting: list[Any] = [error]
    while waiting:
        link = waiting.pop(0)
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]


def _moment(date: str) -> float | None:
    """An HTTP date as seconds since 1970; None for what is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
