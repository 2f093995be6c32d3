"""What a container leaves behind: output parameters are read, output artifacts kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from cicd.emulator.runner import artifacts
from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.inputs import overlap
from cicd.emulator.runner.sandbox import Mount
from cicd.emulator.runner.volumes import covering
from cicd.emulator.workflow import Work, collect


def take(work: Work, root: Path, shared: list[Mount], kept: Path) -> dict[str, Any]:
    """The outputs of a node, artifacts moved below ``kept``. Raises NotRunnable."""
    texts = {}
    for item in work.output_parameters:
        path = _place(item.path, root, shared) if item.path else None
        if path and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            texts[item.name] = text.removesuffix("\n")
        elif item.default is not None:
            texts[item.name] = item.default
        elif item.source:
            texts[item.name] = item.source
        else:
            raise NotRunnable(f"output parameter {item.name}: no file {item.path}")
    paths = {}
    for artifact in work.output_artifacts:
        path = _place(artifact.path, root, shared)
        if artifacts.is_written(path):
            target = kept / artifact.name / path.name
            target.parent.mkdir(parents=True)
            others = [item.path for item in work.output_artifacts if item != artifact]
            is_needed = any(overlap(artifact.path, other) for other in others)
            if is_needed or covering(shared, artifact.path):
                artifacts.place(path, target)
            else:
                shutil.move(path, target)
            paths[artifact.name] = str(target)
        elif not artifact.is_optional:
            raise NotRunnable(f"output artifact {artifact.name}: nothing at {artifact.path}")
    return collect(work.output_parameters, work.output_artifacts, texts, paths)


def _place(path: str, root: Path, shared: list[Mount]) -> Path:
    """Where a container path lies on this machine."""
    covered = covering(shared, path)
    return artifacts.inside(*covered) if covered else artifacts.inside(root, path)
