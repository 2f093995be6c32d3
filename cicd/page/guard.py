"""What holds for every request and every answer, whatever is asked for."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cicd.page.access import Access

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # with no-referrer browsers send no origin with a form, and no form of ours would be taken
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Guard:
    """Turns away who calls this server by another name, and forms of other sites; gives every
    answer its headers, failures too. Plain ASGI: streams stay streams."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = {name for name, _ in message["headers"]}
                more = [(n.encode(), v.encode()) for n, v in HEADERS.items()]
                kept = [pair for pair in more if pair[0] not in told]
                message = {**message, "headers": [*message["headers"], *kept]}
            await send(message)

        app = self.app
        if headers.get("host", "") not in self._access.hosts:
            app = PlainTextResponse("This server has another name.\n", 421)
        elif scope["method"] not in SAFE_METHODS and not self._access.is_from_here(headers):
            app = PlainTextResponse("This was sent by another site.\n", 403)
        await app(scope, receive, answer)
