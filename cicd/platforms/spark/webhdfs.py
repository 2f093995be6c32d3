"""What is in HDFS, by its REST API (Apache Hadoop, WebHDFS), which HttpFS and Knox have too."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from cicd.errors import NotFound, PlatformError
from cicd.platforms.spark import shapes
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.places import Made

PORT = 9870
"""Of a name node's web page, which is not that of its URLs."""
_NAME = re.compile(r"[^/\0]+")


def site_of(url: str, said: str) -> str:
    """The web address that answers for a URL. ``said``: the one that the stage file names, empty
    for the name node's own. Raises PlatformError where nobody tells it."""
    parts = urlsplit(url)
    if parts.scheme in {"webhdfs", "swebhdfs"} and parts.netloc:
        return f"{'http' if parts.scheme == 'webhdfs' else 'https'}://{parts.netloc}"
    if said:
        return said.rstrip("/")
    if not parts.hostname:
        raise PlatformError(f"{url} does not tell its name node", hint="set spark.hdfs_url")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"http://{host}:{PORT}"


class HdfsPlace:
    """A file or a folder. ``user``: who asks, where nobody has to log in."""

    def __init__(self, url: str, site: str, calls: Calls, user: str) -> None:
        # Hadoop takes its paths as they are: a % in one is no more than that
        self._path = "/" + url.partition("://")[2].partition("/")[2].strip("/")
        self._site = site
        self._calls = calls
        self._user = user

    def files(self) -> list[Made]:
        try:
            return list(self._below(""))
        except NotFound:
            return []

    def _below(self, folder: str) -> Iterator[Made]:
        told = self._calls.json("GET", self._url(folder, op="LISTSTATUS"))
        for row in shapes.listed(
            shapes.fields(told.get("FileStatuses")).get("FileStatus"), "HDFS", "files"
        ):
            yield from self._of_row(folder, row)

    def _of_row(self, folder: str, row: Mapping[str, Any]) -> Iterator[Made]:
        suffix = str(row.get("pathSuffix", ""))
        if suffix in {".", ".."} or (suffix and not _NAME.fullmatch(suffix)):
            raise PlatformError(f"{self._path} has a file that would leave it: {suffix!r}")
        name = f"{folder}/{suffix}".strip("/")
        if row.get("type") == "DIRECTORY" and suffix:
            yield from self._below(name)
        elif row.get("type") == "FILE":
            changed = shapes.number(row.get("modificationTime")) / 1000
            yield Made(name, shapes.number(row.get("length")), changed)

    def content(self, made: Made) -> Generator[bytes, None, None]:
        return self._calls.content(self._url(made.name, op="OPEN"))

    def _url(self, name: str, **parameters: str) -> str:
        path = f"{self._path}/{name}".rstrip("/") if name else self._path
        told = {**parameters, "user.name": self._user} if self._user else parameters
        query = "&".join(f"{key}={quote(text, safe='')}" for key, text in told.items())
        return f"{self._site}/webhdfs/v1{quote(path)}?{query}"
