"""Everything that one emulator consists of, put together, opened and closed in the right order."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.faults.judge import Faults
from cicd.emulator.foundation import deployed, executables
from cicd.emulator.foundation.catalogue import ModelList
from cicd.emulator.foundation.runner import PlatformRunner
from cicd.emulator.git.fetching import Git
from cicd.emulator.git.syncing import Syncer
from cicd.emulator.git.templates import PLATFORM_SCENARIOS
from cicd.emulator.jobs import Journal, Runner
from cicd.emulator.runs import standins
from cicd.emulator.runs.dispatch import Dispatcher
from cicd.emulator.runs.journal import StoreJournal
from cicd.emulator.runs.lifecycle import ENDED
from cicd.emulator.runs.scheduling import Scheduler
from cicd.emulator.state.buckets import Buckets
from cicd.emulator.state.clock import Clock
from cicd.emulator.state.credentials import Credentials, read_or_create
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.realism import Pace
from cicd.emulator.state.store import Row, Store

LOG = logging.getLogger(__name__)
MakeRunner = Callable[[Journal], Runner]


@dataclass(frozen=True)
class World:
    """What handlers work with. Open it with open_world(), close it once."""

    store: Store
    credentials: Credentials
    objects: ObjectStore
    buckets: Buckets
    journal: StoreJournal
    runner: Runner
    dispatcher: Dispatcher
    syncer: Syncer
    scheduler: Scheduler
    base_url: str
    models: ModelList
    faults: Faults
    pace: Pace
    clock: Clock

    def close(self) -> None:
        """End all work; what runs is left as it is in the store and resumed by the next one."""
        self.faults.clear()
        self.scheduler.close()
        self.syncer.close()
        self.dispatcher.close()
        self.journal.freeze()
        self.runner.close()
        self.store.close()

    def has_group(self, group: str) -> bool:
        """Whether the resource group exists."""
        found = self.store.row("SELECT 1 FROM resource_groups WHERE id = ?", (group,))
        return found is not None

    def stand_ins(self, group: str) -> Mapping[str, Any]:
        """How images and artifacts are stood in for in a resource group."""
        row = self.store.row("SELECT body FROM stand_ins WHERE resource_group = ?", (group,))
        found: Mapping[str, Any] = json.loads(row["body"]) if row else standins.EMPTY
        return found

    def executables(self, scenario_id: str) -> list[Mapping[str, Any]]:
        """The executables of a scenario: the platform's own, or what was synced, oldest first."""
        if scenario_id in PLATFORM_SCENARIOS:
            return [*executables.of_scenario(self.models.read(), scenario_id)]
        sql = "SELECT * FROM executables WHERE scenario_id = ? ORDER BY created_at, id"
        return [dict(row) for row in self.store.rows(sql, (scenario_id,))]

    def executable(self, scenario_id: str, executable_id: str) -> Mapping[str, Any] | None:
        """One executable of a scenario."""
        found = (row for row in self.executables(scenario_id) if row["id"] == executable_id)
        return next(found, None)

    def serving_parameters(self, run: Row) -> dict[str, str]:
        """What a deployment of a platform scenario was last brought up with, defaults included."""
        configuration_id = run["running_configuration_id"] or run["configuration_id"]
        sql = "SELECT parameters FROM configurations WHERE id = ?"
        row = self.store.row(sql, (configuration_id,))
        return deployed.bound(run["scenario_id"], json.loads(row["parameters"]) if row else {})

    def run(self, kind: str, group: str, run_id: str) -> Row | None:
        """One execution or deployment of a resource group."""
        return self.store.row(
            "SELECT * FROM runs WHERE id = ? AND kind = ? AND resource_group = ?",
            (run_id, kind, group),
        )


def open_world(
    data: Path, base_url: str, environ: Mapping[str, str], make_runner: MakeRunner
) -> World:
    """Open a data folder and go on with all work in it. EmulatorError when it cannot be used."""
    models = ModelList(data)
    # whoever damaged the file is told now, before anything is open
    models.read()
    store = Store(data)
    objects = ObjectStore(data, store)
    journal = StoreJournal(store, objects)
    (data / "runs").mkdir(exist_ok=True)
    credentials = read_or_create(data)
    store.write(
        "INSERT OR IGNORE INTO resource_groups VALUES ('default', 'PROVISIONED', '{}', ?)",
        (timestamps.now(),),
    )
    pace, clock = Pace(data), Clock(store)
    runner = PlatformRunner(make_runner(journal), journal, models)
    dispatcher = Dispatcher(
        store, runner, objects, data / "runs", base_url, pace, clock, credentials.s3_login
    )

    def changed(executable_id: str) -> None:
        for run_id in cascade(store, executable_id):
            dispatcher.start(run_id)

    syncer = Syncer(store, Git(data / "git", environ), changed, pace)
    scheduler = Scheduler()
    world = World(
        store,
        credentials,
        objects,
        Buckets(data, store),
        journal,
        runner,
        dispatcher,
        syncer,
        scheduler,
        base_url,
        models,
        Faults(),
        pace,
        clock,
    )
    dispatcher.open()
    syncer.start()
    scheduler.open(world)
    return world


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
            job = {**json.loads(run["job"]), "template": document}
            new_revision(db, run, run["configuration_id"], run["configuration_name"], job)
            db.execute(
                "UPDATE runs SET last_operation = 'CASCADE-UPDATE' WHERE id = ?", (run["id"],)
            )
            updated.append(run["id"])
        return updated


def new_revision(
    db: Any, run: Row, configuration_id: str, configuration_name: str, job: Mapping[str, Any]
) -> None:
    """Make a deployment's next revision the wanted one; the dispatcher then brings it up."""
    now = timestamps.now()
    db.execute(
        "UPDATE runs SET configuration_id = ?, configuration_name = ?, job = ?, "
        "revision = revision + 1, status = 'PENDING', target_status = 'RUNNING', message = '', "
        "details = '{}', last_operation = 'UPDATE', modified_at = ?, submitted_at = ?, "
        "completed_at = NULL WHERE id = ?",
        (configuration_id, configuration_name, json.dumps(job), now, now, run["id"]),
    )
    db.execute(
        "INSERT INTO revisions VALUES (?, ?, ?)", (run["id"], run["revision"] + 1, configuration_id)
    )
