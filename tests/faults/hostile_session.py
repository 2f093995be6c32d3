"""Something between us and a real server that answers in its place, before or after the deed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from cicd.http import REFUSALS
from cicd.platforms.aicore import transport
from tests.faults.mutants import answering, asked_by, response

BODIES: tuple[Any, ...] = ({"error": {"code": "c", "message": "no"}}, "<html>no</html>")
NAMES = re.compile(r"(?<=/)(?:[a-z]?[0-9a-f]{16}|g\d{4}[\w-]*)(?=/|$)")
"""Ids, and the names of groups and of what is called after them."""


@dataclass(frozen=True)
class Answer:
    """What is answered in place of the server; ``is_done``: after it did what was asked."""

    status: int
    body: Any = field(hash=False)
    is_done: bool

    @property
    def is_own(self) -> bool:
        """Whether it is in the words of the API."""
        return isinstance(self.body, dict)

    def __str__(self) -> str:
        words = "JSON" if self.is_own else "HTML"
        return f"{self.status} {words} {'after' if self.is_done else 'before'}"

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def every_answer() -> list[Answer]:
    """400 to 599, as JSON and as HTML, after and before the effect; but no API that does what it
    refuses."""
    found = [Answer(s, b, d) for b in BODIES for d in (True, False) for s in range(400, 600)]
    return [a for a in found if not (a.is_done and a.is_own and a.status in REFUSALS)]


@dataclass
class Hostile:
    """The first write of every sort gets another of these answers; ``hits``: which."""

    answers: Sequence[Answer]
    begin: int = 0
    hits: dict[str, Answer] = field(default_factory=dict)

    def hit(self, request: requests.PreparedRequest) -> Answer | None:
        asked = asked_by(request)
        path = NAMES.sub("ID", asked.target.partition("?")[0])
        sort = f"{request.method} {path}"
        if request.method == "GET" or path.endswith("/oauth/token") or sort in self.hits:
            return None
        answer = self.answers[(self.begin + len(self.hits)) % len(self.answers)]
        self.hits[sort] = answer
        return answer


@contextmanager
def between(hostile: Hostile, url: str) -> Iterator[None]:
    """All sessions of the platform go through it."""
    real = transport.open_session(url)

    def answer(request: requests.PreparedRequest) -> requests.Response:
        told = hostile.hit(request)
        if told is None or told.is_done:
            got = real.get_adapter(str(request.url)).send(request, timeout=(10, 30))
            if got.content is None or told is None:  # read, so that its connection is free again
                return got
        return response(request, told.status, told.content)

    with answering(answer):
        yield
    real.close()
