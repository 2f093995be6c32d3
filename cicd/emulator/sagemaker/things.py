"""What clients have made, each by its kind and name, in the words of the API.

Fields whose name begins with ``_`` are the emulator's own, and shown to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from cicd.emulator.sagemaker.names import NAME
from cicd.emulator.state.store import Store

DOOR = NAME
Thing = dict[str, Any]


class Things:
    """Every call is durable when it returns; any thread may make it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, kind: str, name: str, body: Thing) -> bool:
        """Keep a new one; False where the name is taken."""
        sql = "INSERT OR IGNORE INTO things (door, kind, name, body) VALUES (?, ?, ?, ?)"
        return self._store.write(sql, (DOOR, kind, name, json.dumps(body))) == 1

    def get(self, kind: str, name: str) -> Thing | None:
        """One of them."""
        sql = "SELECT body FROM things WHERE door = ? AND kind = ? AND name = ?"
        row = self._store.row(sql, (DOOR, kind, name))
        return json.loads(row["body"]) if row else None

    def change(self, kind: str, name: str, change: Callable[[Thing], None]) -> Thing | None:
        """Let ``change`` see it alone and alter it, unless it raises; None where it is gone."""
        where = "WHERE door = ? AND kind = ? AND name = ?"
        with self._store.transaction() as db:
            sql = f"SELECT body FROM things {where}"  # noqa: S608 - ours
            row = db.execute(sql, (DOOR, kind, name)).fetchone()
            if row is None:
                return None
            body: Thing = json.loads(row["body"])
            change(body)
            sql = f"UPDATE things SET body = ? {where}"  # noqa: S608 - ours
            db.execute(sql, (json.dumps(body), DOOR, kind, name))
            return body

    def put(self, kind: str, name: str, **fields: Any) -> Thing | None:
        """Set fields of one of them; None where it is gone."""
        return self.change(kind, name, lambda body: body.update(fields))

    def remove(self, kind: str, name: str) -> bool:
        """Forget it; False where there is none."""
        sql = "DELETE FROM things WHERE door = ? AND kind = ? AND name = ?"
        return self._store.write(sql, (DOOR, kind, name)) == 1

    def all(self, kinds: Collection[str], contains: str = "") -> list[Thing]:
        """All of some kinds whose names have a text in them, oldest first."""
        marks = ", ".join("?" for _ in kinds)
        sql = (
            f"SELECT body FROM things WHERE door = ? AND kind IN ({marks}) "  # noqa: S608 - ours
            "AND instr(name, ?) > 0 ORDER BY number"
        )
        rows = self._store.rows(sql, (DOOR, *kinds, contains))
        return [json.loads(row["body"]) for row in rows]
