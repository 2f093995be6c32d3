"""A front door of another API: jobs and servers, each one line of Python, without a login."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cicd.emulator.api.passing import Forwarder
from cicd.emulator.errors import ApiError
from cicd.emulator.front_door import FrontDoor
from cicd.emulator.runs.lifecycle import Kind
from cicd.emulator.runs.starting import Wanted, job_template, server_template
from cicd.emulator.world import World

GROUP = "toy"
KINDS: tuple[tuple[str, Kind], ...] = (("jobs", "execution"), ("servers", "deployment"))


def start(world: World, kind: Kind, request: Request) -> Response:
    container: dict[str, Any] = {"name": "main", "image": "python:3"}
    container["command"] = ["python3", "-uc", request.query_params["code"]]
    container["ports"] = [{"containerPort": 8080, "protocol": "TCP"}]
    template = (job_template if kind == "execution" else server_template)(container)
    run_id = world.runs.start(Wanted(kind, GROUP, template))
    return JSONResponse({"id": run_id, "at": world.clock.stamp()}, 201)


def one(world: World, kind: Kind, request: Request) -> Response:
    run_id = request.path_params["id"]
    if request.method == "DELETE":
        world.runs.delete(kind, GROUP, run_id)
        return Response(status_code=202)
    run = world.runs.find(kind, GROUP, run_id)
    if run is None:
        return Response(status_code=404)
    log = [line["text"] for line in world.runs.log(run_id)]
    return JSONResponse({"status": run["status"], "why": run["message"], "log": log})


def stop(world: World, kind: Kind, request: Request) -> Response:
    world.runs.stop(kind, GROUP, request.path_params["id"])
    return Response(status_code=202)


class Ask:
    def __init__(self, world: World) -> None:
        self._forwarder = Forwarder(world.runner)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        target = b"/" + request.path_params["rest"].encode()
        await self._forwarder.pass_on(request.path_params["id"], request, send, target)


def refused(request: Request, error: Any) -> Response:
    return Response(error.message, error.status)


def make(world: World) -> ASGIApp:
    routes = [Route("/servers/{id}/ask/{rest:path}", Ask(world), methods=["GET", "POST"])]
    for noun, kind in KINDS:
        routes += [
            Route(f"/{noun}", partial(start, world, kind), methods=["POST"]),
            Route(f"/{noun}/{{id}}", partial(one, world, kind), methods=["GET", "DELETE"]),
            Route(f"/{noun}/{{id}}/stop", partial(stop, world, kind), methods=["POST"]),
        ]
    return Starlette(routes=routes, exception_handlers={ApiError: refused})


TOY = FrontDoor("toy", make)
