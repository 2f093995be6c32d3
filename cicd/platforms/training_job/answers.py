"""What an HTTP answer of the API, or none at all, means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import requests

from cicd import masking
from cicd.errors import (
    Conflict,
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.http import REFUSALS, Retries, chain_of, was_sent

MOST = 300
"""Characters of an answer that a message quotes."""
REQUEST_IDS = ("X-Request-Id", "X-Correlation-Id", "X-Vcap-Request-Id")


def is_refusal(response: requests.Response) -> bool:
    """Whether a request surely had no effect."""
    return response.status_code in REFUSALS and not is_html(response)


RETRIES = Retries(4, first=0.3, longest=30.0, is_refusal=is_refusal)
"""Every request of the API may be sent again: the client chooses the ids."""


def is_html(response: requests.Response) -> bool:
    """Whether a proxy or a login page has answered."""
    kind = response.headers.get("Content-Type", "")
    return "html" in kind.lower() or response.content[:100].lstrip()[:1] == b"<"


def content(response: requests.Response) -> Any:
    """The JSON of a good answer, None where there is none in it."""
    if not response.content.strip():
        return None
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise not_the_api(response) from None


def failure(response: requests.Response, mask: Iterable[str] = ()) -> PlatformError:
    """The error that a bad answer is. ``mask``: what it may echo and must not."""
    status, method = response.status_code, str(response.request.method)
    if is_html(response) or 300 <= status < 400:
        return not_the_api(response)
    sent = response.request.headers.get("Authorization", "").split(" ")[1:]
    said = masked(_text(response) or str(response.reason or ""), [*mask, *sent])
    text = f"{method} {urlsplit(response.url).path}: {said} (HTTP {status})"
    request_id = next((response.headers[n] for n in REQUEST_IDS if response.headers.get(n)), "")
    if method == "POST" and not is_refusal(response):
        return LostAnswer(text, status=status, request_id=request_id)
    kinds: dict[int, type[PlatformError]] = {401: Denied, 403: Denied, 404: NotFound}
    kinds |= {409: Conflict, 412: Conflict, 429: Throttled}
    hint = "the login was refused, a new token too: cicd doctor looks into it"
    kind = kinds.get(status, PlatformError)
    return kind(text, hint=hint if status == 401 else "", status=status, request_id=request_id)


def unanswered(method: str, url: str, error: requests.RequestException) -> PlatformError:
    """The error that a missing answer is."""
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc}"
    if isinstance(error, requests.exceptions.ReadTimeout):
        why = "no answer in time"
    elif isinstance(error, requests.exceptions.ConnectTimeout):
        why = "connecting took too long"
    else:
        links = [link for link in chain_of(error) if isinstance(link, OSError | ValueError)]
        last = links[-1] if links else error
        why = (isinstance(last, OSError) and last.strerror) or str(last)
        why = masked(why.rpartition(": ")[2], ())
    if method == "POST" and was_sent(error):
        return LostAnswer(f"POST {parts.path}: no answer from {parts.netloc}: {why}")
    return ConnectionFailed(
        f"cannot reach {host}: {why}", hint="check the URL, the network and the proxy"
    )


def not_the_api(response: requests.Response) -> ConnectionFailed:
    """The error for an answer that no API gives."""
    kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
    return ConnectionFailed(
        f"{response.url.partition('?')[0]} does not answer like the training-job API: "
        f"HTTP {response.status_code}, {kind}",
        hint="check TRAINING_JOB_API_URL, or training_job.api_url and routes",
        status=response.status_code,
    )


def masked(text: str, mask: Iterable[str]) -> str:
    """One short line without any of the secrets."""
    text = masking.hide(text.encode(errors="replace").decode(), mask, shortest=3)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def _text(response: requests.Response) -> str:
    try:
        told = response.json()
    except (ValueError, RecursionError):
        return response.text
    if not isinstance(told, dict):
        return str(told)
    error = told.get("error", told.get("message", told))
    if isinstance(error, dict):
        error = error.get("message", error)
    described = told.get("error_description") or ""
    return f"{error}: {described}" if described else str(error)
