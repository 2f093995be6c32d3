"""The runtime: requests for endpoints, passed on to what serves, and its answers back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cicd.emulator.api.passing import Forwarder
from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.asking import Answer, Headers, ask
from cicd.emulator.sagemaker.capture import Part, captured
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.fleets import LOGS
from cicd.emulator.sagemaker.later import Later
from cicd.emulator.sagemaker.metrics import invocation
from cicd.emulator.sagemaker.nouns import ACCOUNT
from cicd.emulator.sagemaker.streaming import CONTENT_TYPE, Flowing, framed
from cicd.emulator.sagemaker.traffic import Target

HEAD = "x-amzn-sagemaker-"
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
        self._later = Later(account, self._by_name)

    async def answer(self, request: Request, name: str, body: bytes) -> Response:
        """What the endpoint answers. Refused with the model's own error where that is one."""
        variant = request.headers.get(f"{HEAD}target-variant", "")
        target, answer = await self._asked(name, variant, headers_of(request), body)
        found = Response(answer.body, answer.status, {"content-type": answer.content_type})
        found.headers["x-Amzn-Invoked-Production-Variant"] = target.variant
        if said := answer.headers.get(CUSTOM):
            found.headers[CUSTOM] = said
        return found

    async def later(self, request: Request, name: str, body: bytes) -> Response:
        """Where the answer of the endpoint will be."""
        return await self._later.answer(request, name)

    async def stream(self, request: Request, name: str, body: bytes) -> Response:
        """What the endpoint answers, as it comes; the last container of a pipeline does."""
        headers, stack = headers_of(request), AsyncExitStack()
        target = await self._entered(stack, name, request.headers.get(f"{HEAD}target-variant", ""))
        try:
            if target.answers_later:
                raise only_later(name)
            *before, last = target.runs
            first = await self._through(before, headers, body)
            if first.status >= 400:
                raise model_error(first, target, name)
            await self._ready(last)
            flowing = Flowing(self._forwarder, last, passed(headers, first), first.body)
            stack.push_async_callback(flowing.close)
            answer = await flowing.begun()
            if answer.status >= 400:
                raise model_error(answer, target, name)
        except BaseException:
            await stack.aclose()
            raise
        told = {
            "x-amzn-sagemaker-content-type": answer.content_type,
            "x-Amzn-Invoked-Production-Variant": target.variant,
        }
        end = BackgroundTask(stack.aclose)
        pieces = framed(flowing.pieces())
        return StreamingResponse(pieces, 200, told, CONTENT_TYPE, background=end)

    async def _asked(
        self, name: str, variant: str, headers: Headers, body: bytes, *, later: bool = False
    ) -> tuple[Target, Answer]:
        """Who was asked, and the answer. Refused where that is an error."""
        async with AsyncExitStack() as stack:
            target = await self._entered(stack, name, variant)
            if target.answers_later and not later:
                raise only_later(name)
            for shadow in target.shadows:
                self._copy(shadow, headers, body)
            begun = time.perf_counter()
            answer = await self._through(target.runs, headers, body)
            took = (time.perf_counter() - begun) * 1e6
        told = (target.arn, target.variant, answer.status, took, time.time())
        self._account.metrics.add(invocation(*told))
        if answer.status >= 400:
            raise model_error(answer, target, name)
        if target.capture:
            kind = dict(headers).get("content-type", "application/octet-stream")
            asked, answered = Part(kind, body), Part(answer.content_type, answer.body)
            kept = captured(target.capture, name, target.variant, asked, answered)
            if kept:
                url, content = kept
                await run_in_threadpool(self._account.storage.write, content, url)
        return target, answer

    async def _entered(self, stack: AsyncExitStack, name: str, variant: str) -> Target:
        """The server for a request, which is under way until the stack is closed."""
        entered = self._account.traffic.enter(name, variant)
        target = await run_in_threadpool(entered.__enter__)

        async def leave() -> None:
            await run_in_threadpool(entered.__exit__, None, None, None)

        stack.push_async_callback(leave)
        return target

    async def _by_name(self, name: str, headers: Headers, body: bytes) -> Answer:
        return (await self._asked(name, "", headers, body, later=True))[1]

    async def _through(self, runs: Sequence[str], headers: Headers, body: bytes) -> Answer:
        """Ask one container after the other, each with what the one before has answered."""
        answer = Answer(200, body, {})
        for run_id in runs:
            await self._ready(run_id)
            answer = await ask(self._forwarder, run_id, headers, body)
            if answer.status >= 400:
                return answer
            body, headers = answer.body, passed(headers, answer)
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


def headers_of(request: Request) -> Headers:
    """Those of a request that are for the container."""
    return [(key, request.headers[key]) for key in PASSED_ON if key in request.headers]


def passed(headers: Headers, answer: Answer) -> Headers:
    """Headers for the next container, which is asked with the answer of the one before."""
    if "content-type" not in answer.headers:
        return headers
    others = [(key, text) for key, text in headers if key != "content-type"]
    return [*others, ("content-type", answer.content_type)]


def only_later(name: str) -> Refused:
    """The error for who wants an answer at once of an asynchronous endpoint."""
    text = f"Endpoint {name} of account {ACCOUNT} has an AsyncInferenceConfig"
    return Refused("ValidationError", f"{text}: it can be invoked by InvokeEndpointAsync only.")


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
