"""/v2/inference/deployments/{id}/…: passes requests on to what the runner serves.

The one part that works on the socket itself: bodies stream through in both directions, and a
request counts as in flight until its last byte is out, so that a swap of revisions loses none.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from cicd.emulator.errors import GatewayError, denied
from cicd.emulator.jobs import Upstream
from cicd.emulator.world import World

if TYPE_CHECKING:
    import httpx
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
LOG = logging.getLogger(__name__)


class Inference:
    """An ASGI application for all deployments."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        deployment_id = request.path_params["id"]
        try:
            await run_in_threadpool(self._admit, request, deployment_id)
        except GatewayError as error:
            await PlainTextResponse(error.text, error.status)(scope, receive, send)
            return
        # the second attempt is for a revision that went away between asking and connecting
        for is_last in (False, True):
            with ExitStack() as stack:
                lease = self._world.runner.upstream(deployment_id)
                upstream = stack.enter_context(lease)
                if await self._forward(upstream, request, send, is_last=is_last):
                    return

    def _admit(self, request: Request, deployment_id: str) -> None:
        """Token, resource group, and a deployment of that group."""
        self._world.credentials.check(request.headers.get("authorization", ""), "aicore")
        group = request.headers.get("ai-resource-group", "")
        if not self._world.has_group(group):
            raise denied()
        if self._world.run("deployment", group, deployment_id) is None:
            raise GatewayError(404, f"deployment {deployment_id} not found")

    async def _forward(
        self, upstream: Upstream | None, request: Request, send: Send, *, is_last: bool
    ) -> bool:
        """Send the request on and the answer back. False: not connected, nothing was sent."""
        import httpx

        async def refuse(status: int, text: str) -> bool:
            await PlainTextResponse(text, status)(request.scope, request.receive, send)
            return True

        if upstream is None:
            return await refuse(503, "no healthy upstream")
        has_begun = False
        try:
            async with transport_to(upstream) as transport:
                answer = await transport.handle_async_request(outgoing(request, upstream))
                has_begun = True
                try:
                    await pass_back(answer, send)
                finally:
                    await answer.aclose()
            return True
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return await refuse(503, "upstream connect error") if is_last else False
        except ClientDisconnect:
            return True
        except httpx.TimeoutException:
            if not has_begun:
                return await refuse(504, "upstream request timeout")
            raise
        except httpx.HTTPError as error:
            if not has_begun:
                return await refuse(502, f"upstream failed: {type(error).__name__}")
            # the answer broke off: the client must notice, and it does when the connection ends
            LOG.warning("the answer of a deployment broke off: %s", error)
            raise


def transport_to(upstream: Upstream) -> httpx.AsyncHTTPTransport:
    """A connection for one request: nothing idle is kept that a swap could close under us."""
    import httpx

    path = str(upstream.socket) if upstream.socket else None
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(uds=path, verify=False, limits=limits)


def outgoing(request: Request, upstream: Upstream) -> httpx.Request:
    """The request as the deployment sees it: path below its own root, no login."""
    import httpx

    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    rest = raw_path.removeprefix(PREFIX).partition(b"/")[2]
    target = b"/" + rest
    if query := request.scope.get("query_string"):
        target += b"?" + query
    headers = [(name, value) for name, value in request.headers.raw if name not in NOT_PASSED_ON]
    has_body = {"content-length", "transfer-encoding"} & set(request.headers)
    timeout = httpx.Timeout(SECONDS, connect=10.0).as_dict()
    return httpx.Request(
        request.method,
        httpx.URL(scheme="http", host="127.0.0.1", port=upstream.port or None, raw_path=target),
        headers=headers,
        content=request.stream() if has_body else None,
        extensions={"timeout": timeout},
    )


async def pass_back(answer: Any, send: Send) -> None:
    """Status, headers and body as they come."""
    headers = [
        (name.lower(), value)
        for name, value in answer.headers.raw
        if name.lower() not in HOP_BY_HOP
    ]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    async for chunk in answer.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
