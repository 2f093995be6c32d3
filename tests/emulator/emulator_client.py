"""A running emulator on 127.0.0.1, in this process, and a client for it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from cicd.emulator.host.opening import open_world
from cicd.emulator.host.server import http_server, listen
from cicd.emulator.jobs import DeploymentJob, ExecutionJob, Journal, Line, Replicas, Upstream
from cicd.emulator.world import World

WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: {name}
  annotations:
    scenarios.ai.sap.com/name: Churn
    scenarios.ai.sap.com/description: Who leaves
    executables.ai.sap.com/name: Training
    artifacts.ai.sap.com/model.kind: model
    artifacts.ai.sap.com/model.name: churn-model
    artifacts.ai.sap.com/model.description: the model
    artifacts.ai.sap.com/model.labels: '{{"ext.ai.sap.com/from": "test"}}'
  labels:
    scenarios.ai.sap.com/id: churn
    ai.sap.com/version: {version}
spec:
  entrypoint: main
  arguments:
    parameters:
      - name: mode
      - {{name: rounds, value: "3", description: how often}}
    artifacts:
      - name: data
  templates:
    - name: main
      inputs:
        artifacts:
          - {{name: data, path: /data}}
      outputs:
        artifacts:
          - {{name: model, path: /out/model, globalName: model, archive: {{none: {{}}}}}}
      container:
        image: local/train:1
        command: [sh, -c]
        args: ["echo {{{{workflow.parameters.mode}}}}"]
"""

SERVING = """\
apiVersion: ai.sap.com/v1alpha1
kind: ServingTemplate
metadata:
  name: {name}
  annotations:
    scenarios.ai.sap.com/name: Churn
    executables.ai.sap.com/name: Serving
  labels:
    scenarios.ai.sap.com/id: churn
    ai.sap.com/version: {version}
spec:
  inputs:
    parameters:
      - {{name: greeting, default: hello}}
  template:
    apiVersion: serving.kserve.io/v1beta1
    spec: |
      predictor:
        containers:
          - name: kserve-container
            image: local/serve:1
            command: [sh, -c]
            args: ["sleep 100"]
            ports:
              - {{containerPort: 8080, protocol: TCP}}
"""


class Answerer(BaseHTTPRequestHandler):
    """A deployment that says what it was asked."""

    revision = 0
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        content = {
            "revision": self.revision,
            "method": self.command,
            "path": self.path,
            "body": self.rfile.read(length).decode(),
            "headers": {key.lower(): value for key, value in self.headers.items()},
        }
        data = json.dumps(content).encode()
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-From", "deployment")
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class ScriptedRunner:
    """Behaves as the parameter ``mode`` of a run says; no processes, so the API can be tested fast.

    complete, fail, hang (until stopped). Deployments answer with what they were asked.
    """

    journal: Journal
    started: list[str] = field(default_factory=list)
    jobs: dict[str, ExecutionJob | DeploymentJob] = field(default_factory=dict)
    servers: dict[str, ThreadingHTTPServer] = field(default_factory=dict)
    retired: list[ThreadingHTTPServer] = field(default_factory=list)
    gone: list[Upstream] = field(default_factory=list)
    """What upstream() says first, each once: revisions that ended meanwhile."""

    def start_execution(self, job: ExecutionJob) -> None:
        self.started.append(job.id)
        self.jobs[job.id] = job
        self.journal.status(job.id, "RUNNING")
        now = time.time_ns()
        lines = [Line(now + number, f"line {number}", pod=job.id) for number in range(3)]
        self.journal.log(job.id, lines)
        mode = job.parameters["mode"]
        if mode == "fail":
            details = {"details": [{"container_name": "main", "exit_code": 1}]}
            self.journal.status(job.id, "DEAD", message="exit code 1", details=details)
        elif mode == "complete":
            output = job.folder / "model.txt"
            output.write_text("weights")
            self.journal.publish(job.id, "model", output)
            self.journal.publish(job.id, "model", output)
            self.journal.status(job.id, "COMPLETED")

    def stop_execution(self, execution_id: str) -> None:
        self.journal.status(execution_id, "STOPPED")

    def deploy(self, job: DeploymentJob) -> None:
        self.started.append(f"{job.id}/{job.revision}")
        self.jobs[job.id] = job
        if job.parameters["greeting"] == "broken":
            self.journal.status(job.id, "DEAD", message="never ready")
            return
        if job.parameters["greeting"] == "slow":
            return
        handler = type("Handler", (Answerer,), {"revision": job.revision})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.journal.serving(job.id, job.revision)
        # requests may still be with the one before, so it goes on
        if before := self.servers.get(job.id):
            self.retired.append(before)
        self.servers[job.id] = server
        self.journal.status(job.id, "RUNNING")

    def stop_deployment(self, deployment_id: str) -> None:
        if server := self.servers.pop(deployment_id, None):
            self.end(server)
        self.journal.status(deployment_id, "STOPPED")

    def upstream(self, deployment_id: str) -> AbstractContextManager[Upstream | None]:
        if self.gone:
            return nullcontext(self.gone.pop())
        server = self.servers.get(deployment_id)
        return nullcontext(Upstream(port=server.server_address[1]) if server else None)

    def replicas(self, deployment_id: str) -> Replicas | None:
        return Replicas(1, 2, 1) if deployment_id in self.servers else None

    def close(self) -> None:
        for server in (*self.servers.values(), *self.retired):
            self.end(server)

    def end(self, server: ThreadingHTTPServer) -> None:
        server.shutdown()
        server.server_close()


@dataclass
class Client:
    """Requests to one emulator, logged in, for one resource group."""

    url: str
    world: World
    runner: ScriptedRunner
    session: requests.Session
    group: str = "default"
    issued: str = ""

    def token(self) -> str:
        """The token of another login, if one is set, else a new one for AI Core."""
        return self.issued or self.world.credentials.issue("aicore", issuer=self.url)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str | None] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        """One request; asserts the HTTP status if one is given. A header of None is left out."""
        sent: dict[str, str | None] = {
            "Authorization": f"Bearer {self.token()}",
            "AI-Resource-Group": self.group,
            **(headers or {}),
        }
        answer = self.session.request(
            method, self.url + path, json=body, data=data, headers=sent, timeout=30
        )
        if status is not None:
            assert answer.status_code == status, answer.text
        return answer

    def get(self, path: str) -> Any:
        return self.send("GET", path, status=200).json()

    def configuration(self, executable: str = "train", **parameters: str) -> str:
        """A new configuration of one of the two templates; its id."""
        inputs: list[dict[str, str]] = []
        if executable == "train":
            parameters.setdefault("mode", "complete")
            data = {"name": "d", "kind": "dataset", "url": "ai://default/d", "scenarioId": "churn"}
            artifact = self.send("POST", "/v2/lm/artifacts", data, status=201).json()["id"]
            inputs = [{"key": "data", "artifactId": artifact}]
        body = {
            "name": executable,
            "scenarioId": "churn",
            "executableId": executable,
            "parameterBindings": [{"key": k, "value": v} for k, v in parameters.items()],
            "inputArtifactBindings": inputs,
        }
        made = self.send("POST", "/v2/lm/configurations", body, status=201)
        return str(made.json()["id"])

    def execute(self, mode: str = "complete") -> str:
        body = {"configurationId": self.configuration("train", mode=mode)}
        return str(self.send("POST", "/v2/lm/executions", body, status=202).json()["id"])

    def deploy(self, greeting: str = "hello") -> str:
        body = {"configurationId": self.configuration("serve", greeting=greeting)}
        return str(self.send("POST", "/v2/lm/deployments", body, status=202).json()["id"])

    def wait(self, path: str, *statuses: str) -> Any:
        """Poll until the status is one of ``statuses``; what was shown then."""
        return wait_for(lambda: self.get(path), lambda shown: shown["status"] in statuses)


def wait_for(
    look: Callable[[], Any], is_done: Callable[[Any], bool], seconds: float = 20, gap: float = 0.01
) -> Any:
    """Look until it is done; fails with the last sight."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if is_done(seen):
            return seen
        assert time.monotonic() < deadline, seen
        time.sleep(gap)


@contextmanager
def running(data: Path) -> Iterator[Client]:
    """An emulator with a ScriptedRunner for as long as the block lasts."""
    data.mkdir(exist_ok=True)
    runners: list[ScriptedRunner] = []

    def make(journal: Journal) -> ScriptedRunner:
        runners.append(ScriptedRunner(journal))
        return runners[0]

    with listen(data, 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = open_world(data, url, {"PATH": "/usr/bin:/bin", "HOME": str(data)}, make)
        server = http_server(world)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with requests.Session() as session:
                session.trust_env = False
                yield Client(url, world, runners[0], session)
        finally:
            server.should_exit = True
            thread.join()
            world.close()


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as nobody in particular; what it prints."""
    login = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    command = ["git", *login, "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, files: Mapping[str, str | bytes | None]) -> str:
    """Write (None: delete) files and commit; the hash."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "rev-parse", "HEAD")


def template_files(version: str = "1.0") -> dict[str, str]:
    return {
        "templates/train.yaml": WORKFLOW.format(name="train", version=f'"{version}"'),
        "templates/serve.yaml": SERVING.format(name="serve", version=f'"{version}"'),
    }


def onboard(
    client: Client,
    repository: Path,
    application: str = "app",
    path: str = "templates",
    revision: str = "main",
) -> None:
    """Register a repository and an application of it."""
    if not any(
        r["url"] == str(repository) for r in client.get("/v2/admin/repositories")["resources"]
    ):
        body = {"url": str(repository), "username": "", "password": ""}
        client.send("POST", "/v2/admin/repositories", body, status=200)
    body = {
        "applicationName": application,
        "repositoryUrl": str(repository),
        "path": path,
        "revision": revision,
    }
    client.send("POST", "/v2/admin/applications", body, status=200)


def synced(client: Client, application: str = "app", revision: str = "") -> Any:
    """The application's status once it is of ``revision``, or not Unknown any more."""

    def is_done(shown: Any) -> bool:
        if shown["reconciledAt"] == "Unknown":
            return False
        return not revision or bool(shown["source"]["revision"] == revision)

    return wait_for(lambda: client.get(f"/v2/admin/applications/{application}/status"), is_done)
