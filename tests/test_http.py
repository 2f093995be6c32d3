"""Which requests are sent again, and when: the same for every service."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import urllib3.exceptions

from cicd.http import NEVER, PASSING, REFUSALS, Answer, Retries, TooLarge

RETRIES = Retries(5, first=0.5, longest=30.0, is_refusal=lambda answer: bool(answer.content))


def answered(status: int, *, refuses: bool = False, **headers: str) -> requests.Response:
    """``refuses``: the service says in its own words that it did nothing."""
    answer = requests.Response()
    answer.status_code, answer._content = status, b"no" * refuses
    answer.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    return answer


@pytest.mark.parametrize("status", [*range(200, 210), *range(300, 309), *range(400, 600)])
def test_what_may_be_repeated_is_sent_again_unless_it_is_refused_for_good(status: int) -> None:
    is_over_soon = status in PASSING or (status >= 400 and status not in REFUSALS | NEVER)
    assert RETRIES.may_repeat(answered(status), is_repeatable=True) is is_over_soon
    assert not RETRIES.may_repeat(answered(status), is_repeatable=False)
    refused = answered(status, refuses=True)
    assert RETRIES.may_repeat(refused, is_repeatable=False) is (status == 429)


@pytest.mark.parametrize(
    ("error", "repeatable", "create"),
    [
        (requests.ConnectionError("reset"), True, False),
        (requests.ReadTimeout(), True, False),
        (requests.exceptions.ChunkedEncodingError(), True, False),
        (requests.ConnectTimeout(), True, True),
        (requests.ConnectionError(urllib3.exceptions.ProxyError("no", OSError())), True, True),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError("expired")), False, False),
        (requests.exceptions.InvalidURL("no host"), False, False),
        (TooLarge("no end"), False, False),
    ],
)
def test_without_an_answer_a_create_is_sent_again_only_where_no_byte_was_sent(
    error: requests.RequestException, repeatable: bool, create: bool
) -> None:
    assert RETRIES.may_repeat(error, is_repeatable=True) is repeatable
    assert RETRIES.may_repeat(error, is_repeatable=False) is create


NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wish", "pause"),
    [
        ("", 1.0),
        ("7", 7.0),
        ("0", 1.0),
        ("31", None),
        ("-1", 1.0),
        ("nan", 1.0),
        (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 1.0),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), None),
    ],
)
def test_the_pause_is_the_one_that_is_asked_for_but_never_shorter_than_ours(
    wish: str, pause: float | None
) -> None:
    answer = answered(503, Retry_After=wish, Date=format_datetime(NOW, usegmt=True))
    assert RETRIES.pause(2, answer, is_repeatable=True) == pause


def test_pauses_double_until_the_last_attempt() -> None:
    pauses: list[float] = []
    sent: list[int] = []

    def once() -> requests.Response:
        sent.append(len(sent))
        return answered(502)

    last: Answer = RETRIES.send(once, is_repeatable=True, sleep=pauses.append)
    assert isinstance(last, requests.Response) and last.status_code == 502
    assert (len(sent), pauses) == (5, [0.5, 1.0, 2.0, 4.0])
