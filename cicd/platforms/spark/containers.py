"""Logs of containers of YARN: at the node that each is on, then at a log server (Apache Hadoop,
``NMWebServices`` and ``AHSWebServices``). Both tell a log as a whole only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from cicd.errors import PlatformError
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import Chunk

_CONTAINER = re.compile(r"/containerlogs/(container_\w+)")


class ContainerLogs:
    """``server``: of those that are gone (``yarn.log.server.web-service.url``), empty for none. For
    many threads."""

    def __init__(self, calls: Calls, server: str) -> None:
        self._calls = calls
        self.server = server
        self._kept: dict[str, bytes] = {}

    def has(self, container: str) -> bool:
        """Whether that is the page of a container."""
        return bool(log_pages(container, "", self.server))

    def part(self, container: str, stream: str, offset: int, size: int) -> Chunk:
        """A part of what one says; ``container``: the page that shows it to people. It is kept
        until its end has been told, as it would come as a whole for each of its parts. Raises
        PlatformError where nobody has it."""
        pages = log_pages(container, stream, self.server)
        name = " ".join(pages)
        content = self._kept.get(name, b"")
        if offset + size >= len(content):
            content = first_log(self._calls, pages).encode()
        if offset + size < len(content):
            self._kept[name] = content
        else:
            self._kept.pop(name, None)
        return Chunk.of_bytes(content, offset, size)


def log_page(container: str, stream: str) -> str:
    """Where the log of a container is as plain text, from the page that shows it to people; empty
    where there is none. Pure."""
    match = _CONTAINER.search(container)
    parts = urlsplit(container)
    if not match or not parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc}/ws/v1/node/containerlogs/{match[1]}/{stream}"


def log_pages(container: str, stream: str, logs: str) -> list[str]:
    """Where the log of a container may be: at its node, then at the log server; none for what is
    no container. Pure."""
    match = _CONTAINER.search(container)
    kept = f"{log_server(logs)}/containerlogs/{match[1]}/{stream}" if match and logs else ""
    return [page for page in (log_page(container, stream), kept) if page]


def first_log(calls: Calls, pages: Sequence[str]) -> str:
    """What the first of these pages has that answers. Raises PlatformError, that of the last."""
    failure = PlatformError("nobody tells where it is")
    for page in pages:
        try:
            return contents(calls.text(page))
        except PlatformError as error:
            failure = error
    raise failure


def log_server(url: str) -> str:
    """Where a log server has its REST API; one that is given as a host is a history server of
    MapReduce. Pure."""
    parts = urlsplit(url.rstrip("/"))
    return f"{parts.geturl()}/ws/v1/history" if url and not parts.path else parts.geturl()


def contents(text: str) -> str:
    """A log without what Hadoop 3 writes around it. Pure."""
    head = re.match(r"(?s)(?=Container: |LogType:).{0,2000}?\nLogContents:\n", text)
    if not head:
        return text
    return re.split(r"\n?End of LogType:", text[head.end() :])[0]
