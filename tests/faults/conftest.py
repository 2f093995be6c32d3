"""The emulator that all tests of faults share, and a project to apply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.emulator.host import control
from cicd.emulator.host.testing import Emulator, running
from tests.faults.faults_world import SECRETS, STAGE, Faulty


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with running(realism="instant") as emulator:
        quotas = dict.fromkeys(("resourceGroups", "dockerRegistrySecrets", "deployments"), 10_000)
        control.ask(emulator.endpoint, "PUT", "/emulator/quotas", quotas)
        yield emulator


@pytest.fixture
def faulty(
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Faulty]:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "dev.yaml").write_text(STAGE, encoding="utf-8")
    for name, value in {**emulator.environ, **SECRETS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.chdir(tmp_path)
    world = Faulty(emulator, tmp_path, capsys)
    yield world
    control.ask(emulator.endpoint, "DELETE", "/emulator/faults")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder but fuzzing takes its time."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and "fuzz" not in item.path.name:
            item.add_marker(pytest.mark.slow)
