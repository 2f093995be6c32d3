"""Requests to endpoints: those that are answered at once, and those whose answers come to S3."""

from __future__ import annotations

import hashlib
import re
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from cicd.errors import Denied, NotFound, PlatformError
from cicd.model import LiveResource
from cicd.platforms.base import Answer, Request
from cicd.platforms.sagemaker import console
from cicd.platforms.sagemaker.api import Api
from cicd.platforms.sagemaker.logs import ENDPOINTS
from cicd.platforms.sagemaker.nouns import NOUNS
from cicd.platforms.sagemaker.storage import Storage

RUNTIME = "sagemaker-runtime"
FIRST, LONGEST = 0.2, 2.0
"""Seconds between two looks for an answer: the first pause and the longest."""
STATUS = re.compile(r"error \(([45][0-9]{2})\)")
"""How the text of a failure names what the model has answered."""


@dataclass(frozen=True)
class Awaited:
    """A request whose answer is on its way. ``key``: where it lies in the bucket; ``answer`` and
    ``failure``: addresses of which one will be there, the second empty where none is kept."""

    key: str
    answer: str
    failure: str


class Invocations:
    """For all threads. ``folder``: below which requests are put that are read from the bucket."""

    def __init__(self, api: Api, storage: Storage, folder: str) -> None:
        self._api = api
        self._storage = storage
        self._folder = folder
        self._lock = threading.Lock()
        self._is_later: dict[tuple[str, str], bool] = {}
        self._awaited: dict[str, Awaited] = {}

    def ask(self, live: LiveResource, request: Request, timeout: float) -> Answer:
        """What an endpoint answers; also where that is an error of the model behind it."""
        headers = {name.lower(): text for name, text in request.headers.items()}
        asked = {
            "ContentType": request.sort or headers.get("content-type"),
            "Accept": headers.get("accept"),
            "TargetVariant": request.variant or None,
        }
        told = {name: text for name, text in asked.items() if text}
        if self._answers_later(live):
            return self._ask_later(live.id, request.data or b"", told, timeout)
        return self._ask_now(live.id, request.data or b"", told)

    def _answers_later(self, live: LiveResource) -> bool:
        """Whether its configuration is asynchronous."""
        at = live.id, str(live.spec.get("config", ""))
        with self._lock:
            known = self._is_later.get(at)
        if known is None:
            known = bool(self._api.describe(NOUNS["endpoint"], live.id).get("AsyncInferenceConfig"))
            with self._lock:
                self._is_later[at] = known
        return known

    def _ask_now(self, name: str, body: bytes, asked: Mapping[str, str]) -> Answer:
        exceptions = import_module("botocore.exceptions")
        with self._api.translated(RUNTIME) as client:
            try:
                told = client.invoke_endpoint(EndpointName=name, Body=body, **asked)
            except exceptions.ClientError as error:
                if error.response.get("Error", {}).get("Code") != "ModelError":
                    raise
                return self._own_error(name, error.response)
            return Answer(200, told["Body"].read().decode(errors="replace"))

    def _own_error(self, name: str, told: Mapping[str, Any]) -> Answer:
        """What the model itself has answered."""
        status = int(told.get("OriginalStatusCode") or 500)
        text = str(told.get("OriginalMessage") or told.get("Error", {}).get("Message") or "")
        return Answer(status, text, log=self._log_of(name))

    def _log_of(self, name: str) -> str:
        group = f"{ENDPOINTS}/{name}"
        return f"log group {group}" if self._api.url else console.log_link(group, self._api.region)

    def _ask_later(
        self, name: str, body: bytes, asked: Mapping[str, str], timeout: float
    ) -> Answer:
        """Ask once and look for the answer until it is there, or the time is over: the same request
        again goes on looking."""
        digest = hashlib.sha256(repr((name, sorted(asked.items()), body)).encode()).hexdigest()
        with self._lock:
            awaited = self._awaited.get(digest)
        if awaited is None:
            awaited = self._send(name, body, asked)
            with self._lock:
                self._awaited[digest] = awaited
        answer = self._await(name, awaited, time.monotonic() + timeout)
        with self._lock:
            self._awaited.pop(digest, None)
        self._forget(awaited)
        return answer

    def _send(self, name: str, body: bytes, asked: Mapping[str, str]) -> Awaited:
        key = f"{self._folder}/{uuid.uuid4()}"
        self._storage.write(key, body)
        with self._api.translated(RUNTIME) as client:
            told = client.invoke_endpoint_async(
                EndpointName=name, InputLocation=self._storage.url(key), **asked
            )
        return Awaited(key, str(told["OutputLocation"]), str(told.get("FailureLocation") or ""))

    def _await(self, name: str, awaited: Awaited, deadline: float) -> Answer:
        pause = FIRST
        while True:
            if (text := self._found(awaited.answer)) is not None:
                return Answer(200, text)
            if (text := self._found(awaited.failure)) is not None:
                status = STATUS.search(text)
                return Answer(int(status[1]) if status else 500, text, log=self._log_of(name))
            if time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST)
        hint = "give the smoke test a longer timeout"
        if not awaited.failure:
            hint += ", and async a failure_url: without one nobody hears of an error"
        raise PlatformError(f"there is no answer yet at {awaited.answer}", hint=hint)

    def _found(self, url: str) -> str | None:
        """What lies at an address; None where it is not there yet. Who may not list a bucket is
        refused what is not there."""
        try:
            return self._storage.read_at(url).decode(errors="replace") if url else None
        except (NotFound, Denied):
            return None

    def close(self) -> None:
        """Take away the requests whose answers nobody awaits any more."""
        with self._lock:
            left, self._awaited = list(self._awaited.values()), {}
        for awaited in left:
            self._forget(awaited)

    def _forget(self, awaited: Awaited) -> None:
        with suppress(PlatformError):
            self._storage.remove(awaited.key)
