"""kill -9 at any moment under a stream of writes: what was acknowledged is there afterwards, and
what ran ends as it should."""

from __future__ import annotations

import base64
import itertools
import json
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.emulator.host import control
from cicd.emulator.host.testing import Emulator
from cicd.emulator.state import credentials
from tests.emulator.emulator_client import commit, wait_for
from tests.emulator.runner.runner_journal import shell, workflow

KILLS = 6
IMAGE = "local/any:1"
WORK = (
    "echo begin {{inputs.parameters.n}}; sleep 0.1; echo {{inputs.parameters.n}} > /out/model.txt; "
    "echo end {{inputs.parameters.n}}; exit {{inputs.parameters.code}}"
)
ENDED = ("COMPLETED", "DEAD", "STOPPED")


def template() -> dict[str, Any]:
    """Two steps: the second hands out what the first was given."""
    names = ("n", "code")
    inputs = {"parameters": [{"name": name} for name in names]}
    given = {
        "parameters": [
            {"name": name, "value": f"{{{{workflow.parameters.{name}}}}}"} for name in names
        ]
    }
    model = {"name": "model", "path": "/out/model.txt", "globalName": "model"}
    outputs = {"artifacts": [{**model, "archive": {"none": {}}}]}
    first = shell("first", "echo first", container={"image": IMAGE})
    work = shell("work", WORK, inputs=inputs, outputs=outputs, container={"image": IMAGE})
    steps = [
        [{"name": "one", "template": "first"}],
        [{"name": "two", "template": "work", "arguments": given}],
    ]
    found = workflow({"name": "main", "steps": steps}, first, work)
    found["spec"]["arguments"] = {"parameters": [{"name": name} for name in names]}
    found["metadata"] = {
        "name": "work",
        "annotations": {
            "scenarios.ai.sap.com/name": "k",
            "executables.ai.sap.com/name": "k",
            "artifacts.ai.sap.com/model.kind": "model",
        },
        "labels": {"scenarios.ai.sap.com/id": "kill", "ai.sap.com/version": "1"},
    }
    return found


@dataclass
class Known:
    """What the emulator has acknowledged, over all its lives."""

    artifacts: dict[str, str] = field(default_factory=dict)
    """Id -> name."""
    executions: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Id -> number and exit code."""
    doomed: set[str] = field(default_factory=set)
    """Deleted, or perhaps: the answer may have been lost."""
    deleted: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    steps: set[int] = field(default_factory=set)
    file: int = -1
    """The number in the last acknowledged version of one file."""


class Killable:
    """An emulator, writers that keep on, and what they know."""

    def __init__(self, data: Path) -> None:
        self.emulator = Emulator(data, None, 20)
        self.known = Known()
        self.numbers = itertools.count()
        self.over = threading.Event()
        self.tracked = ""

    def send(self, method: str, path: str, body: Any = None, data: bytes | None = None) -> Any:
        """The answer of one request. ConnectionError when the emulator dies meanwhile."""
        issued = credentials.read(self.emulator.data).issue("aicore", issuer="test")
        headers = {"Authorization": f"Bearer {issued}", "AI-Resource-Group": "default"}
        with requests.Session() as session:
            session.trust_env = False
            url = self.emulator.url + path
            answer = session.request(method, url, json=body, data=data, headers=headers, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def onboard(self, repository: Path) -> None:
        commit(repository, {"work.yaml": json.dumps(template())})
        login = {"url": str(repository), "username": "", "password": ""}
        self.send("POST", "/v2/admin/repositories", login)
        body = {"applicationName": "app", "repositoryUrl": str(repository), "path": "."}
        self.send("POST", "/v2/admin/applications", {**body, "revision": "main"})
        status = "/v2/admin/applications/app/status"
        wait_for(lambda: self.send("GET", status)["syncStatus"], lambda found: found == "Synced")
        self.send("PUT", "/emulator/stand-ins", {"images": {IMAGE: {}}})

    def execute(self) -> str:
        number = next(self.numbers)
        code = int(number % 5 == 4)
        bindings = [{"key": "n", "value": str(number)}, {"key": "code", "value": str(code)}]
        names = {"name": "k", "scenarioId": "kill", "executableId": "work"}
        body = {**names, "parameterBindings": bindings}
        configuration = self.send("POST", "/v2/lm/configurations", body)["id"]
        made = self.send("POST", "/v2/lm/executions", {"configurationId": configuration})
        self.known.executions[made["id"]] = (number, code)
        return str(made["id"])

    def write_execution(self) -> None:
        # not so many that they would all wait for each other
        self.execute()
        self.over.wait(0.1)

    def write_artifact(self) -> None:
        name = f"artifact {next(self.numbers)}"
        body = {"name": name, "kind": "model", "url": "ai://default/x", "scenarioId": "kill"}
        self.known.artifacts[self.send("POST", "/v2/lm/artifacts", body)["id"]] = name

    def write_secret(self) -> None:
        name = f"secret-{next(self.numbers)}"
        if len(self.known.secrets) < 40:
            body = {"name": name, "data": {"k": base64.b64encode(name.encode()).decode()}}
            self.send("POST", "/v2/admin/secrets", body)
            self.known.secrets.add(name)
        else:
            self.over.wait(0.1)

    def write_metric(self) -> None:
        step = next(self.numbers)
        metric = {"name": "m", "value": step, "step": step}
        body = {"executionId": self.tracked, "metrics": [metric]}
        self.send("PATCH", "/v2/lm/metrics", body)
        self.known.steps.add(step)

    def write_file(self) -> None:
        number = next(self.numbers)
        data = f"{number}\n".encode() * 20_000
        self.send("PUT", "/v2/lm/dataset/files/default/d/one.csv?overwrite=true", data=data)
        self.known.file = number

    def delete_execution(self) -> None:
        for id in set(self.known.executions) - self.known.doomed - {self.tracked}:
            if self.send("GET", f"/v2/lm/executions/{id}")["status"] in ENDED:
                self.known.doomed.add(id)
                self.send("DELETE", f"/v2/lm/executions/{id}")
                self.known.deleted.add(id)
                break
        self.over.wait(0.3)

    def live(self, seconds: float) -> list[str]:
        """Write all at once for some time, then kill it; what went wrong before that."""
        wrong: list[str] = []
        self.over.clear()

        def repeat(write: Callable[[], None]) -> None:
            try:
                while not self.over.is_set():
                    write()
            except requests.RequestException as error:
                if not self.over.is_set():
                    wrong.append(f"{write.__name__}: {error}")
            except Exception as error:
                wrong.append(f"{write.__name__}: {error}")

        writes = (
            self.write_execution,
            self.write_artifact,
            self.write_secret,
            self.write_metric,
            self.write_file,
            self.delete_execution,
        )
        threads = [threading.Thread(target=repeat, args=(write,)) for write in writes]
        for thread in threads:
            thread.start()
        threading.Event().wait(seconds)
        self.over.set()
        os.kill(self.emulator.endpoint.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        self.emulator.stop()
        return wrong

    def check(self) -> None:
        """Everything acknowledged is there, now."""
        known = self.known
        found = self.send("GET", "/v2/lm/artifacts")["resources"]
        names = {item["id"]: item["name"] for item in found}
        assert known.artifacts.items() <= names.items()
        found = self.send("GET", "/v2/lm/executions")["resources"]
        there = {item["id"] for item in found}
        assert known.executions.keys() - known.doomed <= there
        assert not known.deleted & {i["id"] for i in found if i["targetStatus"] != "DELETED"}
        found = self.send("GET", "/v2/admin/secrets?$top=100")["resources"]
        assert known.secrets <= {item["name"] for item in found}
        tracked = self.send("GET", f"/v2/lm/metrics?executionIds={self.tracked}&$top=10000")
        steps = {m["step"] for item in tracked["resources"] for m in item.get("metrics", [])}
        assert known.steps <= steps
        if known.file >= 0:
            place = self.emulator.data / "objectstore" / "default" / "default" / "d"
            [file] = place.iterdir()
            numbers = file.read_text().split()
            # the version that was not acknowledged any more may be there too, but whole
            assert len(numbers) == 20_000 and len(set(numbers)) == 1
            assert int(numbers[0]) >= known.file

    def check_ends(self) -> None:
        """Every execution ends with the status, the lines and the output that it should have."""
        for id in self.known.executions.keys() - self.known.doomed:
            number, code = self.known.executions[id]
            path = f"/v2/lm/executions/{id}"
            shown = wait_for(lambda p=path: self.send("GET", p), has_ended)  # type: ignore[misc]
            lines = [line["msg"] for line in self.send("GET", f"{path}/logs")["data"]["result"]]
            seen = (shown.get("statusMessage"), lines)
            assert shown["status"] == ("DEAD" if code else "COMPLETED"), seen
            assert f"end {number}" in lines
            outputs = [item["url"] for item in shown["outputArtifacts"]]
            assert outputs == ([] if code else [f"ai://default/{id}/model"])
            for _ in outputs:
                place = self.emulator.data / "objectstore" / "default" / "default" / id / "model"
                assert place.read_text() == f"{number}\n"


def has_ended(shown: Any) -> bool:
    return shown["status"] in ENDED


@pytest.mark.slow
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    killable = Killable(tmp_path / "data")
    killable.emulator.start()
    try:
        killable.onboard(tmp_path / "repository")
        killable.tracked = killable.execute()
        for _ in range(KILLS):
            assert killable.live(random.uniform(0.2, 1.2)) == []
            assert control.status(killable.emulator.data) is None
            killable.emulator.start()
            killable.check()
        killable.check_ends()
        assert len(killable.known.executions) > KILLS
    finally:
        killable.emulator.stop()
    with closing(sqlite3.connect(tmp_path / "data" / "emulator.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list((tmp_path / "data").glob("drafts/*"))
