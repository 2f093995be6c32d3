"""Whether everybody who reaches a server may run programs on the cluster: it is asked as somebody
without a login."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from cicd.errors import Denied, PlatformError
from cicd.platforms.base import Finding
from cicd.platforms.spark.calls import ONCE, Calls
from cicd.platforms.spark.dialect.draft import is_loopback

TIMEOUT = (3.0, 10.0)
"""Seconds to connect, and to wait for an answer."""


def examine(page: str, cure: str) -> Iterator[Finding]:
    """A finding about who may submit, where that is told: none for a server that this machine alone
    reaches, or that does not answer. ``page``: one of it that tells nothing, and is read like all
    others; ``cure``: how it is closed."""
    parts = urlsplit(page)
    if is_loopback(parts.hostname or ""):
        return
    calls = Calls(retries=ONCE, timeout=TIMEOUT)
    try:
        calls.json("GET", page)
    except Denied:
        yield Finding("access", "ok", "it asks for a login")
    except PlatformError:
        return
    else:
        text = f"everybody who reaches {parts.netloc} may run programs on the cluster: "
        yield Finding("access", "warning", f"{text}it asks nobody for a login", cure)
    finally:
        calls.close()
