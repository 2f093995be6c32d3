"""A project, a real emulator, and a gate before it that can refuse, repeat or invent any answer.

The commands run in this process.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture
from requests.adapters import HTTPAdapter

from cicd.apply import execute
from cicd.cli import root
from cicd.logs import Polling
from tests.cheap_digests import make_cheap
from tests.emulator.emulator_client import Client, commit, onboard, synced, template_files
from tests.emulator.emulator_client import running as emulator_running
from tests.platforms.stub_server import Reply, Request, StubServer
from tests.platforms.stub_server import running as gate_running

QUICK = Polling(
    gap=0.0, first=0.02, factor=1.0, longest=0.02, patience=0.1, grace=0.1, settle=0.2, lag=0.5
)
STAGE = """\
aicore: {resource_group: GROUP}
git: {application: ops, path: templates, revision: main}
artifacts:
  - {key: data, name: Churn data, kind: dataset, url: "ai://default/d", scenario_id: churn}
executions:
  - key: train
    configuration:
      name: churn-training
      scenario_id: churn
      executable_id: train
      parameter_bindings: {mode: complete}
      input_artifact_bindings: {data: data}
deployments:
  - key: serve
    configuration:
      name: churn-serving
      scenario_id: churn
      executable_id: serve
      parameter_bindings: {greeting: hello}
    destination_name: SERVE
"""
NUMBERS = itertools.count(1)
APPLY = ("apply", "dev", "--auto-approve")
SECRET = "canary-client-secret"


@dataclass(frozen=True)
class Said:
    """What one command line left behind."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The last line on standard error, which tells what went wrong."""
        return self.err.strip().splitlines()[-1]

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass
class World:
    """A project, the emulator, and the gate before it through which all commands go."""

    folder: Path
    client: Client
    gate: StubServer
    group: str = ""
    capture: pytest.CaptureFixture[str] | None = field(default=None, repr=False)

    def cicd(self, *arguments: str) -> Said:
        """One command line in this process; nothing of a secret or of a crash in what it says."""
        assert self.capture
        self.capture.readouterr()
        code = root.execute([word.replace("GROUP", self.group) for word in arguments])
        said = Said(code, *self.capture.readouterr())
        assert "Traceback" not in said.all
        assert "canary" not in said.all
        return said

    def stage(self, text: str = STAGE, name: str = "dev") -> None:
        text = text.replace("GROUP", self.group)
        (self.folder / "stages" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def forward(self, request: Request) -> Reply:
        """What the emulator says, with a token of its own."""
        kept = ("AI-Resource-Group", "AI-Tenant-Scope", "Content-Type", "Accept", "Prefer")
        bearer = self.client.world.credentials.issue(
            "destination" if "destination-configuration" in request.path else "aicore",
            issuer=self.client.url,
        )
        answer = self.client.session.request(
            request.method,
            self.client.url + request.path,
            params=request.query,
            data=request.body.encode(),
            headers={
                "Authorization": f"Bearer {bearer}",
                **{name: request.headers[name] for name in kept if name in request.headers},
            },
            timeout=30,
        )
        kind = answer.headers.get("Content-Type", "application/json")
        return Reply(answer.status_code, answer.text, {"Content-Type": kind})

    def quotas(self, **quotas: Any) -> None:
        self.client.send("PUT", "/emulator/quotas", quotas, status=200)

    def make_group(self) -> None:
        body = {"resourceGroupId": self.group}
        self.client.send("POST", "/v2/admin/resourceGroups", body, status=202)
        self.client.wait(f"/v2/admin/resourceGroups/{self.group}", "PROVISIONED")

    def changes(self) -> list[Request]:
        """What was asked to change anything; a lock that an apply takes is none of it."""
        return [
            request
            for request in self.gate.requests
            if request.method != "GET" and request.path.startswith("/v2/")
            if not request.path.startswith("/v2/admin/secrets")
        ]

    def forget_lock(self) -> None:
        """What an apply leaves that could not give its lock back: in time it expires."""
        path, headers = "/v2/admin/secrets", {"AI-Resource-Group": self.group}
        found = self.client.send("GET", path, headers=headers, status=200).json()["resources"]
        for item in found:
            self.client.send("DELETE", f"{path}/{item['name']}", headers=headers)

    def number(self, kind: str) -> int:
        """How many there are of one kind in the group of this test."""
        headers = {"AI-Resource-Group": self.group}
        return int(self.client.send("GET", f"/v2/lm/{kind}/$count", headers=headers).text)

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """What the emulator has of one kind in the group of this test."""
        headers = {"AI-Resource-Group": self.group}
        answer = self.client.send("GET", f"/v2/lm/{kind}", headers=headers, status=200)
        found: list[dict[str, Any]] = answer.json()["resources"]
        return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("operations")
    project = folder / "project"
    (project / "stages").mkdir(parents=True)
    commit(project, template_files())
    with emulator_running(folder / "data") as client:
        client.session.mount("http://", HTTPAdapter(pool_maxsize=20))
        onboard(client, project, "ops")
        synced(client, "ops")
        yield World(project, client, StubServer())


@pytest.fixture
def world(
    shared: World,
    monkeypatch: pytest.MonkeyPatch,
    mocker: MockerFixture,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[World]:
    """The shared world with a resource group of its own, nothing in its way, quick looks.

    The gate is each test's own: a command that failed does not wait for the reads it had on the
    way, and they arrive when the next test has begun."""
    ready = shared.client.get("/v2/admin/applications")["resources"]
    if not any(one["applicationName"] == "ops" for one in ready):  # an earlier test destroyed it
        onboard(shared.client, shared.folder, "ops")
        synced(shared.client, "ops")
    shared.capture = capsys
    shared.group = f"ops-{next(NUMBERS)}"
    shared.stage()
    for name in ("AICORE_SERVICE_KEY", "VCAP_SERVICES", "AICORE_PROFILE", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AICORE_HOME", str(shared.folder / "nowhere"))
    monkeypatch.chdir(shared.folder)
    mocker.patch("cicd.apply.execute", partial(execute, polling=QUICK))
    make_cheap(mocker.patch.object)
    with gate_running() as (gate, url):
        gate.url = url
        gate.otherwise = shared.forward
        shared.gate = gate
        for prefix in ("AICORE", "DESTINATION"):
            for name in ("AUTH_URL", "BASE_URL"):
                monkeypatch.setenv(f"{prefix}_{name}", url)
            monkeypatch.setenv(f"{prefix}_CLIENT_ID", "me")
            monkeypatch.setenv(f"{prefix}_CLIENT_SECRET", SECRET)
        yield shared
    shared.quotas()
