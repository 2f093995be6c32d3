"""Everything of AWS below one url: who signs for which service, and who answers for that.

S3 is the emulator's own; what is not here is moto's (``elsewhere``).
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Mapping
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from cicd.emulator.api.s3 import METHODS, S3
from cicd.emulator.api.signature import HEADER, Signed, refusal
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.names import PREFIX
from cicd.emulator.sagemaker.things import DOOR
from cicd.emulator.state.store import Store
from cicd.emulator.world import World

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from cicd.emulator.sagemaker.services import Services

LOG = logging.getLogger(__name__)
JSON = "application/x-amz-json-1.1"
MOST_BYTES = 26 * 2**20
"""The largest body of a request, but for S3."""
UNSIGNED = {
    "AccessDenied": ("MissingAuthenticationTokenException", "Missing Authentication Token", 403),
    "InvalidAccessKeyId": (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        400,
    ),
    "SignatureDoesNotMatch": (
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.",
        400,
    ),
}
"""S3's word for a request that nobody has signed -> that of other services, text and status."""


class Door:
    """An ASGI application. What takes time to load is loaded with the first request, or at once
    where something goes on that an emulator before this one has begun."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._s3 = S3(world, prefix=PREFIX)
        self._services: Services | None = None
        self._lock = Lock()
        if has_things(world.store):
            Thread(target=self._open, name="sagemaker", daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if service_of(request) == "s3":
            await self._s3(scope, receive, send)
            return
        try:
            body = await read(request)
            services = await run_in_threadpool(self._open)
            answer = await self._answer(services, request, body)
        except ClientDisconnect:
            return
        except Refused as refused:
            answer = error(refused, is_rest=is_rest(request))
        except Exception:
            LOG.exception("%s %s failed", request.method, request.url.path)
            text = "The emulator failed; its log file says more."
            answer = error(Refused("InternalFailure", text, 500), is_rest=is_rest(request))
        answer.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        await answer(scope, receive, send)

    async def _answer(self, services: Services, request: Request, body: bytes) -> Response:
        """Refuse who has not signed; then whoever's it is answers."""
        check_signature(request, body, services.keys())
        if route := services.runtime_route(request):
            return await route(request, body)
        region = scope_of(request)[1]
        target = request.headers.get("x-amz-target", "")
        found = await run_in_threadpool(services.call, target, region, body)
        return Response(json.dumps(found).encode(), 200, media_type=JSON)

    def _open(self) -> Services:
        """Load it all, once."""
        from cicd.emulator.sagemaker.opening import open_account
        from cicd.emulator.sagemaker.services import Services

        with self._lock:
            if self._services is None:
                self._services = Services(open_account(self._world))
            return self._services


def has_things(store: Store) -> bool:
    """Whether anybody has made anything."""
    return store.row("SELECT 1 FROM things WHERE door = ? LIMIT 1", (DOOR,)) is not None


def scope_of(request: Request) -> tuple[str, str]:
    """Service and region that a request was signed for; empty for one that was not."""
    found = HEADER.match(request.headers.get("authorization", "").strip())
    return (found[4], found[3]) if found else ("", "")


def service_of(request: Request) -> str:
    """The service that a request is for; what has no target, and nobody has signed for another, is
    S3's."""
    service = scope_of(request)[0]
    is_plain = "x-amz-target" not in request.headers and not is_rest(request)
    return service or ("s3" if is_plain and request.method in METHODS else "")


def is_rest(request: Request) -> bool:
    """Whether a request is for the runtime, whose errors are told in a header."""
    return request.url.path.startswith(f"{PREFIX}/endpoints/")


async def read(request: Request) -> bytes:
    """The body. Refused for one that is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Refused("RequestEntityTooLarge", "The request body is too large.", 413)
    return bytes(body)


def check_signature(request: Request, body: bytes, keys: Mapping[str, str]) -> None:
    """Refuse what none of the keys has signed, as it is."""
    digest = hashlib.sha256(body).hexdigest()
    headers = {**dict(request.headers), "x-amz-content-sha256": digest}
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    signed = Signed(request.method, raw.decode("ascii", "replace"), request.url.query, headers)
    if code := refusal(signed, keys):
        word, text, status = UNSIGNED[code]
        raise Refused(word, text, status)


def error(refused: Refused, *, is_rest: bool) -> Response:
    """A refusal as AWS answers it."""
    body: dict[str, Any] = {"__type": refused.code, "message": refused.message, **refused.more}
    headers = {"x-amzn-ErrorType": refused.code} if is_rest else {}
    if is_rest:
        body = {"Message": refused.message, **refused.more}
    content = json.dumps(body).encode()
    return Response(content, refused.status, headers, "application/json" if is_rest else JSON)
