"""Scripts written for AI Core, with SAP's SDKs for Python and JavaScript, run unchanged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from emulator_client import commit, wait_for

from cicd.emulator import control

HERE = Path(__file__).parent

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
        args: ["{{workflow.parameters.mode}}"]
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
            env:
              - {name: GREETING, value: "{{inputs.parameters.greeting}}"}
            ports:
              - {containerPort: 8080, protocol: TCP}
"""

TRAIN_PROGRAM = """\
import json, os, pathlib, sys, time, urllib.request
print("mode", sys.argv[1], flush=True)
while sys.argv[1] == "slow":
    time.sleep(0.1)
rows = len(pathlib.Path("/data").read_text().split())
body = json.dumps({"executionId": os.environ["AICORE_EXECUTION_ID"],
                   "metrics": [{"name": "rows", "value": rows}]}).encode()
url = os.environ["AICORE_TRACKING_ENDPOINT"] + "/api/v1/metrics"
request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PATCH")
urllib.request.urlopen(request).close()
pathlib.Path("/out/model").mkdir(exist_ok=True, parents=True)
pathlib.Path("/out/model/weights.txt").write_text("weights")
"""

SERVE_PROGRAM = """\
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = json.dumps({"greeting": os.environ["GREETING"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""

SERVE_COMMAND = """\
import os, sys
from pathlib import Path
from cicd.emulator.control import serve
serve(Path(sys.argv[1]), port=0, environ=os.environ)
"""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A background emulator with both templates synced; the variables that lead to it."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(TRAIN_PROGRAM)
    (code / "serve.py").write_text(SERVE_PROGRAM)
    (tmp_path / "data.txt").write_text("a b c")
    repository = tmp_path / "repository"
    commit(repository, {"templates/train.yaml": TRAIN, "templates/serve.yaml": SERVE})
    data = tmp_path / "data"
    command = [sys.executable, "-c", SERVE_COMMAND, str(data)]
    try:
        variables = control.environment(control.start(data, command=command), "default")
        prepare(variables, repository, code, tmp_path / "data.txt")
        yield variables
    finally:
        control.stop(data)


def prepare(variables: dict[str, str], repository: Path, code: Path, data: Path) -> None:
    """Stand-ins, repository and application, with plain HTTP."""
    base = variables["AICORE_BASE_URL"]
    with requests.Session() as session:
        session.trust_env = False
        form = {"grant_type": "client_credentials"}
        login = (variables["AICORE_CLIENT_ID"], variables["AICORE_CLIENT_SECRET"])
        url = variables["AICORE_AUTH_URL"]
        answer = session.post(f"{url}/oauth/token", data=form, auth=login, timeout=10)
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        session.headers["AI-Resource-Group"] = "default"
        stand_ins = {
            "images": {"local/train": {"mounts": {"/code": str(code)}}},
            "artifacts": {"ai://default/data": str(data)},
        }
        done = session.put(f"{url}/emulator/stand-ins", json=stand_ins, timeout=10)
        done.raise_for_status()
        body = {"name": "repository", "url": str(repository), "username": "", "password": ""}
        session.post(f"{base}/admin/repositories", json=body, timeout=10).raise_for_status()
        body = {
            "applicationName": "app",
            "repositoryName": "repository",
            "path": "templates",
            "revision": "main",
        }
        session.post(f"{base}/admin/applications", json=body, timeout=10).raise_for_status()
        wait_for(
            lambda: session.get(f"{base}/admin/applications/app/status", timeout=10).json(),
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


def test_the_python_sdk(environment: dict[str, str], tmp_path: Path) -> None:
    run([sys.executable, str(HERE / "sdk_client.py")], environment, tmp_path)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.skipif(
    not (HERE / "js" / "node_modules").exists(),
    reason="run `npm install --no-package-lock` in tests/emulator/js first",
)
def test_the_javascript_sdk(environment: dict[str, str]) -> None:
    run(["node", "client.mjs"], environment, HERE / "js")
