"""Scripts written for AI Core, with SAP's SDKs for Python and JavaScript, run unchanged."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.emulator.host import control
from cicd.emulator.host.folder import Endpoint
from tests.emulator.emulator_client import commit, wait_for

HERE = Path(__file__).parent
JS = HERE.parent / "js"

TRAIN = """\
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: train
  annotations:
    scenarios.ai.sap.com/name: Churn
    executables.ai.sap.com/name: Training
  labels:
    scenarios.ai.sap.com/id: churn
    ai.sap.com/version: "1.0"
spec:
  entrypoint: main
  arguments:
    parameters:
      - name: mode
      - {name: rounds, value: "3"}
    artifacts:
      - name: data
  templates:
    - name: main
      inputs:
        artifacts:
          - {name: data, path: /data}
      outputs:
        artifacts:
          - {name: model, path: /out/model, globalName: model, archive: {none: {}}}
      container:
        image: local/train:1
        command: [python3, /code/train.py]
        args: ["{{workflow.parameters.mode}}", /code, /data, /out/model]
"""

SERVE = """\
apiVersion: ai.sap.com/v1alpha1
kind: ServingTemplate
metadata:
  name: serve
  annotations:
    scenarios.ai.sap.com/name: Churn
    executables.ai.sap.com/name: Serving
  labels:
    scenarios.ai.sap.com/id: churn
    ai.sap.com/version: "1.0"
spec:
  inputs:
    parameters:
      - name: greeting
  template:
    apiVersion: serving.kserve.io/v1beta1
    spec: |
      predictor:
        containers:
          - name: kserve-container
            image: local/train:1
            command: [python3, /code/serve.py]
            args: ["8080"]
            env:
              - {name: GREETING, value: "{{inputs.parameters.greeting}}"}
            ports:
              - {containerPort: 8080, protocol: TCP}
"""

TRAIN_PROGRAM = """\
import json, os, pathlib, sys, time, urllib.request
print("mode", sys.argv[1], flush=True)
while sys.argv[1] == "slow" and not pathlib.Path(sys.argv[2], "go").exists():
    time.sleep(0.1)
rows = len(pathlib.Path(sys.argv[3]).read_text().split())
body = json.dumps({"executionId": os.environ["AICORE_EXECUTION_ID"],
                   "metrics": [{"name": "rows", "value": rows}]}).encode()
url = os.environ["AICORE_TRACKING_ENDPOINT"] + "/api/v1/metrics"
request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PATCH")
urllib.request.urlopen(request).close()
pathlib.Path(sys.argv[4]).mkdir(exist_ok=True, parents=True)
pathlib.Path(sys.argv[4], "weights.txt").write_text("weights")
"""

SERVE_PROGRAM = """\
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = json.dumps({"greeting": os.environ["GREETING"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
"""

SERVE_COMMAND = """\
import os, sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from cicd.emulator.host.server import serve
serve(Path(sys.argv[1]), port=0, environ=os.environ)
"""


@dataclass
class Workspace:
    """A background emulator with both templates synced, and the variables that lead to it."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> Endpoint:
        command = [sys.executable, "-c", SERVE_COMMAND, str(self.data)]
        endpoint = control.start(self.data, command=command)
        self.variables = control.environment(endpoint, "default")
        return endpoint

    def session(self) -> requests.Session:
        """Plain HTTP, logged in."""
        session = requests.Session()
        session.trust_env = False
        answer = session.post(
            f"{self.variables['AICORE_AUTH_URL']}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self.variables["AICORE_CLIENT_ID"], self.variables["AICORE_CLIENT_SECRET"]),
            timeout=10,
        )
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        session.headers["AI-Resource-Group"] = "default"
        return session

    def send(self, method: str, path: str, body: object = None) -> Any:
        """One request below /v2; its JSON."""
        with self.session() as session:
            url = self.variables["AICORE_BASE_URL"] + path
            answer = session.request(method, url, json=body, timeout=10)
            assert answer.ok, answer.text
            return answer.json()

    def wait(self, path: str, status: str) -> Any:
        def is_done(shown: Any) -> bool:
            assert shown["status"] != "DEAD", shown
            return bool(shown["status"] == status)

        return wait_for(lambda: self.send("GET", path), is_done)

    def configuration(self, executable: str, key: str, value: str, artifact: str = "") -> str:
        body = {
            "name": executable,
            "scenarioId": "churn",
            "executableId": executable,
            "parameterBindings": [{"key": key, "value": value}],
            "inputArtifactBindings": [{"key": "data", "artifactId": artifact}] if artifact else [],
        }
        return str(self.send("POST", "/lm/configurations", body)["id"])


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A Workspace of one's own."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(TRAIN_PROGRAM)
    (code / "serve.py").write_text(SERVE_PROGRAM)
    (tmp_path / "data.txt").write_text("a b c")
    repository = tmp_path / "repository"
    commit(repository, {"templates/train.yaml": TRAIN, "templates/serve.yaml": SERVE})
    workspace = Workspace(tmp_path)
    try:
        workspace.start()
        prepare(workspace, repository, code, tmp_path / "data.txt")
        yield workspace
    finally:
        control.stop(workspace.data)


def prepare(workspace: Workspace, repository: Path, code: Path, data: Path) -> None:
    """Stand-ins, repository and application."""
    stand_ins = {
        "images": {"local/train": {"mounts": {"/code": str(code)}}},
        "artifacts": {"ai://default/data": str(data)},
    }
    with workspace.session() as session:
        url = workspace.variables["AICORE_AUTH_URL"]
        session.put(f"{url}/emulator/stand-ins", json=stand_ins, timeout=10).raise_for_status()
    body = {"name": "repository", "url": str(repository), "username": "", "password": ""}
    workspace.send("POST", "/admin/repositories", body)
    body = {
        "applicationName": "app",
        "repositoryName": "repository",
        "path": "templates",
        "revision": "main",
    }
    workspace.send("POST", "/admin/applications", body)
    wait_for(
        lambda: workspace.send("GET", "/admin/applications/app/status"),
        lambda shown: shown["syncStatus"] == "Synced",
    )


def run(command: list[str], variables: dict[str, str], folder: Path) -> None:
    """Run a script with only these variables and what any program needs; it must print ok."""
    basics = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        command,
        env={**basics, **variables, "HOME": str(folder), "NO_PROXY": "127.0.0.1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("ok\n")


def test_the_python_sdk(workspace: Workspace) -> None:
    run([sys.executable, str(HERE / "sdk_client.py")], workspace.variables, workspace.folder)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.skipif(
    not (JS / "node_modules").exists(),
    reason="run `npm install --no-package-lock` in tests/emulator/js first",
)
def test_the_javascript_sdk(workspace: Workspace) -> None:
    run(["node", "client.mjs"], workspace.variables, JS)


def test_a_killed_emulator_goes_on_with_its_work(workspace: Workspace) -> None:
    body = {"name": "d", "kind": "dataset", "url": "ai://default/data", "scenarioId": "churn"}
    artifact = workspace.send("POST", "/lm/artifacts", body)["id"]
    slow = workspace.configuration("train", "mode", "slow", artifact)
    execution = workspace.send("POST", "/lm/executions", {"configurationId": slow})["id"]
    serve = workspace.configuration("serve", "greeting", "hello")
    deployment = workspace.send("POST", "/lm/deployments", {"configurationId": serve})["id"]
    workspace.wait(f"/lm/executions/{execution}", "RUNNING")
    url = workspace.wait(f"/lm/deployments/{deployment}", "RUNNING")["deploymentUrl"]
    endpoint = control.status(workspace.data)
    assert endpoint

    os.kill(endpoint.pid, signal.SIGKILL)
    wait_for(lambda: control.status(workspace.data), lambda found: found is None)
    workspace.start()

    workspace.wait(f"/lm/executions/{execution}", "RUNNING")
    (workspace.folder / "code" / "go").write_text("")
    shown = workspace.wait(f"/lm/executions/{execution}", "COMPLETED")
    assert [item["name"] for item in shown["outputArtifacts"]] == ["model"]
    assert workspace.wait(f"/lm/deployments/{deployment}", "RUNNING")["deploymentUrl"] == url
    greeting = workspace.send("GET", f"/inference/deployments/{deployment}/v1/x")
    assert greeting == {"greeting": "hello"}
    assert workspace.send("GET", "/lm/executions")["count"] == 1
