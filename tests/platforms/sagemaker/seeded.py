"""A project of SageMaker that is applied, and what commands say of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from tests.emulator.sagemaker.aws import Aws


@dataclass
class Told:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """A repository whose stages go to the emulator."""

    root: Path
    aws: Aws

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, *arguments: str, code: int | None = 0) -> Told:
        """A command; ``code``: None for any."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            ended = execute(list(arguments))
        told = Told(ended, out.getvalue(), err.getvalue())
        assert code in (None, ended), f"{arguments}: {ended}\n{told.out}\n{told.err}"
        return told


@contextmanager
def in_project(
    root: Path, aws: Aws, environ: Mapping[str, str], files: Mapping[str, str]
) -> Iterator[Project]:
    """The files of a project, with its environment, as the current folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "CICD_"))]:
            patch.delenv(name)
        for name, value in {**environ, "NO_PROXY": "*"}.items():
            patch.setenv(name, value)
        patch.chdir(root)
        made = Project(root, aws)
        for name, text in files.items():
            made.write(name, text)
        yield made
