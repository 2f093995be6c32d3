"""The operations of all services that are ours, found by their names."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cicd.emulator.sagemaker import (
    elsewhere,
    endpoint_configs,
    endpoints,
    logs,
    models,
    packages,
    processing,
    scaling,
    search,
    tags,
    training,
    transform,
)
from cicd.emulator.sagemaker.account import Account, Call, Handler
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.identity import Logins
from cicd.emulator.sagemaker.invocations import Invocations
from cicd.emulator.sagemaker.names import INVOCATION, RUNTIME
from cicd.emulator.sagemaker.nouns import NOUNS
from cicd.emulator.sagemaker.quotas import exceeded
from cicd.emulator.sagemaker.shapes import ServiceModel

SAGEMAKER: Mapping[str, Handler] = {
    **models.OPERATIONS,
    **endpoint_configs.OPERATIONS,
    **endpoints.OPERATIONS,
    **training.OPERATIONS,
    **processing.OPERATIONS,
    **transform.OPERATIONS,
    **packages.OPERATIONS,
    **tags.OPERATIONS,
    **search.OPERATIONS,
}
STATUSES = frozenset(noun.status for noun in NOUNS)
Route = Callable[[Request, bytes], Awaitable[Response]]


@dataclass(frozen=True)
class JsonService:
    """A service whose operations are named in a header."""

    model: ServiceModel
    operations: Mapping[str, Handler]


class Services:
    """All of them, for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._invocations = Invocations(account)
        self._by_target = {
            "SageMaker": JsonService(account.shapes, SAGEMAKER),
            "Logs_20140328": JsonService(ServiceModel("logs"), logs.OPERATIONS),
            "AnyScaleFrontendService": JsonService(
                ServiceModel("application-autoscaling"), scaling.OPERATIONS
            ),
        }
        self.logins = Logins(account.world.credentials)

    def hand_over(self) -> None:
        """Let CloudWatch have what it is about to be asked for. Refused where it is not here."""
        elsewhere.moto()
        self._account.metrics.hand_over()

    def has(self, target: str) -> bool:
        """Whether the service that a target names is ours."""
        return target.partition(".")[0] in self._by_target

    def runtime_route(self, request: Request) -> Route | None:
        """What answers for an endpoint; None where the request is for none."""
        found = INVOCATION.fullmatch(request.url.path)
        routes = {
            "InvokeEndpoint": self._invocations.answer,
            "InvokeEndpointAsync": self._invocations.later,
            "InvokeEndpointWithResponseStream": self._invocations.stream,
        }
        if not found or found[2] not in RUNTIME or request.method != "POST":
            return None
        route = routes[RUNTIME[found[2]]]
        return lambda asked, body: route(asked, found[1], body)

    def call(
        self, target: str, region: str, raw: bytes, effects: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The answer of the operation that a target names. Raises Refused."""
        prefix, _, name = target.partition(".")
        service = self._by_target.get(prefix)
        if service is None or name not in service.model.names:
            raise Refused("UnknownOperationException", f"The operation {name} is unknown.")
        handler = service.operations.get(name)
        if handler is None:
            text = f"The operation {name} is not supported by this emulator."
            raise Refused("UnknownOperationException", text)
        try:
            body = json.loads(raw or b"{}")
        except (ValueError, RecursionError):
            raise Refused("SerializationException", "The body is no JSON.") from None
        checked = service.model.check(name, body)
        if effects.get("quota") and name.startswith("Create"):
            raise exceeded(self._account, name, checked)
        found = handler(Call(self._account, name, region or "us-east-1", checked, effects))
        if word := effects.get("status-word"):
            found = {key: word if key in STATUSES else value for key, value in found.items()}
        return service.model.answer(name, found)
