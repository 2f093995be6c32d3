"""A stage that has run for a while: an emulator in this process with runs, metrics, a deployment.

Runs (oldest first) of execution/train: ``dead``, ``good`` (accuracy 0.9), ``best`` (0.95); a run of
nobody's stage file: ``other``. All of it through the API; only the times are set in the store, as
nobody wants to wait for a second to pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cicd.cli import root
from tests.emulator.emulator_client import Client, commit, onboard, running, synced, template_files

STAGE = """\
aicore: {resource_group: default}
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
    require: [{metric: odd, max: 5}]
  - key: never
    configuration:
      name: never-started
      scenario_id: churn
      executable_id: train
      parameter_bindings: {mode: complete}
      input_artifact_bindings: {data: data}
deployments:
  - key: serve
    configuration: {name: churn-serving, scenario_id: churn, executable_id: serve}
"""


@dataclass
class Operated:
    """A project folder, the emulator and the ids of what runs there."""

    root: Path
    client: Client
    environ: Mapping[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    def configuration(self, name: str, executable: str = "train", **parameters: str) -> str:
        bound = [{"key": "data", "artifactId": self.ids["data"]}] if executable == "train" else []
        body = {
            "name": name,
            "scenarioId": "churn",
            "executableId": executable,
            "parameterBindings": [{"key": k, "value": v} for k, v in parameters.items()],
            "inputArtifactBindings": bound,
        }
        return str(self.client.send("POST", "/v2/lm/configurations", body, status=201).json()["id"])

    def start(self, name: str, day: int, *, configuration: str = "churn-training", **p: str) -> str:
        """A run that was started on that day of January 2026 and took ten minutes."""
        body = {"configurationId": self.configuration(configuration, **p)}
        id = str(self.client.send("POST", "/v2/lm/executions", body, status=202).json()["id"])
        done = ("RUNNING",) if p["mode"] == "hang" else ("COMPLETED", "DEAD")
        self.client.wait(f"/v2/lm/executions/{id}", *done)
        with self.client.world.store.transaction() as db:
            db.execute(
                "UPDATE runs SET created_at = ?, started_at = ? WHERE id = ?",
                (f"2026-01-{day:02d}T12:00:00Z", f"2026-01-{day:02d}T12:00:00Z", id),
            )
            if p["mode"] != "hang":
                end = f"2026-01-{day:02d}T12:10:00Z"
                db.execute("UPDATE runs SET completed_at = ? WHERE id = ?", (end, id))
        self.ids[name] = id
        return id

    def track(self, id: str, metrics: Mapping[str, list[float]], **tags: str) -> None:
        body = {
            "executionId": id,
            "metrics": [
                {"name": n, "value": v, "step": s, "timestamp": f"2026-01-01T00:00:{s:02d}Z"}
                for n, values in metrics.items()
                for s, v in enumerate(values)
            ],
            "tags": [{"name": n.replace("_", "."), "value": v} for n, v in tags.items()],
            "customInfo": [{"name": "notes", "value": "two\nlines"}],
        }
        self.client.send("PATCH", "/v2/lm/metrics", body, status=204)


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """The world described above, one for each test module."""
    folder = tmp_path_factory.mktemp("operated")
    (folder / "project" / "stages").mkdir(parents=True)
    (folder / "project/stages/dev.yaml").write_text(STAGE, encoding="utf-8")
    commit(folder / "project", template_files())
    with running(folder / "data") as client:
        onboard(client, folder / "project")
        synced(client)
        known = client.world.credentials
        environ = {
            "AICORE_BASE_URL": f"{client.url}/v2",
            "AICORE_AUTH_URL": client.url,
            "AICORE_CLIENT_ID": known.client_id,
            "AICORE_CLIENT_SECRET": known.client_secret,
        }
        world = Operated(folder / "project", client, environ)
        fill(world)
        yield world


def fill(world: Operated) -> None:
    """The runs of all that time."""
    data = {"name": "Churn data", "kind": "dataset", "url": "ai://default/d", "scenarioId": "churn"}
    made = world.client.send("POST", "/v2/lm/artifacts", data, status=201)
    world.ids["data"] = str(made.json()["id"])
    world.start("dead", 1, mode="fail")
    good = world.start("good", 2, mode="complete", rounds="3")
    best = world.start("best", 3, mode="complete", rounds="5")
    world.start("other", 4, configuration="by-hand", mode="complete")
    courses = {"accuracy": [0.5, 0.7, 0.9], "odd": [1.0], "loss": [0.9, 0.2]}
    world.track(good, courses, cicd_commit="a" * 40, cicd_key="execution/train")
    courses = {"accuracy": [0.6, 0.95], "odd": [2.0], "loss": [0.8, 0.3]}
    world.track(best, courses, cicd_commit="b" * 40, cicd_key="execution/train")
    body = {"configurationId": world.configuration("churn-serving", "serve")}
    made = world.client.send("POST", "/v2/lm/deployments", body, status=202)
    world.ids["serve"] = str(made.json()["id"])
    world.client.wait(f"/v2/lm/deployments/{world.ids['serve']}", "RUNNING")


class Cicd:
    """The command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What it prints on standard output; asserts the exit code."""
        return self.both(*arguments, code=code)[0]

    def both(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """What it prints on standard output and standard error."""
        self._capsys.readouterr()
        found = root.execute(list(arguments))
        out, err = self._capsys.readouterr()
        assert found == code, f"exit code {found}\n{out}\n{err}"
        return out, err

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--output", "json"))


@contextmanager
def _inside(world: Operated, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.chdir(world.root)
        for name in ("AICORE_RESOURCE_GROUP", "VCAP_SERVICES", "AICORE_PROFILE", "GITHUB_ACTIONS"):
            patch.delenv(name, raising=False)
        for name, value in world.environ.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def cicd(
    operated: Operated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cicd]:
    """``cicd …`` inside that world."""
    with _inside(operated, monkeypatch):
        yield Cicd(capsys)
