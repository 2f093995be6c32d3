"""The HTTP face: Starlette finds the operation, everything else is plain functions.

Handlers run in worker threads. Errors become answers here and nowhere else.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route, Router

from cicd.emulator.api import s3
from cicd.emulator.api.faults.effects import deleters
from cicd.emulator.api.faults.gateway import WORLD, Gateway
from cicd.emulator.api.lm.inference import METHODS, PREFIX, Inference
from cicd.emulator.api.s3 import S3
from cicd.emulator.api.s3_requests import is_signed
from cicd.emulator.api.table import OPERATIONS
from cicd.emulator.api.web import ApiCall, Guard, Operation, Reply
from cicd.emulator.errors import ApiError, GatewayError, denied, invalid
from cicd.emulator.front_door import FrontDoor
from cicd.emulator.state.credentials import Audience
from cicd.emulator.world import World

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOG = logging.getLogger(__name__)

INFERENCE = "inference.call"


def create_app(world: World, doors: Iterable[FrontDoor] = ()) -> Router:
    """The application that answers for ``world``; whoever made the world closes it. ``doors`` are
    those of other APIs than AI Core's."""
    doors = tuple(doors)
    around = partial(Gateway, world=world, deleters=deleters(OPERATIONS))
    routes: list[BaseRoute] = []
    # first, for they are looked at in this order
    inference = around(Inference(world), operation=INFERENCE, template=f"{PREFIX}{{id}}")
    for path in (f"{PREFIX}{{id}}", f"{PREFIX}{{id}}/{{rest:path}}"):
        routes.append(Route(path, inference, methods=list(METHODS)))
    for operation in OPERATIONS:
        app = around(
            endpoint(world, operation),
            operation=operation.name,
            template=operation.path,
            method=operation.method,
        )
        routes.append(Route(operation.path, app, methods=[operation.method]))
    for path in ("/s3", "/s3/{rest:path}"):
        app = around(S3(world, prefix="/s3", has_all=True))
        routes.append(Route(path, app, methods=list(s3.METHODS)))
    for door in doors:
        routes += door_routes(world, door, around)
    # what AI Core has is looked at first; nobody signs a request for it
    routes.append(SignedRequests(around(S3(world))))
    unrouted = Unrouted(world, list(routes))
    routes.append(Anything(around(unrouted)))
    names = {each.name for each in OPERATIONS if not each.path.startswith("/emulator/")}
    for door in doors:
        own = {*door.names, *(each.name for each in door.operations)}
        names |= {f"{door.name}.{name}" for name in own}
    world.faults.known = frozenset({INFERENCE, *names})
    # not Starlette itself: what it puts around routes hides the connection that faults break
    return Router(routes)


def door_routes(
    world: World, door: FrontDoor, around: Callable[..., ASGIApp]
) -> Iterator[BaseRoute]:
    """Everything below the prefix of another API; fault rules know its operations by name."""
    mounted = Mount(door.prefix, door.make(world))
    for each in door.operations:
        path = f"{door.prefix}{each.path}"
        app = around(
            mounted,
            operation=f"{door.name}.{each.name}",
            template=path,
            method=each.method,
            error=each.error or door.error,
        )
        yield Route(path, app, methods=[each.method])

    def spoken(scope: Scope) -> str:
        name = door.named(scope)
        return name and f"{door.name}.{name}"

    # some clients leave out the slash at the end
    whole = around(mounted.app, named=spoken, error=door.error)
    yield Route(door.prefix, whole)
    yield Mount(door.prefix, whole)


def endpoint(world: World, operation: Operation) -> ASGIApp:
    """The application of one operation."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        raw = await read_body(request, operation.most_bytes)
        if isinstance(raw, bytes):
            # Handlers use SQLite, files and Git, which block; the event loop goes on meanwhile.
            raw = await run_in_threadpool(respond, world, operation, request, raw)
        await raw(scope, receive, send)

    return answer


async def read_body(request: Request, most: int) -> bytes | Response:
    """The body, or the 413 for one that is too large."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                # the rest stays unread, so the connection cannot be used again
                error = ApiError(413, "the request body is too large", code="02000005")
                answer = error_response(error, request)
                answer.headers["Connection"] = "close"
                return answer
    except ClientDisconnect:
        return Response(status_code=400)
    return bytes(body)


def respond(world: World, operation: Operation, request: Request, raw: bytes) -> Response:
    """Check who calls, let the handler answer, turn errors into answers."""
    try:
        call = ApiCall(
            world=request.scope.get(WORLD, world),
            method=request.method,
            base_url=world.base_url,
            path=request.path_params,
            query=parse_qs(request.url.query, keep_blank_values=True),
            headers=joined(request),
            raw_body=raw,
        )
        admit(world, operation.guard, call.headers)
        operation.check_path(call.path)
        return to_response(operation.handler(call))
    except GatewayError as error:
        return PlainTextResponse(error.text, error.status)
    except ApiError as error:
        return error_response(error, request)
    except RecursionError:
        return error_response(invalid("the request is nested too deeply"), request)
    except (sqlite3.Error, OSError) as error:
        LOG.exception("%s %s failed", request.method, request.url.path)
        text = f"the emulator cannot use its data folder: {error}"
        return error_response(ApiError(500, text), request)
    except Exception:
        LOG.exception("%s %s failed", request.method, request.url.path)
        text = "the emulator failed; its log file says more"
        return error_response(ApiError(500, text), request)


def joined(request: Request) -> dict[str, str]:
    """The headers by name; one sent twice has both values, which no group or token is."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def admit(world: World, guard: Guard, headers: Any) -> None:
    """Raise the gateway's 401 or 403 for a caller who may not."""
    if guard == "none":
        return
    audience: Audience = "destination" if guard == "destination" else "aicore"
    world.credentials.check(headers.get("authorization", ""), audience)
    if guard == "group" and not world.has_group(headers.get("ai-resource-group", "")):
        raise denied()


def to_response(reply: Reply) -> Response:
    """A handler's reply as HTTP."""
    if reply.body is None:
        return Response(status_code=reply.status, headers=dict(reply.headers))
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, dict(reply.headers))
    if isinstance(reply.body, str):
        return PlainTextResponse(reply.body, reply.status, headers=dict(reply.headers))
    content = json.dumps(reply.body, ensure_ascii=False, separators=(",", ":"))
    return Response(
        content.encode(errors="replace"), reply.status, dict(reply.headers), "application/json"
    )


def error_response(error: ApiError, request: Request) -> Response:
    """AI Core's error envelope."""
    request_id = str(uuid.uuid4())
    envelope = {
        "code": error.code,
        "message": error.message,
        "requestId": request_id,
        "target": request.url.path,
    }
    if error.details is not None:
        envelope["details"] = error.details
    return to_response(Reply({"error": envelope}, error.status, {"x-request-id": request_id}))


class Anything(BaseRoute):
    """A route for whatever no other route answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class SignedRequests(Anything):
    """A route for requests that clients of S3 have signed, whatever their path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        is_theirs = scope["type"] == "http" and is_signed(Request(scope))
        return (Match.FULL if is_theirs else Match.NONE), {}


class Unrouted:
    """What no route answers: refused like the gateway does."""

    def __init__(self, world: World, routes: Sequence[BaseRoute]) -> None:
        self._world = world
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._refuse(request)
        except GatewayError as error:
            headers = {"Allow": ", ".join(self._methods(scope))} if error.status == 405 else None
            await PlainTextResponse(error.text, error.status, headers)(scope, receive, send)

    def _refuse(self, request: Request) -> NoReturn:
        """A token that is no good comes first, as everywhere; then the method; then the path."""
        path = request.url.path
        is_api = path == "/v2" or path.startswith("/v2/")
        if is_api:
            self._world.credentials.check(request.headers.get("authorization", ""), "aicore")
        if self._methods(request.scope):
            raise GatewayError(405, "Method Not Allowed")
        raise denied() if is_api else GatewayError(404, "not found")

    def _methods(self, scope: Scope) -> list[str]:
        """The methods that the path has."""
        fitting = [route for route in self._routes if route.matches(scope)[0] is Match.PARTIAL]
        return sorted({name for r in fitting if isinstance(r, Route) for name in r.methods or ()})
