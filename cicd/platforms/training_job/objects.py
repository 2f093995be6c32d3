"""What a list of the storage tells of an object, and whether a file is one. No network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

PART = 8 * 2**20
"""Bytes of a part of what is uploaded or fetched in parts."""
PARTS = tuple(size * 2**20 for size in (8, 5, 16, 32, 64, 128))
"""Sizes of parts that others are likely to have uploaded with."""


@dataclass(frozen=True)
class Object:
    """One object as a list shows it; ``changed`` is ISO 8601."""

    key: str
    size: int
    etag: str
    changed: str

    def is_copy(self, file: Path) -> bool:
        """Whether a file has the same content, as far as the tag tells; one that it does not tell
        of counts as another."""
        if not file.is_file() or file.stat().st_size != self.size:
            return False
        digest, _, parts = self.etag.partition("-")
        if not parts:
            return _digest(file) == digest
        sizes = (size for size in PARTS if str(-(-self.size // size)) == parts)
        return any(_digest_of_parts(file, size) == digest for size in sizes)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, _md5).hexdigest()


def _digest_of_parts(file: Path, size: int) -> str:
    whole = _md5()
    with file.open("rb") as stream:
        while part := stream.read(size):
            whole.update(_md5(part).digest())
    return whole.hexdigest()


def _md5(content: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(content, usedforsecurity=False)
