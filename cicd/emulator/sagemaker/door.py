"""Everything of AWS below one url: who signs for which service, and who answers for that.

S3 is the emulator's own; what is not here is moto's (``elsewhere``).
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from cicd.emulator.api.s3 import METHODS, S3
from cicd.emulator.api.signature import HEADER, STAMP, Signed, refusal
from cicd.emulator.front_door import EFFECTS
from cicd.emulator.sagemaker import elsewhere, identity
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.identity import Login, Logins
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
TOO_LARGE = 413
SKEW = timedelta(minutes=5)
"""So far the clock of who signs may be off."""
CLOUDWATCH = "monitoring"
OURS = frozenset({"sagemaker", "logs"})
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
        logins = Logins(world.credentials)
        self._s3 = S3(world, prefix=PREFIX, guests=logins.temporary_of)
        self._services: Services | None = None
        self._lock = Lock()
        if has_things(world.store):
            Thread(target=self._open, name="sagemaker", daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if is_for_s3(request):
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
        service, region = scope_of(request)
        if service == "sts" or is_form(request):
            return await run_in_threadpool(from_sts, services.logins, request, body)
        check_signature(request, body, services.logins)
        if route := services.runtime_route(request):
            return await route(request, body)
        target = request.headers.get("x-amz-target", "")
        if service in OURS or services.has(target):
            effects = request.scope.get(EFFECTS, {})
            found = await run_in_threadpool(services.call, target, region, body, effects)
            return Response(json.dumps(found).encode(), 200, media_type=JSON)
        path = request.url.path.removeprefix(PREFIX) or "/"
        if service == CLOUDWATCH:
            await run_in_threadpool(services.hand_over)
        told = (request.method, path, request.url.query, request.headers, body)
        return await run_in_threadpool(elsewhere.answer, *told)

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


def is_for_s3(request: Request) -> bool:
    """Whether S3 answers: it was signed for that, or by nobody and for nothing else."""
    service = scope_of(request)[0]
    if service or "x-amz-target" in request.headers:
        return service == "s3"
    return request.method in METHODS and not is_rest(request) and not is_form(request)


def is_form(request: Request) -> bool:
    """Whether nobody has signed it, and an action is named in a form: as those do who have no login
    yet."""
    kind = request.headers.get("content-type", "")
    return not scope_of(request)[0] and kind.startswith("application/x-www-form-urlencoded")


def is_rest(request: Request) -> bool:
    """Whether a request is for the runtime, whose errors are told in a header."""
    return request.url.path.startswith(f"{PREFIX}/endpoints/")


async def read(request: Request) -> bytes:
    """The body. Refused for one that is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            text = "The request body is too large."
            raise Refused("RequestEntityTooLarge", text, TOO_LARGE)
    return bytes(body)


def check_signature(request: Request, body: bytes, logins: Logins) -> Login:
    """Who has signed the request, as it is. Refused where nobody has who may."""
    found = HEADER.match(request.headers.get("authorization", "").strip())
    token = request.headers.get("x-amz-security-token", "")
    login = logins.find(found[1], token) if found else None
    digest = hashlib.sha256(body).hexdigest()
    headers = {**dict(request.headers), "x-amz-content-sha256": digest}
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    signed = Signed(request.method, raw.decode("ascii", "replace"), request.url.query, headers)
    code = refusal(signed, {login.key: login.secret} if login else {})
    if code or login is None:
        word, text, status = UNSIGNED[code]
        raise Refused(word, text, status)
    if text := out_of_time(headers.get("x-amz-date", ""), datetime.now(UTC)):
        raise Refused("InvalidSignatureException", text)
    return login


def out_of_time(stamp: str, now: datetime) -> str:
    """Why a signature of that moment does not count now; empty where it does."""
    try:
        signed = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return f"Date in X-Amz-Date is no date: {stamp!r}"
    if signed < now - SKEW:
        early, said = now - SKEW, "Signature expired: {} is now earlier than {} ({} - 5 min.)"
    elif signed > now + SKEW:
        early, said = (
            now + SKEW,
            "Signature not yet current: {} is still later than {} ({} + 5 min.)",
        )
    else:
        return ""
    return said.format(*(f"{one:{STAMP}}" for one in (signed, early, now)))


def from_sts(logins: Logins, request: Request, body: bytes) -> Response:
    """What STS answers; of some it wants no signature."""
    try:
        who = None if is_form(request) else check_signature(request, body, logins)
        return Response(identity.answer(logins, who, body), 200, media_type="text/xml")
    except Refused as refused:
        return Response(identity.error(refused), refused.status, media_type="text/xml")


def error(refused: Refused, *, is_rest: bool) -> Response:
    """A refusal as AWS answers it."""
    body: dict[str, Any] = {"__type": refused.code, "message": refused.message, **refused.more}
    headers = {"x-amzn-ErrorType": refused.code} if is_rest else {}
    if is_rest:
        body = {"Message": refused.message, **refused.more}
    if refused.status == TOO_LARGE:
        # the rest stays unread, so the connection cannot be used again
        headers["Connection"] = "close"
    content = json.dumps(body).encode()
    return Response(content, refused.status, headers, "application/json" if is_rest else JSON)
