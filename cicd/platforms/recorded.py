"""A base for platforms that keep no account of what they ran: it stands in a folder.

Each thing is a file of JSON there, its record: what it was asked to be, its marks and when it was
made, and whatever else the platform must know to find it again.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from cicd.errors import Conflict, NotFound
from cicd.model import Key, LiveResource, Resource, State, Status
from cicd.platforms.base import Platform, fields_of, owner_of

Record = Mapping[str, Any]
MEMORY = "memory"
"""Where texts are kept that belong to no thing."""


class Records:
    """Documents by kind and id, each a file, for all threads. Other processes never read half of
    one; of two that change the same one at once, the last has its way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def path(self, kind: str, id: str) -> Path:
        """The file of one, whether it is there or not."""
        return self._folder / kind / f"{quote(id, safe='')}.json"

    def ids(self, kind: str) -> list[str]:
        """All of one kind, in no order."""
        return [unquote(path.stem) for path in (self._folder / kind).glob("*.json")]

    def read(self, kind: str, id: str) -> Record:
        """One of them. Raises NotFound."""
        try:
            found: Record = json.loads(self.path(kind, id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"there is no {kind} {id}", status=404) from None
        return found

    def add(self, kind: str, id: str, fields: Record) -> bool:
        """Make one; False where there is one of that id."""
        whole = self._whole(kind, id, fields)
        try:
            self.path(kind, id).hardlink_to(whole)
        except FileExistsError:
            return False
        finally:
            whole.unlink()
        return True

    def write(self, kind: str, id: str, fields: Record) -> None:
        """Put these fields over those that it has; it need not be there."""
        with self._lock:
            known = self.read(kind, id) if self.path(kind, id).exists() else {}
            self._whole(kind, id, {**known, **fields}).replace(self.path(kind, id))

    def _whole(self, kind: str, id: str, fields: Record) -> Path:
        """It under another name, for nobody to read half of it."""
        path = self.path(kind, id).with_suffix(f".{uuid.uuid4().hex}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(fields), encoding="utf-8")
        return path

    def delete(self, kind: str, id: str) -> None:
        """A missing one counts as deleted."""
        self.path(kind, id).unlink(missing_ok=True)


class Recorded(Platform):
    """A platform by its records; what is made from this says ``create`` and ``as_it_is``."""

    def __init__(self, folder: Path) -> None:
        self.records = Records(folder)

    @abstractmethod
    def as_it_is(self, live: LiveResource, record: Record) -> LiveResource:
        """Something as its record tells of it, with what only the platform knows: its status, and
        what it has made."""

    def record(
        self, desired: Resource, token: str, marks: Mapping[str, str], **more: Any
    ) -> LiveResource:
        """Record something new with these fields beside its spec; where the same was recorded, that
        one: of content the same spec, of the rest what has the same token. Raises Conflict for a
        second one of a name that only one can have."""
        kind, spec = self.kinds[desired.key.kind], dict(desired.spec)
        same = (token or str(uuid.uuid4())) if kind.identity else json.dumps(spec, sort_keys=True)
        end = uuid.uuid5(uuid.NAMESPACE_URL, same).hex[:8]
        id = spec["name"] if kind.named else f"{spec['name']}-{end}"
        told = {"spec": spec, "tags": dict(marks), "at": time.time_ns(), **more}
        if not self.records.add(kind.name, id, told) and kind.named:
            raise Conflict(f"there is a {kind.name} {id} already", status=409)
        return self._live(kind.name, id)

    def browse(self, kind: str) -> list[LiveResource]:
        found = [self._live(kind, id) for id in self.records.ids(kind)]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def get(self, live: LiveResource) -> LiveResource:
        return self._live(live.key.kind, live.id)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        if not self.kinds[live.key.kind].updatable:
            return super().update(live, desired)
        self.records.write(live.key.kind, live.id, {"spec": dict(desired.spec)})
        return self.get(live)

    def delete(self, live: LiveResource) -> None:
        self.records.delete(live.key.kind, live.id)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        known = self.records.read(live.key.kind, live.id)["tags"]
        self.records.write(live.key.kind, live.id, {"tags": {**known, **tags}})

    def kept_marks(self, live: Sequence[LiveResource]) -> dict[str, dict[str, str]]:
        return {one.id: dict(self.records.read(one.key.kind, one.id)["tags"]) for one in live}

    def remember(self, name: str, text: str) -> None:
        self.records.write(MEMORY, name, {"text": text})

    def recall(self, name: str, *, fresh: bool = True) -> str:
        try:
            return str(self.records.read(MEMORY, name)["text"])
        except NotFound:
            return ""

    def _live(self, kind: str, id: str) -> LiveResource:
        record = self.records.read(kind, id)
        live = LiveResource(
            Key(kind, record["spec"]["name"]),
            id,
            {**record["spec"], **fields_of(record["tags"])},
            Status(State.UNKNOWN, ""),
            {"id": id},
            created_at=_iso(record["at"]),
            owner=owner_of(record["tags"]),
        )
        return self.as_it_is(live, record)


def _iso(nanoseconds: int) -> str:
    moment = datetime.fromtimestamp(nanoseconds / 10**9, UTC)
    return moment.isoformat(timespec="microseconds")
