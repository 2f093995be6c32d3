"""Remembers in labels of the resource group which deployment, schedule or execution is of which
key: nothing else of them is beyond the reach of who may change them, and no list lags behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from cicd.errors import PlatformError
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore.convert import OUR_LABELS
from cicd.platforms.aicore.owners import NAME, Entry, entries, remembered
from cicd.platforms.aicore.tenant import ResourceGroups

LONGEST = 2000
"""Characters of a text that is kept: what a label takes, and more than enough."""


class Register:
    """What one stage has in its group."""

    def __init__(
        self,
        groups: ResourceGroups,
        group: str,
        stage: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._groups = groups
        self._group = group
        self._stage = stage
        self._now = now

    def known(self) -> list[Entry]:
        """All that is remembered; nothing without the right to see it."""
        return entries(self._groups.labels(self._group) or {})

    def own(self) -> list[Entry]:
        """What is remembered of this stage."""
        return [entry for entry in self.known() if entry.stage == self._stage]

    def age(self, entry: Entry) -> float:
        """Seconds since it was written down, by the clock of the platform."""
        return self._now().timestamp() - entry.made_at

    def recognise(self, things: list[LiveResource]) -> list[LiveResource]:
        """The things with what is remembered of them."""
        return remembered(things, self.known() if things else (), self._stage)

    def enter(self, desired: Resource, id: str) -> None:
        """Remember it. It is there all the same where that cannot be done: the next update tries
        again, and until then its content tells."""
        name = str(desired.spec.get(NAME) or "")
        made_at = int(self._now().timestamp())
        entry = Entry(self._stage, str(desired.key), id, name, made_at)
        with suppress(PlatformError):
            known = self.known()
            if entry in known:
                return
            # a key that was renamed gives up what it had
            gone = [old for old in known if (old.stage, old.id) == (self._stage, id)]
            changes: dict[str, str | None] = {old.label: None for old in gone}
            self._groups.relabel(self._group, {**changes, entry.label: entry.text})

    def leave(self, kind: str, id: str) -> None:
        """Forget what has been deleted, as far as that can be done."""
        with suppress(PlatformError):
            gone = [e for e in self.own() if (e.key.partition("/")[0], e.id) == (kind, id)]
            if gone:
                self._groups.relabel(self._group, {entry.label: None for entry in gone})

    def keep(self, name: str, text: str) -> None:
        """Keep a text of the stage under a name, as far as a label takes it."""
        with suppress(PlatformError):
            self._groups.relabel(self._group, {self._label(name): text[:LONGEST]})

    def kept(self, name: str, *, fresh: bool = True) -> str:
        """The text under a name, as it is now or, without ``fresh``, as last seen; empty where
        there is none."""
        with suppress(PlatformError):
            return (self._groups.labels(self._group, fresh=fresh) or {}).get(self._label(name), "")
        return ""

    def _label(self, name: str) -> str:
        digest = hashlib.sha256(f"{self._stage}/{name}".encode()).hexdigest()[:16]
        return f"{OUR_LABELS}{name}.{digest}"
