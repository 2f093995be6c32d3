"""A stand-in for YARN: a resource manager with the answers of Hadoop's documentation, and a
spark-submit that hands jobs to it, which really run, as plain programs of Python."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.platforms.spark.stand_in import SWITCHES, path_of
from tests.platforms.stub_server import Reply, Request, running

SPNEGO = bytes.fromhex("06062b0601050502")
"""What a ticket begins with (RFC 4178)."""
ENVIRONMENT = "spark.yarn.appMasterEnv."
SUBMIT = """\
#!{python}
# stands in for spark-submit --master yarn --deploy-mode cluster
import json, sys, urllib.request
assert sys.argv[1:5] == ["--master", "yarn", "--deploy-mode", "cluster"], sys.argv
body = json.dumps(sys.argv[5:]).encode()
with urllib.request.urlopen("{url}/submitted", body) as answer:
    print("INFO Client: Submitted application", answer.read().decode(), file=sys.stderr)
"""


@dataclass
class App:
    """``told``: fields that are as they are, whatever its process does."""

    id: str
    tags: str
    process: subprocess.Popen[bytes]
    out: Path
    told: dict[str, Any] = field(default_factory=dict)

    def view(self, url: str) -> dict[str, Any]:
        code = self.process.poll()
        state = "RUNNING" if code is None else "FINISHED"
        final = "UNDEFINED" if code is None else "FAILED" if code else "SUCCEEDED"
        said = "" if not code else f"User application exited with status {code}\n\tat o.a.s.X"
        container = f"container_1700000000000_{self.id[-4:]}_01_000001"
        return {
            "id": self.id,
            "name": "n",
            "state": state,
            "finalStatus": final,
            "applicationTags": self.tags,
            "applicationType": "SPARK",
            "diagnostics": said,
            "startedTime": 1700000000000 + int(self.id[-4:]),
            "amContainerLogs": f"{url}/node/containerlogs/{container}/spark",
            **self.told,
        }


@dataclass
class Yarn:
    """``is_forgetful``: it knows no application any more. ``is_bare``: its nodes have no log any
    more, and send to the log server, as a node does once logs are aggregated. ``standby``: what it
    answers while another is active. ``cookies``: what it takes from who has to show a ticket;
    None where it asks nobody."""

    folder: Path
    url: str = ""
    is_forgetful: bool = False
    is_bare: bool = False
    standby: Reply | None = None
    cookies: set[str] | None = None
    tickets: int = 0
    apps: dict[str, App] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        query = "".join(f" {name}={text}" for name, text in request.query.items())
        self.asked.append(f"{request.method} {request.path}{query}")
        if request.path == "/submitted":
            return Reply(200, self.start(request.json).id)
        if self.cookies is not None and (refusal := self.refused(request, self.cookies)):
            return refusal
        if request.path.startswith("/ws/v1/node/containerlogs/"):
            if self.is_bare:
                return Reply(302, "", {"Location": "http://logs.example.com/ws/v1/history/x"})
            return self.log(request.path.split("/")[-2])
        if request.path.startswith("/ws/v1/history/containerlogs/"):
            return self.log(request.path.split("/")[-2], "AGGREGATED")
        return self.standby or self.active(request)

    def active(self, request: Request) -> Reply:
        """What it answers where it does not stand by."""
        parts = request.path.removeprefix("/ws/v1/cluster/").split("/")
        if parts == ["metrics"]:
            return self.metrics()
        if parts == ["apps"]:
            return self.listed(request.query["applicationTags"])
        app = None if self.is_forgetful else self.apps.get(parts[1])
        if app is None:
            return Reply(404, {"RemoteException": {"message": f"app with id {parts[1]} not found"}})
        if request.method == "PUT":
            app.told = {"state": "KILLED", "finalStatus": "KILLED", "diagnostics": "by user"}
            app.process.kill()
            return Reply(202, request.json)
        return Reply(200, {"app": app.view(self.url)})

    def metrics(self) -> Reply:
        free = {"availableVirtualCores": 7, "availableMB": 2048, "activeNodes": 3}
        return Reply(200, {"clusterMetrics": free})

    def refused(self, request: Request, cookies: set[str]) -> Reply | None:
        """As Hadoop's filter does: a cookie is good, and a ticket gets one."""
        if request.headers.get("Cookie") in cookies:
            return None
        told = request.headers.get("Authorization", "")
        ticket = base64.b64decode(told.removeprefix("Negotiate ")) if told else b""
        if not (ticket[:1] == b"\x60" and SPNEGO in ticket):
            return Reply(401, "<title>401</title>", {"WWW-Authenticate": "Negotiate"})
        self.tickets += 1
        value = f'hadoop.auth="u=spark&p=spark@CICD.TEST&t=kerberos&e=1&s={self.tickets}="'
        cookies.add(value)
        return Reply(200, {}, {"Set-Cookie": f"{value}; Path=/; HttpOnly"})

    def listed(self, tag: str) -> Reply:
        apps = [] if self.is_forgetful else list(self.apps.values())
        found = [app.view(self.url) for app in apps if tag in app.tags.split(",")]
        return Reply(200, {"apps": {"app": found} if found else None})

    def log(self, container: str, kind: str = "LOCAL") -> Reply:
        [app] = [one for one in self.apps.values() if one.id[-4:] in container.split("_")]
        text = app.out.read_text(encoding="utf-8")
        head = f"Container: {container} on 127.0.0.1\nLogAggregationType: {kind}\n=====\n"
        head += f"LogType:stdout\nLogLength:{len(text)}\nLogContents:\n"
        return Reply(200, f"{head}{text}\nEnd of LogType:stdout. It belongs to a container.\n")

    def start(self, arguments: list[str]) -> App:
        number = len(self.apps) + 1
        out = self.folder / f"{number}.out"
        conf, process = started(arguments, out, ENVIRONMENT)
        id = f"application_1700000000000_{number:04}"
        self.apps[id] = App(id, conf["spark.yarn.tags"], process, out)
        return self.apps[id]

    def home(self) -> Path:
        """A SPARK_HOME whose spark-submit hands jobs to it."""
        program = self.folder / "home/bin/spark-submit"
        program.parent.mkdir(parents=True)
        program.write_text(SUBMIT.format(python=sys.executable, url=self.url), encoding="utf-8")
        program.chmod(0o755)
        return program.parent.parent

    def close(self) -> None:
        for app in self.apps.values():
            app.process.kill()
            app.process.wait()


def started(
    arguments: list[str], out: Path, environment: str
) -> tuple[dict[str, str], subprocess.Popen[bytes]]:
    """The properties, and the program of Python, of what spark-submit is told. ``environment``:
    what the properties begin with that are its environment."""
    conf = {}
    options: dict[str, str] = {}
    while arguments[0] in SWITCHES:
        options[arguments[0]] = arguments[1]
        if arguments[0] == "--conf":
            name, _, text = arguments[1].partition("=")
            conf[name] = text
        arguments = arguments[2:]
    told = {
        name.removeprefix(environment): text
        for name, text in conf.items()
        if name.startswith(environment)
    }
    modules = filter(None, options.get("--py-files", "").split(","))
    paths = os.pathsep.join(str(path_of(url).parent) for url in modules)
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, path_of(arguments[0]), *arguments[1:]],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **told, "PYTHONPATH": paths},
        )
    return conf, process


@contextmanager
def yarn_in(folder: Path) -> Iterator[Yarn]:
    """One that answers on a port of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    yarn = Yarn(folder)
    with running() as (stub, url):
        stub.otherwise, yarn.url = yarn.answer, url
        try:
            yield yarn
        finally:
            yarn.close()
