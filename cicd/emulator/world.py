"""Everything that one emulator consists of: what every handler works with, in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from cicd.emulator.faults.judge import Faults
from cicd.emulator.foundation import deployed
from cicd.emulator.foundation.catalogue import ModelList
from cicd.emulator.git.syncing import Syncer
from cicd.emulator.jobs import Runner
from cicd.emulator.runs import standins
from cicd.emulator.runs.configured import Starter, executables_of, find_executable
from cicd.emulator.runs.dispatch import Dispatcher
from cicd.emulator.runs.journal import StoreJournal
from cicd.emulator.runs.scheduling import Scheduler
from cicd.emulator.runs.starting import Runs, find
from cicd.emulator.state.buckets import Buckets
from cicd.emulator.state.clock import Clock
from cicd.emulator.state.credentials import Credentials
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.realism import Pace
from cicd.emulator.state.store import Row, Store


@dataclass(frozen=True)
class World:
    """What front doors work with. Open it with host.opening.open_world(), close it once."""

    store: Store
    credentials: Credentials
    objects: ObjectStore
    buckets: Buckets
    journal: StoreJournal
    runner: Runner
    dispatcher: Dispatcher
    syncer: Syncer
    scheduler: Scheduler
    runs: Runs
    starter: Starter
    base_url: str
    models: ModelList
    faults: Faults
    pace: Pace
    clock: Clock
    closing: Event = field(default_factory=Event)
    """Set when it is time to end; what front doors do beside answering stops then."""

    def close(self) -> None:
        """End all work; what runs is left as it is in the store and resumed by the next one."""
        self.closing.set()
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
        return standins.of_group(self.store, group)

    def executables(self, scenario_id: str) -> list[Mapping[str, Any]]:
        """The executables of a scenario: the platform's own, or what was synced, oldest first."""
        return executables_of(self.store, self.models, scenario_id)

    def executable(self, scenario_id: str, executable_id: str) -> Mapping[str, Any] | None:
        """One executable of a scenario."""
        return find_executable(self.store, self.models, scenario_id, executable_id)

    def serving_parameters(self, run: Row) -> dict[str, str]:
        """What a deployment of a platform scenario was last brought up with, defaults included."""
        configuration_id = run["running_configuration_id"] or run["configuration_id"]
        sql = "SELECT parameters FROM configurations WHERE id = ?"
        row = self.store.row(sql, (configuration_id,))
        return deployed.bound(run["scenario_id"], json.loads(row["parameters"]) if row else {})

    def run(self, kind: str, group: str, run_id: str) -> Row | None:
        """One execution or deployment of a resource group."""
        return find(self.store, kind, group, run_id)
