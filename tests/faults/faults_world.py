"""One emulator, many small stages in it, and time that passes quickly.

Commands run in this process through ``cicd.cli.root.execute``; what they wait for is real (HTTP,
files), only the seconds between two looks are shortened.
"""

from __future__ import annotations

import itertools
import json
import os
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
from cicd.apply import executor
from cicd.cli import root
from cicd.emulator.testing import Emulator
from cicd.platforms.aicore import fingerprint, login, rest
from cicd.platforms.aicore.lease import PREFIX

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
    "S3": "canary-s3-secret",
    "DOCKER": '{"auths": {"https://h": {"auth": "canary-docker"}}}',
    "API": "canary-api-key",
}
IS_ALL = os.environ.get("CICD_FAULTS") == "all"
"""Whether every case is run and not just a sample."""
NUMBERS = itertools.count()
UNANSWERED = 0.4
"""Seconds that a client of these tests waits for an answer."""
SQUEEZE = 100
"""How much faster a pause is over."""


WAITERS: tuple[Any, ...] = (
    executor.execute,
    login.Login.__init__,
    rest.Http.__init__,
    logs.patiently,
    logs.follow,
)
"""Everything that takes its pauses and its clock from whoever calls it."""
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
def hastened(timeout: float | None = None) -> Iterator[Clock]:
    """Pauses of everything that a command does are short. ``timeout``: seconds for an answer."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        for function in WAITERS:
            defaults: dict[str, Any] = function.__kwdefaults__ or {}
            for name in defaults.keys() & {"sleep", "clock"}:
                patch.setitem(defaults, name, getattr(clock, name))
        patch.setattr(fingerprint, "_COST", 2)
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
        answer = self.session.get(
            self.emulator.url + path, headers={"AI-Resource-Group": group}, timeout=10
        )
        if answer.status_code in {403, 404}:
            return None
        answer.raise_for_status()
        return answer.json()

    @cached_property
    def session(self) -> requests.Session:
        """A client of its own; delete it when its token was revoked."""
        session = requests.Session()
        session.trust_env = False
        known = self.emulator.environ
        form = {
            "grant_type": "client_credentials",
            "client_id": known["AICORE_CLIENT_ID"],
            "client_secret": known["AICORE_CLIENT_SECRET"],
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
        urls = {i["id"]: i["configurationName"] for i in items["deployments"]}
        state = {
            kind: sorted(
                json.dumps(kept(item, SHOWN[kind]), sort_keys=True) for item in items[kind]
            )
            for kind in items
        }
        state["docker"] = [n for i in items["docker"] if group in (n := str(i["name"]))]
        state["secrets"] = [n for n in state["secrets"] if PREFIX not in n]
        text = json.dumps(state)
        for id, name in {**names, **urls, group: "GROUP", self.emulator.url: "URL"}.items():
            text = text.replace(id, name)
        loaded: dict[str, list[str]] = json.loads(text)
        return loaded

    def locks(self, group: str) -> list[str]:
        """The names of the secrets that are locks."""
        found = self.get("/v2/admin/secrets", group) or {"resources": []}
        return [item["name"] for item in found["resources"] if item["name"].startswith(PREFIX)]

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
    return {name: item.get(name) for name in names}


def is_one_clear_failure(result: Result) -> bool:
    """Whether a failed command has said what is wrong, in lines, without a trace of our code."""
    said = [
        line for line in result.text.splitlines() if re.search(r"error:|failed|timed out", line)
    ]
    return bool(said) and "Traceback" not in result.text and "bug" not in result.text
