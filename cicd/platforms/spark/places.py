"""Where jobs have put what they made, and what is there: on this machine, in S3, in HDFS."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from cicd.errors import PlatformError

PART = 1 << 20
"""Bytes that are moved at once."""


@dataclass(frozen=True)
class Made:
    """One file. ``name``: below the place; empty where the place itself is the file. ``changed``:
    when, in seconds since 1970."""

    name: str
    size: int
    changed: float


class Place(Protocol):
    """What is at one address. All raise PlatformError where nobody can read it."""

    def files(self) -> list[Made]:
        """All that is there; none where there is nothing."""
        ...

    def content(self, made: Made) -> Generator[bytes, None, None]:
        """One of them, in pieces."""
        ...


class FolderPlace:
    """A file or a folder of this machine. ``url``: a path, or a ``file:`` URL."""

    def __init__(self, url: str) -> None:
        self._path = Path(unquote(urlsplit(url).path) if "://" in url else url)

    def files(self) -> list[Made]:
        try:
            if self._path.is_dir():
                inner = (file for file in self._path.rglob("*") if file.is_file())
                return [self._made(file, file.relative_to(self._path)) for file in inner]
            return [self._made(self._path, Path())] if self._path.is_file() else []
        except OSError as error:
            raise self._failure(error) from None

    def content(self, made: Made) -> Generator[bytes, None, None]:
        try:
            with (self._path / made.name).open("rb") as file:
                while part := file.read(PART):
                    yield part
        except OSError as error:
            raise self._failure(error) from None

    def _made(self, file: Path, name: Path) -> Made:
        status = file.stat()
        known = "" if name == Path() else name.as_posix()
        return Made(known, status.st_size, status.st_mtime)

    def _failure(self, error: OSError) -> PlatformError:
        return PlatformError(f"{error.filename or self._path} cannot be read: {error.strerror}")
