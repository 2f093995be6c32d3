"""As much of SAP AI Core and of the Destination service as a benchmark needs: quick, in memory,
with a latency of its own, and it counts what it is asked.

Runs by itself, ``python -m benchmarks.aicore --delay 0.02``, or in a thread of a test.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

Document = dict[str, Any]
SCENARIO = "bench"
NOW = "2026-01-01T00:00:00Z"
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY: Document = {"parameterBindings": [], "inputArtifactBindings": []}
NAMES = re.compile(r"'([^']*)'")
DESTINATIONS = "/destination-configuration/v1/subaccountDestinations"


@dataclass
class Counts:
    """What the server was asked since the counts were last taken."""

    requests: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    last: float = 0.0
    connections: int = 0
    most_connections: int = 0

    @property
    def kinds(self) -> Counter[str]:
        """Method and path without ids -> how often."""
        return Counter(re.sub(r"/[a-z]+-\d+", "/ID", request) for request in self.requests)


@dataclass
class World:
    """What there is. ``work``: seconds that an execution or a deployment takes to get ready;
    ``every``: seconds between two lines of its log meanwhile, 0 for one at the begin and one at the
    end.

    ``waves``: answers are held back until so many requests wait for one, wave after wave: a client
    that asks one after the other what could be asked at once never gets its answer.
    """

    delay: float = 0.0
    connect_delay: float = 0.0
    work: float = 0.0
    every: float = 0.0
    waves: list[int] = field(default_factory=list)
    page: int = 10_000
    counts: Counts = field(default_factory=Counts)
    lists: dict[str, dict[str, Document]] = field(default_factory=dict)
    tags: dict[str, Document] = field(default_factory=dict)
    labels: list[Document] = field(default_factory=list)
    """Of the resource group."""
    ready: dict[str, float] = field(default_factory=dict)
    """Id -> when its work ended, on this machine's monotonic clock."""

    def add(self, kind: str, document: Document) -> Document:
        """Keep a document; its id is made here."""
        held = self.lists.setdefault(kind, {})
        id = f"{kind.lower()}-{len(held)}"
        held[id] = {"createdAt": NOW, "modifiedAt": NOW, **document, "id": id}
        return held[id]

    def run(self, kind: str, body: Document) -> Document:
        """Start an execution or deployment of a configuration."""
        used = self.lists["configurations"][body["configurationId"]]
        made = self.add(
            kind,
            {
                "configurationId": used["id"],
                "configurationName": used["name"],
                "scenarioId": SCENARIO,
                "executableId": used["executableId"],
                "targetStatus": "RUNNING",
                "ttl": body.get("ttl"),
            },
        )
        self.ready[made["id"]] = time.monotonic() + self.work
        return made

    def shown(self, kind: str, document: Document) -> Document:
        """A run with the status that it has by now."""
        if kind not in {"executions", "deployments"}:
            return document
        id = document["id"]
        is_ready = time.monotonic() >= self.ready[id]
        if kind == "deployments":
            url = f"http://127.0.0.1/{id}" if is_ready else ""
            return {
                **document,
                "status": "RUNNING" if is_ready else "PENDING",
                "deploymentUrl": url,
            }
        output = {"id": f"artifacts-of-{id}", "name": "model", "url": f"ai://default/{id}/model"}
        ended = {"completionTime": "2026-01-02T00:00:00Z", "outputArtifacts": [output]}
        return {**document, **(ended if is_ready else {}), "status": _word(is_ready)}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and content for one request."""
        if path == "/oauth/token":
            return 200, {"access_token": "t", "token_type": "bearer", "expires_in": 43199}
        if path.startswith(DESTINATIONS):
            return self._destinations(method, path, query, body)
        rest = path.removeprefix("/v2")
        if rest.startswith("/admin"):
            return self._admin(method, rest, body)
        if rest == "/lm/metrics":
            return self._metrics(method, query, body)
        if rest == f"/lm/scenarios/{SCENARIO}/executables":
            return 200, _listing([_executable(name) for name in ("bench-train-0", "bench-serve-0")])
        _, _, kind, *parts = rest.split("/")
        held = self.lists.setdefault(kind, {})
        if parts[1:] == ["logs"]:
            return 200, {"data": {"result": self._lines(parts[0], query)}}
        if parts:
            known = held.get(parts[0])
            return (200, self.shown(kind, known)) if known else _missing(path)
        if method == "POST":
            is_run = kind in {"executions", "deployments"}
            made = self.run(kind, body) if is_run else self.add(kind, {**EMPTY, **body})
            told = {"message": "", "url": "", "deploymentUrl": "", "status": "UNKNOWN"}
            return 202 if is_run else 201, {"id": made["id"], **told}
        first = int(query.get("$skip", 0))
        size = min(self.page, int(query.get("$top", self.page)))
        items = [self.shown(kind, item) for item in held.values()]
        return 200, _listing(items[first : first + size])

    def _lines(self, id: str, query: dict[str, str]) -> list[Document]:
        """The log of a run from a time on. Each line is the time when it was written."""
        begin, gap = self.ready[id] - self.work, self.every or self.work
        count = int(self.work / gap) + 1 if gap else 0
        moments = [begin + n * gap for n in range(count)]
        # the dates of the lines are of a clock that nobody sets
        found = [
            {"timestamp": (MIDNIGHT + timedelta(seconds=at)).isoformat(), "msg": f"at {at:.6f}"}
            for at in moments
            if at <= time.monotonic()
        ]
        start = query.get("start", "")[:26]
        return [line for line in found if line["timestamp"][:26] >= start]

    def _admin(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        is_group = path.startswith("/admin/resourceGroups/")
        if method != "GET":
            if is_group and method == "PATCH":
                self.labels = body["labels"]
            return 202, {"message": "accepted"}
        if is_group:
            name = path.rpartition("/")[2]
            return 200, {"resourceGroupId": name, "status": "PROVISIONED", "labels": self.labels}
        if path.endswith("/status"):
            found = self.lists.get("status", {})
            return (200, next(iter(found.values()))) if found else _missing(path)
        parent, _, name = path.rpartition("/")
        if name in self.lists.get(parent, {}):
            return 200, self.lists[parent][name]
        return 200, _listing(list(self.lists.get(path, {}).values()))

    def _metrics(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "PATCH":
            self.tags.setdefault(body["executionId"], {}).update(body)
            return 204, None
        ids = query["executionIds"].split(",")
        if len(ids) > 10:
            return 400, {"error": {"code": "400", "message": "more than 10 executions"}}
        return 200, _listing([self.tags[id] for id in ids if id in self.tags])

    def _destinations(
        self, method: str, path: str, query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        held = self.lists.setdefault("destinations", {})
        name = path.removeprefix(DESTINATIONS).strip("/")
        if method in {"POST", "PUT"}:
            held[body["Name"]] = body
            return (201, None) if method == "POST" else (200, {"Count": 1})
        if name:
            return (200, held[name]) if name in held else _missing(path)
        names = set(NAMES.findall(query["$filter"])) if "$filter" in query else set(held)
        return 200, [held[name] for name in held if name in names]


def _word(is_ready: bool) -> str:
    return "COMPLETED" if is_ready else "RUNNING"


def _executable(name: str) -> Document:
    return {"id": name, "versionId": "1.0", "modifiedAt": "2025-01-01T00:00:00+00:00"}


def _listing(items: Sequence[Document]) -> Document:
    return {"count": len(items), "resources": items}


def _missing(path: str) -> tuple[int, Document]:
    return 404, {"error": {"code": "404", "message": f"{path} is not there"}}


def _written(content: Any) -> tuple[str, bytes]:
    """Type and bytes of an answer; a text is a page of something before the API."""
    if isinstance(content, str):
        return "text/html", content.encode()
    return "application/json", b"" if content is None else json.dumps(content).encode()


class Server:
    """HTTP/1.1 on a free port of 127.0.0.1, in the event loop that started it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open = 0
        self._held: list[asyncio.Future[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Begin to listen; the url."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Hang up on everybody."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed is gone one turn later

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        counts = self._world.counts
        counts.connections += 1
        self._open += 1
        counts.most_connections = max(counts.most_connections, self._open)
        try:
            await asyncio.sleep(self._world.connect_delay)
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = first.split(" ")
        parts = urlsplit(target)
        if parts.path == "/counts":
            status, content = 200, self._take_counts()
        else:
            counts = self._world.counts
            counts.requests.append(f"{method} {parts.path}")
            counts.times.append(time.monotonic())
            await self._pause()
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            is_json = headers.get("content-type", "").startswith("application/") and b"{" in raw
            body = json.loads(raw) if is_json else None
            status, content = self._world.answer(method, parts.path, query, body)
            counts.last = time.monotonic()
        kind, data = _written(content)
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        await writer.drain()
        return headers.get("connection") != "close"

    async def _pause(self) -> None:
        waves = self._world.waves
        if waves:
            self._held.append(asyncio.get_running_loop().create_future())
            mine = self._held[-1]
            if len(self._held) == waves[0]:
                waves.pop(0)
                for future in self._held:
                    future.set_result(None)
                self._held = []
            await mine
        await asyncio.sleep(self._world.delay)

    def _take_counts(self) -> Document:
        counts, self._world.counts = self._world.counts, Counts(most_connections=self._open)
        return {
            "requests": counts.requests,
            "times": counts.times,
            "span": counts.last - counts.times[0] if counts.times else 0.0,
            "connections": counts.connections,
            "most_connections": counts.most_connections,
            "ready": self._world.ready,
        }


@contextmanager
def running(world: World) -> Iterator[str]:
    """The server in a thread of this process; its url."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = Server(world)

    def call(work: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), loop).result(timeout=30)

    try:
        yield call(server.start)
    finally:
        call(server.stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def fill(world: World, there: int) -> None:
    """So many artifacts and configurations that nobody asks for."""
    for number in range(there):
        name = f"Other {number}"
        artifact = {"name": name, "kind": "dataset", "url": f"ai://default/other/{number}"}
        world.add("artifacts", {**artifact, "scenarioId": SCENARIO})
        bound = [{"key": "epochs", "value": str(number)}]
        made: Document = {"name": name, "scenarioId": SCENARIO, "executableId": "bench-train-0"}
        made |= {"parameterBindings": bound, "inputArtifactBindings": []}
        world.add("configurations", made)


def main() -> None:
    """Serve until standard input ends; the url is the first line printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("delay", "connect", "work", "every"):
        parser.add_argument(f"--{name}", type=float, default=0.0, help="seconds")
    parser.add_argument("--there", type=int, default=0, help="artifacts and configurations")
    given = parser.parse_args()
    world = World(given.delay, given.connect, given.work, given.every)
    fill(world, given.there)
    with running(world) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
