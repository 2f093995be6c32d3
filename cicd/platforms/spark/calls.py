"""HTTP calls of Spark's masters and workers: retries and errors in one place. For many threads."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from cicd.errors import (
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.http import REFUSALS, Retries, chain_of, was_sent
from cicd.masking import hide
from cicd.platforms.spark.trust import OwnTrust

if TYPE_CHECKING:
    from cicd.platforms.spark.negotiate import Ticket

TIMEOUT = (10.0, 60.0)
"""Seconds to connect and to wait for an answer."""
PIECE = 1 << 20
"""Bytes that are read at once of what may be large."""
MOST = 300
"""Characters of an answer that a message quotes."""


def is_refusal(response: requests.Response) -> bool:
    """Whether a request surely had no effect."""
    return response.status_code in REFUSALS


RETRIES = Retries(4, first=0.3, longest=30.0, is_refusal=is_refusal)
ONCE = replace(RETRIES, attempts=1)


class Login(Protocol):
    """Where tokens come from. ``source``: the variables that they are made of."""

    source: str

    def token(self) -> str:
        """A valid one. Raises Denied or ConnectionFailed."""
        ...

    def forget(self, token: str) -> bool:
        """Do not use this token again, it was refused; whether there may be another."""
        ...


class Bearer(AuthBase):
    """Sends a token, and keeps requests from adding a login out of ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Session(requests.Session):
    """Looks at no redirect: requests does so also where none is followed, and fails at an address
    that is none."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Calls:
    """One pool of connections for all addresses of a cluster. ``login``: for those of ``urls``
    alone, as a worker, whose address the cluster tells, is to see no token. ``secrets``: what an
    answer may repeat and nobody is to see. ``trust``: whom these are to be, and who we are to them,
    where certificates tell. ``named``: what answers there. ``timeout``: seconds to connect, and to
    wait. ``ticket``: what logs in where that is asked for by Kerberos."""

    def __init__(
        self,
        login: Login | None = None,
        urls: Iterable[str] = (),
        *,
        secrets: Iterable[str] = (),
        retries: Retries = RETRIES,
        timeout: tuple[float, float] = TIMEOUT,
        trust: ssl.SSLContext | None = None,
        named: str = "Spark",
        ticket: Ticket | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session: requests.Session = _Session()
        if ticket:  # the session would send what a ticket got to every port of a host
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._login = login
        self._hosts = frozenset(map(_host, urls))
        self._secrets = set(secrets)
        self._retries = retries
        self._timeout = timeout
        self._named = named
        self._ticket = ticket
        self._sleep = sleep
        if trust:
            for host in self._hosts:
                self._session.mount(f"{host}/", OwnTrust(trust))

    def json(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, *, once: bool = False
    ) -> dict[str, Any]:
        """The JSON object that is answered. ``once``: the request must not be sent twice. Raises
        LostAnswer where such a one may have had its effect."""
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        headers["X-Requested-By"] = "cicd"  # which Livy wants where it is guarded from browsers
        data = None if body is None else json.dumps(body).encode()
        response = self._good(method, url, once=once, data=data, headers=headers)
        return self._object(response, once)

    def form(self, url: str, fields: Mapping[str, str], auth: AuthBase | None) -> dict[str, Any]:
        """The JSON object that is answered to a form, which may be sent again."""
        headers = {"Accept": "application/json"}
        given = auth or (lambda request: request)  # else a login out of ~/.netrc goes along
        response = self._good("POST", url, once=False, data=fields, headers=headers, auth=given)
        return self._object(response, once=False)

    def rows(self, url: str, **parameters: str | int) -> list[dict[str, Any]]:
        """The JSON objects of the list that is answered to a GET."""
        response = self._good("GET", url, once=False, params=parameters)
        told = _json(response)
        if isinstance(told, list) and all(isinstance(row, dict) for row in told):
            return told
        raise self._foreign(response)

    def text(self, url: str, **parameters: str | int) -> str:
        """The text that is answered to a GET."""
        response = self._good("GET", url, once=False, params=parameters)
        response.encoding = "utf-8"
        return response.text

    def content(self, url: str) -> Generator[bytes, None, None]:
        """What is answered to a GET, in pieces. A redirect, as a name node sends to who has it, is
        followed once. Raises ConnectionFailed where it is cut off."""
        answer = self._good("GET", url, once=False, may_move=True, stream=True)
        try:
            if answer.is_redirect:
                moved = _target(answer)
                if not moved:
                    raise self._failure(answer, once=False)
                answer.close()
                answer = self._good("GET", moved, once=False, stream=True)
            yield from answer.iter_content(PIECE)
        except requests.RequestException as error:
            raise _unanswered("GET", url, error, once=False) from None
        finally:
            answer.close()

    def whole(self, url: str, most: int) -> bytes:
        """The same as a whole. Raises PlatformError for more than ``most`` bytes."""
        found, pieces = bytearray(), self.content(url)
        with closing(pieces):
            for piece in pieces:
                found += piece
                if len(found) > most:
                    raise PlatformError(f"{url} has more than {most >> 20} MiB")
        return bytes(found)

    def _object(self, response: requests.Response, once: bool) -> dict[str, Any]:
        told = _json(response)
        if isinstance(told, dict):
            return told
        error = self._foreign(response)
        raise LostAnswer(error.message, status=error.status) if once else error

    def _foreign(self, response: requests.Response) -> ConnectionFailed:
        """The error that a good answer of somebody else is."""
        parts = urlsplit(response.url)
        text = f"{_shown(response.url)} does not answer like {self._named}: "
        text += f"{response.request.method} {parts.path}"
        return ConnectionFailed(text, hint="check the address", status=response.status_code)

    def hide(self, text: str) -> str:
        """A text of a server without what it has been told to log in."""
        return hide(text, tuple(self._secrets))

    def close(self) -> None:
        """Give connections back."""
        self._session.close()

    def _good(
        self, method: str, url: str, *, once: bool, may_move: bool = False, **options: Any
    ) -> requests.Response:
        login, token = self._login if _host(url) in self._hosts else None, ""
        headers = options.pop("headers", {})
        for is_last in (False, True):  # what is refused is renewed once
            if login:
                token = login.token()
                self._secrets.add(token)
                options["auth"] = Bearer(token)
            cookie = self._ticket.cookie(url) if self._ticket else ""
            told = {**headers, "Cookie": cookie} if cookie else headers
            answer = self._answer(method, url, once=once, headers=told, **options)
            if is_last or answer.status_code != 401:
                break
            if self._ticket and _asks_for_a_ticket(answer):
                self._ticket.log_in(url, cookie)
            elif not (login and login.forget(token)):
                break
        if answer.status_code // 100 != 2 and not (may_move and answer.is_redirect):
            raise self._failure(answer, once=once)
        return answer

    def _failure(self, response: requests.Response, *, once: bool) -> PlatformError:
        """The error that a bad answer is."""
        status, path = response.status_code, urlsplit(response.url).path
        said = _cut(
            self.hide(_said(response))
        )  # in this order: half a secret is not known any more
        text = f"{response.request.method} {path}: {said} (HTTP {status})"
        if once and not is_refusal(response):
            return LostAnswer(text, status=status)
        kinds: dict[int, type[PlatformError]] = {401: Denied, 403: Denied, 404: NotFound}
        kinds |= {429: Throttled}
        kind = kinds.get(status, ConnectionFailed if status >= 500 else PlatformError)
        hint = ""
        if kind is Denied:
            login = self._login if _host(response.url) in self._hosts else None
            hint = (
                f"check {login.source}"
                if login
                else "a server that asks for a login: set spark.login"
            )
        return kind(text, hint=hint, status=status)

    def _answer(self, method: str, url: str, *, once: bool, **options: Any) -> requests.Response:
        try:
            answer = self._retries.send(
                lambda: self._session.request(
                    method, url, timeout=self._timeout, allow_redirects=False, **options
                ),
                is_repeatable=not once,
                sleep=self._sleep,
            )
        except ValueError:  # of urllib3: a host that can be none
            raise ConnectionFailed(f"{_shown(url)} is no address") from None
        if isinstance(answer, requests.RequestException):
            raise _unanswered(method, url, answer, once) from None
        return answer


def _json(response: requests.Response) -> Any:
    """What is answered; None for what is no JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _asks_for_a_ticket(response: requests.Response) -> bool:
    """Whether a server wants Kerberos (RFC 4559)."""
    return "negotiate" in response.headers.get("WWW-Authenticate", "").lower()


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _shown(url: str) -> str:
    """The host for people: without a login, which others may have put before it."""
    scheme, _, netloc = _host(url).partition("://")
    return f"{scheme}://{netloc.rpartition('@')[2]}"


def _said(response: requests.Response) -> str:
    """What a bad answer says, on one line: of a page of HTML its title."""
    text = response.text
    if response.is_redirect:
        place = _target(response)
        return f"it redirects to {_shown(place) if place else 'what is no address of the web'}"
    try:
        told = json.loads(text)
        if isinstance(told, dict):
            of_hadoop = told.get("RemoteException")
            told = of_hadoop if isinstance(of_hadoop, dict) else told
            text = str(told.get("message") or told.get("msg") or told)
    except (ValueError, RecursionError):
        title = re.search(r"<title>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
        text = title[1] if title else text
    return " ".join((text or str(response.reason or "")).split())


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def _target(response: requests.Response) -> str:
    """Where an answer redirects to; empty for what is no address of the web."""
    try:
        place = urljoin(response.url, response.headers["Location"])
        parts = urlsplit(place)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
        return place if is_address and parts.port != 0 else ""
    except ValueError:
        return ""


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
        # which quotes it, with all that is in its query; what is wrong with a certificate is both
        if not isinstance(last, OSError) and isinstance(last, ValueError):
            why = "it is no address"
    if once and was_sent(error):
        return LostAnswer(f"{method} {urlsplit(url).path}: no answer from {_shown(url)}: {why}")
    hint = "is the cluster up? Check the address and the network"
    return ConnectionFailed(f"cannot reach {_shown(url)}: {why}", hint=hint)
