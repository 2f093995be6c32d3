"""Folders of source as archives: the same files make the same bytes, whatever clock, owner or
order."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from cicd.errors import PlatformError
from cicd.model import Spec
from cicd.platforms.sagemaker.dialect.source_folders import source_digest, source_files
from cicd.platforms.sagemaker.storage import FOLDER, Storage


class Sources:
    """The folders of one project in its bucket."""

    def __init__(self, root: Path, storage: Storage) -> None:
        self._root = root
        self._storage = storage

    def of(self, spec: Spec) -> dict[str, str]:
        """Digest of each folder that a wish takes in -> where it is; it is uploaded where it is
        not."""
        own = {str(spec.get("source") or ""): str(spec.get("source_dir") or "")}
        found = {}
        for digest, folder in {**own, **(spec.get("sources") or {})}.items():
            if not digest or not folder:
                continue
            key = f"{FOLDER}/source/{digest}.tar.gz"
            if not self._storage.has(key):
                self._storage.write(key, packed(self._root, folder, digest))
            found[digest] = self._storage.url(key)
        return found


def packed(root: Path, folder: str, digest: str) -> bytes:
    """A .tar.gz of a folder of the project. Raises PlatformError where it is not there, or is not
    what the stage was planned with (its ``digest``)."""
    try:
        if source_digest(root, folder) != digest:
            raise PlatformError(
                f"the files in {folder} have changed since the plan was made",
                hint="run it again",
            )
        whole = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=whole, mode="wb", mtime=0, filename="") as stream,
            tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name, path in source_files(root, folder).items():
                item = tarfile.TarInfo(name)
                item.size = path.stat().st_size
                item.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                with path.open("rb") as content:
                    archive.addfile(item, content)
    except OSError as error:
        raise PlatformError(f"{folder} cannot be packed: {error.strerror or error}") from None
    return whole.getvalue()
