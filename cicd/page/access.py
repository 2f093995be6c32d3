"""Who may come in: whoever has the link that was printed, once; then the browser's session."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from threading import Lock

HOST = "127.0.0.1"
LINK_LASTS = 600.0
"""Seconds in which the link has to be opened."""
SESSION_LASTS = 12 * 3600.0


@dataclass(frozen=True)
class Session:
    """Somebody who came in. ``csrf``: what each form of theirs carries."""

    role: str
    csrf: str
    ends: float


@dataclass
class Access:
    """The doors of one page on loopback. ``clock``: seconds that only go up."""

    port: int
    clock: Callable[[], float] = time.monotonic
    _code: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self._code_ends = self.clock() + LINK_LASTS
        self._key = secrets.token_bytes(32)

    @property
    def link(self) -> str:
        """What opens the page, once."""
        return f"http://{HOST}:{self.port}/enter?code={self._code}"

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser may call this server: another name may be somebody's who wants in."""
        return frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(f"http://{host}" for host in self.hosts)

    @property
    def cookie(self) -> str:
        """Cookies do not know ports, and two pages on one machine are two."""
        return f"cicd_{self.port}"

    def enter(self, code: str) -> str | None:
        """A new session for who has the code of the link, as the value of its cookie; the code is
        used up then. None for any other, and where it is too late."""
        with self._lock:
            is_right = hmac.compare_digest(code.encode(), self._code.encode())
            if not self._code or not is_right or self.clock() > self._code_ends:
                return None
            self._code = ""
            token = secrets.token_urlsafe(32)
            csrf = hmac.new(self._key, token.encode(), "sha256").hexdigest()
            self._sessions[_digest(token)] = Session("viewer", csrf, self.clock() + SESSION_LASTS)
            return token

    def session(self, cookies: str) -> Session | None:
        """Whose request it is, by its Cookie header; None for nobody's."""
        token = _cookie(cookies, self.cookie)
        found = self._sessions.get(_digest(token)) if token else None
        return found if found and self.clock() < found.ends else None

    def is_from_here(self, headers: Mapping[str, str]) -> bool:
        """Whether a page of this server sent the request, and no other site."""
        site = headers.get("sec-fetch-site", "")
        return headers.get("origin", "") in self.origins and site in ("", "same-origin")

    def is_agreed(self, session: Session, csrf: str) -> bool:
        """Whether a form that was sent is one that we have shown in this session."""
        return hmac.compare_digest(csrf.encode(), session.csrf.encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""
