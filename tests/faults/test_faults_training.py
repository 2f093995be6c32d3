"""Git, a training and what serves its model, while the platform stumbles: synced, run, registered
and deployed once, whatever request of it fails."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SMALL
from tests.emulator.emulator_client import commit
from tests.faults.faults_matrix import KINDS, TIMEOUT, Deed, disturbed, stormed
from tests.faults.faults_world import Faulty
from tests.sampling import IS_ALL

STAGE = """\
aicore:
  resource_group: "${var.group}"
  nodes: {starter: 1}
git: {application: small, path: templates, revision: main, repository: "${env.REPOSITORY}"}
variables: {word: hello, cron: "0 0 * * 0"}
secrets:
  generic:
    - {name: licence, scope: tenant, data: {LICENCE: "${env.API}"}}
artifacts:
  - {key: words, name: Words, kind: dataset, url: "ai://default/words", scenario_id: small}
executions:
  - key: train
    configuration:
      name: small-training
      scenario_id: small
      executable_id: small-train
      parameter_bindings: {word: "${var.word}"}
    watch: [src/train.py]
    require: [{metric: letters, min: 3}]
schedules:
  - {key: weekly, name: weekly-training, execution: train, cron: "${var.cron}"}
deployments:
  - key: serve
    configuration:
      name: small-serving
      scenario_id: small
      executable_id: small-serve
      parameter_bindings: {greeting: hi}
      input_artifact_bindings: {model: "${executions.train.artifacts.model}"}
    smoke_test: {path: /v1/greet, expect: {contains: hi}}
    destination_name: "${var.group}"
"""
SECRETS, OF_TENANT = "/v2/admin/secrets", {"AI-Tenant-Scope": "true"}
RUN_ONCE = {"artifacts": 2, "configurations": 2, "executions": 1, "deployments": 1, "schedules": 1}
APPLY = ("apply", "--workers", "1")
CHANGED = ("--var", "word=goodbye", "--var", "cron=0 3 * * 0")
DEEDS = {
    "apply": Deed(APPLY),
    "change": Deed((*APPLY, "--refresh-secrets", *CHANGED), past=(APPLY,)),
    "destroy": Deed(("destroy", "--force"), past=(APPLY,)),
}


@dataclass
class Training(Faulty):
    """A project that is synced from Git, of which an emulator can have one at a time."""

    groups: list[str] = field(default_factory=list)

    def group(self) -> str:
        """A new group in a tenant that has nothing of the project."""
        self.clear()
        group = super().group()
        self.groups.append(group)
        self.can_run(group, {"/app/src": f"{self.root}/src"})
        return group

    def clear(self) -> None:
        """Take away all that is not in a group, and the groups so far."""
        for path in ("applications", "repositories"):
            for item in self.get(f"/v2/admin/{path}", "default")["resources"]:
                name = item.get("applicationName") or item["name"]
                self.ask("DELETE", f"/v2/admin/{path}/{name}", "default")
        for name in self._licences():
            self.ask("DELETE", f"{SECRETS}/{name}", "default", **OF_TENANT)
        plans = {"resourcePlans": [{"name": "starter", "request": 0}]}
        self.ask("PATCH", "/v2/admin/resources/nodes", "default", plans)
        while self.groups:
            group = self.groups.pop()
            self.ask("DELETE", f"/v2/admin/resourceGroups/{group}", group)

    def state(self, group: str) -> dict[str, list[str]]:
        """Also what belongs to the whole tenant."""
        nodes = self.get("/v2/admin/resources/nodes", "default")["resourcePlans"]
        found = {
            "applications": self._names("applications", "applicationName"),
            "repositories": self._names("repositories", "status"),
            "nodes": [str(nodes["starter"]["requested"])],
            "licences": self._licences(),
        }
        return {**super().state(group), **found}

    def _names(self, path: str, field: str) -> list[str]:
        return [str(i[field]) for i in self.get(f"/v2/admin/{path}", "default")["resources"]]

    def _licences(self) -> list[str]:
        found = self.ask("GET", SECRETS, "default", **OF_TENANT)["resources"]
        return [str(item["name"]) for item in found]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    commit(folder, {name: textwrap.dedent(text) for name, text in SMALL.items()})
    return folder


@pytest.fixture
def training(faulty: Faulty, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, text in SMALL.items():
        path = faulty.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    (faulty.root / "stages" / "dev.yaml").write_text(STAGE, encoding="utf-8")
    monkeypatch.setenv("REPOSITORY", repository.as_uri())
    world = Training(faulty.emulator, faulty.root, faulty.capsys)
    yield world
    world.clear()


@pytest.mark.parametrize("first", range(11) if IS_ALL else [0])
def test_the_first_request_of_every_sort_fails(training: Training, first: int) -> None:
    """Also what the suite has of the next test, which takes long."""
    wrong = stormed(training, DEEDS.values(), first)
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not IS_ALL, reason="takes half an hour")
@TIMEOUT
@pytest.mark.parametrize("piece", KINDS)
@pytest.mark.parametrize("name", DEEDS)
def test_every_request_about_a_training_fails_once(
    training: Training, name: str, piece: str
) -> None:
    wrong = disturbed(training, DEEDS[name], piece)
    assert not wrong, "\n".join(wrong)


def test_what_an_undisturbed_apply_leaves(training: Training) -> None:
    """All that the others are compared with is there, once."""
    group = training.group()
    result = training.apply(group)
    assert result.code == 0, result.text
    state = training.state(group)
    assert {kind: len(state[kind]) for kind in RUN_ONCE} == RUN_ONCE, state
    assert '"status": "COMPLETED"' in state["executions"][0]
    assert '"status": "RUNNING"' in state["deployments"][0]
    assert len(state["tags"]) >= 3 and len(state["destination"]) == 1
    tenant = {name: state[name] for name in ("applications", "repositories", "nodes", "licences")}
    assert tenant == {
        "applications": ["small"],
        "repositories": ["COMPLETED"],
        "nodes": ["1"],
        "licences": ["licence"],
    }


@pytest.mark.parametrize(
    "lists", [("execution",), ("schedule",), ("configuration", "execution", "deployment")], ids=str
)
def test_a_training_that_no_list_shows_yet_is_not_run_again(
    training: Training, lists: tuple[str, ...]
) -> None:
    """Nor is the schedule made again, or what serves its model."""
    group = training.group()
    rules = [{"operation": f"{kind}.list", "stale": 600} for kind in lists]
    with training.emulator.faults(*rules):
        first = training.apply(group)
        assert first.code == 0, first.text
        second = training.apply(group)
        assert second.code == 0 and "No changes" in second.text, second.text
    state = training.state(group)
    assert {kind: len(state[kind]) for kind in RUN_ONCE} == RUN_ONCE, state
