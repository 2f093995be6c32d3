"""Where the runner writes down what happens to runs: jobs.Journal on the store."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.git import templates
from cicd.emulator.jobs import Line, Node
from cicd.emulator.runs import lifecycle
from cicd.emulator.runs.rotation import Rotation
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.store import Row, Store


class StoreJournal:
    """Every call is durable when it returns. A run that was deleted meanwhile is left deleted."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects
        self._rotation = Rotation()
        self._is_frozen = False

    def freeze(self) -> None:
        """From now on statuses stay: what ends because the emulator stops is resumed later."""
        self._is_frozen = True

    def log(self, run_id: str, lines: Sequence[Line]) -> None:
        with self._store.transaction() as db:
            if not exists(db, run_id):
                return
            db.executemany(
                "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)",
                [(run_id, x.time, x.text, x.container, x.pod, x.stream) for x in lines],
            )
            self._rotation.count(db, run_id, lines)

    def status(
        self,
        run_id: str,
        status: str,
        *,
        message: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        with self._store.transaction() as db:
            if not self._is_frozen:
                set_status(db, run_id, status, message=message, details=details)

    def nodes(self, run_id: str) -> Mapping[str, Node]:
        rows = self._store.rows(
            "SELECT node_id, body FROM nodes WHERE run_id = ? ORDER BY rowid", (run_id,)
        )
        return {row["node_id"]: Node(**json.loads(row["body"])) for row in rows}

    def save_node(self, run_id: str, node: Node) -> None:
        with self._store.transaction() as db:
            # A thread of the runner may come here after a request has deleted the run: rows without
            # a run would never be removed.
            if self._is_frozen or not exists(db, run_id):
                return
            db.execute(
                "INSERT INTO nodes VALUES (?, ?, ?) "
                "ON CONFLICT (run_id, node_id) DO UPDATE SET body = excluded.body",
                (run_id, node.id, json.dumps(asdict(node), default=str)),
            )

    def forget_node(self, run_id: str, node_id: str) -> None:
        if not self._is_frozen:
            sql = "DELETE FROM nodes WHERE run_id = ? AND node_id = ?"
            self._store.write(sql, (run_id, node_id))

    def publish(self, run_id: str, global_name: str, path: Path) -> None:
        run = self._store.row("SELECT * FROM runs WHERE id = ?", (run_id,))
        # Asked again after a restart between the two: the file may be there already, the row is
        # what counts.
        if run is None or self._is_published(run_id, global_name):
            return
        url = f"ai://default/{run_id}/{global_name}"
        self._objects.put(run["resource_group"], url, path)
        self._store.write(
            "INSERT OR IGNORE INTO artifacts (id, resource_group, name, kind, url, scenario_id, "
            "description, labels, execution_id, configuration_id, global_name, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            output_artifact(run, global_name, url),
        )

    def keep(self, run_id: str, key: str, path: Path) -> None:
        run = self._store.row("SELECT * FROM runs WHERE id = ?", (run_id,))
        if run is not None:
            self._objects.put(run["resource_group"], f"ai://default/{key.strip('/')}", path)

    def kept(self, run_id: str, key: str, folder: Path) -> Path:
        run = self._store.row("SELECT * FROM runs WHERE id = ?", (run_id,))
        if run is None:
            return folder / "nothing"
        url = f"ai://default/{key.strip('/')}"
        return self._objects.fetch(run["resource_group"], url, folder)

    def serving(self, deployment_id: str, revision: int) -> None:
        self._store.write(
            "UPDATE runs SET running_configuration_id = (SELECT configuration_id FROM revisions "
            "WHERE deployment_id = runs.id AND revision = ?), "
            "started_at = COALESCE(started_at, ?) WHERE id = ?",
            (revision, timestamps.now(), deployment_id),
        )

    def _is_published(self, run_id: str, global_name: str) -> bool:
        sql = "SELECT 1 FROM artifacts WHERE execution_id = ? AND global_name = ?"
        return self._store.row(sql, (run_id, global_name)) is not None


def exists(db: sqlite3.Connection, run_id: str) -> bool:
    """Whether the run is still there."""
    return db.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone() is not None


def log_line(db: sqlite3.Connection, run_id: str, text: str) -> None:
    """One line of the platform itself in the log of a run."""
    line = (run_id, time.time_ns(), text, "main", run_id, "stderr")
    db.execute("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)", line)


def set_status(
    db: sqlite3.Connection,
    run_id: str,
    status: str,
    *,
    message: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Move a run to the status that follows from a reported one, with its times."""
    run = db.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
    # What was said last is the end: threads of the runner may report late.
    if run is None or run["status"] in lifecycle.ENDED:
        return
    after = lifecycle.after_report(run["status"], status)
    if after == run["status"] and message == run["message"] and details is None:
        # said again, by a run that was taken up after a restart: nothing is modified
        return
    now = timestamps.now()
    db.execute(
        "UPDATE runs SET status = ?, message = ?, details = ?, modified_at = ?, "
        "submitted_at = COALESCE(submitted_at, ?), started_at = COALESCE(started_at, ?), "
        "completed_at = ? WHERE id = ?",
        (
            after,
            message[:256],
            json.dumps(details, default=str) if details is not None else run["details"],
            now,
            None if after == "UNKNOWN" else now,
            now if after == "RUNNING" else None,
            now if after in lifecycle.ENDED else None,
            run_id,
        ),
    )
    if after == "DEAD" and message:
        explain_death(db, run, message)


def explain_death(db: sqlite3.Connection, run: Row, message: str) -> None:
    """Let the log say why a run is dead, unless it says so already: what never started has written
    nothing, and who looks there must not find nothing."""
    last = db.execute("SELECT MAX(time) FROM logs WHERE run_id = ?", (run["id"],)).fetchone()[0]
    sql = (
        "SELECT 1 FROM logs WHERE run_id = ? AND (instr(text, ?) > 0 "
        "OR (length(text) > 9 AND instr(?, text) > 0))"
    )
    if last and db.execute(sql, (run["id"], message, message)).fetchone():
        return
    # After the last line even where the clock has gone back, or that line was dated by the
    # container.
    now = max(time.time_ns(), (last or 0) + 1)
    container = "main" if run["kind"] == "execution" else "kserve-container"
    row = (run["id"], now, message, container, run["id"], "stderr")
    db.execute("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)", row)


def output_artifact(run: Row, global_name: str, url: str) -> tuple[Any, ...]:
    """The artifact that a run's output becomes, as the template's annotations describe it."""
    document = json.loads(run["job"])["template"]
    annotations = templates.mapping(document["metadata"].get("annotations"))
    prefix = f"artifacts.ai.sap.com/{global_name}"
    labels = templates.artifact_labels(global_name, annotations)
    return (
        str(uuid.uuid4()),
        run["resource_group"],
        annotations.get(f"{prefix}.name") or global_name,
        annotations.get(f"{prefix}.kind") or "model",
        url,
        run["scenario_id"],
        annotations.get(f"{prefix}.description"),
        json.dumps(labels),
        run["id"],
        run["configuration_id"],
        global_name,
        timestamps.now(),
    )
