"""What GitHub's answers mean: which may be asked for again, and what error a bad one is.

Rules of the API: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import requests

from cicd import http, masking
from cicd.errors import (
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.http import Retries, asked_pause, was_sent

ATTEMPTS = 5
MAX_PAUSE = 90.0
SECONDARY_PAUSE = 60.0
"""What GitHub asks for where it limits and names no time."""
REFUSALS = http.REFUSALS | {451}
"""What GitHub says, in its own words, before it creates anything; and where it has moved to."""
MOVED = frozenset({301, 302, 307, 308})

Json = dict[str, Any]


def is_refusal(answer: requests.Response) -> bool:
    """Whether it is certain that nothing was created: GitHub itself says so, in its own words."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return False
    is_own = isinstance(body, dict) and isinstance(body.get("message"), str)
    return is_own and answer.status_code in REFUSALS | MOVED


def _is_limited(answer: requests.Response) -> bool:
    """Whether the answer is a rate limit and no refusal: both come as 403."""
    return answer.status_code == 429 or (
        answer.status_code == 403
        and (
            "Retry-After" in answer.headers
            or answer.headers.get("X-RateLimit-Remaining") == "0"
            or "rate limit" in _message(answer).lower()
        )
    )


def _asked_pause(answer: requests.Response) -> float | None:
    asked = asked_pause(answer)
    if asked is not None or not _is_limited(answer):
        return asked
    # GitHub names a moment for its hourly limit and mostly nothing for the secondary one, for which
    # its best practices ask for a minute at least.
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - time.time())
    return SECONDARY_PAUSE


RETRIES = Retries(ATTEMPTS, 0.5, MAX_PAUSE, is_refusal, _is_limited, _asked_pause)


def failure(method: str, answer: requests.Response, *, repeat: bool) -> PlatformError:
    """The error for an answer that is none of the good ones; GitHub's own words in it."""
    message = f"GitHub answers {answer.status_code} to {method} {urlsplit(answer.url).path}"
    token = str(answer.request.headers.get("Authorization", "")).rpartition(" ")[2]
    # whatever stands between may echo it
    words = masking.hide(_message(answer), [token], shortest=1)
    return _error_type(answer, repeat=repeat)(
        f"{message}: {words}" if words else message,
        status=answer.status_code,
        request_id=answer.headers.get("X-GitHub-Request-Id", ""),
    )


def _error_type(answer: requests.Response, *, repeat: bool) -> type[PlatformError]:
    status = answer.status_code
    if not (repeat or is_refusal(answer)):
        return LostAnswer
    if _is_limited(answer):
        return Throttled
    if status in {401, 403}:
        return Denied
    if status in {404, 410}:
        return NotFound
    return PlatformError


def unanswered(
    method: str, url: str, error: requests.RequestException, *, repeat: bool
) -> PlatformError:
    """The error for a request without an answer. One that may have created something is lost."""
    where = f"{method} {urlsplit(url).path}"
    if not repeat and was_sent(error):
        return LostAnswer(f"GitHub's answer to {where} was lost")
    parts = urlsplit(url)
    why = "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
    return ConnectionFailed(
        f"GitHub cannot be reached at {parts.scheme}://{parts.netloc}: {why}",
        hint="check GITHUB_API_URL and the network",
    )


def _message(answer: requests.Response) -> str:
    """What GitHub says is wrong, on one line; ``errors`` says more than ``message`` at a 422."""
    try:
        content = answer.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(content, dict):
        return ""
    errors = content.get("errors")
    details = [
        str(item.get("message") or item.get("code") or "") if isinstance(item, dict) else str(item)
        for item in (errors if isinstance(errors, list) else [])
    ]
    parts = [str(content.get("message") or ""), *details]
    return " ".join("; ".join(part for part in parts if part).split())[:300]


def content_of(answer: requests.Response) -> Any:
    """The JSON of a good answer, None for an empty one. Raises ConnectionFailed for a page."""
    if answer.status_code == 204 or not answer.content:
        return None
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise no_api(answer.url) from None


def items_of(response: requests.Response) -> dict[int, Json]:
    """The items of a page by number or id. Raises ConnectionFailed, naming what is none."""
    items = content_of(response)
    if not isinstance(items, list):
        raise no_api(response.url, "no list")
    found: dict[int, Json] = {}
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise no_api(response.url, f"[{place}] is no object")
        name = "number" if "number" in item else "id"
        if not isinstance(item.get(name), int):
            raise no_api(response.url, f"[{place}].{name} is no number")
        found[item[name]] = item
    return found


def no_api(url: str, why: str = "") -> ConnectionFailed:
    """The error for an answer that GitHub's API would not give, such as a proxy's own page."""
    parts = urlsplit(url)
    told = f": {why}" if why else ""
    return ConnectionFailed(
        f"{parts.scheme}://{parts.netloc}{parts.path} does not answer as GitHub's API{told}",
        hint="check GITHUB_API_URL",
    )
