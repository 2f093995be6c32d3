"""The routes as an ASGI application behind its guard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import starlette.requests
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Route

from cicd.page.access import Access
from cicd.page.guard import Guard
from cicd.page.routes import ROUTES, Line, Request, Site, page
from cicd.page.templates import assets

LONGEST_FORM = 64 * 1024
ROLES = ("viewer", "operator", "approver")
"""Each may do what those before it may."""
TITLES = {404: "Not found", 405: "This cannot be done here", 500: "Something went wrong"}

Handler = Callable[[starlette.requests.Request], Awaitable[Response]]


def create_app(site: Site, access: Access) -> Guard:
    """All of the page. ``access`` says who may come in."""
    assets()  # a broken installation fails before anybody looks

    async def failed(http: starlette.requests.Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        request = Request(session=access.session(http.headers.get("cookie", "")))
        title = TITLES.get(status, "This does not work")
        answer: Response = page(
            "problem.html", request, site, status=status, title=title, text=f"Status {status}."
        )
        return answer

    routes = [Route(one.path, bound(one, site, access), methods=[one.method]) for one in ROUTES]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=1000)],
        exception_handlers={HTTPException: failed, 500: failed},
    )
    return Guard(app, access)


def bound(line: Line, site: Site, access: Access) -> Handler:
    """What answers one line of the table: nobody gets past it without its role and, where it
    changes something, a form of ours."""

    async def handle(http: starlette.requests.Request) -> Response:
        session = access.session(http.headers.get("cookie", ""))
        form = await read_form(http) if line.method == "POST" else {}
        request = Request(
            {name: str(value) for name, value in http.path_params.items()},
            dict(http.query_params),
            form,
            session,
        )
        if http.method != line.method:  # HEAD: a code is not used up by who only looks
            return Response(status_code=405)
        if line.role and (session is None or not may(session.role, line.role)):
            return turned_away(site, request)
        if line.csrf and not (session and access.is_agreed(session, form.get("csrf", ""))):
            text = "This form is too old. Open the page again, and send it from there."
            return problem(site, request, 403, "This was not sent", text)
        return await run_in_threadpool(line.answer, site, access, request)

    return handle


def may(role: str, needed: str) -> bool:
    """Whether a role is enough."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def turned_away(site: Site, request: Request) -> Response:
    text = "Open the link that `cicd page` has printed; it is good for one browser."
    return problem(site, request, 401, "This page is somebody's own", text)


def problem(site: Site, request: Request, status: int, title: str, text: str) -> Response:
    answer: Response = page("problem.html", request, site, status=status, title=title, text=text)
    return answer


async def read_form(http: starlette.requests.Request) -> dict[str, str]:
    """The fields of a form that was sent; of one that is too long none. Raises HTTPException."""
    body = b""
    async for part in http.stream():
        body += part
        if len(body) > LONGEST_FORM:
            raise HTTPException(413)
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=200))
