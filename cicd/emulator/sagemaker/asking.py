"""One request to a container that serves, and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

if TYPE_CHECKING:
    from starlette.types import Message

    from cicd.emulator.api.passing import Forwarder

Headers = Sequence[tuple[str, str]]
PATH = "/invocations"


@dataclass(frozen=True)
class Answer:
    """Header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """What the body is."""
        return self.headers.get("content-type", "application/octet-stream")


async def ask(forwarder: Forwarder, run_id: str, headers: Headers, body: bytes) -> Answer:
    """Send a body to the server of a run; a gateway's answer where it cannot be reached."""
    status, found, content = 500, dict[str, str](), bytearray()

    async def keep(message: Any) -> None:
        nonlocal status, found
        if message["type"] == "http.response.start":
            status = message["status"]
            raw = message["headers"]
            found = {key.decode("latin-1").lower(): text.decode("latin-1") for key, text in raw}
        else:
            content.extend(message.get("body", b""))

    await posted(forwarder, run_id, headers, body, keep)
    return Answer(status, bytes(content), found)


async def posted(
    forwarder: Forwarder,
    run_id: str,
    headers: Headers,
    body: bytes,
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Send a body to the server of a run; ``send`` gets the messages of its answer, as ASGI has
    them."""
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            # the client stays until it has its answer
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    length = [("content-length", str(len(body)))]
    raw = [(key.encode("latin-1"), text.encode("latin-1")) for key, text in [*headers, *length]]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": raw}
    await forwarder.pass_on(run_id, Request(scope, receive), send, PATH.encode())
