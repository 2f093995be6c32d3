"""Requests to a forge: login, retries, pages. One place for all of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from cicd.errors import LostAnswer, PlatformError
from cicd.forges.answers import MAX_PAUSE, MOVED, Json, Service
from cicd.http import asked_pause
from cicd.model import Secret
from cicd.version import __version__

TIMEOUT = (10.0, 30.0)
"""Seconds to connect and to wait for an answer."""
PER_PAGE = 100
MOST_PAGES = 1000


class Api:
    """The API of one forge. ``url`` is its top; ``place``: how messages call the repository;
    ``ca_file``: whom to believe who the server is, if it is there."""

    def __init__(
        self,
        service: Service,
        url: str,
        token: Secret,
        place: str,
        *,
        ca_file: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.url = url
        self._token = token
        self._place = place
        self._sleep = sleep
        self._wait = 0.0
        self._session = requests.Session()
        if Path(ca_file).is_file():
            self._session.verify = ca_file
        # What a proxy wants remembered must not change what later requests of this session get.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # a proxy that the environment names can never reach this machine's own loopback
        self._session.trust_env = urlsplit(url).hostname not in {"127.0.0.1", "localhost"}

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def object(self, method: str, url: str, body: Any) -> Json:
        """What a create or a change answers; empty where that is no object."""
        answer = self.call(method, url, body)
        return answer if isinstance(answer, dict) else {}

    def call(self, method: str, url: str, body: Any = None, *, repeat: bool = False) -> Any:
        """One request; the JSON of its answer. ``repeat``: sent twice it does what it does once,
        though it is a POST."""
        answer = self.send(method, url, body, repeat=repeat or method != "POST")
        return self.service.content_of(answer)

    def pages(self, url: str, params: Mapping[str, str] | None = None) -> Iterator[Json]:
        """Every item of a list, each once: page after page, as the Link header leads, and without
        one as long as pages may be full. Raises ConnectionFailed for a list that never ends."""
        wanted = {**(params or {}), "per_page": PER_PAGE}
        following: str | None = f"{url}?{urlencode(wanted)}"
        known: set[int] = set()
        for number in range(2, MOST_PAGES + 2):
            response = self.send("GET", str(following), None, repeat=True)
            items = self.service.items_of(response)
            fresh = {k: item for k, item in items.items() if k not in known}
            known |= fresh.keys()
            yield from fresh.values()
            following = response.links.get("next", {}).get("url")
            # the token goes to the API and nowhere else
            if following and urlsplit(following)[:2] != urlsplit(self.url)[:2]:
                raise self.service.no_api(following)
            # what stands between may drop the header
            if not following and "Link" not in response.headers and len(fresh) >= self.service.page:
                following = f"{url}?{urlencode({**wanted, 'page': number})}"
            if not following:
                return
        raise self.service.no_api(url, "its list does not end")

    def send(self, method: str, url: str, body: Any, *, repeat: bool) -> requests.Response:
        """One request with retries; the good answer. Raises PlatformError for any other."""
        service = self.service
        if self._wait:
            self._sleep(self._wait)
        self._wait = 0.0
        answer = service.retries.send(
            lambda: self._once(method, url, body), is_repeatable=repeat, sleep=self._sleep
        )
        if not isinstance(answer, requests.Response):
            # not chained: requests' exceptions hold the request with its token
            raise service.unanswered(method, url, answer, repeat=repeat) from None
        if service.is_sign_in(answer):
            raise service.no_login(url)
        # what has been answered all the same may ask for a pause before the next request
        self._wait = min(max(asked_pause(answer) or 0.0, 0.0), MAX_PAUSE)
        if answer.status_code // 100 == 2:
            return self._good(method, answer, repeat=repeat)
        # A redirect is not followed: requests would leave out the token, and repeat a POST as a
        # GET.
        if answer.status_code in MOVED and (repeat or service.is_refusal(answer)):
            raise PlatformError(f"{self._place} has moved", hint=service.moved_hint)
        raise service.failure(method, answer, repeat=repeat)

    def _good(self, method: str, answer: requests.Response, *, repeat: bool) -> requests.Response:
        """The good answer. One to a create that is none of the API's leaves open what was made."""
        if not repeat and answer.content:
            try:
                is_own = isinstance(answer.json(), dict)
            except (ValueError, RecursionError):
                is_own = False
            if not is_own:
                path, name = urlsplit(answer.url).path, self.service.name
                raise LostAnswer(
                    f"the answer to {method} {path} is not {name}'s", status=answer.status_code
                )
        return answer

    def _once(self, method: str, url: str, body: Any) -> requests.Response:
        return self._session.request(
            method,
            url,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "User-Agent": f"cicd/{__version__}",
                **self.service.headers,
            },
            # an auth object, because with a mere header requests would prefer ~/.netrc
            auth=self._authorize,
            allow_redirects=False,
            timeout=TIMEOUT,
        )

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        name, value = self.service.authorization(self._token.reveal())
        request.headers[name] = value
        return request
