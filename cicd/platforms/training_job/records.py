"""What is kept beside each job in the storage: what it takes in, whose it is, what it was sent.

The API tells no more of a job than its status. A record is written before its job is submitted, so
one without a job is what an apply that was killed has left: it says nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cicd.model import Spec
from cicd.platforms.training_job.storage import Storage
from cicd.threads import together

READERS = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Record:
    """``token``: of the create that has made it. ``files``: the names that were uploaded to its
    ``folder``. ``submitted``: when, in ISO 8601. ``is_deleted``: it counts as gone, and its attempt
    as taken."""

    id: str
    key: str
    attempt: int
    spec: Spec
    folder: str
    files: tuple[str, ...] = ()
    token: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)
    submitted: str = ""
    is_deleted: bool = False

    @property
    def inputs(self) -> str:
        return str(self.spec.get("inputs", ""))


def place_of(stage: str) -> str:
    """The folder of the storage with all that is kept of one stage."""
    name = _UNSAFE.sub("-", stage).strip("-")[-60:]
    return f"cicd/{name}-{hashlib.sha256(stage.encode()).hexdigest()[:8]}"


class Records:
    """The records of one stage. Those that have been read are kept by their tags, which change with
    them."""

    def __init__(self, storage: Storage, stage: str) -> None:
        self._storage = storage
        self._folder = f"{place_of(stage)}/jobs/"
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Record] = {}
        self._by_id: dict[str, Record] = {}

    def of(self, key: str = "") -> list[Record]:
        """Those of a key, or all, deleted ones among them."""
        listed = self._storage.under(f"{self._folder}{key}/" if key else self._folder)
        asked = {(item.key, item.etag) for item in listed}
        with self._lock:
            new = [at for at in asked if at not in self._known]
        with together(READERS) as pool:
            read = dict(zip(new, pool.map(self._read, (name for name, _ in new)), strict=True))
        with self._lock:
            self._known |= {at: record for at, record in read.items() if record}
            found = [self._known[at] for at in asked if at in self._known]
            self._by_id |= {record.id: record for record in found}
        return sorted(found, key=lambda record: (record.submitted, record.attempt, record.id))

    def get(self, id: str) -> Record | None:
        """The record of one job as it was seen last, None where there is none."""
        if id not in self._by_id:
            self.of()
        return self._by_id.get(id)

    def at(self, folder: str) -> Record | None:
        """The record of the job that has this folder."""
        found = [record for record in self._by_id.values() if record.folder == folder]
        found = found or [record for record in self.of() if record.folder == folder]
        return found[0] if found else None

    def write(self, record: Record) -> None:
        """Keep it, in place of the one that there was."""
        text = json.dumps(asdict(record), ensure_ascii=False)
        self._storage.write(self._name(record.key, record.id), text.encode(errors="replace"))
        with self._lock:
            self._by_id[record.id] = record

    def _name(self, key: str, id: str) -> str:
        return f"{self._folder}{key}/{id}.json"

    def _read(self, name: str) -> Record | None:
        return _record(self._storage.read_json(name))


def _record(told: Any) -> Record | None:
    """What was written, None for anything else: anybody may write there."""
    try:
        return Record(
            id=str(told["id"]),
            key=str(told["key"]),
            attempt=int(told["attempt"]),
            spec=dict(told["spec"]),
            folder=str(told["folder"]),
            files=tuple(map(str, told["files"])),
            token=str(told["token"]),
            marks={str(name): str(text) for name, text in told["marks"].items()},
            submitted=str(told["submitted"]),
            is_deleted=bool(told["is_deleted"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def with_inputs(records: Iterable[Record], inputs: str) -> dict[int, Record]:
    """Attempt -> record, of those that take in the same."""
    return {record.attempt: record for record in records if record.inputs == inputs}
