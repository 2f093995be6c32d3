"""/v2/inference/deployments/{id}/…: passes requests on to what the runner serves.

What is deployed of the platform's own scenarios is answered here, from the request alone.

The one part that works on the socket itself: bodies stream through in both directions, and a
request counts as in flight until its last byte is out, so that a swap of revisions loses none.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from cicd.emulator.api.lm.gates import Gates, QueueFull
from cicd.emulator.errors import EmulatorError, GatewayError, denied
from cicd.emulator.foundation import deployed, executables, models, orchestration
from cicd.emulator.foundation.answers import Answer, Asked
from cicd.emulator.foundation.catalogue import NotOffered, Offer, today
from cicd.emulator.git.templates import PLATFORM_SCENARIOS
from cicd.emulator.jobs import Upstream
from cicd.emulator.runner.serving.exchange import Broken, Exchange, NotConnected, connect
from cicd.emulator.state.store import Row
from cicd.emulator.world import World

if TYPE_CHECKING:
    import h11
    from starlette.types import Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PREFIX = b"/v2/inference/deployments/"
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
RUN = (
    "SELECT id, scenario_id, executable_id, status, configuration_id, running_configuration_id "
    "FROM runs WHERE id = ? AND kind = 'deployment' AND resource_group = ?"
)
LOG = logging.getLogger(__name__)


class Inference:
    """An ASGI application for all deployments."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._gates = Gates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        deployment_id = request.path_params["id"]
        try:
            run = self._admit(request, deployment_id)
            if run["scenario_id"] in PLATFORM_SCENARIOS:
                await (await self._answer(run, request))(scope, receive, send)
                return
        except GatewayError as error:
            await PlainTextResponse(error.text, error.status)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        if request.headers.get("upgrade", "").lower() == "websocket":
            text = "websockets are not passed on to deployments: use HTTP, which may stream"
            await PlainTextResponse(text, 501)(scope, receive, send)
            return
        await self._pass_on(deployment_id, request, send)

    async def _pass_on(self, deployment_id: str, request: Request, send: Send) -> None:
        """Ask the runner where to, wait for a server that is being started, send it there."""
        deadline = time.monotonic() + SECONDS
        is_last = False
        while True:
            with ExitStack() as stack:
                lease = self._world.runner.upstream(deployment_id)
                upstream = stack.enter_context(lease)
                is_waking = upstream is not None and upstream.is_waking
                if not is_waking:
                    if await self._in_turn(upstream, request, send, is_last=is_last):
                        return
                    # once more, for a revision that went away between asking and connecting
                    is_last = True
            if is_waking:
                if time.monotonic() > deadline:
                    await refuse(request, send, 504, "upstream request timeout")
                    return
                await asyncio.sleep(WAKING_SECONDS)

    async def _in_turn(
        self, upstream: Upstream | None, request: Request, send: Send, *, is_last: bool
    ) -> bool:
        """Send it once the deployment takes one more request. False: not connected."""
        if upstream is None:
            return await refuse(request, send, 503, "no healthy upstream")
        try:
            async with self._gates.turn(upstream, upstream.concurrency):
                return await forward(upstream, request, send, is_last=is_last)
        except QueueFull:
            return await refuse(request, send, 503, "pending request queue full")

    def _admit(self, request: Request, deployment_id: str) -> Row:
        """Token, resource group, and the deployment of that group."""
        self._world.credentials.check(request.headers.get("authorization", ""), "aicore")
        group = request.headers.get("ai-resource-group", "")
        store = self._world.store
        run = store.row_now(RUN, (deployment_id, group))
        if run is None:
            if store.row_now("SELECT 1 FROM resource_groups WHERE id = ?", (group,)) is None:
                raise denied()
            raise GatewayError(404, f"deployment {deployment_id} not found")
        return run

    async def _answer(self, run: Row, request: Request) -> Response:
        """The answer of a deployment of the platform's own scenarios."""
        if run["running_configuration_id"] is None or run["status"] in {"STOPPING", "STOPPED"}:
            raise GatewayError(503, "no healthy upstream")
        if request.method != "POST":
            raise GatewayError(405, "method not allowed")
        path = str(request.path_params.get("rest", "")).strip("/")
        asked = Asked(f"/{path}", await request.body())
        return await run_in_threadpool(self._respond, run, asked)

    def _respond(self, run: Row, asked: Asked) -> Response:
        try:
            return to_response(self._said(run, asked))
        except RecursionError:
            raise GatewayError(400, "the request is nested too deeply") from None
        except EmulatorError as error:
            raise GatewayError(500, error.message) from None

    def _said(self, run: Row, asked: Asked) -> Answer:
        parameters = self._world.serving_parameters(run)
        catalogue = self._world.models.read()
        if run["scenario_id"] == executables.FOUNDATION:
            try:
                offer = deployed.offer_of(catalogue, run["executable_id"], parameters, today())
            except NotOffered as error:
                # it was there when it was deployed: retired since, or the list is another one
                raise GatewayError(404, str(error)) from None
            return models.answer(offer, asked)

        def find(name: str, version: str) -> Offer:
            return catalogue.find_for(run["scenario_id"], name, version, today())

        return orchestration.answer(find, deployed.filter_of(parameters), asked)


async def refuse(request: Request, send: Send, status: int, text: str) -> bool:
    """The gateway's own answer; true, for there is nothing more to do."""
    await PlainTextResponse(text, status)(request.scope, request.receive, send)
    return True


async def forward(upstream: Upstream, request: Request, send: Send, *, is_last: bool) -> bool:
    """Send the request on and the answer back. False: not connected, nothing was sent.

    A client that goes away takes its request with it.
    """
    incoming = Incoming(request)
    work = asyncio.ensure_future(exchanged(upstream, request, incoming, send, is_last=is_last))
    gone = asyncio.ensure_future(incoming.wait_until_gone())
    try:
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
    upstream: Upstream, request: Request, incoming: Incoming, send: Send, *, is_last: bool
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
            target_of(request),
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


def to_response(answer: Answer) -> Response:
    """An answer of the platform's own as HTTP."""
    if answer.events:
        return StreamingResponse(lines(answer), answer.status, media_type="text/event-stream")
    if isinstance(answer.body, str):
        return PlainTextResponse(answer.body, answer.status)
    return Response(encoded(answer.body), answer.status, media_type="application/json")


def lines(answer: Answer) -> Iterator[bytes]:
    """Server-sent events, and the one that says it was the last."""
    for event in answer.events:
        yield b"data: " + encoded(event) + b"\n\n"
    yield b"data: [DONE]\n\n"


def encoded(body: Any) -> bytes:
    """JSON in UTF-8; half a character, which JSON can name and UTF-8 cannot, becomes ``?``."""
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def target_of(request: Request) -> bytes:
    """Path and query below the deployment's own root."""
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    target = b"/" + raw_path.removeprefix(PREFIX).partition(b"/")[2]
    if query := request.scope.get("query_string"):
        target += b"?" + query
    return target


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
