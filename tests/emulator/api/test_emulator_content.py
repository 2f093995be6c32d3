"""Templates that SAP's ``aicore-content`` makes of content packages, run here.

The tool belongs to the old SDK, which is the same import package as the one that cicd uses, so it
needs an environment of its own, and nothing here installs one::

    python -m venv DIR && DIR/bin/pip install 'ai-core-sdk[aicore-content]'
    AICORE_CONTENT_PYTHON=DIR/bin/python pytest -m slow tests/emulator/api/test_emulator_content.py
"""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.emulator import running
from cicd.emulator.state import credentials
from tests.emulator.emulator_client import SERVING, commit, wait_for

PYTHON = os.environ.get("AICORE_CONTENT_PYTHON", "")
FLOW = """\
from metaflow import FlowSpec, Parameter, step

class TrainFlow(FlowSpec):
    rounds = Parameter("rounds", default=3)

    @step
    def start(self):
        self.model = self.rounds * 2
        self.next(self.end)

    @step
    def end(self):
        print("the model is", self.model)

if __name__ == "__main__":
    TrainFlow()
"""
SPEC = """\
import pathlib
from ai_core_sdk.content import ContentPackage

package = ContentPackage(
    name="churn",
    workflows_base_path=pathlib.Path(__file__).parent,
    workflows={
        "serve": {"type": "DeploymentYaml", "yaml": "serve.yaml", "dockerfiles": {}},
        "train": {
            "type": "ExecutionMetaflow", "py": "flow.py", "className": "TrainFlow",
            "dockerfiles": {},
        },
    },
)
"""
CONFIGS = {
    "serve": """\
.contentPackage: churn
.workflow: serve
name: content-serve
image: local/serve:1
""",
    "train": """\
.contentPackage: churn
.workflow: train
name: content-train
image: local/train:1
objectStoreSecret: default-object-store-secret
labels: {scenarios.ai.sap.com/id: churn, ai.sap.com/version: "1.0"}
annotations: {scenarios.ai.sap.com/name: Churn, executables.ai.sap.com/name: Training}
""",
}
KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_DEFAULT_REGION": "us-east-1"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="AICORE_CONTENT_PYTHON names no Python that has it"),
]


def make_templates(folder: Path, s3: str) -> dict[str, str]:
    """What the tool makes of a content package: file name -> text."""
    folder.mkdir()
    serve = SERVING.format(name="serve", version='"1.0"').replace("local/serve:1", "$image")
    files = {"flow.py": FLOW, "serve.yaml": serve, "spec.py": SPEC}
    for name, text in {**files, **{f"{n}.cfg": text for n, text in CONFIGS.items()}}.items():
        (folder / name).write_text(text)
    environ = {
        **KEYS,
        "PATH": f"{Path(PYTHON).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "USERNAME": "test",
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DATASTORE_SYSROOT_S3": "s3://bucket/metaflow",
        "METAFLOW_S3_ENDPOINT_URL": s3,
    }
    program = [PYTHON, "-m", "ai_core_sdk.content_cli_main", "-c", "spec.py", "create-template"]
    for name in CONFIGS:
        command = [*program, f"{name}.cfg", "-o", f"{name}.made"]
        subprocess.run(command, cwd=folder, env=environ, check=True, timeout=120)
    return {f"{name}.yaml": (folder / f"{name}.made").read_text() for name in CONFIGS}


def test_a_content_package_is_synced_and_runs(tmp_path: Path, s3: str) -> None:
    commit(tmp_path / "repository", make_templates(tmp_path / "package", s3))
    with running(tmp_path / "data") as emulator, requests.Session() as session:
        session.trust_env = False

        def send(method: str, path: str, body: Any = None) -> Any:
            token = credentials.read(emulator.data).issue("aicore", issuer="test")
            headers = {"Authorization": f"Bearer {token}", "AI-Resource-Group": "default"}
            answer = session.request(method, emulator.url + path, json=body, headers=headers)
            assert answer.status_code < 300, answer.text
            return answer.json()

        login = {"url": str(tmp_path / "repository"), "username": "", "password": ""}
        send("POST", "/v2/admin/repositories", login)
        body = {"applicationName": "app", "repositoryUrl": login["url"], "path": "."}
        send("POST", "/v2/admin/applications", {**body, "revision": "main"})
        status = "/v2/admin/applications/app/status"
        seen = wait_for(lambda: send("GET", status), lambda found: found["syncStatus"] == "Synced")
        assert {item["name"] for item in seen["syncResourcesStatus"]} == {
            "content-serve",
            "content-train",
        }
        data = {**KEYS, "METAFLOW_S3_ENDPOINT_URL": s3, "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1"}
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}
        secret = {"name": "default-object-store-secret", "data": encoded}
        send("POST", "/v2/admin/secrets", secret)
        images = {"local/train:1": {"python": str(Path(PYTHON).parents[1])}}
        send("PUT", "/emulator/stand-ins", {"images": images})
        rounds = [{"key": "rounds", "value": "4"}]
        names = {"name": "c", "scenarioId": "churn", "executableId": "content-train"}
        made = send("POST", "/v2/lm/configurations", {**names, "parameterBindings": rounds})
        run = send("POST", "/v2/lm/executions", {"configurationId": made["id"]})
        path = f"/v2/lm/executions/{run['id']}"
        ended = ("COMPLETED", "DEAD")
        shown = wait_for(lambda: send("GET", path), lambda found: found["status"] in ended, 90)
        lines = [line["msg"] for line in send("GET", f"{path}/logs")["data"]["result"]]
        assert shown["status"] == "COMPLETED", lines
        assert any("the model is 8" in line for line in lines)
