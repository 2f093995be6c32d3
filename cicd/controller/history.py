"""What a controller remembers, as anybody may read it: the stages it keeps, and what became of
them. Times are aware and in UTC; no secret is in any of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

EntryKind = Literal["apply", "heal", "failure"]
"""What was done: a newer commit was applied, what differed was put back, or nobody could look."""


@dataclass(frozen=True)
class KeptStage:
    """A stage that a controller keeps.

    ``state``: a word of ``deciding.StageState``, with its ``reason``, ``since`` when. ``head``: the
    newest commit; ``applied``: the one that was applied last. ``wanted`` and ``drift``: how many
    changes either would make now. ``due_at``: when it is looked at next.
    """

    id: int
    repository: str
    branch: str
    path: str
    name: str
    platform: str
    state: str
    reason: str
    since: datetime
    head: str = ""
    applied: str = ""
    tried: str = ""
    held: str = ""
    wanted: int = 0
    drift: int = 0
    tries: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """Something that was done to a stage; ``ended_at`` is None while it goes on.

    ``via``: how it came to that (``auto``). ``commit``: what was applied, ``before``: what had
    been. ``result``: as ``cicd apply --summary`` says it, with ``summary`` as there; ``reason``:
    why, where it failed. ``log_tail``: the last lines of what failed.
    """

    id: int
    stage: str
    kind: str
    at: datetime
    ended_at: datetime | None = None
    who: str = ""
    via: str = ""
    commit: str = ""
    before: str = ""
    fingerprint: str = ""
    result: str = ""
    reason: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    log_tail: str = ""
    replica: str = ""


class History(Protocol):
    """Reads only; every call asks anew."""

    def stages(self) -> Sequence[KeptStage]:
        """All stages by repository and path."""
        ...

    def entries(
        self,
        stage: str = "",
        kinds: Collection[str] = (),
        *,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[Entry]:
        """What was done, newest first, at most so many: of one stage by its name, of these kinds,
        older than the entry ``before``."""
        ...

    def entry(self, id: int) -> Entry | None:
        """One of them."""
        ...
