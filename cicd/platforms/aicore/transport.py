"""Connections: one pool for all threads, and no answer that never ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from cicd.http import TooLarge

CONNECTIONS = 10
"""At once to one host, all threads together."""
MAX_BYTES = 200_000_000
"""Of one answer, unpacked: a page of 10,000 runs takes some 20 MB."""
PATIENCE = 4
"""How many times as long as for the head of an answer is waited for all of its body."""
CHUNK = 65_536


def open_session(base_url: str) -> requests.Session:
    """A session whose connections are shared by all threads; it keeps no cookies."""
    session = requests.Session()
    adapter = _Adapter(pool_connections=4, pool_maxsize=CONNECTIONS, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # A proxy that the environment names can never reach this machine's own loopback.
    session.trust_env = urlsplit(base_url).hostname not in {"127.0.0.1", "localhost", "::1"}
    return session


class Sender:
    """Sends requests over a session as the session would, without what it does anew for each of
    them: what the environment says of proxies and certificates is asked once for each host, and
    nothing is merged out of the session. Safe for many threads."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._settings: dict[str, Mapping[str, Any]] = {}

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: Any,
        params: Mapping[str, Any] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        """The answer, whole. Raises requests.RequestException."""
        request = requests.PreparedRequest()
        request.method, request.hooks, request.body = method, {"response": []}, data
        request.prepare_url(url, params or None)
        request.prepare_headers({**self._session.headers, **headers})
        request.prepare_content_length(data)
        assert request.url, "a prepared request has a url"
        adapter = self._session.get_adapter(request.url)
        response = adapter.send(request, timeout=timeout, **self._settings_of(request.url))
        response.content  # noqa: B018 it is read here, where its errors are expected
        return response

    def _settings_of(self, url: str) -> Mapping[str, Any]:
        origin = "/".join(url.split("/", 3)[:3])
        if origin not in self._settings:
            found = self._session.merge_environment_settings(url, {}, False, None, None)
            self._settings[origin] = found
        return self._settings[origin]


class _Adapter(HTTPAdapter):
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **options: Any,
    ) -> requests.Response:
        response = super().send(request, stream, timeout, *args, **options)
        seconds = timeout[1] if isinstance(timeout, tuple) else timeout
        response.raw = _Body(response.raw, seconds)
        return response


class _Body:
    """The body of an answer, which has to end. The timeout of a socket is for each of its bytes:
    a server that sends one a second is never too slow for it."""

    def __init__(self, raw: Any, seconds: float | None) -> None:
        self._raw = raw
        self._seconds = seconds

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """As requests reads it. Raises TooLarge, and gives the connection up."""
        size, begun, is_whole = 0, time.monotonic(), False
        try:
            while chunk := self._raw.read1(CHUNK, decode_content=True):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise TooLarge(f"the answer is larger than {MAX_BYTES // 10**6} MB")
                if self._seconds and time.monotonic() - begun > PATIENCE * self._seconds:
                    raise TooLarge("the answer does not end")
                yield chunk
            is_whole = True
        finally:
            if not is_whole:
                self._raw.close()
                self._raw.release_conn()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)
