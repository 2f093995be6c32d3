"""A stand-in for Livy's batches: the answers of its documentation (rest-api.md), and jobs that
really run, but as plain programs of Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.platforms.spark.stand_in import path_of
from tests.platforms.stub_server import DROP, Reply, Request, running

ENVIRONMENT = "spark.yarn.appMasterEnv."


@dataclass
class Batch:
    """``word``: a state that it is in whatever its process does."""

    id: int
    request: dict[str, Any]
    process: subprocess.Popen[bytes]
    out: Path
    word: str = ""

    @property
    def state(self) -> str:
        code = self.process.poll()
        return self.word or ("running" if code is None else "dead" if code else "success")

    def view(self) -> dict[str, Any]:
        number = f"application_1700000000000_{self.id:04}"
        info = {"driverLogUrl": None, "sparkUiUrl": None}
        view = {"id": self.id, "name": self.request.get("name"), "owner": None, "proxyUser": None}
        return {**view, "state": self.state, "appId": number, "appInfo": info, "log": []}

    def lines(self) -> list[str]:
        text = self.out.read_text(encoding="utf-8", errors="replace")
        whole = text if self.process.poll() is not None else text[: text.rfind("\n") + 1]
        return ["stdout: ", *whole.splitlines(), "\nstderr: ", "\nYARN Diagnostics: "]


@dataclass
class Livy:
    """``loses``: answers to so many creates more are lost, after they had their effect."""

    folder: Path
    url: str = ""
    loses: int = 0
    batches: dict[int, Batch] = field(default_factory=dict)
    creates: int = 0
    next: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        self.headers.append(request.headers)
        query = "".join(f" {name}={text}" for name, text in request.query.items())
        self.asked.append(f"{request.method} {request.path}{query}")
        parts = request.path.strip("/").split("/")
        if len(parts) == 1:
            return self.create(request.json) if request.method == "POST" else self.listed(request)
        batch = self.batches.get(int(parts[1]))
        if batch is None:
            return Reply(404, {"msg": f"Session '{parts[1]}' not found."})
        if request.method == "DELETE":
            self.end(self.batches.pop(batch.id))
            return Reply(200, {"msg": "deleted"})
        if len(parts) == 2:
            return Reply(200, batch.view())
        first, lines = int(request.query["from"]), batch.lines()
        part = lines[first : first + int(request.query["size"])]
        return Reply(200, {"id": batch.id, "from": first, "total": len(lines), "log": part})

    def listed(self, request: Request) -> Reply:
        first, size = int(request.query["from"]), int(request.query["size"])
        found = [batch.view() for batch in self.batches.values()]
        page = found[first : first + size]
        return Reply(200, {"from": first, "total": len(found), "sessions": page})

    def create(self, asked: dict[str, Any]) -> Reply:
        self.creates += 1
        if asked["name"] in {batch.request["name"] for batch in self.batches.values()}:
            return Reply(400, {"msg": f"Duplicate session name: Some({asked['name']})"})
        batch = self.start(asked)
        if self.loses:
            self.loses -= 1
            return DROP
        return Reply(201, batch.view())

    def start(self, asked: dict[str, Any]) -> Batch:
        number, self.next = self.next, self.next + 1
        out = self.folder / f"{number}-{self.creates}.out"
        told = {
            name.removeprefix(ENVIRONMENT): text
            for name, text in asked.get("conf", {}).items()
            if name.startswith(ENVIRONMENT)
        }
        paths = os.pathsep.join(str(path_of(url).parent) for url in asked.get("pyFiles", ()))
        with out.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, path_of(asked["file"]), *asked.get("args", ())],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **told, "PYTHONPATH": paths},
            )
        self.batches[number] = Batch(number, asked, process, out)
        return self.batches[number]

    def end(self, batch: Batch) -> None:
        batch.process.kill()
        batch.process.wait()

    def restart(self) -> None:
        """Without a recovery store: all is gone, and ids begin anew."""
        for batch in self.batches.values():
            self.end(batch)
        self.batches.clear()
        self.next = 0


@contextmanager
def livy_in(folder: Path) -> Iterator[Livy]:
    """One that answers on a port of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    livy = Livy(folder)
    with running() as (stub, url):
        stub.otherwise, livy.url = livy.answer, url
        try:
            yield livy
        finally:
            livy.restart()
