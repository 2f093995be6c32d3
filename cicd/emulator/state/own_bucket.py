"""A bucket of the emulator's own S3 as a place for files and folders of runs.

Content is shared with the files of a run rather than copied where the file system can do that:
neither side ever writes to a file that is there.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
import stat
from pathlib import Path

from cicd.emulator.state.buckets import PIECE, Buckets, Draft
from cicd.emulator.state.s3 import files


class OwnBucket:
    """Implements ``objectstore.Place``."""

    def __init__(self, buckets: Buckets, name: str) -> None:
        self._buckets = buckets
        self._name = name

    def upload(self, parts: list[str], source: Path) -> None:
        """Store a file, or every file below a folder that is new or differs from its object. Links
        that lead out of it are left out."""
        for path in files(source):
            below = path.relative_to(source).parts
            # a name may be any bytes, a key is text
            key = os.fsencode("/".join([*parts, *below])).decode("utf-8", "replace")
            before = self._buckets.get(self._name, key)
            if not os.access(path, os.R_OK):
                path.chmod(stat.S_IRUSR | stat.S_IWUSR)
            if before is None or not filecmp.cmp(path, before.path, shallow=False):
                self._buckets.put(self._name, key, self._draft(path.resolve()), {})

    def download(self, parts: list[str], target: Path) -> Path:
        """Bring a file, or everything below it as a folder, to ``target``; its place there. What is
        not there is an empty folder; objects whose keys cannot be paths are left out."""
        key = "/".join(parts)
        if found := self._buckets.get(self._name, key):
            return share(found.path, target / parts[-1])
        target.mkdir(parents=True, exist_ok=True)
        for item in self._buckets.listed(self._name, f"{key}/", ""):
            below = item.key.removeprefix(f"{key}/")
            path = target / below
            if is_path(below) and not path.exists() and is_free(path.parent, target):
                share(item.path, path)
        return target

    def holds(self, parts: list[str]) -> bool:
        """Whether there is a file."""
        return self._buckets.get(self._name, "/".join(parts)) is not None

    def delete(self, parts: list[str]) -> None:
        """Delete a file; one that is not there is no error."""
        self._buckets.delete(self._name, "/".join(parts))

    def _draft(self, path: Path) -> Draft:
        md5 = hashlib.md5(usedforsecurity=False)
        place = share(path, self._buckets.draft())
        with place.open("rb") as file:
            while piece := file.read(PIECE):
                md5.update(piece)
        return Draft(place, place.stat().st_size, md5.hexdigest())


def share(source: Path, target: Path) -> Path:
    """The same content at ``target``, which is new."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


def is_path(key: str) -> bool:
    """Whether a key can be a file below a folder; keys may be written by anybody."""
    parts = key.split("/")
    is_short = all(0 < len(os.fsencode(part)) < 256 for part in parts)
    return is_short and not {"", ".", ".."} & set(parts) and "\0" not in key


def is_free(folder: Path, top: Path) -> bool:
    """Whether a folder can be there: no object is a file where another needs one."""
    return not any(
        place.is_file() for place in (folder, *folder.parents) if place.is_relative_to(top)
    )
