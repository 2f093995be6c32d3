"""What fault rules do to the emulator's own things: old reads, deleted objects, undone updates."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cicd.emulator.api.web import ApiCall, Operation
from cicd.emulator.errors import ApiError, GatewayError
from cicd.emulator.faults.judge import SNAPSHOT, Asked, RuleState
from cicd.emulator.runs.lifecycle import Kind
from cicd.emulator.runs.revisions import new_revision
from cicd.emulator.state.store import Row, Store, connect
from cicd.emulator.world import World

MOMENTS = 20
"""How many of them are kept at most for reads that are late."""
RUNS: Mapping[str, Kind] = {
    "/v2/lm/executions/{id}": "execution",
    "/v2/lm/deployments/{id}": "deployment",
}


class OldStore(Store):
    """Reads that see no write before it is ``seconds`` old; writes as ever.

    The database keeps the moment before each of these writes for it (those that come close after
    each other share one), so its log grows for as long as that.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        self.path = store.path
        self._store = store
        self._seconds = seconds
        self._lock = threading.Lock()
        self._past: deque[tuple[float, sqlite3.Connection]] = deque()
        if seconds > 0:
            store.before_write.append(self._keep)

    def _keep(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            if self._past and now - self._past[-1][0] < self._seconds / MOMENTS:
                return
            moment = connect(self.path)
            moment.execute("BEGIN")
            # only the first read of a transaction fixes it
            moment.execute("SELECT 1 FROM runs LIMIT 1").fetchall()
            self._past.append((now, moment))

    def _forget(self, now: float) -> None:
        while self._past and now - self._past[0][0] >= self._seconds:
            self._past.popleft()[1].close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._store.transaction() as db:
            yield db

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        with self._lock:
            self._forget(time.monotonic())
            if self._past:
                return self._past[0][1].execute(sql, parameters).fetchall()
        return self._store.rows(sql, parameters)

    def close(self) -> None:
        """Let the past go; from now on reads are as ever."""
        if self._keep in self._store.before_write:
            self._store.before_write.remove(self._keep)
        with self._lock:
            while self._past:
                self._past.popleft()[1].close()


def prepare(world: World, states: Iterable[RuleState]) -> None:
    """Take what rules that just came into force need of the present."""
    for state in states:
        if "stale" in state.rule.effects:
            state.memory[SNAPSHOT] = OldStore(world.store, state.rule.effects["stale"])


def as_of(world: World, state: RuleState) -> World:
    """The world as reads see it that are late."""
    old: OldStore | None = state.memory.get(SNAPSHOT)
    # without: the rule is in force, but what it needs is not ready yet
    return world if old is None else replace(world, store=old)


def vanish(
    world: World, deleters: Mapping[str, Operation], asked: Asked, authorization: str
) -> None:
    """Delete what the path of a request names, as somebody else would have, by what ``deleters``
    has for it; what cannot be deleted stays, and nobody without a token can make anything go."""
    is_destination = asked.operation.startswith("destination.")
    try:
        world.credentials.check(authorization, "destination" if is_destination else "aicore")
    except GatewayError:
        return
    group = asked.resource_group
    kind = RUNS.get(asked.template)
    if kind:
        if world.run(kind, group, asked.values["id"]):
            world.dispatcher.delete_now(asked.values["id"])
        return
    operation = deleters.get(asked.template)
    if operation:
        headers = {"ai-resource-group": group}
        try:
            operation.handler(ApiCall(world, "DELETE", world.base_url, asked.values, {}, headers))
        except ApiError:
            return


def deleters(operations: Iterable[Operation]) -> Mapping[str, Operation]:
    """What deletes the object of a path, by the path."""
    return {
        operation.path: operation
        for operation in operations
        if operation.method == "DELETE" and operation.path.endswith("}")
    }


def before_update(world: World, asked: Asked) -> Row | None:
    """The deployment that a request is about to change."""
    if asked.operation != "deployment.update":
        return None
    return world.run("deployment", asked.resource_group, asked.values["id"])


def undo_update(world: World, before: Row) -> None:
    """Give a deployment back the configuration that it had, without a word."""
    run_id = before["id"]
    with world.store.transaction() as db:
        run = db.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
        if run is None or run["revision"] == before["revision"]:
            return
        new_revision(
            db, run, before["configuration_id"], before["configuration_name"], before["job"]
        )
    world.dispatcher.start(run_id)
