"""Where people are told: what an address is, and what of it may be seen. Pure.

The whole address is a secret. Whoever reads a log sees its number in the stage file, its scheme,
and its host where that is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cicd.model import Happening, Notice

SHORTEST = 6
"""Characters of a part of an address from which on it is hidden wherever it shows up."""
_KNOWN_PARTS = frozenset(
    {"services", "workflows", "triggers", "webhooks", "manual", "invoke", "powerautomate"}
    | {"automations", "direct", "webhookb2", "incomingwebhook", "2016-06-01", "webhook", "incoming"}
    | {"notify", "notification", "notifications", "message", "messages", "events", "alerts"}
)
"""What stands in many addresses: to hide it would make other texts unreadable."""
_HOSTS = re.compile(r"^(?:webhook\+)?https?$|^(?:json|xml|form|mailto|mmost|rocket|gotify)s?$")
"""Schemes whose host is a host; of others it is mostly a token."""
_SORTS = (
    ("slack", re.compile(r"^slack$"), re.compile(r"(^|\.)slack(-gov)?\.com$")),
    (
        "teams",
        re.compile(r"^(msteams|workflows?)$"),
        re.compile(r"\.(logic\.azure\.com|powerplatform\.com|webhook\.office\.com)$"),
    ),
    ("mail", re.compile(r"^mailtos?$"), None),
    ("webhook", re.compile(r"^webhook\+https?$"), None),
)


@dataclass(frozen=True)
class Channel:
    """One address of a stage file. ``number`` counts from 1, in the order of the file."""

    number: int
    notice: Notice

    @property
    def on(self) -> frozenset[Happening]:
        return self.notice.on

    @property
    def sort(self) -> str:
        """``slack``, ``teams``, ``mail``, ``webhook``, else the scheme; ``unset`` where a variable
        is not set."""
        parts = _split(self.notice.to.reveal())
        if not parts.scheme:
            return "unset" if self.notice.missing else "unknown"
        for sort, scheme, host in _SORTS:
            if scheme.match(parts.scheme) or (host and host.search(_host(parts))):
                return sort
        return parts.scheme

    @property
    def host(self) -> str:
        """Empty where the address has none, or nobody may see it."""
        parts = _split(self.notice.to.reveal())
        return _host(parts) if _HOSTS.match(parts.scheme) else ""

    @property
    def name(self) -> str:
        """``slack #1``, as events and commands call it."""
        return f"{self.sort} #{self.number}"

    @property
    def secrets(self) -> list[str]:
        """All that must be seen nowhere: the address and each longer part of it."""
        address = self.notice.to.reveal()
        found = {address, *_parts(_split(address), self.host)} if address else set()
        signer = self.notice.secret.reveal() if self.notice.secret else ""
        known = {part for part in found if part.lower() not in _KNOWN_PARTS} | {signer}
        return sorted(part for part in known if len(part) >= SHORTEST)


def channels_of(notices: tuple[Notice, ...]) -> list[Channel]:
    """All addresses of a stage."""
    return [Channel(number, notice) for number, notice in enumerate(notices, 1)]


def secrets_of(notices: tuple[Notice, ...]) -> list[str]:
    """All of their addresses that must be seen nowhere."""
    return [part for channel in channels_of(notices) for part in channel.secrets]


def _parts(parts: SplitResult, shown: str) -> Iterator[str]:
    login, _, place = parts.netloc.rpartition("@")
    yield from login.split(":")
    if not shown:
        yield from place.split(":")
    written = [pair.partition("=")[2] for pair in parts.query.split("&")]
    read = [value for _, value in parse_qsl(parts.query)]
    for text in [*parts.path.split("/"), *written, *read]:
        yield text
        yield unquote(text)
        yield from unquote(text).split("/")


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address.strip())
    except ValueError:
        return urlsplit("")


def _host(parts: SplitResult) -> str:
    try:
        return parts.hostname or ""
    except ValueError:
        return ""
