"""What an image holds, copied into the root of a container: there the program may write to it.

What is large is mounted read-only instead, so that a run costs little time and no disk.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from cicd.emulator.jobs import Image
from cicd.emulator.runner import environment
from cicd.emulator.runner.bubblewrap import below
from cicd.emulator.runner.sandbox import Mount, Program

MOST_BYTES = 16 * 2**20
"""Of a file that is copied."""
MOST_FILES = 3000
"""Copied for one container."""
OWN_DATA = (".cicd", "emulator.db")
"""A folder of ours: what is in it belongs to no image, and may hold the root itself."""
SYSTEM = ("/bin", "/etc", "/lib", "/lib32", "/lib64", "/sbin", "/usr")
PLAIN = ("/etc", "/usr")
"""Of them what is no program that others need."""
LARGE = (".git", ".venv", "venv", "node_modules")


def program_of(
    image: Image, container: Mapping[str, Any], root: Path, env: Mapping[str, str]
) -> Program:
    """The program of a container, with what its image holds copied into ``root``; its mounts are
    the image's. Raises NotRunnable."""
    files = sorted(environment.files_of(image), key=lambda mount: mount.target)
    return Program(
        command=environment.command_line(container, image, env),
        env=env,
        root=root,
        workdir=environment.workdir_of(container, image),
        python=image.python,
        image=image.local,
        needs_image=bool(image.local and not image.mounts and not image.files),
        mounts=(*environment.mounts_of(image), *copy_in(files, root)),
        folders=tuple(file.target for file in files if file.source.is_dir()),
        paths=tuple(file.target for file in files if not is_shared(file.target)),
    )


def copy_machines(path: str, root: Path) -> list[Mount]:
    """Copy what this machine has at a path where an image would have the like, as far as this user
    may read it and it is not much; as ``copy_in``."""
    source = Path(path)
    if f"/{source.parts[1]}" not in PLAIN or not os.access(source, os.R_OK):
        return []
    if source.is_file():
        _copy(source.resolve(), below(root, path))
        return []
    return copy_in([Mount(source, path)], root, is_readable)


def is_readable(path: Path) -> bool:
    """Whether this user may; a link always is."""
    return path.is_symlink() or os.access(path, os.R_OK)


def is_shared(path: str) -> bool:
    """Whether programs of this machine are there too, which must stay to be seen."""
    return f"/{PurePosixPath(path).parts[1]}" in SYSTEM and Path(path).is_dir()


def copy_in(
    files: Iterable[Mount], root: Path, is_wanted: Callable[[Path], bool] = lambda path: True
) -> list[Mount]:
    """Copy files and folders, outer ones first; mounts for what is too large."""
    mounts: list[Mount] = []
    left = MOST_FILES
    for file in files:
        for path, place in _walk(file.source, PurePosixPath(file.target), is_wanted):
            if path.is_symlink() or (left > 0 and path.is_file() and not _is_large(path)):
                left -= 1
                _copy(path, below(root, str(place)))
            elif path.is_file() or path.is_dir():
                mounts.append(Mount(path, str(place)))
        if file.source.is_dir():
            below(root, file.target).mkdir(parents=True, exist_ok=True)
    return mounts


def _walk(
    source: Path, target: PurePosixPath, is_wanted: Callable[[Path], bool]
) -> Iterator[tuple[Path, PurePosixPath]]:
    """Every file, outer folders first, and the folders that are not looked into."""
    todo = deque([(source, target)])
    while todo:
        path, place = todo.popleft()
        if not is_wanted(path):
            continue
        if path.is_symlink() or not path.is_dir() or path.name in LARGE:
            yield path, place
            continue
        names = {entry.name: entry for entry in path.iterdir()}
        if path.name == OWN_DATA[0] or OWN_DATA[1] in names:
            continue
        todo.extend((names[name], place / name) for name in sorted(names))


def _is_large(path: Path) -> bool:
    return path.stat().st_size > MOST_BYTES


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    shutil.copy2(path, target, follow_symlinks=False)
    if not target.is_symlink() and is_script(target):
        # as RUN chmod would, which has no effect here
        target.chmod(target.stat().st_mode | 0o111)


def is_script(path: Path) -> bool:
    """Whether a file says by which program it wants to be run."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False
