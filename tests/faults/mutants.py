"""Commands whose answers were recorded once, given again with one field of the answers changed.

The tape stands where the session is: no socket, no time passes, so thousands of mutants are cheap.
Answers to the same request come in the order in which they were recorded, the last one stays.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from benchmarks.aicore import World
from cicd.cli import root
from cicd.platforms.aicore import adapter, transport
from tests.faults import faults_world
from tests.faults.faults_world import Faulty, Result, hastened
from tests.sampling import IS_ALL

Place = tuple[str | int, ...]
"""Where in an answer; any index of a list is 0."""
GONE = object()
OTHER_TYPES: tuple[Any, ...] = (7, "text", [None], {"a": 1})


@dataclass(frozen=True)
class Asked:
    """What a request asks for, as far as its answer depends on it."""

    method: str
    target: str
    group: str

    @property
    def path(self) -> str:
        """The path with ids left out."""
        path = urlsplit(self.target).path
        return re.sub(r"(?<=/)[a-z]?[0-9a-f]{16}(?=/|$)", "ID", path)


@dataclass
class Taped:
    """One answer; ``asked_with``: the body of its request."""

    status: int
    content: bytes
    asked_with: bytes = b""


@dataclass(frozen=True)
class Mutant:
    """One field of all answers to one sort of request, and what it is instead."""

    method: str
    path: str
    place: Place
    value: Any = field(compare=False)

    def __str__(self) -> str:
        shown = "gone" if self.value is GONE else repr(self.value)
        return f"{self.method} {self.path} {'.'.join(map(str, self.place))} = {shown}"

    def changes(self, asked: Asked, content: bytes) -> bytes:
        if (asked.method, asked.path) != (self.method, self.path):
            return content
        return json.dumps(changed(json.loads(content), self.place, self.value)).encode()


@dataclass
class Tape:
    """Recorded answers and what was sent while they were given again."""

    answers: dict[Asked, list[Taped]] = field(default_factory=dict)
    sent: list[tuple[Asked, bytes]] = field(default_factory=list)

    def mutants(self) -> Iterator[Mutant]:
        """Every field of every answer: taken away, nulled, of every other type; in a sample
        taken away and one of the others."""
        seen: set[tuple[str, str, Place]] = set()
        for asked, tapes in self.answers.items():
            if asked.path.endswith("/oauth/token"):
                continue
            for tape in tapes:
                try:
                    content = json.loads(tape.content)
                except ValueError:
                    continue
                for place in places(content):
                    if (key := (asked.method, asked.path, place)) in seen:
                        continue
                    seen.add(key)
                    values = [None, *others(found(content, place))]
                    chosen = values if IS_ALL else [values[len(seen) % len(values)]]
                    # a list with one element less is another list and no spoilt one
                    gone = [] if isinstance(place[-1], int) else [GONE]
                    yield from (Mutant(*key, value) for value in (*gone, *chosen))

    def writes(self) -> Counter[tuple[str, str, bytes]]:
        """What was sent besides reads, by what it asks for; what is salted or timed without its
        body."""
        return Counter(
            (asked.method, path, b"" if "/admin/" in path else body)
            for asked, body in self.sent
            if asked.method != "GET" and not asked.path.endswith("/oauth/token")
            for path in [urlsplit(asked.target).path]
            # a lock is renewed by the clock, and this one is hastened
            if (asked.method, asked.path.rpartition("/")[0])
            != ("PATCH", "/v2/admin/resourceGroups")
        )


class _Session(HTTPAdapter):
    """Answers out of a function in place of a network."""

    def __init__(self, answer: Callable[[requests.PreparedRequest], requests.Response]) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        return self._answer(request)


def asked_by(request: requests.PreparedRequest) -> Asked:
    parts = urlsplit(str(request.url))
    group = request.headers.get("AI-Resource-Group", "")
    return Asked(str(request.method), f"{parts.path}?{parts.query}", group)


def response(request: requests.PreparedRequest, status: int, content: bytes) -> requests.Response:
    """An answer as requests has it."""
    made = requests.Response()
    made.status_code, made._content, made.request = status, content, request
    made.url, made.reason = str(request.url), "X"
    kinds = {b"{": "application/json", b"[": "application/json", b"<": "text/html"}
    made.headers["Content-Type"] = kinds.get(content[:1], "text/plain")
    return made


@contextmanager
def answering(answer: Callable[[requests.PreparedRequest], requests.Response]) -> Iterator[None]:
    """All sessions of the platform are answered by this function."""

    def open_session(base_url: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", _Session(answer))
        return session

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "open_session", open_session)
        patch.setattr(faults_world, "SQUEEZE", 10**9)
        yield


def answering_from(world: World) -> AbstractContextManager[None]:
    """All sessions are answered by a server in memory."""

    def answer(request: requests.PreparedRequest) -> requests.Response:
        parts = urlsplit(str(request.url))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        is_form = parts.path == "/oauth/token"
        body = json.loads(request.body) if request.body and not is_form else None
        status, content = world.answer(str(request.method), parts.path, query, body)
        text = (
            content if isinstance(content, str) else "" if content is None else json.dumps(content)
        )
        return response(request, status, text.encode())

    return answering(answer)


def recorded(faulty: Faulty, *arguments: str) -> tuple[Tape, Result]:
    """One command against the emulator, with all that it was answered."""
    tape, real = Tape(), transport.open_session(faulty.emulator.url)

    def answer(request: requests.PreparedRequest) -> requests.Response:
        got = real.get_adapter(str(request.url)).send(request, timeout=(10, 30))
        asked = asked_by(request)
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        tape.answers.setdefault(asked, []).append(Taped(got.status_code, got.content, body))
        tape.sent.append((asked, body))
        return got

    with answering(answer):
        return tape, faulty.cicd(*arguments)


def played(
    faulty: Faulty, tape: Tape, mutant: Mutant | None, *arguments: str
) -> tuple[Tape, Result]:
    """The same command, answered by the tape with a mutant's change; what it sent and said."""
    left = {asked: list(answers) for asked, answers in tape.answers.items()}
    heard = Tape(tape.answers)

    def answer(request: requests.PreparedRequest) -> requests.Response:
        asked = asked_by(request)
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        heard.sent.append((asked, body))
        known = left.get(asked)
        if not known:
            error = {"error": {"code": "404", "message": "not on the tape"}}
            return response(request, 404, json.dumps(error).encode())
        taped = known.pop(0) if len(known) > 1 else known[0]
        content = taped.content
        if mutant and taped.status // 100 == 2 and content:
            content = mutant.changes(asked, content)
        return response(request, taped.status, content)

    with answering(answer):
        faulty.capsys.readouterr()
        with hastened():
            code = root.execute(list(arguments))
        return heard, Result(code, *faulty.capsys.readouterr())


def places(content: Any, at: Place = ()) -> Iterator[Place]:
    """Every place of a document, of a list the first element stands for all."""
    if at:
        yield at
    if isinstance(content, dict):
        for key in content:
            yield from places(content[key], (*at, key))
    elif isinstance(content, list) and content:
        yield from places(content[0], (*at, 0))


def found(content: Any, place: Place) -> Any:
    for step in place:
        content = content[step]
    return content


def others(value: Any) -> list[Any]:
    """Values of other types."""
    return [other for other in OTHER_TYPES if type(other) is not type(value)]


def changed(content: Any, place: Place, value: Any) -> Any:
    """The document with another value there, in every element of the lists on the way."""
    content = deepcopy(content)
    _change(content, place, value)
    return content


def _change(content: Any, place: Place, value: Any) -> None:
    step, *rest = place
    if isinstance(content, list):
        if not rest:
            content[:] = [] if value is GONE else [value for _ in content]
        for item in content if rest else ():
            _change(item, tuple(rest), value)
        return
    if not isinstance(content, dict) or step not in content:
        return
    if rest:
        _change(content[step], tuple(rest), value)
    elif value is GONE:
        del content[step]
    else:
        content[step] = value
