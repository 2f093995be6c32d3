"""What Jira's answers mean: which may be asked for again, and what error a bad one is.

Sources: https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro (errors, rate limits) and
https://docs.atlassian.com/software/jira/docs/api/REST (Data Center).
"""

from __future__ import annotations

import time
from datetime import datetime
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
from cicd.model import Secret
from cicd.words import one_line

ATTEMPTS = 5
MAX_PAUSE = 60.0
BEFORE_ALL = frozenset({401, 403, 429})
"""What is said before a request is looked at, by whoever says it."""
REQUEST_IDS = ("atl-traceid", "X-AREQUESTID", "X-Request-Id")
WORDS = 300
Json = dict[str, Any]


def json_of(answer: requests.Response) -> Any:
    """The JSON of an answer; None for what is none, such as a page."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def is_refusal(answer: requests.Response) -> bool:
    """Whether it is certain that nothing was made: Jira itself says so, or nobody was let in."""
    if answer.status_code in BEFORE_ALL:
        return True
    return answer.status_code in http.REFUSALS and bool(_own_words(json_of(answer)))


def _asked_pause(answer: requests.Response) -> float | None:
    asked = asked_pause(answer)
    if asked is not None or answer.status_code != 429:
        return asked
    try:  # a moment in ISO 8601, where Cloud names no pause
        until = datetime.fromisoformat(answer.headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return None
    return None if until.tzinfo is None else max(1.0, until.timestamp() - time.time())


RETRIES = Retries(ATTEMPTS, 1.0, MAX_PAUSE, is_refusal, asked=_asked_pause)


def failure(
    method: str, answer: requests.Response, token: Secret, *, repeat: bool
) -> PlatformError:
    """The error for an answer that is none of the good ones, with Jira's own words."""
    parts = urlsplit(answer.url)
    if answer.is_redirect:
        return no_api(answer.url, "it sends elsewhere, as to a login page")
    content = json_of(answer)
    if answer.status_code == 404 and repeat and not _own_words(content):
        return no_api(answer.url, "there is no such page", status=404)
    if content is None and _is_page(answer) and answer.status_code not in BEFORE_ALL:
        said = "a page and no JSON"
    else:
        said = one_line("; ".join(_own_words(content)), WORDS)
    message = f"Jira answers {answer.status_code} to {method} {parts.netloc}{parts.path}"
    login = str(answer.request.headers.get("Authorization", "")).rpartition(" ")[2]
    # whatever stands between may echo it
    words = masking.hide(said, [login, token.reveal()], shortest=1)
    return _error_type(answer, repeat=repeat)(
        f"{message}: {words}" if words else message,
        hint=_hint(answer),
        status=answer.status_code,
        request_id=next(filter(None, map(answer.headers.get, REQUEST_IDS)), ""),
    )


def _error_type(answer: requests.Response, *, repeat: bool) -> type[PlatformError]:
    status = answer.status_code
    if not (repeat or is_refusal(answer)):
        return LostAnswer
    if status == 429:
        return Throttled
    if status in {401, 403}:
        return Denied
    if status in {404, 410}:
        return NotFound
    return Conflict if status in {409, 412} else PlatformError


def _hint(answer: requests.Response) -> str:
    status = answer.status_code
    if "CAPTCHA" in answer.headers.get("X-Authentication-Denied-Reason", ""):
        return "Jira wants a CAPTCHA after failed logins: log in once in a browser with this user"
    if status == 401:
        why = answer.headers.get("X-Seraph-LoginReason", "")
        told = f"Jira says {one_line(why, 40)}; " if why and why != "OK" else ""
        return f"{told}check user and token: Cloud takes e-mail and API token, others a token alone"
    return {
        403: "the account needs the rights to browse, create and comment tickets of the project",
        404: "it is missing, or the account may not see it",
        429: "try again later, or give cicd an account of its own",
    }.get(status, "")


def unanswered(
    method: str, url: str, error: requests.RequestException, *, repeat: bool
) -> PlatformError:
    """The error for a request without an answer. One that may have made something is lost."""
    parts = urlsplit(url)
    if not repeat and was_sent(error):
        return LostAnswer(f"Jira's answer to {method} {parts.netloc}{parts.path} was lost")
    why = "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
    if isinstance(error, requests.exceptions.SSLError):
        why = "its certificate is not trusted"
    return ConnectionFailed(
        f"Jira cannot be reached at {parts.scheme}://{parts.netloc}: {why}",
        hint="check approval.jira.url, the proxy and REQUESTS_CA_BUNDLE",
    )


def no_api(url: str, why: str, *, status: int = 0) -> ConnectionFailed:
    """The error for an answer that Jira's API would not give, such as a login page; a 404 of
    somebody else says nothing of a ticket."""
    parts = urlsplit(url)
    return ConnectionFailed(
        f"{parts.scheme}://{parts.netloc}{parts.path} does not answer as Jira's API: {why}",
        hint="check approval.jira.url, with its context path, and the token",
        status=status,
    )


def _is_page(answer: requests.Response) -> bool:
    return "html" in answer.headers.get("Content-Type", "")


def _own_words(content: Any) -> list[str]:
    """What Jira says is wrong, field by field; empty for what is not of Jira."""
    if not isinstance(content, dict):
        return []
    messages = content.get("errorMessages")
    errors = content.get("errors")
    found = [str(text) for text in (messages if isinstance(messages, list) else [])]
    if isinstance(errors, dict):
        found += [f"{name}: {text}" for name, text in errors.items()]
    # what stands before Jira, such as its rate limit, says it shorter
    found += [
        str(content[name]) for name in ("message", "errorMessage", "error") if content.get(name)
    ]
    return found
