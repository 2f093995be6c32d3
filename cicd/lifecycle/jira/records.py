"""What Jira tells of: accounts, tickets, and what was done with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cicd.words import one_line


@dataclass(frozen=True)
class Account:
    """Somebody with a login. ``id`` never changes. ``names``: what else is theirs alone, user name
    and mail address, as far as Jira shows it. ``shown``: what people read, and can change at will.
    """

    id: str
    names: tuple[str, ...]
    shown: str

    def is_called(self, name: str) -> bool:
        """Whether that names this account and can name no other."""
        wanted = name.casefold()
        return bool(wanted) and wanted in {text.casefold() for text in (self.id, *self.names)}


@dataclass(frozen=True)
class Move:
    """A ticket was moved from one status to another. ``at``: as Jira writes it."""

    by: Account
    at: str
    before: str
    after: str
    after_id: str


@dataclass(frozen=True)
class Ticket:
    """A ticket as it stands. ``proof``: what our property says; empty where nobody set it."""

    id: int
    key: str
    status: str
    status_id: str
    category: str
    creator: Account
    proof: Mapping[str, Any]


@dataclass(frozen=True)
class Comment:
    """Somebody said something at a ticket."""

    by: Account
    text: str


@dataclass(frozen=True)
class Transition:
    """A way out of the status a ticket is in, open to us now, and the status it leads to."""

    id: str
    name: str
    status: str
    status_id: str
    category: str


def account_of(user: Mapping[str, Any]) -> Account:
    """Whoever an answer speaks of: Cloud knows them by ``accountId``, others by ``key``."""
    id = str(user.get("accountId") or user.get("key") or user.get("name") or "")
    names = tuple(filter(None, texts_in(user, "name", "emailAddress")))
    return Account(id, names, one_line(str(user.get("displayName") or id or "somebody"), 100))


def texts_in(item: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """The values of these names as texts, empty where they are missing."""
    return tuple(str(item.get(name) or "") for name in names)


def seconds_of(at: str) -> float:
    """Seconds since 1970 of ``2026-11-30T10:00:00.000+0000``; 0 for what is no moment."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0
