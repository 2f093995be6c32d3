"""Folders of source that jobs and models take in: their files, and one digest of all."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cicd.config.watch import named_files


def source_files(root: Path, folder: str) -> dict[str, Path]:
    """Name in the folder -> file, in the order of their names; of a single file, that."""
    base = root / folder
    base = base.parent if base.is_file() else base
    files = named_files(root, folder)
    return dict(sorted((path.relative_to(base).as_posix(), path) for path in files))


def source_digest(root: Path, folder: str) -> str:
    """sha256 of names, contents, and what may be executed. OSError where a file cannot be read."""
    total = hashlib.sha256()
    for name, path in source_files(root, folder).items():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        mark = "x" if path.stat().st_mode & 0o100 else "-"
        total.update(f"{name}\0{mark}\0{content}\n".encode(errors="surrogateescape"))
    return total.hexdigest()
