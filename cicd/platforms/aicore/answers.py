"""What an HTTP answer, or none at all, means: the only place that turns HTTP into our errors."""

from __future__ import annotations

import base64
import http.client
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
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
from cicd.http import REFUSALS, chain_of, was_sent
from cicd.platforms.aicore import shapes

IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
"""Sent twice they do what they do once. PATCH is left out: ours all name the state that is wanted,
but each may start something (a deployment rolls), so it is looked at before it is sent again."""
GATEWAY_TEXT = re.compile(r"(Jwt |Audiences in Jwt |RBAC: |no healthy|local_rate_limited)")
"""How the gateway before AI Core begins its own refusals, which are plain text."""
REFUSED_BY_STATUS = "01010076"
"""AI Core's code for "not in this status", whatever the HTTP status says."""
QUOTA = "delete what is not needed, or ask for more in a ticket for component CA-ML-AIC"
MAX_TEXT = 300
NOT_HTTP = (http.client.BadStatusLine, http.client.UnknownProtocol)


def content(response: requests.Response) -> Any:
    """The JSON of a good answer, ``{}`` where a write has no body. Raises ConnectionFailed
    otherwise: an answer without a word must not pass for "there is nothing"."""
    if not response.content.strip() and response.request.method != "GET":
        return {}
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise not_the_api(response) from None


def failure(
    response: requests.Response,
    *,
    group: str = "",
    mask: Iterable[str] = (),
    is_safe: bool = False,
) -> PlatformError:
    """The error that a bad answer is. ``group``: resource group asked for; ``mask``: hide these,
    and the login of the request, which may all be echoed. ``is_safe``: nothing is lost with the
    answer, whatever the method."""
    method, status = str(response.request.method), response.status_code
    mask = [*mask, *response.request.headers.get("Authorization", "").split(" ")[1:]]
    code, text, request_id = _details(response)
    said = masked(text, mask) or masked(str(response.reason), mask)
    what = f"{method} {urlsplit(response.url).path}: {said}"
    known = masked(code, mask)
    what += f" (HTTP {status}{f', code {known}' if known not in {'', str(status)} else ''})"
    if not is_safe and method not in IDEMPOTENT and not is_refusal(response):
        return LostAnswer(what, status=status, code=known, request_id=masked(request_id, mask))
    kind, hint = _kind_of(response, code, text, group)
    if kind is ConnectionFailed:
        return not_the_api(response)
    request_id = masked(request_id, mask)
    return kind(what, hint=hint, status=status, code=known, request_id=request_id)


def _kind_of(
    response: requests.Response, code: str, text: str, group: str
) -> tuple[type[PlatformError], str]:
    status = response.status_code
    if status == 401:
        return Denied, "the login was refused, a new token too: cicd doctor looks into it"
    # Which code and status a full quota has is documented nowhere; the word is in what AI Core
    # says.
    if "quota" in text.lower() and status in {400, 403, 409}:
        return PlatformError, QUOTA
    if status == 403:
        return Denied, _rights(group)
    # Before 404 is taken at its word: a wrong base URL would make everything look new, and it would
    # all be made.
    if is_html(response) or 300 <= status < 400 or (status == 404 and is_foreign(response)):
        return ConnectionFailed, ""
    # For an application whose name is taken it is 400, for a repository 409.
    is_taken = response.request.method == "POST" and "already exists" in text.lower()
    if status in {409, 412} or code == REFUSED_BY_STATUS or (status == 400 and is_taken):
        return Conflict, ""
    return {404: NotFound, 429: Throttled}.get(status, PlatformError), ""


def is_refusal(response: requests.Response) -> bool:
    """Whether a request surely had no effect: the API itself, or the gateway before it, says in its
    own words that it refused it. A page of a proxy says nothing of what lies behind."""
    if response.status_code not in REFUSALS:
        return False
    try:
        body = response.json()
    except (ValueError, RecursionError):
        is_plain = not is_html(response) and response.status_code in {401, 403, 429}
        return is_plain and bool(GATEWAY_TEXT.match(response.text))
    return isinstance(body, dict) and bool(body.keys() & ERROR_KEYS)


ERROR_KEYS = frozenset({"error", "code", "message", "ErrorMessage"})
"""One of them is in every error of AI Core, of the Destination service and of an OAuth server."""


def unanswered(method: str, url: str, error: requests.RequestException) -> PlatformError:
    """The error that a missing answer is: LostAnswer when a write may have taken effect."""
    parts = urlsplit(url)
    if method not in IDEMPOTENT and was_sent(error):
        return LostAnswer(f"{method} {parts.path}: no answer from {parts.netloc}: {_cause(error)}")
    return ConnectionFailed(
        f"cannot reach {parts.scheme}://{parts.netloc}: {_cause(error)}",
        hint="check the URL, the network and the proxy",
    )


def is_broken_off(error: requests.RequestException) -> bool:
    """Whether the server was there and hung up: with TLS 1.3 that is all one sees of a server that
    refuses a certificate, now as an alert, now as a reset."""
    return isinstance(error, requests.ConnectionError) and was_sent(error)


def not_the_api(response: requests.Response) -> ConnectionFailed:
    """The error for an answer that no API gives: a login page, a proxy's page, a redirect."""
    kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
    return ConnectionFailed(
        f"{response.url.partition('?')[0]} does not answer like the API: "
        f"HTTP {response.status_code}, {kind}",
        hint="check the base URL",
        status=response.status_code,
    )


def is_html(response: requests.Response) -> bool:
    kind = response.headers.get("Content-Type", "")
    return "html" in kind.lower() or response.content[:100].lstrip()[:1] == b"<"


def is_foreign(response: requests.Response) -> bool:
    """Whether there is a body and it is no JSON: a 404 of a gateway that has no such route must
    not pass for "this thing does not exist", or it would be created."""
    try:
        return bool(response.content.strip()) and response.json() is None
    except (ValueError, RecursionError):
        return True


def masked(text: str, mask: Iterable[str]) -> str:
    """One short line without any of the secrets: servers like to echo what they were sent."""
    text = text.encode(errors="replace").decode()  # half characters cannot be printed
    echoed = chain.from_iterable(map(_echoed, mask))
    text = masking.hide(text, echoed, shortest=masking.SHORTEST_NAMED)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _echoed(secret: str) -> Iterator[str]:
    """A secret, what it is the base64 of, and the parts of both that are no words like others."""
    known = [secret]
    with suppress(ValueError):
        known.append(base64.b64decode(secret, validate=True).decode())
    for text in known:
        yield text
        yield from (part for part in masking.parts(text) if len(part) > 5)


def _rights(group: str) -> str:
    if not group:
        return "this login has no right for it: cicd doctor shows what it may do"
    return f'does resource group "{group}" (header AI-Resource-Group) exist, with rights for you?'


def _details(response: requests.Response) -> tuple[str, str, str]:
    """Code, text and request id, in any of the shapes that are about."""
    request_id = request_id_of(response)
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return "", "" if is_html(response) else response.text, request_id
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):  # an OAuth server: {"error": word, "error_description": text}
        described = body.get("error_description") if isinstance(body, dict) else ""
        return "", f"{error} {described or ''}", request_id
    known = [error.get(name) for name in ("requestId", "requestID", "request_id")]
    text = error.get("message") or error.get("ErrorMessage") or ""
    inner = error.get("details")
    if isinstance(inner, list):
        text = "; ".join(
            [str(text), *(str(d.get("message", d)) for d in inner if isinstance(d, dict))]
        )
    return str(error.get("code") or ""), str(text), next((str(i) for i in known if i), request_id)


def request_id_of(response: requests.Response) -> str:
    """By what the platform's support finds a request; empty where its answer does not say."""
    return next((response.headers[name] for name in REQUEST_IDS if response.headers.get(name)), "")


def unfit(response: requests.Response, problem: shapes.Unfit) -> ConnectionFailed:
    """The error for an answer in which something is not what it should be."""
    method, path = response.request.method, urlsplit(response.url).path
    return ConnectionFailed(
        f"{method} {path}: {masked(str(problem), ())}",
        hint="check the base URL, and what stands between: that is no answer of the API",
        status=response.status_code,
        request_id=masked(request_id_of(response), ()),
    )


REQUEST_IDS = ("X-Request-Id", "X-Correlation-Id", "X-Vcap-Request-Id")


def _cause(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "connecting took too long"
    if isinstance(error, requests.exceptions.ReadTimeout):
        return "no answer in time"
    chain = list(chain_of(error))
    if any(isinstance(link, NOT_HTTP) and not isinstance(link, OSError) for link in chain):
        return "the answer is no HTTP"  # its first line may be what was sent
    deepest = [link for link in chain if isinstance(link, OSError | ValueError)][-1]
    text = deepest.strerror if isinstance(deepest, OSError) and deepest.strerror else str(deepest)
    return masked(text.rpartition(": ")[2], ())
