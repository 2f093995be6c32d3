"""Services of the training-job API that answer in other ways than ours.

The job is played, one step at each look at its status; files and model are in a real S3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import yaml

from tests.emulator.training_job.training_job_client import Service
from tests.platforms.stub_server import Reply, Request, StubServer

LINES = [f"line {number} of the log" for number in range(8)] + ["accuracy=0.75"]
LOG = "".join(f"{line}\n" for line in LINES)
STEPS = (
    ("PENDING", ""),
    ("PENDING", ""),
    ("RUNNING", LOG[:40]),
    ("RUNNING", LOG[:97]),
    ("SUCCESSFUL", LOG),
)
TIMES = {
    "zulu": "2026-01-02T03:04:05Z",
    "java": "2026-01-02T03:04:05.678+0000",
    "milliseconds": 1767323045678,
    "http": "Fri, 02 Jan 2026 03:04:05 GMT",
    "none": None,
}
BASE = "/api/v2"


@dataclass(frozen=True)
class Ways:
    """How a service answers.

    ``words``: its own for a status, else ``spelt`` ones; ``fields``: those of a status that it
    tells; ``late``: the code for a log that is not there yet; ``at_once``: so many characters of a
    log in one answer; ``halves``: each second answer has half of a log that grows; ``endpoint``: of
    the storage, with ``{}``; ``secure``: what it says of that, ``...`` for nothing.
    """

    submitted: int = 201
    asked: int = 200
    is_silent: bool = False
    wrapped: str = ""
    spelt: str = "upper"
    words: Mapping[str, str] = field(default_factory=dict)
    fields: frozenset[str] | None = None
    nulls: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    times: str = "zulu"
    late: int = 404
    at_once: int = 10**6
    halves: bool = False
    has_offsets: bool = True
    tokens: str = "GET"
    life: Any = 3600
    endpoint: str = "{}"
    secure: Any = ...
    refusal: Reply | None = None
    content_type: str = "application/json"


class OtherService:
    """One job of a service with these ways. ``storage``: the S3 that it has."""

    def __init__(self, ways: Ways, storage: Service, server: StubServer, url: str) -> None:
        self.ways, self.storage, self.server, self.url = ways, storage, server, url
        self.name, self.id = "", ""
        self.steps, self.logs, self.submitted = 0, 0, 0
        server.otherwise = self.answer
        server.on("POST", "/oauth/token", self.answer)

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth/token":
            return self.token(request)
        if request.headers.get("Authorization") != "Bearer token":
            return Reply(401, {"error": "invalid_token"})
        if request.path == f"{BASE}/storage":
            return Reply(200, self.place())
        id, _, rest = request.path.removeprefix(f"{BASE}/jobs/").partition("/")
        if request.method == "POST":
            return self.submit(id, yaml.safe_load(request.body)["job"])
        if id != self.id:
            return Reply(404, {"error": "no such job"})
        if rest:
            return self.log(int(request.query.get("offset", "0")))
        self.steps += 1
        if self.word == "SUCCESSFUL":
            key = f"jobs/{self.name}-{id}/saved_model/model.pb"
            self.storage.s3().put_object(Bucket="data", Key=key, Body=b"weights")
        return Reply(self.ways.asked, self.status(), {"Content-Type": self.ways.content_type})

    def token(self, request: Request) -> Reply:
        if request.method not in self.ways.tokens:
            return Reply(405, {"error": "method_not_allowed"})
        form = {name: values[0] for name, values in parse_qs(request.body).items()}
        if {**request.query, **form}.get("grant_type") != "client_credentials":
            return Reply(400, {"error": "unsupported_grant_type"})
        told = {"access_token": "token", "token_type": "Bearer", "expires_in": self.ways.life}
        return Reply(200, {name: value for name, value in told.items() if value is not ...})

    def place(self) -> dict[str, Any]:
        known = self.storage.storage()
        told = {
            "endpoint": self.ways.endpoint.format(known["endpoint"]),
            "accessKey": known["accessKey"],
            "secretKey": known["secretKey"],
        }
        return told if self.ways.secure is ... else {**told, "secure": self.ways.secure}

    def submit(self, id: str, job: Mapping[str, Any]) -> Reply:
        if id == self.id:
            return Reply(409, {"error": f"job {id} exists"})
        if self.ways.refusal:
            return self.ways.refusal
        self.name, self.id = job["name"], id
        self.submitted += 1
        return Reply(self.ways.submitted, None if self.ways.is_silent else self.status())

    @property
    def word(self) -> str:
        return STEPS[min(self.steps, len(STEPS) - 1)][0]

    def status(self) -> dict[str, Any]:
        word = self.ways.words.get(self.word) or getattr(self.word, self.ways.spelt)()
        time = TIMES[self.ways.times]
        told = {
            "containerID": "",
            "finishTime": time if self.word == "SUCCESSFUL" else None,
            "job_id": self.id,
            "name": self.name,
            "startTime": "" if self.word == "PENDING" else time,
            "status": word,
            "submissionTime": time,
        }
        if self.ways.fields is not None:
            told = {name: told[name] for name in self.ways.fields}
        if self.ways.nulls:
            told = {name: value or None for name, value in told.items()}
        told |= self.ways.more
        return {self.ways.wrapped: told} if self.ways.wrapped else told

    def log(self, offset: int) -> Reply:
        text = STEPS[min(self.steps, len(STEPS) - 1)][1]
        if not text:
            return Reply(self.ways.late, {"error": "no log yet"})
        self.logs += 1
        if self.ways.halves and self.logs % 2 and self.word != "SUCCESSFUL":
            text = text[: len(text) // 2]
        shown = text[offset:] if self.ways.has_offsets else text
        return Reply(200, shown[: self.ways.at_once])
