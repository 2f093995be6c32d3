"""Remembers in labels of the resource group which deployment, schedule or execution is of which
key: nothing else of them is beyond the reach of who may change them, and no list lags behind it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from cicd.errors import PlatformError
from cicd.model import LiveResource, Resource
from cicd.platforms.aicore.convert import OUR_LABELS
from cicd.platforms.aicore.owners import NAME, Entry, entries, remembered
from cicd.platforms.aicore.tenant import ResourceGroups

PATIENCE = 10.0
"""Seconds that are waited for what is to be remembered to be written."""
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
        self._waiting: list[Entry] = []
        self._is_writing = False
        self._changed = threading.Condition()

    def known(self) -> list[Entry]:
        """All that is remembered; nothing without the right to see it."""
        self.flush()
        return self._known()

    def _known(self) -> list[Entry]:
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
        """Remember it, beside what else is done meanwhile: see ``flush``. It is there all the same
        where that cannot be done: the next update tries again, and until then its content tells."""
        name = str(desired.spec.get(NAME) or "")
        made_at = int(self._now().timestamp())
        with self._changed:
            self._waiting.append(Entry(self._stage, str(desired.key), id, name, made_at))
            begins, self._is_writing = not self._is_writing, True
        if begins:
            threading.Thread(target=self._write_all, name="cicd-register", daemon=True).start()

    def flush(self) -> None:
        """Wait until all is written that is to be remembered."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing, PATIENCE)

    def _write_all(self) -> None:
        """Write what waits, and all at once what comes meanwhile, until there is nothing."""
        try:
            while taken := self._take():
                with suppress(PlatformError):
                    self._write(taken)
        except BaseException:
            self._end()  # nobody waits for what is not written any more
            raise

    def _take(self) -> list[Entry]:
        with self._changed:
            # The labels of a group are one object, which each change writes whole: what has
            # gathered while the last one was written goes in one request.
            taken, self._waiting = self._waiting, []
            if not taken:
                self._end()
            return taken

    def _end(self) -> None:
        with self._changed:
            self._is_writing = False
            self._changed.notify_all()

    def _write(self, fresh: list[Entry]) -> None:
        known = self._known()
        ids = {entry.id for entry in fresh}
        # a key that was renamed gives up what it had
        gone = [old for old in known if old.stage == self._stage and old.id in ids]
        changes: dict[str, str | None] = {old.label: None for old in gone}
        changes |= {entry.label: entry.text for entry in fresh}
        if not all(entry in known for entry in fresh):
            self._groups.relabel(self._group, changes)

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
