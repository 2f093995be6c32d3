"""Hands runs to the runner, one request after the other, and goes on with them after a restart.

Every task looks at the store first and asks to be called later where it is too early, so that
calling one twice, or too soon, does no harm.
"""

from __future__ import annotations

import logging
import shutil
import time
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from cicd.emulator import timestamps
from cicd.emulator.jobs import ExecutionJob, Runner
from cicd.emulator.runs.agenda import Agenda
from cicd.emulator.runs.inputs import Inputs
from cicd.emulator.runs.journal import log_line, set_status
from cicd.emulator.runs.lifecycle import ACTIVE, ENDED
from cicd.emulator.runs.preparing import Jobs, NotStartable
from cicd.emulator.state import quotas
from cicd.emulator.state.clock import Clock
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.realism import Pace, remaining, share
from cicd.emulator.state.s3 import StorageError
from cicd.emulator.state.store import Row, Store

LOG = logging.getLogger(__name__)
LOOK = 15.0
"""Seconds between two looks for deployments whose time to live is over."""
KILLED = "the container was terminated: OOMKilled (exit code 137)"


@dataclass(frozen=True)
class StartFault:
    """What a fault rule makes of the runs that a request starts."""

    is_stuck: bool = False
    """It stays PENDING."""
    dies_after: float | None = None
    """It is DEAD after so many seconds."""
    is_ignored: bool = False
    """Nothing happens; whoever set this starts it later."""


START_FAULT = ContextVar("start_fault", default=StartFault())  # noqa: B039 - it is frozen
"""Of the present request; handlers run in a copy of its context."""


class Dispatcher:
    """A queue and one thread: answers go out at once, the work follows in the order of requests."""

    def __init__(
        self,
        store: Store,
        runner: Runner,
        objects: ObjectStore,
        folder: Path,
        jobs: Jobs,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._store = store
        self._runner = runner
        self._objects = objects
        self._folder = folder
        self._jobs = jobs
        self._pace = pace
        self._clock = clock
        # only the thread below looks at these
        self._handed: set[str] = set()
        """Runs the runner knows of."""
        self._stuck: set[str] = set()
        self._waiting: set[str] = set()
        """Runs that a timer will start."""
        self._agenda = Agenda("dispatch", self._expire, LOOK)

        def again(run_id: str) -> None:
            self._agenda.put(lambda: self._start(run_id))

        self._inputs = Inputs(objects, folder, again)

    def open(self) -> None:
        """Go on with everything that an emulator before this one left unfinished."""
        # nobody may be told that what has yet to be started again is running
        for run in self._store.rows(
            "SELECT id FROM runs WHERE kind = 'deployment' AND status = 'RUNNING'"
        ):
            self._report(run["id"], "PENDING")
        self._agenda.put(self._resume)
        self._agenda.open()

    def start(self, run_id: str) -> None:
        """Start a run, or bring up a deployment's present revision."""
        fault = START_FAULT.get()
        if not fault.is_ignored:
            self._agenda.put(lambda: self._begin(run_id, fault))

    def stop(self, run_id: str) -> None:
        """Stop a run whose status is STOPPING."""
        self._agenda.put(lambda: self._stop(run_id))

    def delete(self, run_id: str) -> None:
        """Stop what may still run of it and forget it, when its time has come."""
        self._agenda.put(lambda: self._delete(run_id), waits=self._pace.timings.waits)

    def delete_now(self, run_id: str) -> None:
        """The same at once; it is gone afterwards."""
        self._agenda.put(lambda: self._forget(run_id), waits=True)

    def provision(self, group: str) -> None:
        """Make a resource group ready, or whatever was set to become of it."""
        self._agenda.put(lambda: self._provision(group), waits=self._pace.timings.waits)

    def reserve(self) -> None:
        """Provide the nodes that were asked for."""
        sql = "UPDATE reservations SET provisioned = requested"
        self._agenda.put(lambda: void(self._store.write(sql)))

    def reconsider(self) -> None:
        """How long things take has changed: look again at all that is waited for."""
        self._agenda.make_all_due()

    def forget_group(self, group: str, run_ids: list[tuple[str, str]]) -> None:
        """Stop the runs (kind, id) of a deleted resource group and delete its files."""

        def forget() -> None:
            for kind, run_id in run_ids:
                if run_id in self._handed:
                    self._end(kind, run_id)
                shutil.rmtree(self._folder / run_id, ignore_errors=True)
            self._objects.remove_group(group)

        self._agenda.put(forget)

    def expire(self) -> None:
        """Delete what has lived long enough; that is asked for when this returns."""
        self._agenda.put(self._expire, waits=True)

    def close(self) -> None:
        """Finish what was asked for and end the thread."""
        self._agenda.close()

    def _resume(self) -> None:
        for group in self._store.rows(
            "SELECT id FROM resource_groups WHERE status != 'PROVISIONED'"
        ):
            self.provision(group["id"])
        self.reserve()
        known = set()
        for run in self._store.rows("SELECT id, status, target_status FROM runs ORDER BY number"):
            known.add(run["id"])
            if run["target_status"] == "DELETED":
                self.delete(run["id"])
            elif run["status"] == "STOPPING":
                self.stop(run["id"])
            elif run["status"] in ACTIVE:
                self.start(run["id"])
        # The emulator may have been killed between forgetting a run and deleting its files.
        for folder in self._folder.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def _begin(self, run_id: str, fault: StartFault) -> None:
        """Start a run that a request asked for."""
        # An update is a new chance: whether a fault holds it up is decided for each request.
        self._stuck.discard(run_id)
        if fault.is_stuck:
            self._stuck.add(run_id)
        if fault.dies_after is not None:
            moment = time.monotonic() + fault.dies_after
            self._agenda.later(fault.dies_after, lambda: self._die(run_id, moment))
        self._start(run_id)

    def _start(self, run_id: str) -> None:
        run = self._store.row("SELECT * FROM runs WHERE id = ?", (run_id,))
        if run is None or run["target_status"] in {"DELETED", "STOPPED"}:
            return
        if run["status"] not in ACTIVE:
            return
        is_execution = run["kind"] == "execution"
        try:
            if self._is_early(run):
                return
            # An execution goes on in the middle: its steps that have ended are not run again.
            if not (is_execution and run["status"] == "RUNNING"):
                # a deployment that ran before a restart is not ready again yet
                self._report(run_id, "PENDING")
            if run_id in self._stuck:
                return
            inputs = self._inputs.ready(run)
            if inputs is None:
                return
            job = self._jobs.of(run, inputs)
            self._waiting.discard(run_id)
            self._handed.add(run_id)
            if isinstance(job, ExecutionJob):
                self._runner.start_execution(job)
            else:
                self._runner.deploy(job)
        except (StorageError, NotStartable) as error:
            self._report_not_started(run_id, str(error))
        except Exception as error:
            LOG.exception("run %s could not be started", run_id)
            self._report_not_started(run_id, f"could not be started: {error}")

    def _is_early(self, run: Row) -> bool:
        """Whether a run has to wait; then it is looked at again, as PENDING after UNKNOWN."""
        run_id, timings = run["id"], self._pace.timings
        wait = 0.0
        if run["status"] == "UNKNOWN":
            wait = remaining(run["created_at"], share(timings.unknown, run_id))
            span = timings.pending(run["kind"])
            if not wait and span[1]:
                self._report(run_id, "PENDING")
                wait = share(span, f"{run_id}/1")
        elif run["status"] == "PENDING":
            span = timings.pending(run["kind"])
            wait = remaining(run["submitted_at"], share(span, f"{run_id}/{run['revision']}"))
        if wait and run_id not in self._waiting:
            self._waiting.add(run_id)
            self._agenda.later(wait, lambda: self._wake(run_id))
        return wait > 0

    def _wake(self, run_id: str) -> None:
        """The wait of a run is over, unless something else has started it."""
        if run_id in self._waiting:
            self._waiting.discard(run_id)
            self._start(run_id)

    def _die(self, run_id: str, moment: float) -> None:
        """Let a run end as by a lack of memory."""
        if (early := moment - time.monotonic()) > 0:
            self._agenda.later(early, lambda: self._die(run_id, moment))
            return
        run = self._store.row("SELECT kind, status FROM runs WHERE id = ?", (run_id,))
        if run and run["status"] in ACTIVE:
            # first the word: what the runner says of the end comes too late then
            self._report(run_id, "DEAD", KILLED)
            if run_id in self._handed:
                self._end(run["kind"], run_id)

    def _stop(self, run_id: str) -> None:
        run = self._store.row("SELECT kind, status, modified_at FROM runs WHERE id = ?", (run_id,))
        if run is None or run["status"] != "STOPPING":
            return
        if wait := remaining(run["modified_at"], share(self._pace.timings.stopping, run_id)):
            self._agenda.later(wait, lambda: self._stop(run_id))
        elif run_id in self._handed:
            self._end(run["kind"], run_id)
        else:
            # its processes, if it had any, ended with the emulator before
            self._report(run_id, "STOPPED")

    def _delete(self, run_id: str) -> None:
        run = self._store.row("SELECT modified_at FROM runs WHERE id = ?", (run_id,))
        if run is None:
            return
        if wait := remaining(run["modified_at"], share(self._pace.timings.deletion, run_id)):
            self._agenda.later(wait, lambda: self._delete(run_id))
        else:
            self._forget(run_id)

    def _forget(self, run_id: str) -> None:
        run = self._store.row("SELECT kind, status FROM runs WHERE id = ?", (run_id,))
        if run is None:
            return
        # a dead deployment may still serve the revision before
        may_run = run["kind"] == "deployment" or run["status"] not in ENDED
        if may_run and run_id in self._handed:
            self._end(run["kind"], run_id)
        self._handed.discard(run_id)
        self._stuck.discard(run_id)
        with self._store.transaction() as db:
            for statement in FORGET:
                db.execute(statement, (run_id,))
        shutil.rmtree(self._folder / run_id, ignore_errors=True)

    def _provision(self, group: str) -> None:
        sql = "SELECT created_at FROM resource_groups WHERE id = ? AND status = 'PROVISIONING'"
        row = self._store.row(sql, (group,))
        span = share(self._pace.timings.provisioning, group)
        if row and (wait := remaining(row["created_at"], span)):
            self._agenda.later(wait, lambda: self._provision(group))
            return
        status = quotas.group_status(self._store, group)
        sql = "UPDATE resource_groups SET status = ? WHERE id = ?"
        self._store.write(sql, (status, group))

    def _end(self, kind: str, run_id: str) -> None:
        if kind == "execution":
            self._runner.stop_execution(run_id)
        else:
            self._runner.stop_deployment(run_id)

    def _expire(self) -> None:
        rows = self._store.rows(
            "SELECT id, status FROM runs WHERE expires_at < ? AND target_status != 'DELETED'",
            (self._clock.stamp(),),
        )
        for row in rows:
            self._store.write(
                "UPDATE runs SET target_status = 'DELETED', last_operation = 'DELETE', "
                "modified_at = ? WHERE id = ?",
                (timestamps.now(), row["id"]),
            )
            self.delete(row["id"])

    def _report(self, run_id: str, status: str, message: str = "") -> None:
        with self._store.transaction() as db:
            set_status(db, run_id, status, message=message)

    def _report_not_started(self, run_id: str, reason: str) -> None:
        """A run that never started: its log says why, as its status does."""
        with self._store.transaction() as db:
            log_line(db, run_id, reason)
            set_status(db, run_id, "DEAD", message=reason)


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


def void(_: object) -> None:
    """For tasks whose result nobody needs."""
