"""Around everything that answers: requests are recorded, and fault rules change what happens."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware.errors import ServerErrorMiddleware

from cicd.emulator.api.faults import effects, tokens
from cicd.emulator.api.web import Operation
from cicd.emulator.faults import answers
from cicd.emulator.faults.answers import Answer
from cicd.emulator.faults.judge import Asked, Request, Verdict
from cicd.emulator.front_door import EFFECTS
from cicd.emulator.runs.dispatch import START_FAULT, StartFault
from cicd.emulator.world import World

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

WORLD = "cicd.world"
"""Where a request's scope has the world that answers it, if it is not the present one."""
UNKNOWN = "unknown"
"""The operation of a request that is none."""
CHANGING = frozenset(
    {
        "lost",
        "body",
        "slow-after",
        "shuffle",
        "log-gaps",
        "log-noise",
        "status-word",
        "skew",
        "rollback",
        "retry-after",
    }
)
"""Effects that need the whole answer before the first byte of it goes out."""
BODILESS = frozenset({204, 304})


class Gateway:
    """An ASGI application around one that answers an operation. With no rules it only records and
    dates. ``method`` is the one that the operation has; by any other it is no such. ``error`` is
    the body of errors of another API than AI Core's, and ``named`` its operation where the path
    does not say it."""

    def __init__(
        self,
        app: ASGIApp,
        world: World,
        deleters: Mapping[str, Operation],
        *,
        operation: str = UNKNOWN,
        template: str = "",
        method: str = "",
        error: answers.ErrorBody | None = None,
        named: Callable[[Scope], str] | None = None,
    ) -> None:
        # what fails is recorded too, with the answer that it gets
        self._app = ServerErrorMiddleware(app)
        self._world = world
        self._deleters = deleters
        self._operation = operation
        self._template = template
        self._method = method
        self._error = error
        self._named = named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._asked(scope)
        faults = self._world.faults
        verdict = faults.judge(asked)
        skew = verdict.value("skew") or 0.0
        send_dated = recorder(send, verdict.request, skew)
        states = faults.states()
        # Rules never hit what takes rules away again.
        if not states or scope["path"].startswith("/emulator/"):
            await self._app(scope, receive, send_dated)
            return
        send_dated = tokens.watching(states, asked, send_dated)
        token = header(scope, b"authorization")
        if verdict.effects and "tokens" in verdict.effects:
            tokens.kill(verdict, token)
        answer = tokens.refused_token(states, asked, token, self._error)
        if answer is None and not verdict.effects:
            await self._app(scope, receive, send_dated)
            return
        if answer:
            await drained(receive)
        else:
            handling = Handling(
                self._app, self._world, self._deleters, asked, verdict, token, self._error
            )
            answer = await handling.run(scope, receive, send_dated)
        if answer:
            await deliver(answer, send_dated)

    def _asked(self, scope: Scope) -> Asked:
        """What rules look at of a request; of one that nothing answers the template is the path."""
        method, path = scope["method"], scope["path"]
        group = header(scope, b"ai-resource-group").decode("latin-1")
        if self._operation == UNKNOWN or self._method not in ("", method):
            said = self._named(scope) if self._named else ""
            return Asked(method, path, path, said or UNKNOWN, group)
        values = scope.get("path_params", {})
        return Asked(method, path, self._template, self._operation, group, values)


def header(scope: Scope, name: bytes) -> bytes:
    """A header, the last one of its name; empty when there is none."""
    found: bytes = next((value for key, value in reversed(scope["headers"]) if key == name), b"")
    return found


class Handling:
    """One request that something happens to."""

    def __init__(
        self,
        app: ASGIApp,
        world: World,
        deleters: Mapping[str, Operation],
        asked: Asked,
        verdict: Verdict,
        token: bytes,
        error: answers.ErrorBody | None,
    ) -> None:
        self._app = app
        self._world = world
        self._deleters = deleters
        self._asked = asked
        self._verdict = verdict
        self._token = token.decode("latin-1")
        self._error = error

    async def run(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """The answer to give, None when it has been given or never will be."""
        value = self._verdict.value
        if value("slow"):
            await asyncio.sleep(value("slow"))
        if value("reset"):
            await abort(send, receive)
            return None
        values = {name: found for name, (found, _) in self._verdict.effects.items()}
        refusal = answers.refusal(
            values, self._asked.path, str(uuid.uuid4()), self._error, self._asked.operation
        )
        if refusal:
            await drained(receive)
            return refusal
        if value("vanish"):
            await run_in_threadpool(
                effects.vanish, self._world, self._deleters, self._asked, self._token
            )
        if value("stale") is not None and self._asked.method == "GET":
            scope[WORLD] = effects.as_of(self._world, self._verdict.effects["stale"][1])
        scope[EFFECTS] = values
        token = START_FAULT.set(self._start_fault())
        try:
            if CHANGING & self._verdict.effects.keys():
                return await self._changed(scope, receive, send)
            await self._app(scope, receive, send)
            return None
        finally:
            START_FAULT.reset(token)

    def _start_fault(self) -> StartFault:
        """What becomes of a run that this request starts."""
        value = self._verdict.value
        return StartFault(
            is_stuck=bool(value("stuck")),
            dies_after=value("dies"),
            is_ignored=bool(value("rollback")),
        )

    async def _changed(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """Let the operation take effect and change the answer."""
        value, world = self._verdict.value, self._world
        before = None
        if value("rollback"):
            before = await run_in_threadpool(effects.before_update, world, self._asked)
        query = scope.get("query_string", b"").decode("latin-1")
        skip, top = 0, None
        if value("shuffle"):
            query, skip, top = answers.without_paging(query)
        if value("skew"):
            query = answers.skewed_query(query, value("skew"))
        scope["query_string"] = query.encode("latin-1")
        answer = await collected(self._app, scope, receive)
        if before is not None:
            START_FAULT.set(StartFault())
            await run_in_threadpool(effects.undo_update, world, before)
        if value("slow-after"):
            await asyncio.sleep(value("slow-after"))
        lost = value("lost")
        if lost == "reset":
            await abort(send, receive)
            return None
        if lost:
            text = answers.MESSAGES[lost]
            return answers.shaped(Answer(lost), "plain", text)
        return self._reworked(answer, skip, top)

    def _reworked(self, answer: Answer, skip: int, top: int | None) -> Answer:
        effects, value = self._verdict.effects, self._verdict.value
        if value("shuffle"):
            answer = answers.shuffled(answer, skip, top, effects["shuffle"][1].dice)
        if value("log-gaps"):
            state = effects["log-gaps"][1]
            known = state.memory.setdefault("lines", {})
            answer = answers.gapped(answer, known, self._asked.path, state.dice)
        if value("log-noise"):
            answer = answers.noisy(answer, effects["log-noise"][1].dice)
        if value("status-word") is not None:
            answer = answers.worded(answer, value("status-word"))
        if value("skew"):
            answer = answers.skewed(answer, value("skew"))
        if value("body"):
            answer = answers.shaped(answer, value("body"))
        if value("retry-after") is not None:
            headers = {**answer.headers, "retry-after": str(value("retry-after"))}
            answer = replace(answer, headers=headers)
        return answer


def recorder(send: Send, request: Request | None, skew: float) -> Send:
    """``send``, but the status is recorded and the answer dated."""

    async def recorded(message: Message) -> None:
        if message["type"] == "http.response.start":
            if request:
                request.status = message["status"]
            if not any(name == b"date" for name, _ in message["headers"]):
                date = formatdate(time.time() + skew, usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
        await send(message)

    # whoever breaks the connection needs the server's own
    recorded.transport = transport_of(send)  # type: ignore[attr-defined]
    return recorded


def transport_of(send: Any) -> Any:
    """The connection behind a ``send``: ASGI has no way to end it without an answer."""
    own = getattr(send, "transport", None)
    return own or getattr(getattr(send, "__self__", None), "transport", None)


async def abort(send: Send, receive: Receive) -> None:
    """Reset the connection and wait until the server has noticed."""
    transport = transport_of(send)
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    await drained(receive, until_end=True)


async def drained(receive: Receive, *, until_end: bool = False) -> None:
    """Read what is left of a request, or all until the client is gone."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not until_end and not message.get("more_body"):
            return


async def collected(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """The whole answer of an application."""
    status, headers, body = 500, {}, bytearray()

    async def keep(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in message["headers"]
            }
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return Answer(status, bytes(body), headers)


async def deliver(answer: Answer, send: Send) -> None:
    """Send an answer; some statuses cannot have a body."""
    headers = dict(answer.headers)
    body = b"" if answer.status in BODILESS else answer.body
    headers.pop("content-length", None)
    if answer.status not in BODILESS:
        headers["content-length"] = str(len(body))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
