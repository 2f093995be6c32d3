"""What any front door does with runs: start, stop, forget and look at them.

This is the seam by which an API stands on the emulator. AI Core's (``api.lm``) is one front door;
another (``front_door.FrontDoor``) gets the same World and uses of it ``runs``, which is here,
``clock`` for what time it is, and ``runner`` with ``api.passing`` to send requests to what serves.
What is started is a template of AI Core's kinds in a ``Wanted``: whatever another API calls a job
becomes a job_template(), a server a server_template(). All of it is in the store when a call
returns, so a restart loses nothing and resumes what ran; what really runs it is known by
``jobs.Runner`` and ``jobs.Journal`` only.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.errors import ApiError, not_found
from cicd.emulator.runs import lifecycle, standins
from cicd.emulator.runs.dispatch import Dispatcher
from cicd.emulator.runs.lifecycle import Kind, Wish
from cicd.emulator.state import quotas
from cicd.emulator.state.store import Row, Store

MOST = 2**63 - 1
"""What the database can compare with."""
TARGETS: Mapping[Kind, str] = {"execution": "COMPLETED", "deployment": "RUNNING"}


@dataclass(frozen=True)
class Wanted:
    """A run to be started: all that does not change any more once it is asked for.

    ``group`` keeps apart what front doors and their tenants own: its secrets, object stores and
    artifacts. ``inputs`` are ``ai://`` urls by artifact. What follows ``stand_ins`` is by what AI
    Core shows it, empty for others; ``expires_at`` is a time of the clock, for deployments.
    """

    kind: Kind
    group: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, Any] = field(default_factory=lambda: standins.EMPTY)
    configuration_id: str = ""
    configuration_name: str = ""
    scenario_id: str = ""
    executable_id: str = ""
    schedule_id: str | None = None
    ttl: str | None = None
    expires_at: str | None = None
    own_name: str | None = None
    """What its client calls it, where the API lets it choose: one of a kind in the group."""

    @property
    def job(self) -> str:
        """What the dispatcher hands to the runner later, as it is stored."""
        parts = {
            "template": self.template,
            "parameters": self.parameters,
            "inputs": self.inputs,
            "stand_ins": self.stand_ins,
        }
        return json.dumps(parts)


class Runs:
    """Every run of the emulator, whoever asked for it. Calls return at once; work follows."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    def start(self, wanted: Wanted) -> str:
        """Store a new run and hand it over; its id. 400 where the tenant has too many, 409 where
        the group has one of its own name."""
        run_id = wanted.kind[0] + secrets.token_hex(8)[:15]
        now = timestamps.now()
        with self._store.transaction() as db:
            if wanted.kind == "deployment":
                quotas.admit(self._store, "deployments")
            if wanted.own_name is not None:
                sql = "SELECT 1 FROM runs WHERE resource_group = ? AND own_name = ?"
                if db.execute(sql, (wanted.group, wanted.own_name)).fetchone():
                    raise ApiError(409, f"{wanted.own_name} exists")
            db.execute(
                "INSERT INTO runs (id, kind, resource_group, configuration_id, configuration_name, "
                "scenario_id, executable_id, status, target_status, created_at, modified_at, "
                "token, job, ttl, expires_at, schedule_id, own_name) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'UNKNOWN', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    wanted.kind,
                    wanted.group,
                    wanted.configuration_id,
                    wanted.configuration_name,
                    wanted.scenario_id,
                    wanted.executable_id,
                    TARGETS[wanted.kind],
                    now,
                    now,
                    secrets.token_urlsafe(24),
                    wanted.job,
                    wanted.ttl,
                    wanted.expires_at,
                    wanted.schedule_id,
                    wanted.own_name,
                ),
            )
            sql = "INSERT INTO revisions VALUES (?, 1, ?)"
            db.execute(sql, (run_id, wanted.configuration_id))
        # Only after it is stored: killed in between, it is started when the emulator is back.
        self._dispatcher.start(run_id)
        return run_id

    def find(self, kind: Kind, group: str, run_id: str) -> Row | None:
        """One run of a group, with its ``status`` and ``message``."""
        return find(self._store, kind, group, run_id)

    def named(self, group: str, own_name: str) -> Row | None:
        """The run that its client calls so."""
        sql = "SELECT * FROM runs WHERE resource_group = ? AND own_name = ?"
        return self._store.row(sql, (group, own_name))

    def of_group(self, group: str) -> Sequence[Row]:
        """Every run of a group, oldest first."""
        sql = "SELECT * FROM runs WHERE resource_group = ? ORDER BY number"
        return self._store.rows(sql, (group,))

    def log(self, run_id: str, *, since: int = 0, top: int = 1000) -> Sequence[Row]:
        """Lines of a run from ``since`` (ns since 1970) on, oldest first: ``time``, ``text``."""
        return lines(self._store, run_id, since, MOST, top)

    def log_after(self, run_id: str, after: tuple[int, int], top: int) -> Sequence[Row]:
        """Lines of a run after the one with this ``time`` and ``rowid``, oldest first."""
        sql = (
            "SELECT rowid, time, text FROM logs WHERE run_id = ? AND (time, rowid) > (?, ?) "
            "ORDER BY time, rowid LIMIT ?"
        )
        return self._store.rows(sql, (run_id, *after, top))

    def stop(self, kind: Kind, group: str, run_id: str, *, wish: Wish = "stop") -> None:
        """Ask a run to stop; 404 where there is none, 412 when its status does not admit that."""
        assignment = "status = 'STOPPING', target_status = 'STOPPED'"
        self._change(kind, group, run_id, wish, assignment)
        self._dispatcher.stop(run_id)

    def delete(self, kind: Kind, group: str, run_id: str) -> None:
        """Ask for a run to be forgotten; 404 and 412 as for stop()."""
        assignment = "target_status = 'DELETED', last_operation = 'DELETE'"
        self._change(kind, group, run_id, "delete", assignment)
        self._dispatcher.delete(run_id)

    def _change(self, kind: Kind, group: str, run_id: str, wish: Wish, assignment: str) -> None:
        """Write a wish down if the status admits it at this very moment."""
        with self._store.transaction() as db:
            sql = "SELECT status FROM runs WHERE id = ? AND kind = ? AND resource_group = ?"
            row = db.execute(sql, (run_id, kind, group)).fetchone()
            if row is None:
                raise not_found(kind.capitalize(), run_id)
            # Looked at and written in one transaction, as the run may end at any moment.
            lifecycle.admit(kind, run_id, row["status"], wish)
            db.execute(
                f"UPDATE runs SET {assignment}, modified_at = ? WHERE id = ?",  # noqa: S608
                (timestamps.now(), run_id),
            )


def job_template(container: Mapping[str, Any]) -> dict[str, Any]:
    """A WorkflowTemplate of one container, as Kubernetes has it, that runs to its end."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "job"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "container": container}]},
    }


def server_template(container: Mapping[str, Any]) -> dict[str, Any]:
    """A ServingTemplate of one container, as Kubernetes has it, that answers at its first port."""
    predictor = {"minReplicas": 1, "containers": [container]}
    return {
        "apiVersion": "ai.sap.com/v1alpha1",
        "kind": "ServingTemplate",
        "metadata": {"name": "server"},
        "spec": {"template": {"spec": json.dumps({"predictor": predictor})}},
    }


def find(store: Store, kind: str, group: str, run_id: str) -> Row | None:
    """One execution or deployment of a resource group, as ``store`` has it."""
    return store.row(
        "SELECT * FROM runs WHERE id = ? AND kind = ? AND resource_group = ?",
        (run_id, kind, group),
    )


def lines(
    store: Store, run_id: str, start: int, end: int, top: int, *, newest_first: bool = False
) -> Sequence[Row]:
    """The log of a run between two times, both included, as ``store`` has it."""
    order = "DESC" if newest_first else "ASC"
    return store.rows(
        "SELECT * FROM logs WHERE run_id = ? AND time BETWEEN ? AND ? "  # noqa: S608 - order is ours
        f"ORDER BY time {order}, rowid {order} LIMIT ?",
        (run_id, start, end, top),
    )
