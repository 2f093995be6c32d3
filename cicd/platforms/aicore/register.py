"""Remembers in labels of the resource group which deployment or schedule is of which key: nothing
else of them is beyond the reach of who may change them."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from cicd.errors import PlatformError
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore.convert import OUR_LABELS
from cicd.platforms.aicore.owners import NAME, Entry, entries, remembered
from cicd.platforms.aicore.tenant import ResourceGroups

LONGEST = 2000
"""Characters of a text that is kept: what a label takes, and more than enough."""


class Register:
    """What one stage has in its group."""

    def __init__(self, groups: ResourceGroups, group: str, stage: str) -> None:
        self._groups = groups
        self._group = group
        self._stage = stage

    def known(self) -> list[Entry]:
        """All that is remembered; nothing without the right to see it."""
        return entries(self._groups.labels(self._group) or {})

    def recognise(self, things: list[LiveResource]) -> list[LiveResource]:
        """The things with what is remembered of them."""
        return remembered(things, self.known() if things else (), self._stage)

    def enter(self, desired: Resource, id: str) -> None:
        """Remember it. It is there all the same where that cannot be done: the next update tries
        again, and until then its content tells."""
        name = str(desired.spec.get(NAME) or "")
        entry = Entry(self._stage, str(desired.key), id, name)
        with suppress(PlatformError):
            known = self.known()
            if entry in known:
                return
            # a key that was renamed gives up what it had
            gone = [old for old in known if (old.stage, old.id) == (self._stage, id)]
            changes: dict[str, str | None] = {old.label: None for old in gone}
            self._groups.relabel(self._group, {**changes, entry.label: entry.text})

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
