"""The action installed once, and a recorder that stands where ``cicd`` would be."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import REPOSITORY, Project, small
from tests.actions.action_runner import Runner, make_runner

__all__ = ["Installed", "Recorder", "small"]

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
# builds a wheel without a package index: the modules stay where they are, a .pth file says where
BACKEND = """\
import zipfile
from pathlib import Path

INFO = "cicd_under_test-1.dist-info"
FILES = {{
    "under_test.pth": {paths!r},
    f"{{INFO}}/METADATA": "Metadata-Version: 2.1\\nName: cicd-under-test\\nVersion: 1\\n"
    "Provides-Extra: local\\n",
    f"{{INFO}}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\n"
    "Tag: py3-none-any\\n",
    f"{{INFO}}/entry_points.txt": "[console_scripts]\\ncicd = cicd.cli.root:run\\n",
}}


def build_wheel(folder, settings=None, metadata=None):
    name = "cicd_under_test-1-py3-none-any.whl"
    record = "".join(f"{{path}},,\\n" for path in [*FILES, f"{{INFO}}/RECORD"])
    with zipfile.ZipFile(Path(folder, name), "w") as wheel:
        for path, text in {{**FILES, f"{{INFO}}/RECORD": record}}.items():
            wheel.writestr(path, text)
    return name
"""


@dataclass(frozen=True)
class Installed:
    """The action's folder, and what its install step gave."""

    action: Path
    runner: Runner

    def job(self, project: Project, temp: Path, event_name: str, **more: Any) -> Runner:
        """A new job in ``project`` in which the install step has run."""
        environ = {**project.environ, "PATH": self.runner.environ["PATH"]}
        runner = make_runner(project.root, temp, environ, event_name=event_name, **more)
        runner.steps["install"] = self.runner.steps["install"]
        return runner


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("action") / "the action"
    folder.mkdir()
    shutil.copy(REPOSITORY / "action.yml", folder)
    libraries = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    paths = "\n".join([str(REPOSITORY), *libraries]) + "\n"
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "backend.py").write_text(BACKEND.format(paths=paths))
    # python3 of the job is the one that runs the tests
    programs = folder.parent / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    environ = {
        "HOME": str(folder.parent),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
    }
    runner = make_runner(folder, folder.parent / "temp", environ, event_name="push")
    runner.run(folder, {}, skip=("run", "report"))
    return Installed(folder, runner)


RECORDER = """\
#!/bin/sh
{{
  for word in "$@"; do printf '%s\\037' "$word"; done
  printf '\\036%s\\036' "${{GITHUB_REF_NAME-}}"
}} >> {log}
while read -r stage code; do
  for word in "$@"; do [ "$word" != "$stage" ] || exit "$code"; done
done < {codes}
"""
"""A shell, as Python takes ten times as long to start; it separates words and calls by characters
that no word has."""


@dataclass(frozen=True)
class Recorder:
    """A program called ``cicd`` that writes down how it was called. ``codes``: stage -> exit."""

    folder: Path

    def job(self, codes: Mapping[str, int] | None = None, event_name: str = "push") -> Runner:
        lines = [f"{stage} {code}\n" for stage, code in (codes or {}).items()]
        (self.folder / "codes").write_text("".join(lines))
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        (self.folder / "work").mkdir()
        return make_runner(
            self.folder / "work", self.folder / "temp", {"PATH": path}, event_name=event_name
        )

    @property
    def calls(self) -> list[list[str]]:
        return [words.split("\037")[:-1] for words in self._told()[::2]]

    @property
    def branches(self) -> list[str]:
        return self._told()[1::2]

    def _told(self) -> list[str]:
        """Of each call its words, and the branch that it is told."""
        log = self.folder / "log"
        return log.read_text().split("\036")[:-1] if log.exists() else []


def make_recorder(folder: Path) -> Recorder:
    """Its program is ``bin/cicd`` below the folder."""
    program = folder / "bin" / "cicd"
    program.parent.mkdir(parents=True, exist_ok=True)
    files = {name: shlex.quote(str(folder / name)) for name in ("log", "codes")}
    program.write_text(RECORDER.format(**files))
    program.chmod(0o755)
    return Recorder(folder)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return make_recorder(tmp_path)
