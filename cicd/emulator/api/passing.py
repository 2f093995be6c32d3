"""Requests passed on to the server of a deployment, and its answers back.

The one part that works on the socket itself: bodies stream through in both directions, and a
request counts as in flight until its last byte is out, so that a swap of revisions loses none.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from cicd.emulator.api.gates import Gates, QueueFull
from cicd.emulator.jobs import Runner, Upstream
from cicd.emulator.runner.serving.exchange import Broken, Exchange, NotConnected, connect

if TYPE_CHECKING:
    import h11
    from starlette.types import Send

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer trailers "
    b"transfer-encoding upgrade proxy-connection".split()
)
# the token is for the gateway, and what it admits is nobody else's business
NOT_PASSED_ON = HOP_BY_HOP | {b"authorization", b"host", b"expect"}
SECONDS = 600.0
"""Until an answer begins or goes on, where the template names no timeout."""
WAKING_SECONDS = 0.02
"""Between two looks whether a server that is being started is ready."""
LOG = logging.getLogger(__name__)


class Forwarder:
    """The way to every deployment that a runner serves. For one event loop."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._gates = Gates()

    async def pass_on(
        self, deployment_id: str, request: Request, send: Send, target: bytes
    ) -> None:
        """Send a request to ``target``, path and query below the deployment's own root.

        Ask the runner where to, wait for a server that is being started, send it there.
        """
        if request.headers.get("upgrade", "").lower() == "websocket":
            text = "websockets are not passed on to deployments: use HTTP, which may stream"
            await refuse(request, send, 501, text)
            return
        deadline = time.monotonic() + SECONDS
        is_last = False
        while True:
            with ExitStack() as stack:
                lease = self._runner.upstream(deployment_id)
                upstream = stack.enter_context(lease)
                is_waking = upstream is not None and upstream.is_waking
                if not is_waking:
                    if await self._in_turn(upstream, request, send, target, is_last=is_last):
                        return
                    # once more, for a revision that went away between asking and connecting
                    is_last = True
            if is_waking:
                if time.monotonic() > deadline:
                    await refuse(request, send, 504, "upstream request timeout")
                    return
                await asyncio.sleep(WAKING_SECONDS)

    async def _in_turn(
        self,
        upstream: Upstream | None,
        request: Request,
        send: Send,
        target: bytes,
        *,
        is_last: bool,
    ) -> bool:
        """Send it once the deployment takes one more request. False: not connected."""
        if upstream is None:
            return await refuse(request, send, 503, "no healthy upstream")
        try:
            # As Knative's queue does it: more requests than containerConcurrency wait outside of
            # the container.
            async with self._gates.turn(upstream, upstream.concurrency):
                return await forward(upstream, request, send, target, is_last=is_last)
        except QueueFull:
            return await refuse(request, send, 503, "pending request queue full")


async def refuse(request: Request, send: Send, status: int, text: str) -> bool:
    """The gateway's own answer; true, for there is nothing more to do."""
    await PlainTextResponse(text, status)(request.scope, request.receive, send)
    return True


async def forward(
    upstream: Upstream, request: Request, send: Send, target: bytes, *, is_last: bool
) -> bool:
    """Send the request on and the answer back. False: not connected, nothing was sent.

    A client that goes away takes its request with it.
    """
    incoming = Incoming(request)
    work = asyncio.ensure_future(
        exchanged(upstream, request, incoming, send, target, is_last=is_last)
    )
    gone = asyncio.ensure_future(incoming.wait_until_gone())
    try:
        # A model may compute for minutes for a client that has gone; so its going ends the request.
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else True
    finally:
        for task in (work, gone):
            task.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


class Incoming:
    """The body of a request, and after it whether the client is still there."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self.has_body = bool({"content-length", "transfer-encoding"} & set(request.headers))
        self._is_read = asyncio.Event()
        if not self.has_body:
            self._is_read.set()

    async def body(self) -> AsyncIterator[bytes]:
        """As it comes; ends early when the client goes away, which wait_until_gone() then sees."""
        more = True
        try:
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                more = message.get("more_body", False)
                if chunk := message.get("body", b""):
                    yield chunk
        finally:
            self._is_read.set()

    async def wait_until_gone(self) -> None:
        """Return when the client has gone away."""
        await self._is_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def exchanged(
    upstream: Upstream,
    request: Request,
    incoming: Incoming,
    send: Send,
    target: bytes,
    *,
    is_last: bool,
) -> bool:
    """One request and its answer; see forward()."""
    has_begun = False
    try:
        exchange = await connect(upstream, upstream.timeout or SECONDS)
    except NotConnected:
        return is_last and await refuse(request, send, 503, "upstream connect error")
    try:
        await exchange.send(
            request.method,
            target,
            headers_for(upstream, request, incoming),
            incoming.body() if incoming.has_body else None,
        )
        answer = await exchange.answer()
        has_begun = True
        await pass_back(answer, exchange, send)
        return True
    except ClientDisconnect:
        return True
    except TimeoutError:
        if not has_begun:
            return await refuse(request, send, 504, "upstream request timeout")
        raise
    except Broken as error:
        if not has_begun:
            return await refuse(request, send, 502, f"upstream failed: {error}")
        # the answer broke off: the client must notice, and it does when the connection ends
        LOG.warning("the answer of a deployment broke off: %s", error)
        raise
    finally:
        exchange.close()


def headers_for(
    upstream: Upstream, request: Request, incoming: Incoming
) -> list[tuple[bytes, bytes]]:
    """The headers as the deployment sees them: no login."""
    host = f"127.0.0.1:{upstream.port}" if upstream.port else "127.0.0.1"
    passed = [(name, value) for name, value in request.headers.raw if name not in NOT_PASSED_ON]
    names = {name for name, _ in passed}
    if b"content-length" not in names:
        if incoming.has_body:
            passed.append((b"transfer-encoding", b"chunked"))
        elif request.method in ("POST", "PUT", "PATCH"):
            passed.append((b"content-length", b"0"))
    return [(b"host", host.encode()), *passed]


async def pass_back(answer: h11.Response, exchange: Exchange, send: Send) -> None:
    """Status, headers and body as they come."""
    headers = [(name, value) for name, value in answer.headers if name not in HOP_BY_HOP]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    async for piece, has_more in exchange.pieces():
        await send({"type": "http.response.body", "body": piece, "more_body": has_more})
