"""AI Core passes the platform contract: over HTTP, against the emulator, with real programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from cicd.emulator.host import control
from cicd.emulator.host.folder import Endpoint
from cicd.model import Hidden, Key, Options, Ref, Resource, Secret, Stage
from cicd.platforms import registry
from cicd.platforms.base import Request
from tests.platforms.contract import Applied, PlatformContract, World, bring_up

TRAIN = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: contract-train
  labels: {scenarios.ai.sap.com/id: contract, ai.sap.com/version: "1.0"}
  annotations:
    scenarios.ai.sap.com/name: Contract
    executables.ai.sap.com/name: Contract training
    artifacts.ai.sap.com/data.kind: dataset
    artifacts.ai.sap.com/fitted.kind: model
    artifacts.ai.sap.com/fitted.name: Fitted model
spec:
  entrypoint: train
  arguments:
    parameters: [{name: my_word, value: none}]
    artifacts: [{name: data}]
  templates:
    - name: train
      metadata: {labels: {ai.sap.com/resourcePlan: starter}}
      inputs: {artifacts: [{name: data, path: /app/data}]}
      outputs:
        artifacts: [{name: fitted, globalName: fitted, path: /app/model, archive: {none: {}}}]
      container:
        image: test/contract:1
        command: [python, /app/src/train.py]
        args: ["{{workflow.parameters.my_word}}", /app/data, /app/model]
"""
SERVE = """
apiVersion: ai.sap.com/v1alpha1
kind: ServingTemplate
metadata:
  name: contract-serve
  labels: {scenarios.ai.sap.com/id: contract, ai.sap.com/version: "1.0"}
  annotations: {scenarios.ai.sap.com/name: Contract, executables.ai.sap.com/name: Contract serving}
spec:
  inputs:
    parameters: [{name: greeting, default: hello, type: string}]
    artifacts: [{name: model}]
  template:
    apiVersion: serving.kserve.io/v1beta1
    metadata: {labels: "ai.sap.com/resourcePlan: starter"}
    spec: |
      predictor:
        containers:
          - name: kserve-container
            image: test/contract:1
            command: [python, /app/src/serve.py]
            args: [/mnt/models, "8080"]
            ports: [{containerPort: 8080, protocol: TCP}]
            env:
              - {name: STORAGE_URI, value: "{{inputs.artifacts.model}}"}
              - {name: GREETING, value: "{{inputs.parameters.greeting}}"}
"""
TRAIN_PROGRAM = """
import json, os, pathlib, sys, urllib.request
lines = pathlib.Path(sys.argv[2], "lines.txt").read_text(encoding="utf-8").splitlines()
for line in lines:
    print(line, flush=True)
metrics = [{"name": "accuracy", "value": v, "step": s, "timestamp": "2026-01-01T00:00:00Z",
            "labels": []} for s, v in enumerate([0.5, 0.75])]
body = {"executionId": os.environ["AICORE_EXECUTION_ID"], "metrics": metrics}
url = os.environ["AICORE_TRACKING_ENDPOINT"] + "/api/v1/metrics"
request = urllib.request.Request(url, json.dumps(body).encode(), method="PATCH",
                                 headers={"Content-Type": "application/json"})
urllib.request.urlopen(request).close()
os.makedirs(sys.argv[3], exist_ok=True)
pathlib.Path(sys.argv[3], "word.txt").write_text(sys.argv[1], encoding="utf-8")
"""
SERVE_PROGRAM = """
import json, os, pathlib, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
word = pathlib.Path(sys.argv[1], "word.txt").read_text(encoding="utf-8")
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"says": os.environ["GREETING"] + " " + word}).encode()
        self.send_response(200 if self.path == "/v2/predict" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()
ThreadingHTTPServer(("", int(sys.argv[2])), Handler).serve_forever()
"""
GROUP = "contract-group"
LINES = tuple(f"line {n} grüße" for n in range(40)) + ("again",) * 7
SERVER = """
import os, pathlib, sys
from cicd.emulator.host.server import serve
serve(pathlib.Path(sys.argv[1]), port=0, environ=dict(os.environ))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A Git repository with both templates, and its commit."""
    root = tmp_path_factory.mktemp("project")
    files = {
        "templates/train.yaml": TRAIN,
        "templates/serve.yaml": SERVE,
        "src/train.py": TRAIN_PROGRAM,
        "src/serve.py": SERVE_PROGRAM,
        "data/lines.txt": "\n".join(LINES) + "\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True
    )
    return root, head.stdout.strip()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    data = tmp_path_factory.mktemp("emulator") / "data"
    yield control.start(data, command=[sys.executable, "-c", SERVER, str(data)])
    control.stop(data)


def wish(kind: str, name: str, wait_for: str | None = None, /, **spec: object) -> Resource:
    return Resource(Key(kind, name), spec, Options(wait_for=wait_for))


TRAINING = {"scenario_id": "contract", "executable_id": "contract-train"}
SERVING = {"scenario_id": "contract", "executable_id": "contract-serve"}


def desired(root: Path, commit: str) -> tuple[Resource, ...]:
    """The chain of a whole stage, in order. What may come from the environment does."""
    group = wish(
        "resource_group", GROUP, name=GROUP, labels={"ext.ai.sap.com/team": Hidden("contract")}
    )
    return (group, *of_tenant_and_group(), *from_git(root, commit), *runs())


def of_tenant_and_group() -> tuple[Resource, ...]:
    """Nodes, and secrets of all kinds and scopes."""
    keys = {"api-key": Secret("contract-api-key"), "hf_token": Secret("contract-hf-token")}
    registry = Secret('{"auths": {"https://index.docker.io": {"password": "contract-pass"}}}')
    store = {"AWS_ACCESS_KEY_ID": Secret("contract-id"), "AWS_SECRET_ACCESS_KEY": Secret("c-key")}
    generic = [
        wish("generic_secret", f"{name}.{scope}", name=name, scope=scope, data=keys)
        for name, scope in (
            ("mine", "resource_group"),
            ("mine", "tenant"),
            ("shared", "all_resource_groups"),
        )
    ]
    labels = {"ext.ai.sap.com/team": "contract"}
    return (
        wish("node_reservation", "starter", name="starter", count=2),
        wish("docker_registry_secret", "hub", name="hub", data={".dockerconfigjson": registry}),
        replace(generic[0], spec={**generic[0].spec, "labels": labels}),
        *generic[1:],
        wish(
            "object_store_secret",
            "default",
            name="default",
            type="S3",
            bucket=Hidden("b"),
            endpoint=Hidden("https://s3.example.org"),
            region="eu",
            path_prefix="contract/",
            use_https=True,
            verify_ssl=False,
            data=store,
        ),
    )


def from_git(root: Path, commit: str) -> tuple[Resource, ...]:
    ids = ("contract-train", "contract-serve")
    return (
        wish(
            "repository",
            "contract",
            name="contract",
            url=Hidden(str(root)),
            username=Secret("git-user-name"),
            password=Secret("git-pass-word"),
        ),
        wish(
            "application",
            "contract",
            name="contract",
            repository=Hidden(str(root)),
            path=Hidden("templates"),
            revision=Hidden("main"),
            commit=commit,
            executables={id: {"scenario_id": "contract", "version": "1.0"} for id in ids},
        ),
    )


def runs() -> tuple[Resource, ...]:
    data, trained = Ref(Key("artifact", "data")), Ref(Key("execution", "train"), "artifacts.fitted")
    return (
        wish(
            "artifact",
            "data",
            name="Data, first",
            kind="dataset",
            url=Hidden("ai://default/contract-data"),
            scenario_id="contract",
            labels={"ext.ai.sap.com/made_by": Hidden("us")},
            description=Hidden("what training reads"),
        ),
        configuration("train", TRAINING, {"my_word": Hidden("grün")}, {"data": data}),
        wish("execution", "train", "COMPLETED", **started("train", TRAINING), inputs="0123abcd"),
        wish(
            "schedule",
            "weekly",
            name="weekly-training",
            **started("train", TRAINING),
            cron=Hidden("0 0 * * 0"),
            start="2999-01-01T00:00:00Z",
            active=False,
        ),
        configuration("serve", SERVING, {"greeting": "hello"}, {"model": trained}),
        wish("deployment", "serve", "RUNNING", **started("serve", SERVING)),
        wish(
            "destination", "CONTRACT", name="CONTRACT", url=Ref(Key("deployment", "serve"), "url")
        ),
    )


def configuration(
    key: str,
    executable: dict[str, str],
    parameters: dict[str, str | Hidden],
    inputs: dict[str, Ref],
) -> Resource:
    bindings = {"parameter_bindings": parameters, "input_artifact_bindings": inputs}
    return wish("configuration", key, name=f"my {key}", **executable, **bindings)


def started(key: str, executable: dict[str, str]) -> dict[str, object]:
    ref = Ref(Key("configuration", key))
    return {"configuration": ref, "configuration_name": f"my {key}", **executable}


@pytest.fixture(scope="module")
def applied(endpoint: Endpoint, project: tuple[Path, str]) -> Iterator[Applied]:
    """The world of the contract, up in the emulator."""
    root, commit = project
    wishes = desired(root, commit)
    stage = Stage(
        name="dev",
        file="stages/dev.yaml",
        root=str(root),
        platform="aicore",
        target={"resource_group": GROUP},
        branch=None,
        resources=wishes,
    )
    environ = control.environment(endpoint, GROUP)
    platform = registry.connect(stage, environ)
    serving = next(wish for wish in wishes if wish.key == Key("configuration", "serve"))
    platform.create(wishes[0])
    stand_in(environ, root)
    world = World(
        platform=platform,
        desired=wishes,
        run=Key("execution", "train"),
        service=Key("deployment", "serve"),
        place={"resource_group": GROUP},
        lines=LINES,
        metrics={"accuracy": 0.75},
        request=Request("POST", "/v2/predict", {"x": 1}),
        answer="hello gr",
        update=(
            "configuration",
            Resource(
                Key("configuration", "serve-2"),
                {**serving.spec, "parameter_bindings": {"greeting": "good day"}},
            ),
        ),
        no_route=Request("GET", "/v2/nothing-here"),
        carries_tokens=False,
    )
    yield from bring_up(world)


class TestAICore(PlatformContract):
    """The contract, with the emulator as AI Core."""


def stand_in(environ: dict[str, str], root: Path) -> None:
    """Tell the emulator what the image and the data set are on this machine."""
    form = {"grant_type": "client_credentials"}
    login = (environ["AICORE_CLIENT_ID"], environ["AICORE_CLIENT_SECRET"])
    url = environ["AICORE_AUTH_URL"]
    with requests.Session() as session:
        answer = session.post(f"{url}/oauth/token", data=form, auth=login, timeout=10)
        headers = {
            "Authorization": f"Bearer {answer.json()['access_token']}",
            "AI-Resource-Group": GROUP,
        }
        body = {
            "images": {"test/contract:1": {"mounts": {"/app/src": str(root / "src")}}},
            "artifacts": {"ai://default/contract-data": str(root / "data")},
        }
        put = session.put(f"{url}/emulator/stand-ins", json=body, headers=headers, timeout=10)
        assert put.ok, put.text
