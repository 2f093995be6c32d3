"""A project in a temporary folder, driven through the real command line against a real emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.acceptance.operations_world import shared, world  # noqa: F401 fixtures

REPOSITORY = Path(__file__).parents[2]
CICD = [sys.executable, "-P", "-m", "cicd"]


@dataclass
class Project:
    """A folder with templates and stages, and ways to run ``cicd`` in it."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def cicd(
        self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 100
    ) -> subprocess.CompletedProcess[str]:
        environ = {**self.environ, **(env or {})}
        return forked.run(arguments, cwd=self.root, env=environ, timeout=timeout)

    def start(self, *arguments: str) -> forked.Started:
        return forked.Started(arguments, self.root, self.environ)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def edit(self, path: str, before: str, after: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert before in text
        file.write_text(text.replace(before, after), encoding="utf-8")

    def publish(self) -> str:
        """Commit everything there is; the url under which it can be had from here."""
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        for arguments in (("add", "-A"), (*who, "commit", "-qm", "all of it")):
            subprocess.run(["git", *arguments], cwd=self.root, check=True)
        return self.root.as_uri()

    def git_head(self) -> str:
        """The commit that is checked out."""
        asked = ["git", "rev-parse", "HEAD"]
        done = subprocess.run(asked, cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def emulator_environment(self) -> dict[str, str]:
        """Asked for once: a restarted emulator keeps its port and its secrets."""
        if not self.variables:
            lines = self.cicd("emulator", "env").stdout.splitlines()
            self.variables |= dict(line.split("=", 1) for line in lines)
        return dict(self.variables)

    @property
    def has_emulator(self) -> bool:
        """Whether an emulator of this project runs."""
        return (self.root / ".cicd" / "emulator" / "endpoint.json").exists()

    def stop(self) -> None:
        if self.has_emulator:
            self.cicd("emulator", "stop")

    def api(self, path: str, resource_group: str, body: Any = None) -> Any:
        """One request to the emulator as any client would send it; the parsed answer."""
        env = self.emulator_environment()
        return call(env, f"{env['AICORE_BASE_URL']}{path}", resource_group, body)

    def objects(self, resource_group: str) -> dict[str, Any]:
        """What the resource group holds, ids left out: to be compared between two runs."""
        lists = {
            kind: self.api(f"/lm/{kind}", resource_group)["resources"]
            for kind in ("artifacts", "configurations", "executions", "deployments")
        }
        shown = {
            "artifacts": ("name", "kind"),
            "configurations": ("name", "parameterBindings"),
            "executions": ("configurationName", "status"),
            "deployments": ("configurationName", "status"),
        }
        return {
            kind: sorted(json.dumps([item[name] for name in shown[kind]]) for item in lists[kind])
            for kind in lists
        }


def call(env: Mapping[str, str], url: str, resource_group: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token(env)}",
            "AI-Resource-Group": resource_group,
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def token(env: Mapping[str, str]) -> str:
    form = (
        f"grant_type=client_credentials&client_id={env['AICORE_CLIENT_ID']}"
        f"&client_secret={env['AICORE_CLIENT_SECRET']}"
    )
    url = env["AICORE_AUTH_URL"].removesuffix("/oauth/token") + "/oauth/token"
    with urllib.request.urlopen(url, data=form.encode(), timeout=30) as answer:
        return str(json.load(answer)["access_token"])


def clean_environment() -> dict[str, str]:
    """The tester's own environment without any account and without GitHub's variables."""
    taken = ("AICORE_", "DESTINATION_", "VCAP_", "GITHUB_", "GIT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(taken)}


def make_project(root: Path) -> Project:
    environ = {
        **clean_environment(),
        "HOME": str(root.parent / "home"),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUTF8": "1",
    }
    (root.parent / "home").mkdir(exist_ok=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    return Project(root, environ)


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Project]:
    """The example that ships with the project, as a newcomer gets it."""
    root = tmp_path / "example"
    for folder in ("templates", "stages"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    project = make_project(root)
    yield project
    project.stop()


@pytest.fixture
def path_without_sandbox(tmp_path: Path) -> str:
    """A PATH on which there is git and a shell, and no bubblewrap."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("git", "sh"):
        program = shutil.which(name)
        assert program
        (folder / name).symlink_to(program)
    return str(folder)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Project]:
    """The smallest project that trains, serves and updates a destination."""
    root = tmp_path / "small"
    root.mkdir()
    project = make_project(root)
    for path, text in SMALL.items():
        project.write(path, text)
    yield project
    project.stop()


SMALL = {
    "templates/train.yaml": """\
        apiVersion: argoproj.io/v1alpha1
        kind: WorkflowTemplate
        metadata:
          name: small-train
          labels: {scenarios.ai.sap.com/id: small, ai.sap.com/version: "1.0.0"}
          annotations:
            scenarios.ai.sap.com/name: Small
            executables.ai.sap.com/name: Small training
        spec:
          entrypoint: train
          arguments:
            parameters: [{name: word, value: hello}]
          templates:
            - name: train
              outputs:
                artifacts:
                  - {name: model, globalName: model, path: /app/model, archive: {none: {}}}
              container:
                image: docker.io/your-org/small:1
                command: [python, /app/src/train.py]
                args: ["{{workflow.parameters.word}}", /app/model]
        """,
    "templates/serve.yaml": """\
        apiVersion: ai.sap.com/v1alpha1
        kind: ServingTemplate
        metadata:
          name: small-serve
          labels: {scenarios.ai.sap.com/id: small, ai.sap.com/version: "1.0.0"}
          annotations:
            scenarios.ai.sap.com/name: Small
            executables.ai.sap.com/name: Small serving
        spec:
          inputs:
            parameters: [{name: greeting, type: string, default: hi}]
            artifacts: [{name: model}]
          template:
            apiVersion: serving.kserve.io/v1beta1
            spec: |
              predictor:
                containers:
                  - name: kserve-container
                    image: docker.io/your-org/small:1
                    command: [python, /app/src/serve.py]
                    args: [/mnt/models, "8080"]
                    ports: [{containerPort: 8080}]
                    env:
                      - {name: STORAGE_URI, value: "{{inputs.artifacts.model}}"}
                      - {name: GREETING, value: "{{inputs.parameters.greeting}}"}
        """,
    "src/train.py": """\
        import json, os, pathlib, sys, urllib.request

        word = sys.argv[1]
        print("training on", word, flush=True)
        if word == "fail":
            print("cannot learn this", file=sys.stderr, flush=True)
            sys.exit(1)
        metrics = [{"name": "letters", "value": len(word), "timestamp": "2026-01-01T00:00:00Z"}]
        body = {"executionId": os.environ["AICORE_EXECUTION_ID"], "metrics": metrics}
        request = urllib.request.Request(
            os.environ["AICORE_TRACKING_ENDPOINT"] + "/api/v1/metrics",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="PATCH",
        )
        urllib.request.urlopen(request, timeout=20).close()
        folder = pathlib.Path(sys.argv[2])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "word.txt").write_text(word)
        """,
    "src/serve.py": """\
        import os, pathlib, sys
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        WORD = pathlib.Path(sys.argv[1], "word.txt").read_text()


        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = f"{os.environ['GREETING']} {WORD}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)


        print("listening", flush=True)
        ThreadingHTTPServer(("", int(sys.argv[2])), Handler).serve_forever()
        """,
    "stages/dev.yaml": """\
        branch: main
        aicore: {resource_group: small-dev}
        git: {application: small, path: templates, revision: main}
        variables: {word: hello}
        executions:
          - key: train
            configuration:
              name: small-training
              scenario_id: small
              executable_id: small-train
              parameter_bindings: {word: "${var.word}"}
            watch: [src/train.py]
            require: [{metric: letters, min: 3}]
        deployments:
          - key: serve
            configuration:
              name: small-serving
              scenario_id: small
              executable_id: small-serve
              parameter_bindings: {greeting: hi}
              input_artifact_bindings: {model: "${executions.train.artifacts.model}"}
            smoke_test: {path: /v1/greet, expect: {contains: hi}}
            destination_name: SMALL
        local:
          images:
            docker.io/your-org/small:1: {mounts: {/app/src: src}}
        """,
}
