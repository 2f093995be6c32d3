"""A training and what serves its model, while the platform stumbles: run once, registered once."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SMALL
from tests.emulator.emulator_client import commit
from tests.faults.faults_world import IS_ALL, Faulty, is_one_clear_failure

RUN_ONCE = {"artifacts": 1, "configurations": 2, "executions": 1, "deployments": 1}
CASES: list[tuple[str, Mapping[str, Any]]] = [
    ("execution.create", {"status": 503}),
    ("execution.create", {"lost": "reset"}),
    ("execution.create", {"body": "truncated"}),
    ("execution.get", {"reset": True}),
    ("execution.logs", {"body": "html"}),
    ("metric.update", {"lost": 504}),
    ("metric.list", {"status": 500}),
    ("deployment.create", {"lost": 504}),
    ("inference.call", {"status": 502, "body": "html"}),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    commit(folder, {name: textwrap.dedent(text) for name, text in SMALL.items()})
    return folder


@pytest.fixture
def training(faulty: Faulty, repository: Path) -> Faulty:
    """The project of the acceptance tests, which the emulator syncs from a repository."""
    for name, text in SMALL.items():
        path = faulty.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    stage = faulty.root / "stages" / "dev.yaml"
    text = stage.read_text(encoding="utf-8")
    text = text.replace("resource_group: small-dev", 'resource_group: "${var.group}"')
    text = text.replace("revision: main}", f"revision: main, repository: '{repository.as_uri()}'}}")
    text = text.replace("destination_name: SMALL", 'destination_name: "${var.group}"')
    stage.write_text(text, encoding="utf-8")
    return faulty


@pytest.mark.parametrize(("operation", "effects"), CASES if IS_ALL else CASES[1::3])
def test_a_training_and_its_service(
    training: Faulty, operation: str, effects: Mapping[str, Any]
) -> None:
    group = training.group()
    training.emulator.resource_group(group)
    answer = training.session.put(
        f"{training.emulator.url}/emulator/stand-ins",
        json={
            "images": {
                "docker.io/your-org/small:1": {"mounts": {"/app/src": f"{training.root}/src"}}
            },
            "artifacts": {},
            "root": str(training.root),
        },
        headers={"AI-Resource-Group": group},
        timeout=10,
    )
    answer.raise_for_status()
    with training.emulator.faults(operation=operation, times=1, **effects) as rules:
        result = training.apply(group)
        assert rules.fired, result.text
    if result.code:
        assert result.code in {1, 4, 6}, result.text
        assert is_one_clear_failure(result), result.text
        assert training.apply(group).code == 0
    state = training.state(group)
    assert {kind: len(state[kind]) for kind in RUN_ONCE} == RUN_ONCE, result.text
    assert '"status": "COMPLETED"' in state["executions"][0]
    assert '"status": "RUNNING"' in state["deployments"][0]
