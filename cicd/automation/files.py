"""Writes files that somebody keeps."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cicd.errors import CicdError


def write_file(path: Path, text: str) -> None:
    """Write a whole file or leave the old one as it was; a device or a pipe stays one. Raises
    CicdError."""
    # half a surrogate pair may come in from any server
    content = text.encode("utf-8", "replace")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace_file(Path(os.path.realpath(path)), content)
    except OSError as error:
        raise CicdError(f"cannot write {path}: {error.strerror}") from error


def _replace_file(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
