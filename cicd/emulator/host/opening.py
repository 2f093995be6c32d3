"""One emulator put together: its parts opened in the right order, and who answers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from cicd.emulator import timestamps
from cicd.emulator.faults.judge import Faults
from cicd.emulator.foundation.catalogue import ModelList
from cicd.emulator.foundation.runner import PlatformRunner
from cicd.emulator.front_door import FrontDoor
from cicd.emulator.git.fetching import Git
from cicd.emulator.git.syncing import Syncer
from cicd.emulator.host.doors import FRONT_DOORS
from cicd.emulator.jobs import Journal, Runner
from cicd.emulator.runs.configured import Starter
from cicd.emulator.runs.dispatch import Dispatcher
from cicd.emulator.runs.journal import StoreJournal
from cicd.emulator.runs.preparing import Jobs
from cicd.emulator.runs.revisions import cascade
from cicd.emulator.runs.scheduling import Scheduler
from cicd.emulator.runs.starting import Runs
from cicd.emulator.state.buckets import Buckets
from cicd.emulator.state.clock import Clock
from cicd.emulator.state.credentials import read_or_create
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.own_bucket import OwnBucket
from cicd.emulator.state.realism import Pace
from cicd.emulator.state.store import Store
from cicd.emulator.world import World

MakeRunner = Callable[[Journal], Runner]


def open_world(
    data: Path,
    base_url: str,
    environ: Mapping[str, str],
    make_runner: MakeRunner,
    doors: Iterable[FrontDoor] = FRONT_DOORS,
) -> World:
    """Open a data folder and go on with all work in it. EmulatorError when it cannot be used."""
    models = ModelList(data)
    # whoever damaged the file is told now, before anything is open
    models.read()
    store = Store(data)
    buckets = Buckets(data, store)
    kept = {door.group: OwnBucket(buckets, door.bucket) for door in doors if door.bucket}
    objects = ObjectStore(data, store, kept)
    journal = StoreJournal(store, objects)
    (data / "runs").mkdir(exist_ok=True)
    credentials = read_or_create(data)
    _add_default_group(store)
    pace, clock = Pace(data), Clock(store)
    runner = PlatformRunner(make_runner(journal), journal, models)
    jobs = Jobs(store, objects, data / "runs", base_url, credentials.s3_login)
    dispatcher = Dispatcher(store, runner, objects, data / "runs", jobs, pace, clock)
    git = Git(data / "git", environ)
    syncer = Syncer(store, git, partial(_bring_up_anew, store, dispatcher), pace)
    runs = Runs(store, dispatcher)
    starter = Starter(store, objects, models, runs)
    scheduler = Scheduler(store, clock, starter.start_scheduled)
    # The dispatcher first: what the other two start goes on where it stood.
    dispatcher.open()
    syncer.start()
    scheduler.open()
    return World(
        store=store,
        credentials=credentials,
        objects=objects,
        buckets=buckets,
        journal=journal,
        runner=runner,
        dispatcher=dispatcher,
        syncer=syncer,
        scheduler=scheduler,
        runs=runs,
        starter=starter,
        base_url=base_url,
        models=models,
        faults=Faults(),
        pace=pace,
        clock=clock,
    )


def _add_default_group(store: Store) -> None:
    """Each tenant of AI Core has it from the start, and it cannot be deleted."""
    store.write(
        "INSERT OR IGNORE INTO resource_groups VALUES ('default', 'PROVISIONED', '{}', ?)",
        (timestamps.now(),),
    )


def _bring_up_anew(store: Store, dispatcher: Dispatcher, executable_id: str) -> None:
    """Its template has changed: deployments that follow it get a new revision."""
    for run_id in cascade(store, executable_id):
        dispatcher.start(run_id)
