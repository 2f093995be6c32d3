"""The HTTP face: Starlette finds the operation, everything else is plain functions.

Handlers run in worker threads. Errors become answers here and nowhere else.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import uuid
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cicd.emulator.credentials import Audience
from cicd.emulator.errors import ApiError, GatewayError, denied
from cicd.emulator.routes.inference import METHODS, Inference
from cicd.emulator.routes.table import OPERATIONS
from cicd.emulator.web import Call, Guard, Operation, Reply
from cicd.emulator.world import World

MOST_BYTES = 8 * 1024 * 1024
NOT_EMULATED = (
    "/v2/lm/executionSchedules",
    "/v2/lm/dataset",
    "/v2/analytics",
    "/v2/admin/services",
    "/v2/admin/resourceQuota",
    "/v2/admin/resources",
    "/v2/admin/tenantInfo",
)
LOG = logging.getLogger(__name__)

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def create_app(world: World) -> Starlette:
    """The application that answers for ``world``; whoever made the world closes it."""
    routes = [
        Route(operation.path, endpoint(world, operation), methods=[operation.method])
        for operation in OPERATIONS
    ]
    inference = Inference(world)
    for path in ("/v2/inference/deployments/{id}", "/v2/inference/deployments/{id}/{rest:path}"):
        routes.append(Route(path, inference, methods=list(METHODS)))
    routes.append(Route("/{path:path}", unknown, methods=list(METHODS)))
    return Starlette(routes=routes)


def endpoint(world: World, operation: Operation) -> Endpoint:
    """What Starlette calls for one operation."""

    async def answer(request: Request) -> Response:
        raw = await read_body(request)
        if isinstance(raw, Response):
            return raw
        return await run_in_threadpool(respond, world, operation, request, raw)

    return answer


async def read_body(request: Request) -> bytes | Response:
    """The body, or the 413 for one that is too large."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
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
        call = Call(
            world=world,
            method=request.method,
            base_url=world.base_url,
            path=request.path_params,
            query=parse_qs(request.url.query, keep_blank_values=True),
            headers=dict(request.headers),
            raw_body=raw,
        )
        admit(world, operation.guard, call.headers)
        return to_response(operation.handler(call))
    except GatewayError as error:
        return PlainTextResponse(error.text, error.status)
    except ApiError as error:
        return error_response(error, request)
    except (sqlite3.Error, OSError) as error:
        LOG.exception("%s %s failed", request.method, request.url.path)
        text = f"the emulator cannot use its data folder: {error}"
        return error_response(ApiError(500, text), request)
    except Exception:
        LOG.exception("%s %s failed", request.method, request.url.path)
        text = "the emulator failed; its log file says more"
        return error_response(ApiError(500, text), request)


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


async def unknown(request: Request) -> Response:
    """Paths that nothing answers: refused like the gateway does, or named as not emulated."""
    path = request.url.path
    if path.startswith(NOT_EMULATED):
        return error_response(ApiError(501, f"{path} is not emulated"), request)
    if path.startswith("/v2"):
        return PlainTextResponse("RBAC: access denied", 403)
    return PlainTextResponse("not found", 404)
