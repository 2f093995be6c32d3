"""Where in its container a step may write, and what it finds there from the start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from cicd.emulator.jobs import Image
from cicd.emulator.runner import content, environment
from cicd.emulator.runner.sandbox import Mount, Program
from cicd.emulator.runner.volumes import covering
from cicd.emulator.workflow import Work

USUAL = "/app"
"""Where images for SAP AI Core have their files."""
MAKING = re.compile(r"\bmkdir|\bmakedirs")


class Places:
    """Those of one step, in what stands in for its image."""

    def __init__(self, work: Work, image: Image) -> None:
        self._work = work
        self._image = image

    def had_before(self, paths: list[str], program: Program) -> list[Mount]:
        """What is taken from the container afterwards may be there from the start: a copy of what
        an image has there, where this machine's programs stand in for it."""
        covered = [*program.mounts, *program.shared]
        copied = [item.path for item in self._work.inputs]
        found = []
        for path in paths:
            is_brought = covering(covered, path) or path in copied
            if not is_brought and not (program.root / path.lstrip("/")).exists():
                found += content.copy_machines(path, program.root)
        return found

    def folders(self, outputs: list[str]) -> set[str]:
        """Folders that must be writable.

        An image usually brings the folder around an output with it, and that of an output artifact
        beside its own files, unless the path has a suffix: so there they are. A template that
        makes folders itself finds none.
        """
        copied = {item.path for item in self._work.inputs}
        copies = {str(PurePosixPath(path).parent) for path in copied}
        if self.makes_folders():
            mounts = [*environment.mounts_of(self._image), *environment.files_of(self._image)]
            return ({nearest(path, mounts) for path in outputs} | copies) - {"/"}
        folders = {str(PurePosixPath(path).parent) for path in outputs}
        own = (
            environment.workdir_of({}, self._image),
            *self._image.mounts,
            *self._image.files,
            USUAL,
        )
        places = tuple(f"/{PurePosixPath(place).parts[1]}" for place in own if place != "/")
        for item in self._work.output_artifacts:
            path = PurePosixPath(item.path)
            is_folder = not path.suffix and is_below(item.path, places)
            if is_folder and path.parts[1] != "tmp" and item.path not in copied:
                folders.add(item.path)
        return (folders | copies) - {"/"}

    def makes_folders(self) -> bool:
        """Whether the words of the template do."""
        container = self._work.container
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        return MAKING.search(" ".join(map(str, [*words, self._work.source]))) is not None


def nearest(path: str, mounts: Sequence[Mount]) -> str:
    """The folder around a path that is there: in what is mounted, or on this machine."""
    for place in PurePosixPath(path).parents:
        covered = covering(mounts, str(place))
        if Path(covered[0], covered[1]).is_dir() if covered else Path(place).is_dir():
            return str(place)
    return "/"


def is_below(path: str, folders: tuple[str, ...]) -> bool:
    """Whether a path is one of the folders, or in one of them."""
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)
