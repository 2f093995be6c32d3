"""What jobs have made, brought here from wherever it is, and read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath

from cicd.errors import ConnectionFailed, PlatformError
from cicd.platforms.brought import check_names
from cicd.platforms.spark.calls import Calls, Login
from cicd.platforms.spark.dialect.draft import HDFS, S3, scheme_of
from cicd.platforms.spark.negotiate import Ticket
from cicd.platforms.spark.places import FolderPlace, Made, Place
from cicd.platforms.spark.s3 import S3Place
from cicd.platforms.spark.webhdfs import HdfsPlace, site_of
from cicd.threads import together

WORKERS = 8
"""Files that are brought at once."""
CLOCK = 0.01
"""Seconds by which two file systems may tell the time of one file differently."""
Hear = Callable[[int, int], None]
"""Told how many bytes of how many have come."""


class Outputs:
    """``hdfs_url``: the web address of HDFS, empty for that of the name node in a URL; ``user``:
    who asks it. ``login``: for that address; ``ticket``: where it asks for Kerberos."""

    def __init__(
        self, hdfs_url: str, user: str, login: Login | None, ticket: Ticket | None = None
    ) -> None:
        self._hdfs_url = hdfs_url
        self._user = user
        urls = [hdfs_url] if hdfs_url else []
        self._calls = Calls(login, urls, named="HDFS", ticket=ticket)
        self._places: dict[str, Place] = {}

    def files(self, url: str) -> list[Made]:
        """All that is at an address, by name; none where there is nothing."""
        found = self._place(url).files()
        return sorted(found, key=lambda made: made.name)

    def fetch(self, url: str, folder: Path, hear: Hear) -> list[Path]:
        """All that is at an address, into a folder that is there and empty; each with the time that
        it has there. Raises PlatformError where one would lie elsewhere, or does not come whole."""
        place, made = self._place(url), self.files(url)
        check_names(url, [_name(url, one) for one in made])
        total = _Total(sum(one.size for one in made), hear)
        with together(WORKERS) as pool:
            bring = partial(_bring, place, url, folder, total)
            return list(pool.map(bring, made))

    def holds(self, url: str, folder: Path) -> bool:
        """Whether a folder has just that: the same names, sizes and times."""
        wanted = {_name(url, one): one for one in self.files(url)}
        there = {path.relative_to(folder).as_posix(): path for path in _files_in(folder)}
        return wanted.keys() == there.keys() and all(
            _is_same(one, there[name]) for name, one in wanted.items()
        )

    def read(self, url: str, made: Made, most: int) -> bytes:
        """The first bytes of a file, so many at most."""
        found = b""
        with closing(self._place(url).content(made)) as parts:
            for part in parts:
                found += part
                if len(found) >= most:
                    break
        return found[:most]

    def close(self) -> None:
        """Give connections back."""
        self._calls.close()

    def _place(self, url: str) -> Place:
        if url not in self._places:
            self._places[url] = self._connected(url)
        return self._places[url]

    def _connected(self, url: str) -> Place:
        scheme = scheme_of(url)
        if scheme == "file":
            return FolderPlace(url)
        if scheme in S3:
            return S3Place(url)
        if scheme in HDFS:
            return HdfsPlace(url, site_of(url, self._hdfs_url), self._calls, self._user)
        raise PlatformError(f"{url} cannot be read from here", hint="file, s3a and hdfs can")


class _Total:
    """How much of all has come, told from any thread."""

    def __init__(self, total: int, hear: Hear) -> None:
        self._total = total
        self._hear = hear
        self._done = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self._done += size
            self._hear(min(self._done, self._total), self._total)


def _bring(place: Place, url: str, folder: Path, total: _Total, made: Made) -> Path:
    file = folder / _name(url, made)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        for part in place.content(made):
            target.write(part)
            total.add(len(part))
    if (size := file.stat().st_size) != made.size:
        text = f"{url}: {size} bytes of {_name(url, made)} came, which has {made.size}"
        raise ConnectionFailed(text, hint="apply again; is something still written there?")
    os.utime(file, (made.changed, made.changed))
    return file


def _name(url: str, made: Made) -> str:
    return made.name or PurePosixPath(url.rstrip("/")).name


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() or path.is_symlink()]


def _is_same(made: Made, file: Path) -> bool:
    if file.is_symlink():
        return False
    status = file.stat()
    return status.st_size == made.size and abs(status.st_mtime - made.changed) < CLOCK
