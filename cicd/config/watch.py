"""Watched files: code behind a moving image tag, whose content is part of a run's inputs."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path

_NEVER = {".git", ".cicd", "__pycache__"}
_CHUNK = 1 << 20


def watched_files(root: Path, pattern: str) -> list[Path]:
    """The files that a glob below ``root`` matches, sorted; a folder stands for all that is in it.

    Never caches, ``.git``, or what a link outside the root leads to.
    """
    found: set[Path] = set()
    try:
        matches = list(root.glob(pattern))
    except (ValueError, IndexError, NotImplementedError, OSError):  # "**x", ".", far too long
        return []
    for path in matches:
        found |= {path} if path.is_file() else {p for p in path.rglob("*") if p.is_file()}
    # What a run takes in is told by its digest to others. Nothing outside of the repository is
    # anybody's business.
    inside = root.resolve()
    return sorted(
        path
        for path in found
        if not _NEVER & set(path.relative_to(root).parts)
        if path.resolve().is_relative_to(inside)
    )


def is_file_name(text: str) -> bool:
    """Whether a text can name a file of the project: it is no URL and not the content itself."""
    return "://" not in text and "\n" not in text


def named_files(root: Path, name: str) -> list[Path]:
    """The files below ``root`` that a name stands for: of a folder all that is in it; none where
    nothing is there."""
    return watched_files(root, glob.escape(name))


def names_beside(root: Path, name: str) -> list[str]:
    """Everything in the folder in which something of that name would be, by its name below
    ``root``."""
    try:
        return [path.relative_to(root).as_posix() for path in (root / name).parent.iterdir()]
    except OSError:  # there is no such folder, or there can be none
        return []


def file_digests(root: Path, files: list[Path]) -> dict[str, str]:
    """Name below the root -> sha256 of the content, in the order of ``files``; the line endings of
    text files do not count."""
    return {path.relative_to(root).as_posix(): _file_digest(path) for path in files}


def files_digest(digests: Mapping[str, str]) -> str:
    """sha256 over the names and contents of files."""
    import hashlib

    total = hashlib.sha256()
    for name, text in digests.items():
        total.update(f"{name}\0{text}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _file_digest(path: Path) -> str:
    import hashlib

    digest = hashlib.sha256()
    with path.open("rb") as stream:
        # As Git decides it, which is what changes line endings on Windows.
        is_binary = b"\0" in stream.read(8192)
        stream.seek(0)
        if is_binary:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        else:
            for line in stream:
                digest.update(line[:-2] + b"\n" if line.endswith(b"\r\n") else line)
    return digest.hexdigest()
