"""The history of a database, read only, and as lines for other programs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select

from cicd.controller.database import Database, when
from cicd.controller.history import Entry, KeptStage
from cicd.controller.tables import ENTRY, REPOSITORY, STAGE
from cicd.model import Applied, Made

PAGE = 500
SOURCE = "controller"
_DONE = ("apply", "heal")


class Remembered:
    """A ``history.History`` of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stages(self) -> Sequence[KeptStage]:
        wanted = select(STAGE, REPOSITORY.c.url.label("repository"), REPOSITORY.c.branch).join(
            REPOSITORY
        )
        with self._database.begin() as connection:
            rows = connection.execute(wanted.order_by(REPOSITORY.c.url, STAGE.c.path)).mappings()
            return [_stage(row) for row in rows]

    def entries(
        self,
        stage: str = "",
        kinds: Collection[str] = (),
        *,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[Entry]:
        wanted = select(ENTRY, STAGE.c.name.label("stage")).join(STAGE)
        if stage:
            wanted = wanted.where(STAGE.c.name == stage)
        if kinds:
            wanted = wanted.where(ENTRY.c.kind.in_(kinds))
        if before is not None:
            wanted = wanted.where(ENTRY.c.id < before)
        with self._database.begin() as connection:
            rows = connection.execute(wanted.order_by(ENTRY.c.id.desc()).limit(limit)).mappings()
            return [_entry(row) for row in rows]

    def entry(self, id: int) -> Entry | None:
        found = self.entries(before=id + 1, limit=1)
        return found[0] if found and found[0].id == id else None

    def export(self) -> Iterator[str]:
        """Every entry as a line of JSON, newest first."""
        before = None
        while page := self.entries(before=before, limit=PAGE):
            for entry in page:
                yield json.dumps(asdict(entry), default=_plain, ensure_ascii=False)
            before = page[-1].id

    def applies(self, stage: str, limit: int) -> list[Applied]:
        """What was applied to a stage, newest first, as ``cicd history`` has it."""
        return [_applied(one) for one in self.entries(stage, _DONE, limit=limit)]


def _stage(row: Mapping[Any, Any]) -> KeptStage:
    names = KeptStage.__dataclass_fields__
    told = {name: row[name] for name in names if name not in {"since", "due_at"}}
    return KeptStage(**told, since=_moment(row["since"] or 0), due_at=when(row["due_at"]))


def _entry(row: Mapping[Any, Any]) -> Entry:
    names = Entry.__dataclass_fields__
    told = {name: row[name] for name in names if name not in {"at", "ended_at", "summary"}}
    ended, summary = when(row["ended_at"]), row["summary"] or {}
    return Entry(**told, at=_moment(row["at"]), ended_at=ended, summary=summary)


def _moment(milliseconds: int) -> datetime:
    found = when(milliseconds)
    assert found
    return found


def _applied(entry: Entry) -> Applied:
    at = entry.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = (entry.ended_at - entry.at).total_seconds() if entry.ended_at else None
    outcomes = entry.summary.get("outcomes", ())
    made = [
        Made(
            one["key"],
            one["action"],
            one["id"],
            one["status"] or one["result"],
            at=at,
            commit=entry.commit,
            is_bad=one["result"] in {"failed", "timed_out"},
        )
        for one in outcomes
        if one["action"] != "no_op"
    ]
    return Applied(
        at=at,
        commit=entry.commit,
        by=entry.who,
        result=entry.result if entry.ended_at else "running",
        seconds=seconds,
        made=tuple(made),
        sources=(SOURCE,),
    )


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
