"""Writes what is done: which stages there are, what was done to them, and how it ended. Whatever a
stage's own replica writes holds its claim against the row, in one transaction with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from cicd.controller.claims import Claim
from cicd.controller.database import Database
from cicd.controller.retries import LOOP_PAUSE, Healed
from cicd.controller.tables import ENTRY, REPOSITORY, STAGE

KEPT_DAYS, KEPT_ENTRIES, SLICE = 400, 20, 1000
"""Entries go after so many days, but for the newest of each stage; so many at once."""
LONGEST_TAIL = 16_000
DAY = 86_400_000


class Lost(Exception):
    """Another replica has the stage by now: nothing was written."""


class Records:
    """All that is written beside claims."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def repository(self, url: str, branch: str, paths: Sequence[str]) -> dict[str, int]:
        """Know a branch of a repository and its stage files; the numbers of all that are known by
        their files. One that is gone is kept: what it deploys is still there."""
        with self._database.begin() as connection:
            found = _repository(connection, url, branch)
            of_it = select(STAGE.c.path, STAGE.c.id).where(STAGE.c.repository_id == found)
            known = {row.path for row in connection.execute(of_it)}
            for path in sorted(set(paths) - known):
                connection.execute(insert(STAGE).values(repository_id=found, path=path))
            return {row.path: row.id for row in connection.execute(of_it)}

    def head(self, url: str, branch: str) -> str:
        """The newest commit that any replica has seen; empty for none."""
        is_it = (REPOSITORY.c.url == url) & (REPOSITORY.c.branch == branch)
        with self._database.begin() as connection:
            return connection.scalar(select(REPOSITORY.c.head).where(is_it)) or ""

    def fetched(self, url: str, branch: str, head: str, seen: str) -> bool:
        """Keep which commit is the newest, and make all due where that is news. ``seen``: what
        ``head`` gave before it was asked for; False where another replica has written one since,
        which may be newer."""
        with self._database.begin() as connection:
            found = _repository(connection, url, branch)
            is_ours = (REPOSITORY.c.id == found) & REPOSITORY.c.head.in_([seen, head])
            values = {"head": head, "fetched_at": self._database.now, "error": ""}
            if connection.execute(update(REPOSITORY).where(is_ours).values(values)).rowcount != 1:
                return False
            if head != seen:
                due = update(STAGE).where(STAGE.c.repository_id == found)
                connection.execute(due.values(due_at=self._database.now))
        return True

    def unreached(self, url: str, branch: str, error: str) -> None:
        """Keep why nobody can tell."""
        with self._database.begin() as connection:
            found = _repository(connection, url, branch)
            connection.execute(
                update(REPOSITORY).where(REPOSITORY.c.id == found).values(error=error)
            )

    def due(self, stage: int) -> None:
        """Let a stage be looked at as soon as nobody works on it."""
        with self._database.begin() as connection:
            due = update(STAGE).where(STAGE.c.id == stage)
            connection.execute(due.values(due_at=self._database.now))

    def row(self, claim: Claim) -> Mapping[str, Any]:
        """What is known of a stage, with ``url`` and ``branch`` of its repository."""
        wanted = select(STAGE, REPOSITORY.c.url, REPOSITORY.c.branch).join(REPOSITORY)
        with self._database.begin() as connection:
            found = connection.execute(wanted.where(STAGE.c.id == claim.stage)).one()
        return dict(found._mapping)

    def begin(self, claim: Claim, kind: str, **values: Any) -> int:
        """Write that something is begun; its number. Raises Lost."""
        with self._ours(claim) as connection:
            entry = insert(ENTRY).values(
                stage_id=claim.stage,
                kind=kind,
                at=self._database.now,
                fence=claim.fence,
                replica=claim.holder,
                **values,
            )
            return int(connection.execute(entry.returning(ENTRY.c.id)).scalar_one())

    def end(self, claim: Claim, id: int, **values: Any) -> None:
        """Write how it ended. Raises Lost."""
        if "log_tail" in values:
            values["log_tail"] = values["log_tail"][-LONGEST_TAIL:]
        with self._ours(claim) as connection:
            ended = update(ENTRY).where(ENTRY.c.id == id, ENTRY.c.ended_at.is_(None))
            connection.execute(ended.values(ended_at=self._database.now, **values))

    def interrupt(self, claim: Claim) -> None:
        """Write of what another replica has left open that this one goes on. Raises Lost."""
        with self._ours(claim) as connection:
            left = update(ENTRY).where(
                ENTRY.c.stage_id == claim.stage,
                ENTRY.c.ended_at.is_(None),
                ENTRY.c.fence < claim.fence,
            )
            connection.execute(
                left.values(
                    ended_at=self._database.now,
                    result="interrupted",
                    reason=f"taken over by {claim.holder}",
                )
            )

    def healed(self, claim: Claim, now: float) -> list[Healed]:
        """What was put back lately, as far as it may be part of a loop."""
        lately = round((now - 24 * LOOP_PAUSE) * 1000)
        wanted = select(ENTRY.c.at, ENTRY.c.fields).where(
            ENTRY.c.stage_id == claim.stage, ENTRY.c.kind == "heal", ENTRY.c.at > lately
        )
        with self._database.begin() as connection:
            rows = connection.execute(wanted).all()
        return [Healed(row.at / 1000, frozenset(row.fields or ())) for row in rows]

    def forget(self, days: int = KEPT_DAYS, keep: int = KEPT_ENTRIES) -> int:
        """Delete what is older than that, but for the newest of each stage; how many. Others wait
        for no more than a slice of it."""
        before = self._database.now - days * DAY
        newer = ENTRY.alias()
        rank = (
            select(func.count())
            .where(newer.c.stage_id == ENTRY.c.stage_id, newer.c.id > ENTRY.c.id)
            .correlate(ENTRY)
            .scalar_subquery()
        )
        old = select(ENTRY.c.id).where(
            ENTRY.c.at < before, ENTRY.c.ended_at.is_not(None), rank >= keep
        )
        total = 0
        while True:
            with self._database.begin() as connection:
                ids: Collection[int] = connection.scalars(old.limit(SLICE)).all()
                connection.execute(delete(ENTRY).where(ENTRY.c.id.in_(ids)))
            total += len(ids)
            if len(ids) < SLICE:
                return total

    @contextmanager
    def _ours(self, claim: Claim) -> Iterator[Connection]:
        with self._database.begin() as connection:
            row = STAGE.c
            # an update, so that nobody takes the row before this transaction ends
            is_ours = (row.id == claim.stage) & (row.fence == claim.fence)
            kept = connection.execute(update(STAGE).where(is_ours).values(fence=row.fence))
            if kept.rowcount != 1:
                raise Lost
            yield connection


def _repository(connection: Connection, url: str, branch: str) -> int:
    is_it = (REPOSITORY.c.url == url) & (REPOSITORY.c.branch == branch)
    found = connection.scalar(select(REPOSITORY.c.id).where(is_it))
    if found is not None:
        return int(found)
    made = insert(REPOSITORY).values(url=url, branch=branch).returning(REPOSITORY.c.id)
    return int(connection.execute(made).scalar_one())
