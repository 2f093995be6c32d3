"""What a container leaves behind: output parameters are read, output artifacts kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.emulator.runner import artifacts
from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.inputs import overlap
from cicd.emulator.runner.sandbox import Mount
from cicd.emulator.runner.volumes import covering
from cicd.emulator.workflow import Artifact, OutputParameter, Work, collect


@dataclass(frozen=True)
class Outputs:
    """``shared``: volumes that the container could write to, ``mounts``: what it could only read.
    Artifacts go below ``kept``, those with a key of their own to ``keep`` as well."""

    root: Path
    shared: Sequence[Mount]
    mounts: Sequence[Mount]
    kept: Path
    keep: Callable[[str, Path], None]
    made: Collection[str] = ()
    """Container paths of the folders that were there before it began."""

    def take(self, work: Work) -> tuple[dict[str, Any], str]:
        """The outputs that are there, and why others are not; a program that has failed may have
        written some. No parameter is read after one that is missing (SaveParameters). Raises
        NotRunnable."""
        texts: dict[str, str] = {}
        missing = ""
        for item in work.output_parameters:
            text = self._text(item)
            if text is None:
                missing = f"output parameter {item.name}: no file {item.path}"
                break
            texts[item.name] = text
        paths = {}
        for artifact in work.output_artifacts:
            path = self._place(artifact.path)
            if artifacts.is_written(path, was_made=artifact.path in self.made):
                others = [item.path for item in work.output_artifacts if item != artifact]
                is_needed = any(overlap(artifact.path, other) for other in others)
                target = self._moved(artifact, path, is_needed=is_needed)
                paths[artifact.name] = str(target)
                if artifact.remote:
                    self._store(artifact, target)
            elif not artifact.is_optional:
                missing = missing or f"output artifact {artifact.name}: nothing at {artifact.path}"
        found = collect(work.output_parameters, work.output_artifacts, texts, paths)
        return found, missing

    def _text(self, item: OutputParameter) -> str | None:
        """The value of a parameter; None where there is none."""
        path = self._place(item.path) if item.path else None
        if path and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            return text.removesuffix("\n")
        if item.default is not None:
            return item.default
        return item.source or None

    def _moved(self, artifact: Artifact, path: Path, *, is_needed: bool) -> Path:
        """The artifact in its own place; a copy where others still need it."""
        target = self.kept / artifact.name / path.name
        target.parent.mkdir(parents=True)
        # Moved where that is possible, which takes no time and no second place on the disk. What
        # lies in a volume belongs to other steps as well.
        if is_needed or not path.resolve().is_relative_to(self.root.resolve()):
            artifacts.place(path, target)
        else:
            shutil.move(path, target)
        return target

    def _store(self, artifact: Artifact, path: Path) -> None:
        """Put an artifact where its ``s3.key`` says."""
        assert artifact.remote
        if artifact.is_archived:
            packed = path.parent.parent / f"{artifact.name}.tgz"
            artifacts.pack(path, packed, path.name)
            path = packed
        try:
            self.keep(str(artifact.remote["s3"]["key"]), path)
        except ValueError as error:
            raise NotRunnable(f"output artifact {artifact.name}: {error}") from None

    def _place(self, path: str) -> Path:
        """Where a container path lies on this machine."""
        covered = covering(self.shared, path)
        own = artifacts.inside(*covered) if covered else artifacts.inside(self.root, path)
        had = None if covered or own.exists() else covering(self.mounts, path)
        if had and (found := artifacts.inside(*had)).exists():
            return found
        return own
