"""The runtime: requests for endpoints, passed on to what serves, and its answers back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cicd.emulator.api.passing import Forwarder
from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.asking import Answer, ask
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.fleets import LOGS
from cicd.emulator.sagemaker.nouns import ACCOUNT
from cicd.emulator.sagemaker.traffic import Target

if TYPE_CHECKING:
    from cicd.emulator.sagemaker.asking import Headers

PASSED_ON = (
    "content-type",
    "accept",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id",
    "x-amzn-sagemaker-session-id",
)
CUSTOM = "x-amzn-sagemaker-custom-attributes"
COMING_UP = frozenset({"UNKNOWN", "PENDING"})
LOOK = 0.05
"""Seconds between two looks at a server that is being started again."""


class Invocations:
    """For one event loop."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._forwarder = Forwarder(account.world.runner)
        self._copies: set[asyncio.Task[None]] = set()

    async def answer(self, request: Request, name: str, body: bytes) -> Response:
        """What the endpoint answers. Refused with the model's own error where that is one."""
        variant = request.headers.get("x-amzn-sagemaker-target-variant", "")
        headers = [(key, request.headers[key]) for key in PASSED_ON if key in request.headers]
        entered = self._account.traffic.enter(name, variant)
        target = await run_in_threadpool(entered.__enter__)
        try:
            for shadow in target.shadows:
                self._copy(shadow, headers, body)
            answer = await self._through(target.runs, headers, body)
        finally:
            await run_in_threadpool(entered.__exit__, None, None, None)
        if answer.status >= 400:
            raise model_error(answer, target, name)
        found = Response(answer.body, answer.status, {"content-type": answer.content_type})
        found.headers["x-Amzn-Invoked-Production-Variant"] = target.variant
        if said := answer.headers.get(CUSTOM):
            found.headers[CUSTOM] = said
        return found

    async def _through(self, runs: Sequence[str], headers: Headers, body: bytes) -> Answer:
        """Ask one container after the other, each with what the one before has answered."""
        answer = Answer(200, body, {})
        for run_id in runs:
            await self._ready(run_id)
            answer = await ask(self._forwarder, run_id, headers, body)
            if answer.status >= 400:
                return answer
            body = answer.body
            others = [(key, text) for key, text in headers if key != "content-type"]
            headers = [*others, ("content-type", answer.content_type)]
        return answer

    async def _ready(self, run_id: str) -> None:
        """Wait for what an emulator that has just begun starts again."""
        look = self._account.runner.look
        while (run := await run_in_threadpool(look, "deployment", run_id)) and (
            run["status"] in COMING_UP
        ):
            await asyncio.sleep(LOOK)

    def _copy(self, runs: Sequence[str], headers: Headers, body: bytes) -> None:
        """Let a shadow have the same request; nobody waits for what it answers."""

        async def work() -> None:
            await self._through(runs, headers, body)

        task = asyncio.create_task(work())
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)


def model_error(answer: Answer, target: Target, name: str) -> Refused:
    """The error for an answer of a model that is one."""
    region = target.arn.split(":")[3]
    message = answer.body.decode("utf-8", "replace")
    side = "server" if answer.status >= 500 else "client"
    console = (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group={LOGS}/{name}"
    )
    text = (
        f'Received {side} error ({answer.status}) from primary with message "{message[:1024]}". '
        f"See {console} in account {ACCOUNT} for more information."
    )
    logs = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{LOGS}/{name}"
    return Refused(
        "ModelError",
        text,
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=message,
        LogStreamArn=logs,
    )
