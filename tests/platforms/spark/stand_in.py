"""A stand-in for a standalone master and its worker: the same pages and answers as 3.5 gives, and
jobs that really run, but as plain programs of Python, which start in no time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

VERSION = "3.5.9"
SWITCHES = {"--master", "--deploy-mode", "--name", "--class", "--conf", "--py-files", "--jars"}
SWITCHES |= {"--files", "--packages"}
WORKER = "127.0.0.1:7078"


@dataclass
class Driver:
    """One submission. ``is_held``: there is no worker for it yet."""

    id: str
    request: dict[str, Any]
    folder: Path
    is_held: bool = False
    is_killed: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return str(self.request["sparkProperties"]["spark.app.name"])

    @property
    def state(self) -> str:
        if self.is_killed:
            return "KILLED"
        if self.process is None:
            return "SUBMITTED"
        code = self.process.poll()
        return "RUNNING" if code is None else "FAILED" if code else "FINISHED"

    def start(self) -> None:
        """As a worker does: the command line first, then the program."""
        arguments = list(self.request["appArgs"])
        options: dict[str, str] = {}
        while arguments and arguments[0] in SWITCHES:
            options[arguments[0]], arguments = arguments[1], arguments[2:]
        program, *rest = arguments
        shown = [f"-D{name}={text}" for name, text in self.request["sparkProperties"].items()]
        line = " ".join(f'"{part}"' for part in ["java", *shown, *self.request["appArgs"]])
        (self.folder / "stderr").write_text(f"Launch Command: {line}\n====\n", encoding="utf-8")
        modules = [path_of(url) for url in filter(None, options.get("--py-files", "").split(","))]
        paths = os.pathsep.join(str(path.parent) for path in modules)
        environ = {**os.environ, **self.request["environmentVariables"], "PYTHONPATH": paths}
        with (self.folder / "stdout").open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, path_of(program), *rest],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environ,
                cwd=self.folder,
            )


def path_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


@dataclass
class Cluster:
    """``holds``: new drivers find no worker; ``starves``: their executors find none. ``loses``: the
    answers to so many creates more are lost, after they had their effect; ``drops``: before.
    ``page``: of the driver of every application. ``is_away``: nobody gets an answer. ``requests``:
    method and path of each.
    ``strike``: called with how many there were, and whether the last one has had its effect."""

    folder: Path
    url: str = ""
    holds: bool = False
    starves: bool = False
    loses: int = 0
    drops: int = 0
    version: str = VERSION
    drivers: dict[str, Driver] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[Driver] = field(default_factory=list)
    page: str = ""
    is_away: bool = False
    executors: list[dict[str, Any]] = field(default_factory=list)
    strike: Callable[[int, bool], None] = lambda count, is_done: None

    @property
    def creates(self) -> int:
        return sum(path.endswith("/create") for _, path in self.requests)

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        number = len(self.drivers)
        id = f"driver-20261130{time.strftime('%H%M%S')}-{number:04}"
        driver = Driver(id, request, self.folder / id, is_held=self.holds)
        driver.folder.mkdir()
        self.drivers[id] = driver
        if not driver.is_held:
            driver.start()
        return self._told("CreateSubmissionResponse", submissionId=id, success=True)

    def release(self) -> None:
        """There is a worker again."""
        self.holds = False
        for driver in self.drivers.values():
            if driver.is_held and not driver.is_killed:
                driver.is_held = False
                driver.start()

    def forget(self) -> None:
        """As a restarted master does; what runs goes on."""
        self.forgotten += self.drivers.values()
        self.drivers.clear()

    def status(self, id: str) -> dict[str, Any]:
        driver = self.drivers.get(id)
        if driver is None:
            return self._told("SubmissionStatusResponse", submissionId=id, success=False)
        worker = {} if driver.process is None else {"workerHostPort": WORKER}
        return self._told(
            "SubmissionStatusResponse",
            submissionId=id,
            success=True,
            driverState=driver.state,
            **worker,
        )

    def kill(self, id: str) -> dict[str, Any]:
        driver = self.drivers.get(id)
        is_there = driver is not None and driver.state in {"SUBMITTED", "RUNNING"}
        if driver and is_there:
            driver.is_killed = True
            if driver.process:
                driver.process.kill()
                driver.process.wait()
        return self._told("KillSubmissionResponse", submissionId=id, success=is_there)

    def state(self) -> dict[str, Any]:
        """The page ``/json/``."""
        worker = {"id": "worker-1", "host": "127.0.0.1", "port": 7078, "webuiaddress": self.url}
        rows = [
            {"id": d.id, "state": d.state, "worker": "worker-1" if d.process else "None"}
            for d in self.drivers.values()
        ]
        over = {"FINISHED", "FAILED", "KILLED"}
        apps = [
            {"id": f"app-{d.id[7:]}", "name": d.name, "state": "FINISHED"}
            for d in self.drivers.values()
            if d.process
        ]
        waiting = [{**app, "state": "WAITING"} for app in apps if self.starves]
        return {
            "status": "ALIVE",
            "workers": [{**worker, "state": "ALIVE"}],
            "aliveworkers": 1,
            "cores": 2,
            "coresused": 0,
            "memory": 2048,
            "memoryused": 0,
            # the same page is that of the worker
            "executors": self.executors,
            "finishedexecutors": [{"id": n, "appid": app["id"]} for app in apps for n in (0, 10)],
            "activeapps": waiting,
            "completedapps": [] if waiting else apps,
            "activedrivers": [row for row in rows if row["state"] not in over],
            "completeddrivers": [row for row in rows if row["state"] in over],
        }

    def log(self, query: dict[str, list[str]]) -> str:
        id, kind = query.get("driverId", ["no driver"])[0], query["logType"][0]
        path = self.folder / id / kind
        if "appId" in query:
            text = f"{kind} of {query['executorId'][0]}\n"
            start = min(int(query["offset"][0]), len(text))
            return f"==== Bytes {start}-{len(text)} of {len(text)} of x ====\n{text[start:]}"
        if id not in self.drivers or not path.is_file():
            return f"==== Bytes 0-0 of 0 of {path} ====\nError: invalid log directory {path}\n"
        content = path.read_bytes()
        total = len(content)
        start = min(int(query["offset"][0]), total)
        end = min(start + int(query["byteLength"][0]), total)
        text = content[start:end].decode(errors="replace")
        return f"==== Bytes {start}-{end} of {total} of {path} ====\n{text}"

    def close(self) -> None:
        for driver in (*self.drivers.values(), *self.forgotten):
            if driver.process:
                driver.process.kill()
                driver.process.wait()

    def _told(self, action: str, **more: Any) -> dict[str, Any]:
        return {"action": action, "serverSparkVersion": self.version, **more}


@contextmanager
def cluster_in(folder: Path) -> Iterator[Cluster]:
    """One that answers on a port of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.begin("GET")
            parts = urlsplit(self.path)
            if cluster.is_away:
                self.hang_up()
            elif parts.path == "/json/":
                self.answer(cluster.state())
            elif parts.path == "/app/":
                link = f'<a href="{cluster.page}">Application Detail UI</a>'
                self.answer(f"<li><strong>\n  {link}\n</strong></li>" if cluster.page else "<p>")
            elif parts.path == "/log/":
                self.answer(cluster.log(parse_qs(parts.query)))
            elif parts.path.startswith("/v1/submissions/status/"):
                self.answer(cluster.status(parts.path.rpartition("/")[2]))
            else:
                self.answer({"action": "ErrorResponse", "message": "no such page"}, 404)

        def do_POST(self) -> None:
            self.begin("POST")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if cluster.is_away:
                return self.hang_up()
            if self.path == "/v1/submissions/create":
                if cluster.drops:
                    cluster.drops -= 1
                    return self.hang_up()
                told = cluster.create(json.loads(body))
                if cluster.loses:
                    cluster.loses -= 1
                    return self.hang_up()
                return self.answer(told)
            return self.answer(cluster.kill(self.path.rpartition("/")[2]))

        def begin(self, method: str) -> None:
            cluster.requests.append((method, self.path))
            cluster.strike(len(cluster.requests), False)

        def hang_up(self) -> None:
            self.close_connection = True

        def answer(self, told: Any, status: int = 200) -> None:
            cluster.strike(len(cluster.requests), True)
            text = told if isinstance(told, str) else json.dumps(told)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            with suppress(OSError):  # nobody may be there any more to hear it
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cluster.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    try:
        yield cluster
    finally:
        cluster.close()
        server.shutdown()
        server.server_close()
        thread.join()
