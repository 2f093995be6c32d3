"""A page that is really served, and requests to it as any program may send them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from cicd.page.access import Access
from cicd.page.reading import Stages
from cicd.page.server import http_server, listen


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Served:
    """One page; ``cookie`` is sent with each request once somebody has come in."""

    access: Access
    cookie: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.access.port}"

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        cookie: str | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.access.port, timeout=20)
        told = {"Cookie": self.cookie if cookie is None else cookie, **(headers or {})}
        body = urlencode(form) if form is not None else None
        if body is not None:
            told["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, {k: v for k, v in told.items() if v})
            answer = connection.getresponse()
            heads = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, heads, answer.read().decode())
        finally:
            connection.close()

    def come_in(self) -> Answer:
        parts = urlsplit(self.access.link)
        answer = self.ask(f"{parts.path}?{parts.query}")
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer


@contextmanager
def served(stages: Stages, title: str = "project") -> Iterator[Served]:
    """The page of these stages; nobody has come in yet."""
    listener = listen(0)
    access = Access(listener.getsockname()[1])
    pool = ThreadPoolExecutor(2)
    server = http_server(title, stages, access, pool)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Served(access)
    finally:
        server.should_exit = True
        thread.join()
        pool.shutdown()
        listener.close()
