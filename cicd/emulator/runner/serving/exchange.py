"""One HTTP request to the server of a deployment, and its answer, as they come.

Each has a connection of its own: nothing idle is kept that a swap of revisions could close under
us, or that a server which takes one connection at a time would wait for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import h11

from cicd.emulator.jobs import Upstream
from cicd.emulator.runner.serving.handover import connected_soon

CONNECT_SECONDS = 10.0
PIECE = 65536
"""Bytes that are read at once."""
LONGEST_HEAD = 100 * 1024
"""Bytes that status and headers of an answer may have."""

Headers = Sequence[tuple[bytes, bytes]]


class NotConnected(Exception):
    """Nobody took the connection; nothing was sent."""


class Broken(Exception):
    """The other side did not answer in HTTP, or not to the end; the message names the reason."""


class Exchange:
    """``seconds``: how long it may take until an answer begins or goes on; TimeoutError after."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._seconds = seconds
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)

    async def send(
        self, method: str, target: bytes, headers: Headers, body: AsyncIterator[bytes] | None
    ) -> None:
        """Send a request. A server that hears no more may have answered all the same."""
        head = h11.Request(method=method, target=target, headers=list(headers))
        # with the first piece of the body, so that both arrive as one
        waiting = self._http.send(head) or b""
        with suppress(ConnectionError):
            if body is not None:
                async for piece in body:
                    await self._write(waiting + (self._http.send(h11.Data(data=piece)) or b""))
                    waiting = b""
            await self._write(waiting + (self._http.send(h11.EndOfMessage()) or b""))

    async def _write(self, data: bytes) -> None:
        if data:
            async with asyncio.timeout(self._seconds):
                await self._loop.sock_sendall(self._connection, data)

    async def answer(self) -> h11.Response:
        """Status and headers of the answer."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if event is None or isinstance(event, h11.ConnectionClosed):
                raise Broken("no answer")

    async def pieces(self) -> AsyncIterator[tuple[bytes, bool]]:
        """The body of the answer as it comes, and with each piece whether more follows."""
        held = b""
        while True:
            while (event := self._event()) is h11.NEED_DATA:
                if held:
                    yield held, True
                    held = b""
                # what never ends, and is always there at once, must let others have their turn
                await asyncio.sleep(0)
                await self._receive()
            if not isinstance(event, h11.Data):
                yield held, False
                return
            if held:
                yield held, True
            held = bytes(event.data)

    def close(self) -> None:
        """End the connection, whatever is still under way."""
        self._connection.close()

    async def _next(self) -> object:
        while (event := self._event()) is h11.NEED_DATA:
            await self._receive()
        return event

    def _event(self) -> object:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise Broken(str(error)) from None

    async def _receive(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                data = await self._loop.sock_recv(self._connection, PIECE)
        except ConnectionError as error:
            raise Broken(type(error).__name__) from None
        self._http.receive_data(data)


async def connect(upstream: Upstream, seconds: float) -> Exchange:
    """A connection to the server of a deployment. Raises NotConnected."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if upstream.socket:
                connection = await connected_soon(upstream.socket)
            else:
                connection = await _connected("127.0.0.1", upstream.port)
    except (OSError, TimeoutError):
        raise NotConnected from None
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Exchange(connection, seconds)


async def _connected(host: str, port: int) -> socket.socket:
    connection = socket.socket()
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (host, port))
    except BaseException:
        connection.close()
        raise
    return connection
