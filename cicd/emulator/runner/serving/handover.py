"""Connections that come through a Unix socket: into the private network of a sandbox there is no
other way, and what is connected there is as good as a connection of one's own.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path


def received(channel: socket.socket) -> socket.socket:
    """The connection that was sent through ``channel``. OSError when there was none."""
    _, files, _, _ = socket.recv_fds(channel, 1, 1, socket.MSG_CMSG_CLOEXEC)
    if not files:
        raise ConnectionRefusedError("the server takes no connection")
    return socket.socket(fileno=files[0])


def connected(path: Path, seconds: float) -> socket.socket:
    """A connection to the server behind the Unix socket ``path``. OSError when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(seconds)
        channel.connect(str(path))
        found = received(channel)
    found.settimeout(seconds)
    return found


async def connected_soon(path: Path) -> socket.socket:
    """The same for an event loop."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.setblocking(False)
        await loop.sock_connect(channel, str(path))
        is_there = asyncio.Event()
        loop.add_reader(channel, is_there.set)
        try:
            await is_there.wait()
        finally:
            loop.remove_reader(channel)
        return received(channel)
