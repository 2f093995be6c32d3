"""What fault rules do to the emulator's own things: old reads, deleted objects, undone updates."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

from cicd.emulator.errors import ApiError, GatewayError
from cicd.emulator.faults.judge import SNAPSHOT, RuleState
from cicd.emulator.faults.operations import Place
from cicd.emulator.lifecycle import Kind
from cicd.emulator.store import Row, Store, connect
from cicd.emulator.web import Call, Operation
from cicd.emulator.world import World, new_revision

RUNS: Mapping[str, Kind] = {
    "/v2/lm/executions/{id}": "execution",
    "/v2/lm/deployments/{id}": "deployment",
}


class OldStore(Store):
    """Reads as of some moment ago, writes as ever.

    The database keeps that moment for it, so its log grows for as long as the moment is kept.
    """

    def __init__(self, store: Store) -> None:
        self.path = store.path
        self._store = store
        self._lock = threading.Lock()
        self._is_closed = False
        self._old = connect(store.path)
        self._taken = 0.0
        self._take()

    def _take(self) -> None:
        self._old.execute("BEGIN")
        # only the first read of a transaction fixes the moment
        self._old.execute("SELECT 1 FROM runs LIMIT 1").fetchall()
        self._taken = time.monotonic()

    def renew(self, seconds: float) -> None:
        """Go on to the present if the moment is more than ``seconds`` ago."""
        with self._lock:
            if not self._is_closed and time.monotonic() - self._taken > seconds:
                self._old.execute("ROLLBACK")
                self._take()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._store.transaction() as db:
            yield db

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        with self._lock:
            if not self._is_closed:
                return self._old.execute(sql, parameters).fetchall()
        return self._store.rows(sql, parameters)

    def close(self) -> None:
        """Let the moment go; from now on reads are as ever."""
        with self._lock:
            self._is_closed = True
            self._old.close()


def prepare(world: World, states: Iterable[RuleState]) -> None:
    """Take what rules that just came into force need of the present."""
    for state in states:
        if "stale" in state.rule.effects:
            state.memory[SNAPSHOT] = OldStore(world.store)


def as_of(world: World, state: RuleState, seconds: float) -> World:
    """The world as reads see it up to ``seconds`` late."""
    old: OldStore | None = state.memory.get(SNAPSHOT)
    if old is None:
        # the rule is in force, but its moment is not taken yet
        return world
    old.renew(seconds)
    return replace(world, store=old)


def vanish(world: World, place: Place, group: str, authorization: str) -> None:
    """Delete what the path of a request names, as somebody else would have; what cannot be
    deleted stays, and nobody without a token can make anything go."""
    try:
        world.credentials.check(
            authorization, "destination" if place.operation.startswith("destination.") else "aicore"
        )
    except GatewayError:
        return
    kind = RUNS.get(place.template)
    if kind:
        if world.run(kind, group, place.values["id"]):
            world.dispatcher.delete_now(place.values["id"])
        return
    operation = deleters().get(place.template)
    if operation:
        headers = {"ai-resource-group": group}
        try:
            operation.handler(Call(world, "DELETE", world.base_url, place.values, {}, headers))
        except ApiError:
            return


@cache
def deleters() -> Mapping[str, Operation]:
    """What deletes the object of a path."""
    from cicd.emulator.routes.table import OPERATIONS

    return {
        operation.path: operation
        for operation in OPERATIONS
        if operation.method == "DELETE" and operation.path.endswith("}")
    }


def before_update(world: World, place: Place, group: str) -> Row | None:
    """The deployment that a request is about to change."""
    if place.operation != "deployment.update":
        return None
    return world.run("deployment", group, place.values["id"])


def undo_update(world: World, before: Row) -> None:
    """Give a deployment back the configuration that it had, without a word."""
    run_id = before["id"]
    with world.store.transaction() as db:
        run = db.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
        if run is None or run["revision"] == before["revision"]:
            return
        job = json.loads(before["job"])
        new_revision(db, run, before["configuration_id"], before["configuration_name"], job)
    world.dispatcher.start(run_id)
