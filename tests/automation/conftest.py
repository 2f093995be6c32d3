"""The Python API in a process that offers it nothing: an empty environment, a working directory
that is elsewhere, and streams on which nothing may appear."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cicd import Project
from tests.acceptance.operations_world import STAGE, World, shared, world  # noqa: F401 fixtures

HANDED = ("AICORE_", "DESTINATION_", "PATH", "HOME")
TRAIN_ONLY = STAGE[: STAGE.index("deployments:")]


@dataclass
class Desk:
    """A project, what is handed to it, and the emulator behind its gate."""

    world: World
    environ: dict[str, str]

    @property
    def project(self) -> Project:
        return Project(self.world.folder, environ=self.environ)

    def stage(self, text: str = STAGE, name: str = "dev") -> None:
        self.world.stage(text, name)


@pytest.fixture
def desk(
    world: World,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    environ = {name: value for name, value in os.environ.items() if name.startswith(HANDED)}
    for name in os.environ:
        monkeypatch.delenv(name)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    capsys.readouterr()
    yield Desk(world, environ)
    assert Path.cwd() == elsewhere
    assert capsys.readouterr() == ("", "")
    assert set(os.environ) <= {"PYTEST_CURRENT_TEST"}
