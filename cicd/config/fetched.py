"""Folders of the project that what runs have made is brought to, each replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from cicd.config.formats import relative_path_problem
from cicd.config.load import FOLDER

KEPT = (FOLDER, ".git")
"""What nothing is put in place of."""


def folder_problem(
    root: Path, folder: str, kept: Iterable[str], taken: Iterable[tuple[str, str]]
) -> str:
    """Why a folder cannot be put in place of what is there; empty where it can. ``kept``: files and
    folders of the project that have to stay; ``taken``: whose folders others are, and which."""
    if problem := relative_path_problem(folder):
        return problem
    path = PurePosixPath(folder)
    if path == PurePosixPath():
        return "would be replaced as a whole: name another"
    for above in (path, *path.parents):
        if (root / above).is_file():
            return "is a file" if above == path else f"is below a file: {above}"
    stays = map(PurePosixPath, (*KEPT, *kept))
    if inner := next((file for file in stays if file.is_relative_to(path)), None):
        return f"is replaced as a whole, and {inner} is in it: name another"
    for whose, other in taken:
        there = PurePosixPath(other)
        if there != PurePosixPath() and (there.is_relative_to(path) or path.is_relative_to(there)):
            return f"is replaced as a whole, and that of {whose} is {there}: name another"
    return ""
