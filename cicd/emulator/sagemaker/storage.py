"""What lies at ``s3://`` urls, brought to folders for runs and taken from them: the emulator's own
S3 without a way over HTTP."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from cicd.emulator.runner.artifacts import extract
from cicd.emulator.state.buckets import Buckets, Draft, Object
from cicd.emulator.state.own_bucket import is_free, is_path, share

URL = re.compile(r"(?:s3|https)://([^/]+)/?(.*)", re.DOTALL)
PIECE = 2**20


class DataError(Exception):
    """Data that a run needs is not there, or cannot be stored; the message is AWS's."""


class Storage:
    """All calls may block; any thread may make them."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def objects(self, url: str) -> list[Object]:
        """Every object whose key begins as the url says. Raises DataError where there is none."""
        bucket, prefix = split(url)
        found = [one for one in self._buckets.listed(bucket, prefix, "") if one.key[-1:] != "/"]
        if not found:
            text = f'No S3 objects found under S3 URL "{url}" given in input data source.'
            raise DataError(
                f"ClientError: {text} Please ensure that the bucket exists in the "
                "selected region, and that objects exist under that S3 prefix."
            )
        return found

    def holds(self, url: str) -> bool:
        """Whether there is anything below a url."""
        bucket, key = split(url)
        return bool(self._buckets.listed(bucket, key, ""))

    def fetch(self, url: str, folder: Path) -> list[Path]:
        """Bring everything below a url into a folder, under the names that it has below it."""
        prefix = split(url)[1]
        found = [(one, name_below(one.key, prefix)) for one in self.objects(url)]
        return [path for one, name in found if (path := placed(one, name, folder))]

    def one(self, url: str) -> Path:
        """The content of one object; not to be changed. Raises DataError."""
        bucket, key = split(url)
        found = self._buckets.get(bucket, key)
        if found is None:
            raise DataError(
                f"Could not find model data at {url}. Please ensure that an object exists at the "
                "given path and that the role can read it."
            )
        return found.path

    def unpack(self, url: str, folder: Path) -> None:
        """Bring an archive and lay its files out in a folder. Raises DataError."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tarfile.open(self.one(url)) as archive:
                extract(archive, folder)
        except (tarfile.TarError, OSError) as error:
            raise DataError(f"Failed to extract {url}: {error}") from None

    def pack(self, folder: Path, url: str) -> None:
        """Store the files of a folder as one archive."""
        draft = self._buckets.draft()
        with tarfile.open(draft, "w:gz") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)
        self._keep(draft, url)

    def put(self, folder: Path, url: str) -> None:
        """Store each file of a folder below a url."""
        for path in _files(folder):
            place = f"{url.rstrip('/')}/{path.relative_to(folder).as_posix()}"
            self.keep(path, place)

    def keep(self, file: Path, url: str) -> None:
        """Store a file, which nobody changes any more."""
        self._keep(share(file, self._buckets.draft()), url)

    def write(self, content: bytes, url: str) -> None:
        """Store one object."""
        draft = self._buckets.draft()
        draft.write_bytes(content)
        self._keep(draft, url)

    def _keep(self, draft: Path, url: str) -> None:
        md5 = hashlib.md5(usedforsecurity=False)
        with draft.open("rb") as file:
            while piece := file.read(PIECE):
                md5.update(piece)
        bucket, key = split(url)
        self._buckets.put(bucket, key, Draft(draft, draft.stat().st_size, md5.hexdigest()), {})


def split(url: str) -> tuple[str, str]:
    """Bucket and key. Raises DataError."""
    found = URL.fullmatch(url)
    if not found:
        raise DataError(f"ClientError: {url} is no S3 url")
    return found[1], found[2]


def name_below(key: str, prefix: str) -> str:
    """What a key is called below a prefix, which may end within a name."""
    rest = key.removeprefix(prefix)
    if rest and (prefix.endswith("/") or rest.startswith("/") or not prefix):
        return rest.lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def placed(item: Object, name: str, folder: Path) -> Path | None:
    """The object as a file of that name in the folder; None where it can be none there."""
    target = folder / name
    if not is_path(name) or target.exists() or not is_free(target.parent, folder):
        return None
    return share(item.path, target)


def _files(folder: Path) -> Iterator[Path]:
    """Every file; no link that leads out of the folder."""
    inside = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.resolve().is_relative_to(inside):
            yield path
