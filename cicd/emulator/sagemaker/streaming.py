"""Answers of a model as they come, in the frames that AWS has for that.

https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html has their form.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cicd.emulator.sagemaker.asking import Answer, Headers, posted

if TYPE_CHECKING:
    from cicd.emulator.api.passing import Forwarder

CONTENT_TYPE = "application/vnd.amazon.eventstream"
TEXT = 7
"""The type of a header that is a string."""


def frame(event: str, payload: bytes) -> bytes:
    """One event."""
    headers = b"".join(
        _header(name, value)
        for name, value in (
            (":event-type", event),
            (":content-type", "application/octet-stream"),
            (":message-type", "event"),
        )
    )
    # two lengths and three checksums around them, four bytes each
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return head + struct.pack(">I", zlib.crc32(head))


def _header(name: str, value: str) -> bytes:
    return (
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", TEXT, len(value))
        + (value.encode())
    )


class Flowing:
    """One request to a server whose answer is read while it is written. ``close`` it."""

    def __init__(self, forwarder: Forwarder, run_id: str, headers: Headers, body: bytes) -> None:
        self._messages: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._ask(forwarder, run_id, headers, body))

    async def _ask(self, forwarder: Forwarder, run_id: str, headers: Headers, body: bytes) -> None:
        try:
            await posted(forwarder, run_id, headers, body, self._messages.put)
        finally:
            await self._messages.put(None)

    async def begun(self) -> Answer:
        """Status and headers of the answer; the body too where that is an error."""
        message = await self._messages.get()
        if message is None:
            return Answer(502, b"upstream failed", {})
        raw = message["headers"]
        headers = {key.decode("latin-1").lower(): text.decode("latin-1") for key, text in raw}
        answer = Answer(message["status"], b"", headers)
        if answer.status < 400:
            return answer
        return Answer(answer.status, b"".join([piece async for piece in self.pieces()]), headers)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while message := await self._messages.get():
            if body := message.get("body", b""):
                yield body

    async def close(self) -> None:
        """End it, whatever is still under way."""
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task


async def framed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece as an event."""
    async for piece in pieces:
        yield frame("PayloadPart", piece)
