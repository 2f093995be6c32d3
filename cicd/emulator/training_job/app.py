"""The HTTP face of the training-job API. Handlers run in worker threads."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from cicd.emulator.errors import ApiError
from cicd.emulator.front_door import EFFECTS
from cicd.emulator.training_job.jobs import Jobs, has_begun
from cicd.emulator.training_job.log import Logs
from cicd.emulator.training_job.login import BAD_CREDENTIALS, LIFETIME, Login, basic
from cicd.emulator.world import World

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOG = logging.getLogger(__name__)
MOST_BYTES = 2**20
"""Of the body of a request; data and scripts go to the storage."""
GRANT = "client_credentials"
Handler = Callable[[Request, bytes], Response]


class Api:
    """What answers, one method for each operation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._login = Login(world.credentials)
        self._jobs = Jobs(world)
        self._logs = Logs(world.runs)

    def token(self, request: Request, body: bytes) -> Response:
        """A grant of client credentials: Basic, or both in the form."""
        form = {
            name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()
        }
        if (form.get("grant_type") or request.query_params.get("grant_type")) != GRANT:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        in_form = (form.get("client_id", ""), form.get("client_secret", ""))
        if not self._login.is_client(*(basic(header(request, "authorization")) or in_form)):
            return JSONResponse(BAD_CREDENTIALS, 401)
        lifetime = effects(request).get("lifetime", LIFETIME)
        issued = {"access_token": self._login.issue(lifetime), "token_type": "bearer"}
        no_store = {"Cache-Control": "no-store"}
        return JSONResponse({**issued, "expires_in": int(lifetime)}, headers=no_store)

    def storage(self, request: Request, body: bytes) -> Response:
        """Where the objects of jobs are, for any client of S3."""
        self._admit(request)
        login = self._world.credentials.s3_login
        return JSONResponse(
            {
                "endpoint": urlsplit(self._world.base_url).netloc,
                "accessKey": login["AWS_ACCESS_KEY_ID"],
                "secretKey": login["AWS_SECRET_ACCESS_KEY"],
                "secure": False,
            }
        )

    def submit(self, request: Request, body: bytes) -> Response:
        """A new job under the id that the client chose."""
        # what reads YAML takes long to load, and an emulator starts often
        from cicd.emulator.training_job.submission import Unacceptable, read

        self._admit(request)
        try:
            wanted = read(body)
        except Unacceptable as error:
            raise ApiError(400, str(error)) from None
        return JSONResponse(self._jobs.submit(id_of(request), wanted), 201)

    def every(self, request: Request, body: bytes) -> Response:
        """The status of each job."""
        self._admit(request)
        return JSONResponse(self._jobs.every())

    def one(self, request: Request, body: bytes) -> Response:
        """The status of a job."""
        self._admit(request)
        return JSONResponse(self._jobs.show(self._known(request)))

    def logs(self, request: Request, body: bytes) -> Response:
        """What a job has written, from a byte on."""
        self._admit(request)
        run = self._jobs.find(self._known(request))
        offset = request.query_params.get("offset") or "0"
        if not (offset.isascii() and offset.isdecimal() and len(offset) < 19):
            raise ApiError(400, f"offset must be a whole number of bytes, not {offset[:50]!r}")
        wanted = effects(request)
        if wanted.get("log-late") and not has_begun(run):
            raise ApiError(404, "the job has no log yet")
        if wanted.get("log-shorter"):
            self._logs.shorten(run["id"])
        pieces = self._logs.read(run["id"], int(offset))
        return StreamingResponse(pieces, media_type="text/plain; charset=utf-8")

    def stop(self, request: Request, body: bytes) -> Response:
        """End a job."""
        self._admit(request)
        return JSONResponse(self._jobs.stop(self._known(request)), 202)

    def nothing(self, request: Request, body: bytes) -> Response:
        """What no other route answers."""
        self._admit(request)
        raise ApiError(404, f"there is nothing at {request.url.path[:200]}")

    def _known(self, request: Request) -> str:
        """The id of a job that is asked for."""
        found = id_of(request)
        if effects(request).get("vanish"):
            self._jobs.vanish(found)
        return found

    def _admit(self, request: Request) -> None:
        """401 for who has no good token."""
        if not self._login.is_good(header(request, "authorization")):
            raise ApiError(401, "invalid_token")


def create_app(world: World) -> ASGIApp:
    """The application below the prefix of the API."""
    api = Api(world)
    jobs, job = "/api/v2/jobs", "/api/v2/jobs/{uuid}"
    return Router(
        [
            route("/oauth/token", GET=api.token, POST=api.token),
            route("/api/v2/storage", GET=api.storage),
            route(jobs, GET=api.every),
            route(job, GET=api.one, POST=api.submit, DELETE=api.stop),
            route(f"{job}/logs", GET=api.logs),
            route("/{rest:path}", GET=api.nothing),
        ],
        redirect_slashes=False,
    )


def route(path: str, **handlers: Handler) -> Route:
    """A path with what answers each method."""
    return Route(path, Endpoint(handlers))


class Endpoint:
    """An ASGI application around the handlers of one path: errors become answers here."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            answer = await self._answer(request)
        except ApiError as error:
            answer = JSONResponse({"error": error.message}, error.status)
            if error.status == 413:
                # the rest stays unread, so the connection cannot be used again
                answer.headers["Connection"] = "close"
        except ClientDisconnect:
            return
        except (sqlite3.Error, OSError) as error:
            LOG.exception("%s %s failed", request.method, request.url.path)
            text = f"the emulator cannot use its data folder: {error}"
            answer = JSONResponse({"error": text}, 500)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        body = await read_body(request)
        handler = self._handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise ApiError(405, f"{request.method} has no meaning here")
        return await run_in_threadpool(handler, request, body)


async def read_body(request: Request) -> bytes:
    """The body; 413 for one that is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise ApiError(413, f"the body is larger than {MOST_BYTES} bytes")
    return bytes(body)


def effects(request: Request) -> Mapping[str, Any]:
    """What fault rules want to happen to a request."""
    found: Mapping[str, Any] = request.scope.get(EFFECTS, {})
    return found


def header(request: Request, name: str) -> str:
    """A header; empty where it is not there."""
    return request.headers.get(name, "")


def id_of(request: Request) -> str:
    """The id in the path."""
    return str(request.path_params["uuid"])
