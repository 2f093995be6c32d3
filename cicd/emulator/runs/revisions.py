"""New revisions of a deployment: another configuration, or its template as it is now."""

from __future__ import annotations

import json
import sqlite3

from cicd.emulator import timestamps
from cicd.emulator.runs.lifecycle import ENDED
from cicd.emulator.state.store import Row, Store

CASCADE = "executables.ai.sap.com/cascade-update-deployments"


def cascade(store: Store, executable_id: str) -> list[str]:
    """Give running deployments of a changed template the new one, if it says so; their ids."""
    with store.transaction() as db:
        sql = "SELECT document FROM executables WHERE id = ? AND kind = 'serving'"
        row = db.execute(sql, (executable_id,)).fetchone()
        document = json.loads(row["document"]) if row else {"metadata": {}}
        if (document["metadata"].get("annotations") or {}).get(CASCADE) != "true":
            return []
        updated = []
        sql = "SELECT * FROM runs WHERE kind = 'deployment' AND executable_id = ?"
        for run in db.execute(sql, (executable_id,)).fetchall():
            if run["status"] in ENDED or run["target_status"] != "RUNNING":
                continue
            job = json.dumps({**json.loads(run["job"]), "template": document})
            new_revision(db, run, run["configuration_id"], run["configuration_name"], job)
            db.execute(
                "UPDATE runs SET last_operation = 'CASCADE-UPDATE' WHERE id = ?", (run["id"],)
            )
            updated.append(run["id"])
        return updated


def new_revision(
    db: sqlite3.Connection, run: Row, configuration_id: str, configuration_name: str, job: str
) -> None:
    """Make a deployment's next revision the wanted one, with the ``job`` of a Wanted; the
    dispatcher then brings it up."""
    now = timestamps.now()
    db.execute(
        "UPDATE runs SET configuration_id = ?, configuration_name = ?, job = ?, "
        "revision = revision + 1, status = 'PENDING', target_status = 'RUNNING', message = '', "
        "details = '{}', last_operation = 'UPDATE', modified_at = ?, submitted_at = ?, "
        "completed_at = NULL WHERE id = ?",
        (configuration_id, configuration_name, job, now, now, run["id"]),
    )
    db.execute(
        "INSERT INTO revisions VALUES (?, ?, ?)", (run["id"], run["revision"] + 1, configuration_id)
    )
