"""The foreground process of ``cicd page``: a socket on loopback, uvicorn, threads that read."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING

from cicd.errors import CicdError
from cicd.page.access import HOST, Access

if TYPE_CHECKING:
    import uvicorn

    from cicd.page.reading import Stages

NEEDED = ("starlette", "uvicorn")
"""What comes with the extra ``page``."""
READERS = 4
"""Stages that are read at once."""


def missing() -> str:
    """The first library that is needed and not installed."""
    return next((name for name in NEEDED if find_spec(name) is None), "")


def serve(
    title: str, stages: Stages, *, port: int = 0, on_ready: Callable[[str], None] = lambda _: None
) -> None:
    """Show the page until a signal ends it. ``on_ready`` gets the link when requests are accepted;
    port 0 is any. Raises CicdError where the port cannot be had."""
    with closing(listen(port)) as listener:
        access = Access(listener.getsockname()[1])
        pool = ThreadPoolExecutor(READERS, thread_name_prefix="reading")
        try:
            server = http_server(title, stages, access, pool)
            on_ready(access.link)
            server.run(sockets=[listener])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def http_server(
    title: str, stages: Stages, access: Access, pool: ThreadPoolExecutor
) -> uvicorn.Server:
    """uvicorn for the page, which begins to read; give it a listening socket to run."""
    import uvicorn

    from cicd.page.app import create_app
    from cicd.page.routes import Site

    site = Site(title, stages, pool)
    app = create_app(site, access)
    site.warm()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would hold the code of the link
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def listen(port: int) -> socket.socket:
    """A socket on loopback that queues connections already."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        is_taken = error.errno == errno.EADDRINUSE
        reason = "in use" if is_taken else error.strerror or str(error)
        raise CicdError(
            f"port {port} on {HOST} cannot be used: {reason}",
            hint="choose another --port, or none for a free one",
        ) from error
    return listener
