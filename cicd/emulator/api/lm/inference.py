"""/v2/inference/deployments/{id}/…: passes requests on to what the runner serves.

What is deployed of the platform's own scenarios is answered here, from the request alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from cicd.emulator.api.passing import Forwarder
from cicd.emulator.errors import EmulatorError, GatewayError, denied
from cicd.emulator.foundation import deployed, executables, models, orchestration
from cicd.emulator.foundation.answers import Answer, ModelRequest
from cicd.emulator.foundation.catalogue import NotOffered, Offer, today
from cicd.emulator.git.templates import PLATFORM_SCENARIOS
from cicd.emulator.state.store import Row
from cicd.emulator.world import World

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PREFIX = "/v2/inference/deployments/"
RUN = (
    "SELECT id, scenario_id, executable_id, status, configuration_id, running_configuration_id "
    "FROM runs WHERE id = ? AND kind = 'deployment' AND resource_group = ?"
)


class Inference:
    """An ASGI application for all deployments."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._forwarder = Forwarder(world.runner)

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
        await self._forwarder.pass_on(deployment_id, request, send, target_of(request))

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
        asked = ModelRequest(f"/{path}", await request.body())
        return await run_in_threadpool(self._respond, run, asked)

    def _respond(self, run: Row, asked: ModelRequest) -> Response:
        try:
            return to_response(self._said(run, asked))
        except RecursionError:
            raise GatewayError(400, "the request is nested too deeply") from None
        except EmulatorError as error:
            raise GatewayError(500, error.message) from None

    def _said(self, run: Row, asked: ModelRequest) -> Answer:
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
    target = b"/" + raw_path.removeprefix(PREFIX.encode()).partition(b"/")[2]
    if query := request.scope.get("query_string"):
        target += b"?" + query
    return target
