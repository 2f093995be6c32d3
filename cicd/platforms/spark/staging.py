"""Programs on their way to the workers: a folder for each run, in it one for each content."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from cicd.errors import PlatformError

DIGITS = 16


class Staging(Protocol):
    """Where programs lie that drivers fetch."""

    def put(self, run: str, files: Mapping[str, bytes]) -> dict[str, str]:
        """Name -> URL of each of these files of a run. May be repeated."""
        ...

    def remove(self, run: str) -> None:
        """What there is of a run; one that has nothing there is no matter."""
        ...

    def runs(self) -> list[str]:
        """The runs that have something there."""
        ...


class FolderStaging:
    """A folder that this machine and the workers see under the same path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, run: str, files: Mapping[str, bytes]) -> dict[str, str]:
        return {name: self._put(run, name, content) for name, content in files.items()}

    def _put(self, run: str, name: str, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()[:DIGITS]
        path = self._folder / run / digest / PurePosixPath(name).name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise PlatformError(
                f"cannot write {path}: {error.strerror}", hint="check spark.staging"
            ) from None
        return path.as_uri()

    def remove(self, run: str) -> None:
        shutil.rmtree(self._folder / run, ignore_errors=True)

    def runs(self) -> list[str]:
        return [path.name for path in self._folder.glob("*") if path.is_dir()]
