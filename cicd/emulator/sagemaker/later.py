"""Asynchronous invocations: a request that lies in S3 is answered there, when there is time."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.asking import Answer, Headers
from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.nouns import ENDPOINT
from cicd.emulator.sagemaker.storage import DataError

if TYPE_CHECKING:
    Asked = Callable[[str, Headers, bytes], Awaitable[Answer]]

LOG = logging.getLogger(__name__)
HEAD = "x-amzn-sagemaker-"
CONCURRENCY = 4
"""Requests at once where the endpoint says nothing of it."""


class Later:
    """For one event loop. What waits when the emulator ends is gone."""

    def __init__(self, account: Account, ask: Asked) -> None:
        self._account = account
        self._ask = ask
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: dict[str, asyncio.Semaphore] = {}

    async def answer(self, request: Request, name: str) -> Response:
        """Where the answer will be. Refused for an endpoint that is not asynchronous."""
        things = self._account.things
        endpoint = await run_in_threadpool(things.get, ENDPOINT.kind, name)
        told = (endpoint or {}).get("AsyncInferenceConfig")
        if not told:
            text = f"Endpoint {name} does not exist or has no AsyncInferenceConfig."
            raise Refused("ValidationError", text)
        source = request.headers.get(f"{HEAD}inputlocation", "")
        if not source:
            raise Refused("ValidationError", "InputLocation must be given.")
        identity = request.headers.get(f"{HEAD}inference-id") or str(uuid.uuid4())
        output = told["OutputConfig"]
        place = str(uuid.uuid4())
        target = f"{str(output.get('S3OutputPath', '')).rstrip('/')}/{place}.out"
        failure = f"{str(output.get('S3FailurePath', '')).rstrip('/')}/{place}-error.out"
        headers = [
            (key, request.headers[f"{HEAD}{key}"])
            for key in ("content-type", "accept")
            if f"{HEAD}{key}" in request.headers
        ]
        most = told.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", CONCURRENCY)
        places = self._places.setdefault(name, asyncio.Semaphore(int(most)))

        async def work() -> None:
            async with places:
                await self._work(name, headers, source, target, failure)

        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        found = {f"{HEAD}outputlocation": target}
        if "S3FailurePath" in output:
            found[f"{HEAD}failurelocation"] = failure
        body = json.dumps({"InferenceId": identity}).encode()
        return Response(body, 202, found, "application/json")

    async def _work(
        self, name: str, headers: Headers, source: str, target: str, failure: str
    ) -> None:
        storage = self._account.storage
        try:
            body = await run_in_threadpool(lambda: storage.one(source).read_bytes())
            answer = await self._ask(name, headers, body)
            await run_in_threadpool(storage.write, answer.body, target)
        except (DataError, Refused) as error:
            if failure.startswith("s3://"):
                text = getattr(error, "message", str(error))
                await run_in_threadpool(storage.write, text.encode(), failure)
        except Exception:
            LOG.exception("an asynchronous request for %s failed", name)
