"""One emulator, many small stages in it, and time that passes quickly.

Commands run in this process through ``cicd.cli.root.execute``; what they wait for is real (HTTP,
files), only the seconds between two looks are shortened.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd import logs
from cicd.apply import executor, stopping
from cicd.automation.operation import Operation
from cicd.cli import root
from cicd.emulator.host.testing import Emulator
from cicd.platforms.aicore import login, rest
from cicd.platforms.aicore.convert import OUR_LABELS
from cicd.platforms.aicore.lease import DATA, PREFIX, secret_name
from tests.cheap_digests import make_cheap

STAGE = """\
variables: {model: gpt-4o}
aicore: {resource_group: "${var.group}"}
secrets:
  object_store:
    - name: default
      type: S3
      bucket: b
      region: eu
      data: {AWS_ACCESS_KEY_ID: "${env.S3}", AWS_SECRET_ACCESS_KEY: "${env.S3}"}
  docker_registry:
    - {name: "${var.group}-pull", data: {.dockerconfigjson: "${env.DOCKER}"}}
  generic:
    - {name: api, data: {api-key: "${env.API}"}}
artifacts:
  - {key: data, name: Data, kind: dataset, url: "ai://default/d", scenario_id: foundation-models}
deployments:
  - key: chat
    configuration:
      name: chat
      scenario_id: foundation-models
      executable_id: azure-openai
      parameter_bindings: {modelName: "${var.model}", modelVersion: latest}
    timeout: 5m
    destination_name: "${var.group}"
"""
SECRETS = {
    "S3": "kanary-s3-secret",
    "DOCKER": '{"auths": {"https://h": {"auth": "kanary-docker"}}}',
    "API": "kanary-api-key",
}
NUMBERS = itertools.count()
UNANSWERED = 0.4
"""Seconds that a client of these tests waits for an answer."""
DESTINATIONS = "/destination-configuration/v1/subaccountDestinations"
SQUEEZE = 100
"""How much faster a pause is over."""


WAITERS: tuple[Any, ...] = (
    executor.execute,
    stopping.stop_all,
    login.Login.__init__,
    rest.Http.__init__,
    logs.patiently,
    logs.follow,
)
"""Everything that takes its pauses and its clock from whoever calls it; what an operation gives are
its own pauses, which somebody can end."""
HTTP: dict[str, Any] = rest.Http.__init__.__kwdefaults__ or {}


class Clock:
    """A clock whose pauses are short and count in full."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def clock(self) -> float:
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        real = min(seconds / SQUEEZE, 0.1)
        self.skipped += seconds - real
        time.sleep(real)


@contextmanager
def slow_services(emulator: Emulator, seconds: float = 30) -> Iterator[None]:
    """Services come up late: apply reads no log of one that is up at once."""
    late = seconds / SQUEEZE
    with emulator.faults(
        {"operation": "deployment.get", "stale": late},
        {"operation": "deployment.list", "stale": late},
    ):
        yield


@contextmanager
def hastened(timeout: float | None = None) -> Iterator[Clock]:
    """Pauses of everything that a command does are short. ``timeout``: seconds for an answer."""
    clock = Clock()

    def wait(operation: Operation, seconds: float) -> None:
        operation.check()
        clock.sleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operation, "sleep", wait)
        for function in WAITERS:
            defaults: dict[str, Any] = function.__kwdefaults__ or {}
            for name in defaults.keys() & {"sleep", "clock"}:
                patch.setitem(defaults, name, getattr(clock, name))
        make_cheap(patch.setattr)
        if timeout:
            patch.setitem(HTTP, "timeout", (timeout, timeout))
            patch.setattr(login, "TIMEOUT", (timeout, timeout))
        yield clock


@dataclass
class Result:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass
class Faulty:
    """The emulator and a project whose stage ``dev`` is deployed to many resource groups."""

    emulator: Emulator
    root: Path
    capsys: pytest.CaptureFixture[str]

    def group(self) -> str:
        """The name of a resource group that nobody has used yet."""
        return f"g{next(NUMBERS):04d}"

    def cicd(self, *arguments: str, timeout: float | None = None) -> Result:
        """One command in this process, its pauses shortened."""
        self.capsys.readouterr()
        with hastened(timeout):
            code = root.execute(list(arguments))
        return Result(code, *self.capsys.readouterr())

    def apply(self, group: str, *more: str, timeout: float | None = None) -> Result:
        """Apply the stage to a group, one request after the other."""
        options = ("--auto-approve", "--workers", "1", "--var", f"group={group}")
        return self.cicd("apply", "dev", *options, *more, timeout=timeout)

    def get(self, path: str, group: str) -> Any:
        """One answer of the emulator to a client of its own; None where there is none."""
        return self.ask("GET", path, group)

    def ask(self, method: str, path: str, group: str, body: Any = None, **more: str) -> Any:
        """What the emulator says to a client of its own; None where there is nothing to be seen or
        deleted. ``more``: headers."""
        session = self.session if path.startswith(("/v2", "/emulator")) else self.destinations
        headers = {"AI-Resource-Group": group, **more}
        url = self.emulator.url + path
        answer = session.request(method, url, headers=headers, json=body, timeout=10)
        if method in {"GET", "DELETE"} and answer.status_code in {403, 404}:
            return None
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def can_run(self, group: str, mounts: Mapping[str, str]) -> None:
        """The group is there, and its runs of the small project's image find these folders."""
        self.emulator.resource_group(group)
        images = {"docker.io/your-org/small:1": {"mounts": mounts}}
        stand_ins = {"images": images, "artifacts": {}, "root": str(self.root)}
        self.ask("PUT", "/emulator/stand-ins", group, stand_ins)

    @cached_property
    def session(self) -> requests.Session:
        """A client of its own; delete it when its token was revoked."""
        return self._login("AICORE")

    @cached_property
    def destinations(self) -> requests.Session:
        """The same for the destination service."""
        return self._login("DESTINATION")

    def _login(self, service: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        known = self.emulator.environ
        form = {
            "grant_type": "client_credentials",
            "client_id": known[f"{service}_CLIENT_ID"],
            "client_secret": known[f"{service}_CLIENT_SECRET"],
        }
        answer = session.post(f"{self.emulator.url}/oauth/token", data=form, timeout=10)
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return session

    def state(self, group: str) -> dict[str, list[str]]:
        """All that a group has, with names in place of ids: to be compared with another's."""
        found = {kind: self.get(path, group) for kind, path in LISTS.items()}
        items = {kind: answer["resources"] if answer else [] for kind, answer in found.items()}
        names = {
            i["id"]: i["name"] for kind in ("artifacts", "configurations") for i in items[kind]
        }
        runs = {
            i["id"]: i["configurationName"]
            for kind in ("executions", "deployments")
            for i in items[kind]
        }
        state = {
            kind: sorted(
                json.dumps(kept(item, SHOWN[kind]), sort_keys=True) for item in items[kind]
            )
            for kind in items
        }
        state["docker"] = [n for i in items["docker"] if group in (n := str(i["name"]))]
        state["secrets"] = [n for n in state["secrets"] if PREFIX not in n]
        state["locks"] = self.locks(group)
        state["destination"] = self._destination(group)
        state["tags"] = [tag for i in items["executions"] for tag in self._tags(i["id"], group)]
        text = re.sub(r"ai://default/[0-9a-f]{16}/", "ai://default/RUN/", json.dumps(state))
        for id, name in {**names, **runs, group: "GROUP", self.emulator.url: "URL"}.items():
            text = text.replace(id, name)
        loaded: dict[str, list[str]] = json.loads(text)
        return loaded

    def _destination(self, name: str) -> list[str]:
        """Where the destination of this name points to, if there is one."""
        found = self.get(f"{DESTINATIONS}/{name}", name)
        return [f"{found['URL']} {found['Authentication']}"] if found else []

    def _tags(self, execution: str, group: str) -> list[str]:
        """What one run is tagged with."""
        found = self.get(f"/v2/lm/metrics?executionIds={execution}", group)["resources"]
        return sorted(f"{tag['name']}={tag['value']}" for run in found for tag in run["tags"])

    def first_version(self, group: str) -> str:
        """The id of the configuration with the model that the stage names."""
        found = self.get("/v2/lm/configurations", group)["resources"]
        model = {"key": "modelName", "value": "gpt-4o"}
        return next(str(item["id"]) for item in found if model in item["parameterBindings"])

    def locks(self, group: str) -> list[str]:
        """The names of the secrets that are locks."""
        found = self.get("/v2/admin/secrets", group) or {"resources": []}
        return [item["name"] for item in found["resources"] if item["name"].startswith(PREFIX)]

    def leave_lock(self, group: str) -> None:
        """The lock of somebody who has died, and it has ended since."""
        texts = {"run": "r0", "holder": "bob", "until": "2026-01-01T00:00:00Z"}
        labels = [{"key": OUR_LABELS + name, "value": text} for name, text in texts.items()]
        self.ask(
            "POST",
            "/v2/admin/secrets",
            group,
            {"name": secret_name("dev"), "data": DATA, "labels": labels},
        )

    def unlock(self, group: str) -> None:
        """Take the lock away from this process, which goes on living after its commands."""
        if not self.locks(group):
            return
        result = self.cicd("unlock", "dev", "--force", "--var", f"group={group}")
        assert result.code == 0, result.text


LISTS = {
    "artifacts": "/v2/lm/artifacts",
    "configurations": "/v2/lm/configurations",
    "executions": "/v2/lm/executions",
    "deployments": "/v2/lm/deployments",
    "schedules": "/v2/lm/executionSchedules",
    "stores": "/v2/admin/objectStoreSecrets",
    "secrets": "/v2/admin/secrets",
    "docker": "/v2/admin/dockerRegistrySecrets",
}
SHOWN = {
    "artifacts": ("name", "kind", "url", "scenarioId"),
    "configurations": ("name", "executableId", "parameterBindings", "inputArtifactBindings"),
    "executions": ("configurationId", "status"),
    "deployments": ("configurationId", "status", "targetStatus"),
    "schedules": ("name", "cron", "configurationId", "status"),
    "stores": ("name", "metadata"),
    "secrets": ("name",),
    "docker": ("name",),
}


def kept(item: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """These fields, and which labels there are: the value of one may differ, as it is salted."""
    labels = sorted(label["key"] for label in item.get("labels") or ())
    return {**{name: item.get(name) for name in names}, "labels": labels}


def is_one_clear_failure(result: Result) -> bool:
    """Whether a failed command has said what is wrong, in lines, without a trace of our code."""
    said = [
        line for line in result.text.splitlines() if re.search(r"error:|failed|timed out", line)
    ]
    return bool(said) and "Traceback" not in result.text and "bug" not in result.text
