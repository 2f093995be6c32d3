"""Hands runs to the runner, one request after the other, and goes on with them after a restart."""

from __future__ import annotations

import base64
import json
import logging
import queue
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cicd.emulator import standins, timestamps
from cicd.emulator.jobs import DeploymentJob, ExecutionJob, Runner
from cicd.emulator.journal import set_status
from cicd.emulator.lifecycle import ACTIVE, ENDED
from cicd.emulator.objectstore import ObjectStore, mapped
from cicd.emulator.store import Row, Store

LOG = logging.getLogger(__name__)
LOOK = 15.0
"""Seconds between two looks for deployments whose time to live is over."""


class Dispatcher:
    """A queue and one thread: answers go out at once, the work follows in the order of requests."""

    def __init__(
        self, store: Store, runner: Runner, objects: ObjectStore, folder: Path, base_url: str
    ) -> None:
        self._store = store
        self._runner = runner
        self._objects = objects
        self._folder = folder
        self._base_url = base_url
        self._handed: set[str] = set()
        """Runs the runner knows of; only the thread below looks at it."""
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="dispatch", daemon=True)

    def open(self) -> None:
        """Go on with everything that an emulator before this one left unfinished."""
        self._queue.put(self._resume)
        self._thread.start()

    def start(self, run_id: str) -> None:
        """Start a run, or bring up a deployment's present revision."""
        self._queue.put(lambda: self._start(run_id))

    def stop(self, run_id: str) -> None:
        """Stop a run whose status is STOPPING."""
        self._queue.put(lambda: self._stop(run_id))

    def delete(self, run_id: str) -> None:
        """Stop what may still run of it and forget it."""
        self._queue.put(lambda: self._delete(run_id))

    def provision(self, group: str) -> None:
        """Make a resource group ready."""
        sql = "UPDATE resource_groups SET status = 'PROVISIONED' WHERE id = ?"
        self._queue.put(lambda: void(self._store.write(sql, (group,))))

    def forget_group(self, group: str, run_ids: list[tuple[str, str]]) -> None:
        """Stop the runs (kind, id) of a deleted resource group and delete its files."""

        def forget() -> None:
            for kind, run_id in run_ids:
                if run_id in self._handed:
                    self._end(kind, run_id)
                shutil.rmtree(self._folder / run_id, ignore_errors=True)
            self._objects.remove_group(group)

        self._queue.put(forget)

    def close(self) -> None:
        """Finish what was asked for and end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                task = self._queue.get(timeout=LOOK)
            except queue.Empty:
                task = self._expire
            if task is None:
                return
            try:
                task()
            except Exception:
                # the thread must outlive whatever one run does to it
                LOG.exception("a request to the runner failed")

    def _resume(self) -> None:
        for group in self._store.rows(
            "SELECT id FROM resource_groups WHERE status != 'PROVISIONED'"
        ):
            self.provision(group["id"])
        known = set()
        for run in self._store.rows("SELECT id, status, target_status FROM runs ORDER BY number"):
            known.add(run["id"])
            if run["target_status"] == "DELETED":
                self.delete(run["id"])
            elif run["status"] == "STOPPING":
                self.stop(run["id"])
            else:
                self.start(run["id"])
        for folder in self._folder.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def _start(self, run_id: str) -> None:
        run = self._store.row("SELECT * FROM runs WHERE id = ?", (run_id,))
        if run is None or run["target_status"] in {"DELETED", "STOPPED"}:
            return
        if run["status"] not in ACTIVE:
            return
        is_execution = run["kind"] == "execution"
        try:
            if not (is_execution and run["status"] == "RUNNING"):
                # a deployment that ran before a restart is not ready again yet
                self._report(run_id, "PENDING")
            job = self._job(run)
            self._handed.add(run_id)
            if is_execution:
                self._runner.start_execution(ExecutionJob(**job))
            else:
                self._runner.deploy(DeploymentJob(**job, revision=run["revision"]))
        except Exception as error:
            LOG.exception("run %s could not be started", run_id)
            self._report(run_id, "DEAD", f"could not be started: {error}")

    def _stop(self, run_id: str) -> None:
        run = self._store.row("SELECT kind, status FROM runs WHERE id = ?", (run_id,))
        if run is None or run["status"] != "STOPPING":
            return
        if run_id in self._handed:
            self._end(run["kind"], run_id)
        else:
            # its processes, if it had any, ended with the emulator before
            self._report(run_id, "STOPPED")

    def _delete(self, run_id: str) -> None:
        run = self._store.row("SELECT kind, status FROM runs WHERE id = ?", (run_id,))
        if run is None:
            return
        # a dead deployment may still serve the revision before
        may_run = run["kind"] == "deployment" or run["status"] not in ENDED
        if may_run and run_id in self._handed:
            self._end(run["kind"], run_id)
        self._handed.discard(run_id)
        with self._store.transaction() as db:
            for statement in FORGET:
                db.execute(statement, (run_id,))
        shutil.rmtree(self._folder / run_id, ignore_errors=True)

    def _end(self, kind: str, run_id: str) -> None:
        if kind == "execution":
            self._runner.stop_execution(run_id)
        else:
            self._runner.stop_deployment(run_id)

    def _expire(self) -> None:
        rows = self._store.rows(
            "SELECT id, status FROM runs WHERE expires_at < ? AND target_status != 'DELETED'",
            (timestamps.now(),),
        )
        for row in rows:
            self._store.write(
                "UPDATE runs SET target_status = 'DELETED', last_operation = 'DELETE' WHERE id = ?",
                (row["id"],),
            )
            self.delete(row["id"])

    def _report(self, run_id: str, status: str, message: str = "") -> None:
        with self._store.transaction() as db:
            set_status(db, run_id, status, message=message)

    def _job(self, run: Row) -> dict[str, Any]:
        """What the runner gets, from what was stored with the run and today's secrets."""
        job = json.loads(run["job"])
        folder = self._folder / run["id"]
        folder.mkdir(parents=True, exist_ok=True)
        group = run["resource_group"]
        variable = "AICORE_EXECUTION_ID" if run["kind"] == "execution" else "AICORE_DEPLOYMENT_ID"
        return {
            "id": run["id"],
            "template": job["template"],
            "parameters": job["parameters"],
            "inputs": {
                name: self._input(group, url, job["stand_ins"]["artifacts"])
                for name, url in job["inputs"].items()
            },
            "secrets": secrets_of(self._store, group),
            "images": standins.images(job["stand_ins"]),
            "environment": {
                variable: run["id"],
                "AICORE_TRACKING_ENDPOINT": f"{self._base_url}/tracking/{run['token']}",
            },
            "folder": folder,
        }

    def _input(self, group: str, url: str, artifacts: Mapping[str, str]) -> Path:
        return mapped(url, artifacts) or self._objects.path(group, url)


FORGET = (
    "DELETE FROM runs WHERE id = ?",
    "DELETE FROM revisions WHERE deployment_id = ?",
    "DELETE FROM nodes WHERE run_id = ?",
    "DELETE FROM logs WHERE run_id = ?",
    "DELETE FROM tracked WHERE execution_id = ?",
    "DELETE FROM metrics WHERE execution_id = ?",
    "DELETE FROM remarks WHERE execution_id = ?",
)
"""Everything that belongs to one run. Artifacts stay: AI Core has no way to delete one."""


def secrets_of(store: Store, group: str) -> dict[str, dict[str, str]]:
    """The generic secrets that runs of a group see, decoded; the group's own win."""
    rows = store.rows(
        "SELECT name, data FROM secrets WHERE kind = 'generic' AND scope IN ('*', ?) "
        "ORDER BY scope = '*' DESC",
        (f"group:{group}",),
    )
    return {
        row["name"]: {
            key: base64.b64decode(value).decode("utf-8", "replace")
            for key, value in json.loads(row["data"]).items()
        }
        for row in rows
    }


def void(_: object) -> None:
    """For tasks whose result nobody needs."""
