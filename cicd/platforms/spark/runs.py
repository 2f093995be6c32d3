"""What is remembered of each run: a standalone master forgets, and tells no run's key or inputs.

A run is written down before it is submitted, so that whoever comes after a crash knows what to look
for: an application of its name, which no other has.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cicd.errors import NotFound
from cicd.model import Spec, State
from cicd.platforms.spark.documents import Documents
from cicd.threads import together

KIND = "job"
DIGITS = 8
KEEP = 30
"""Runs of a job that are remembered once they have ended: each is a document, and a plan reads all
of them. Planning looks at fewer."""
READERS = 8
"""Documents that are read, or removed, at once."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Run:
    """``before``: the last submission that the cluster had when this one was about to be sent.
    ``submission``: what the cluster calls it; empty until it has said that. ``state``: once it has
    ended, how."""

    name: str
    key: str
    spec: Spec
    token: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    before: str = ""
    submission: str = ""
    application: str = ""
    worker: str = ""
    state: str = ""
    message: str = ""
    ended: str = ""

    @property
    def id(self) -> str:
        """What people know it by: what the cluster calls it, once it has."""
        return self.submission or self.name

    @property
    def has_ended(self) -> bool:
        """Whether it is known how it has ended."""
        return bool(self.state)


def name_of(stage: str, key: str, inputs: str, token: str) -> str:
    """What the application of a run is called. The same token gives the same name; without one
    there is no second try, and each name is new."""
    end = hashlib.sha256((token or str(uuid.uuid4())).encode()).hexdigest()[:DIGITS]
    plain = _plain(f"cicd.{stage}.{key}")
    return f"{plain}.{(inputs or '0' * DIGITS)[:DIGITS]}.{end}"


def _plain(text: str) -> str:
    return _UNSAFE.sub("-", text)


def may_be_of(name: str, key: str) -> bool:
    """Whether the run of that name may be one of a key. Pure."""
    return name.rsplit(".", 2)[0].endswith(f".{_plain(key)}")


def now() -> str:
    """This moment as it is written down."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Runs:
    """The runs of one stage."""

    def __init__(self, records: Documents) -> None:
        self._records = records

    def all(self, key: str = "") -> list[Run]:
        """Those of a key, or every one, newest last."""
        names = [name for name in self._records.ids(KIND) if not key or may_be_of(name, key)]
        with together(READERS) as pool:
            found = [run for run in pool.map(self.named, names) if run]
        mine = [run for run in found if not key or run.key == key]
        return sorted(mine, key=lambda run: (run.created, run.name))

    def named(self, name: str) -> Run | None:
        """The one of that name."""
        try:
            return _run(self._records.read(KIND, name))
        except (NotFound, ValueError):
            return None

    def of(self, id: str) -> Run:
        """The one of that id. Raises NotFound."""
        found = self.named(id) or next((run for run in self.all() if run.submission == id), None)
        if found is None:
            raise NotFound(f"there is no job {id}", status=404)
        return found

    def begin(self, run: Run) -> None:
        """Write it down, before it is sent."""
        self._records.write(KIND, run.name, asdict(run))

    def note(self, run: Run, **known: Any) -> Run:
        """It with more that has become known."""
        self._records.write(KIND, run.name, known)
        return replace(run, **known)

    def end(self, run: Run, state: State, message: str) -> Run:
        """It with how it has ended."""
        return self.note(run, state=state.value, message=message, ended=now())

    def prune(self, known: Sequence[Run]) -> list[Run]:
        """Forget those of one key, ``known`` newest last, that have ended long ago: these. One that
        somebody else has forgotten meanwhile is no matter."""
        over = [run for run in known[:-KEEP] if run.has_ended]
        with together(READERS) as pool:
            list(pool.map(self.forget, over))
        return over

    def forget(self, run: Run) -> None:
        """As if it never was."""
        self._records.delete(KIND, run.name)


def _run(told: Mapping[str, Any]) -> Run | None:
    """What was written; None for anything else."""
    try:
        return Run(**{**told, "spec": dict(told["spec"]), "marks": dict(told["marks"])})
    except (KeyError, TypeError, ValueError):
        return None
