"""The emulator under load: fifty executions that all write, and pages of long lists.

Everything is on this machine: the programs of the executions, the emulator and who asks it share
its cores.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.table import Row
from cicd.emulator import running
from cicd.emulator.host.testing import Emulator
from cicd.emulator.state import credentials

RUNS, RATE, SECONDS = 50, 1000, 10
STORED, ARTIFACTS = 10_000, 100_000
STARTS = 9
IMAGE = "local/writer:1"
PAUSE = 0.02
"""Seconds between two reads while the executions write."""
WRITER = f"""
import sys, time
start = time.monotonic()
for number in range({RATE * SECONDS}):
    if number % 50 == 0:
        sys.stdout.flush()
        time.sleep(max(0, start + number / {RATE} - time.monotonic()))
    sys.stdout.write("line %d of an ordinary program, with some words in it\\n" % number)
"""
TEMPLATE: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "WorkflowTemplate",
    "metadata": {
        "name": "writer",
        "annotations": {"scenarios.ai.sap.com/name": "b", "executables.ai.sap.com/name": "b"},
        "labels": {"scenarios.ai.sap.com/id": "bench", "ai.sap.com/version": "1"},
    },
    "spec": {
        "entrypoint": "main",
        "templates": [
            {
                "name": "main",
                "container": {
                    "image": IMAGE,
                    "command": ["python", "-c"],
                    "args": [WRITER],
                },
            }
        ],
    },
}
PAGES = (
    "/v2/lm/executions?$top=100",
    "/v2/lm/executions?$top=100&$skip=9000",
    "/v2/lm/executions?$top=100&status=DEAD",
    "/v2/lm/executions/$count",
    "/v2/lm/artifacts?$top=100",
    "/v2/lm/artifacts?$top=100&$skip=90000",
    "/v2/lm/artifacts?$top=100&kind=model&scenarioId=bench",
    "/v2/lm/artifacts?$top=100&$search=data-9",
    "/v2/lm/artifacts?$top=100&$search=nothing",
    "/v2/lm/artifacts?$top=100&name=data-99999",
    "/v2/lm/artifacts?$top=100&artifactLabelSelector=ext.ai.sap.com/a=b",
    "/v2/lm/artifacts/$count",
    "/v2/lm/configurations?$top=100",
    "/v2/lm/configurations?$top=100&$skip=9000",
    "/v2/lm/metrics?executionIds=e00000001",
)


@dataclass
class Client:
    """One connection, logged in for resource group ``default``."""

    connection: HTTPConnection
    headers: Mapping[str, str]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """How long each kind of read took."""

    def send(self, method: str, path: str, body: Any = None, name: str = "") -> Any:
        """The JSON (or text) of an answer, which must not be a refusal."""
        data = None if body is None else json.dumps(body).encode()
        begun = time.perf_counter()
        self.connection.request(method, path, data, dict(self.headers))
        answer = self.connection.getresponse()
        content = answer.read()
        if name:
            self.seconds.setdefault(name, []).append(time.perf_counter() - begun)
        assert answer.status < 300, content
        return json.loads(content or "null")


@contextmanager
def client_of(emulator: Emulator) -> Iterator[Client]:
    """A client that needs no login of its own."""
    token = credentials.read(emulator.data).issue("aicore", issuer=emulator.url)
    headers = {
        "Authorization": f"Bearer {token}",
        "AI-Resource-Group": "default",
        "Content-Type": "application/json",
    }
    with closing(HTTPConnection("127.0.0.1", urlsplit(emulator.url).port, timeout=60)) as line:
        yield Client(line, headers)


def start_rows() -> list[Row]:
    """From the call until it answers, in a new folder and in one that has data."""
    fresh: list[float] = []
    again: list[float] = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            for found in (fresh, again):
                begun = time.perf_counter()
                with running(folder):
                    found.append(time.perf_counter() - begun)
    return [
        Row(f"emulator: start in {what}", f"{statistics.median(times):.2f} s", "< 0.5 s")
        for what, times in (("a new folder", fresh), ("a folder with data", again))
    ]


# executions that write ----------------------------------------------------------------------


def load_rows() -> list[Row]:
    """Start the executions at once, read all the while, count their lines afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        emulator = stack.enter_context(running(folder / "data"))
        client = stack.enter_context(client_of(emulator))
        ids = started(client, repository(folder / "repository", TEMPLATE))
        begun = time.perf_counter()
        over = threading.Event()
        reader = threading.Thread(target=read_on, args=(emulator, ids, over, client.seconds))
        reader.start()
        while statuses(client) & {"UNKNOWN", "PENDING", "RUNNING"}:
            time.sleep(0.25)
        took = time.perf_counter() - begun
        over.set()
        reader.join()
        ended = statuses(client)
        memory, processor = used(emulator.endpoint.pid)
        right = sum(is_whole(client, id) for id in ids)
    reads = sorted(second for found in client.seconds.values() for second in found)
    worst = max(client.seconds, key=lambda name: percentile(sorted(client.seconds[name]), 0.95))
    slowest = percentile(sorted(client.seconds[worst]), 0.95)
    lines = RUNS * RATE * SECONDS
    return [
        Row(f"emulator: {RUNS} executions, {RATE} lines/s each for {SECONDS} s", f"{took:.1f} s"),
        Row(f"runs with all their {RATE * SECONDS:,} lines in order", right, str(RUNS)),
        Row("statuses at the end", ", ".join(sorted(ended)), "COMPLETED"),
        Row("emulator: memory at most", f"{memory:.0f} MB", "< 300 MB"),
        Row("emulator: processor time per million lines", f"{processor / lines * 1e6:.0f} s"),
        Row(
            f"{len(reads)} API reads meanwhile, median and 95 %",
            f"{percentile(reads, 0.5) * 1000:.0f} and {percentile(reads, 0.95) * 1000:.0f} ms",
            "95 % < 100 ms",
        ),
        Row(f"the slowest of them ({worst}), 95 %", f"{slowest * 1000:.0f} ms", "< 100 ms"),
    ]


def repository(folder: Path, *templates: Mapping[str, Any]) -> Path:
    """A Git repository with the templates."""
    folder.mkdir()
    for template in templates:
        name = f"{template['metadata']['name']}.yaml"
        (folder / name).write_text(json.dumps(template), encoding="utf-8")
    login = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "template"]):
        subprocess.run(["git", *login, *words], cwd=folder, check=True)
    return folder


def started(client: Client, source: Path) -> list[str]:
    """The executions, all started."""
    ready(client, source, IMAGE)
    names = {"name": "writer", "scenarioId": "bench", "executableId": "writer"}
    configuration = client.send("POST", "/v2/lm/configurations", names)["id"]
    body = {"configurationId": configuration}
    return [client.send("POST", "/v2/lm/executions", body)["id"] for _ in range(RUNS)]


def ready(client: Client, source: Path, image: str) -> None:
    """Templates synced, something stands in for the image."""
    body = {"url": str(source), "username": "", "password": ""}
    client.send("POST", "/v2/admin/repositories", body)
    application = {"repositoryUrl": str(source), "revision": "main", "path": "."}
    client.send("POST", "/v2/admin/applications", {"applicationName": "bench", **application})
    status = "/v2/admin/applications/bench/status"
    while client.send("GET", status)["reconciledAt"] == "Unknown":
        time.sleep(0.02)
    client.send("PUT", "/emulator/stand-ins", {"images": {image: {}}})


def statuses(client: Client) -> set[str]:
    """Every status that some execution has."""
    found = client.send("GET", "/v2/lm/executions", name="executions")
    return {item["status"] for item in found["resources"]}


def read_on(
    emulator: Emulator, ids: list[str], over: threading.Event, seconds: dict[str, list[float]]
) -> None:
    """Ask for this and that until it is over, as several people who follow runs would."""
    number = 0
    with client_of(emulator) as client:
        client.seconds = seconds
        while not over.wait(PAUSE):
            id = ids[number % RUNS]
            number += 1
            client.send("GET", f"/v2/lm/executions/{id}", name="execution")
            path = f"/v2/lm/executions/{id}/logs?$top=1000&$order=desc"
            client.send("GET", path, name="logs, 1,000 lines")
            client.send("GET", "/v2/lm/artifacts", name="artifacts")


def is_whole(client: Client, id: str) -> bool:
    """Whether a run has every line that its program wrote, once and in order."""
    found: list[str] = []
    start = "2000-01-01T00:00:00Z"
    while True:
        path = f"/v2/lm/executions/{id}/logs?$top=5000&start={start.replace('+', '%2B')}"
        page = client.send("GET", path)["data"]["result"]
        # the window holds both its ends
        page = [line for line in page if line["timestamp"] != start]
        if not page:
            break
        found += [line["msg"] for line in page if line["msg"].startswith("line ")]
        start = page[-1]["timestamp"]
    wanted = (f"line {number} of" for number in range(RATE * SECONDS))
    return len(found) == RATE * SECONDS and all(map(str.startswith, found, wanted))


def used(pid: int) -> tuple[float, float]:
    """Of a process: the most memory that it ever had, in MB, and its processor time in seconds.
    Zeros where the system does not say."""
    if sys.platform != "linux":
        return 0, 0
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    times = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(peak.split()[1]) / 1024, (int(times[11]) + int(times[12])) / 100


def percentile(ordered: list[float], part: float) -> float:
    """The value below which this part of them lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


# long lists ---------------------------------------------------------------------------------


def list_rows() -> list[Row]:
    """Each page many times; a row for the slowest and one for all."""
    with tempfile.TemporaryDirectory() as folder:
        with running(folder):
            pass
        fill(Path(folder, "emulator.db"))
        with running(folder) as emulator, client_of(emulator) as client:
            for _ in range(15):
                for path in PAGES:
                    client.send("GET", path, name=path)
            memory, _ = used(emulator.endpoint.pid)
    medians = {path: statistics.median(found) for path, found in client.seconds.items()}
    tops = {path: max(found) for path, found in client.seconds.items()}
    title = f"{STORED:,} executions, {ARTIFACTS:,} artifacts"
    return [
        Row(f"{title}: memory at most", f"{memory:.0f} MB", "< 300 MB"),
        *(
            Row(
                f"GET {path}",
                f"{medians[path] * 1000:.1f} ms, at most {tops[path] * 1000:.0f}",
                "< 50 ms",
            )
            for path in PAGES
        ),
    ]


def fill(database: Path) -> None:
    """Executions that have ended, each with ten output artifacts."""
    now = "2026-01-01T00:00:00Z"
    with closing(sqlite3.connect(database)) as db, db:
        db.executemany(
            "INSERT INTO configurations (id, resource_group, name, scenario_id, executable_id, "
            "parameters, inputs, created_at) VALUES (?, 'default', ?, 'bench', 'writer', '{}', "
            "'{}', ?)",
            ((f"c{n:08}", f"configuration {n}", now) for n in range(STORED)),
        )
        db.executemany(
            "INSERT INTO runs (id, kind, resource_group, configuration_id, configuration_name, "
            "scenario_id, executable_id, status, target_status, created_at, modified_at, token, "
            "job) VALUES (?, 'execution', 'default', ?, 'c', 'bench', 'writer', ?, 'COMPLETED', "
            "?, ?, ?, ?)",
            (
                (
                    f"e{n:08}",
                    f"c{n:08}",
                    ("COMPLETED", "DEAD")[n % 10 == 0],
                    now,
                    now,
                    f"t{n}",
                    json.dumps({"template": TEMPLATE}),
                )
                for n in range(STORED)
            ),
        )
        each = ARTIFACTS // STORED
        db.executemany(
            "INSERT INTO artifacts (id, resource_group, name, kind, url, scenario_id, labels, "
            "execution_id, configuration_id, global_name, created_at) VALUES (?, 'default', ?, "
            "'model', ?, 'bench', '{}', ?, ?, ?, ?)",
            (
                (
                    f"a{n:08}",
                    f"data-{n}",
                    f"ai://default/{n}",
                    f"e{n // each:08}",
                    f"c{n // each:08}",
                    f"out-{n % each}",
                    now,
                )
                for n in range(ARTIFACTS)
            ),
        )
