"""Locks. AI Core has none, but a generic secret is made once: the second of a name is refused.

Who has the lock, and until when, is in the labels of the secret; what is in it means nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cicd.errors import Conflict, NotFound, PlatformError
from cicd.model import Holder
from cicd.platforms.aicore import convert
from cicd.platforms.aicore.convert import OUR_LABELS, Document
from cicd.platforms.aicore.rest import Http

PATH = "/admin/secrets"
PREFIX = "cicd-lock-"
LABELS = {
    "run": "run",
    "name": "holder",
    "command": "command",
    "link": "link",
    "machine": "machine",
    "process": "process",
    "since": "since",
    "until": "until",
}
"""Field of Holder -> the end of its label."""
LONGEST = 500
"""Characters of a label: far below what the API allows, and enough for any address."""
NOTICEABLE = timedelta(seconds=15)
"""A difference of two clocks, with the time of one call in it, that is put right."""
DATA = {"lock": base64.b64encode(b"cicd").decode()}


class SecretLock:
    """The secret that stands for one lock. ``flush``: has all done that was begun under it."""

    def __init__(self, http: Http, name: str, flush: Callable[[], None] = lambda: None) -> None:
        self._http = http
        self._flush = flush
        self._name = secret_name(name)

    def take(self, holder: Holder, seconds: float) -> Holder:
        guessed = self._http.now()
        taken = _for(holder, guessed, seconds)
        # This is what makes it a lock: of two creates with one name the platform refuses the
        # second.
        self._http.call("POST", PATH, body={"name": self._name, **_body(taken)})
        # before its first answer nobody knows the server's clock, and by it others may find the
        # lock expired at once
        now = self._http.now()
        if abs(now - guessed) < NOTICEABLE:
            return taken
        found = self.look()
        if found is None or found.run != holder.run:
            raise Conflict("somebody found the lock expired as it was made, and took it away")
        taken = _for(holder, now, seconds)
        with suppress(PlatformError):  # it is ours all the same, and is renewed soon
            self.renew(taken, seconds)
        return taken

    def look(self) -> Holder | None:
        try:
            found = self._http.call("GET", f"{PATH}/{self._name}")
        except NotFound:
            return None
        return read_holder(found, self._http.now())

    def renew(self, holder: Holder, seconds: float) -> None:
        until = _text(self._http.now() + timedelta(seconds=seconds))
        # all labels again: whether those left out would stay is not written anywhere
        self._http.call("PATCH", f"{PATH}/{self._name}", body=_body(replace(holder, until=until)))

    def drop(self) -> None:
        # Labels of the resource group are written beside the rest; somebody else must not get the
        # lock while one of ours is still on its way.
        self._flush()
        with suppress(NotFound):
            self._http.call("DELETE", f"{PATH}/{self._name}")


def secret_name(name: str) -> str:
    """The secret for a lock: a name that may be one, and is another for every other lock."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    return f"{PREFIX}{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_lock(document: Document) -> bool:
    """Whether a secret is a lock, and so nothing that people should see or count."""
    return str(document.get("name", "")).startswith(PREFIX)


def read_holder(document: Document, now: datetime) -> Holder:
    """Who a secret says has the lock. One that does not say until when blocks nobody."""
    labels = convert.pairs(document.get("labels"))
    fields = {field: labels.get(OUR_LABELS + end, "") for field, end in LABELS.items()}
    until = _moment(fields["until"])
    return Holder(**fields, has_expired=until is None or until <= now)


def _for(holder: Holder, now: datetime, seconds: float) -> Holder:
    return replace(holder, since=_text(now), until=_text(now + timedelta(seconds=seconds)))


def _body(holder: Holder) -> Mapping[str, Any]:
    texts = {OUR_LABELS + end: getattr(holder, field)[:LONGEST] for field, end in LABELS.items()}
    told = {key: text for key, text in texts.items() if text}
    return {"data": DATA, "labels": convert.as_pairs(told)}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
