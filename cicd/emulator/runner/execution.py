"""One execution, from its first container to its status: a thread that waits for events.

All decisions are made by that one thread; containers run in threads of their own and report back.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from cicd.emulator.jobs import ExecutionJob, Journal, Node
from cicd.emulator.runner import artifacts
from cicd.emulator.runner.container import Container, Done
from cicd.emulator.runner.lines import RunLog
from cicd.emulator.runner.record import Record, status_details
from cicd.emulator.runner.sandbox import Sandbox
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runner.slots import Slots
from cicd.emulator.state.s3 import StorageError
from cicd.emulator.workflow import (
    Program,
    Progress,
    Publication,
    Run,
    Work,
    advance,
    check,
    left_open,
    notes,
    read,
)

LOOK_SHARE = 10
"""Looking at the workflow takes at most one part of so many of the time."""
MOST_QUEUED = 100


@dataclass(frozen=True)
class _Go:
    """There is a place for this container."""

    node_id: str


@dataclass(frozen=True)
class _Stop:
    """Somebody wants it to end; ``is_close`` means without a word, to go on another time."""

    is_close: bool = False


class Execution:
    """Runs one job. ``on_end`` is called with its id when the thread is done."""

    def __init__(
        self,
        job: ExecutionJob,
        journal: Journal,
        sandbox: Sandbox,
        *,
        environ: Mapping[str, str],
        settings: Settings,
        slots: Slots,
        on_end: Callable[[str], None],
    ) -> None:
        self._job = job
        self._journal = journal
        self._sandbox = sandbox
        self._environ = environ
        self._settings = settings
        self._slots = slots
        self._on_end = on_end
        self._record = Record(job.folder)
        self._log = RunLog(journal, job.id)
        self._events: queue.SimpleQueue[Done | Node | _Go | _Stop] = queue.SimpleQueue()
        self._nodes: dict[str, Node] = {}
        self._running: dict[str, Container] = {}
        self._threads: list[threading.Thread] = []
        self._waiting: dict[str, Work] = {}
        """What has no place to run yet; for the workflow it runs already."""
        self._look_at = 0.0
        self._has_changed = True
        self._is_announced = False
        self._queued: set[str] = set()
        self._tails: dict[str, tuple[str, ...]] = {}
        self._stop: _Stop | None = None
        self._late = ""
        self._thread = threading.Thread(target=self._main, name=f"execution {job.id}", daemon=True)

    def start(self) -> None:
        """Begin, or go on where the saved nodes end. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End it with status STOPPED. Returns at once."""
        self._events.put(_Stop())

    def close(self) -> None:
        """End its programs but not the execution: it can go on with ``start_execution``."""
        self._events.put(_Stop(is_close=True))

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def _main(self) -> None:
        try:
            self._execute()
        except StorageError as error:
            self._end_containers(grace=0)
            self._journal.status(self._job.id, "DEAD", message=str(error))
        except Exception as error:
            # a bug or a full disk of ours: the run must not hang in RUNNING for ever
            self._end_containers(grace=0)
            self._journal.status(
                self._job.id,
                "DEAD",
                message=f"the emulator failed: {type(error).__name__}: {error}",
            )
        finally:
            for thread in self._threads:
                thread.join()
            self._on_end(self._job.id)

    def _execute(self) -> None:
        job = self._job
        problems = check(job.template)
        if problems:
            self._journal.status(job.id, "DEAD", message="; ".join(problems))
            return
        program = read(job.template)
        run = Run(
            name=job.id,
            parameters=dict(job.parameters),
            inputs={name: str(path) for name, path in job.inputs.items()},
            started=self._record.started(),
        )
        saved = self._journal.nodes(job.id)
        self._queued = {node.id for node in saved.values() if node.phase == "Pending"}
        self._nodes = {
            node.id: node
            for node in saved.values()
            # a program that still ran when the emulator ended is run again; a group goes on, and
            # the time of a pause that has begun goes by
            if node.type != "Pod" or node.phase not in ("Running", "Pending")
        }
        if self._sandbox.warning:
            self._log.note(self._sandbox.warning, pod=job.id)
        if without := notes(job.template):
            self._log.note(f"note: without effect here: {', '.join(without)}", pod=job.id)
        progress = self._loop(program, run)
        if not (self._stop and self._stop.is_close):
            self._conclude(progress)

    def _loop(self, program: Program, run: Run) -> Progress:
        """Start what can start, wait for something to end, until nothing runs any more."""
        deadline = wake = None
        if program.deadline is not None:
            begun = datetime.fromisoformat(run.started).timestamp()
            # The deadline counts from the first start, also after a restart of the emulator, so it
            # comes from the time of day; from here on a clock that nobody sets back counts.
            deadline = time.monotonic() + begun + program.deadline - time.time()
        while True:
            # Looking at thousands of steps after each one that ends would take longer than the
            # steps themselves.
            if self._is_busy():
                self._announce()
                self._wait(deadline, wake)
                continue
            begun, self._has_changed = time.monotonic(), False
            progress = advance(program, run, self._nodes, time.time(), self._late)
            self._look_at = time.monotonic() + LOOK_SHARE * (time.monotonic() - begun)
            for node in progress.settled:
                self._keep(node)
            for publication in progress.publications:
                self._publish(publication)
            self._show_queued(progress.queued)
            if self._stop:
                # nothing new: only what runs is waited for
                if not self._running:
                    return progress
            elif progress.settled or self._begin(progress.work):
                # hooks may wait for a step to run, so look at it once more
                continue
            elif not self._running and not self._waiting and progress.wake is None:
                return progress
            wake = progress.wake
            self._announce()
            self._wait(deadline, wake)

    def _is_busy(self) -> bool:
        """Whether what waits keeps this machine busy anyway: where there is much, looking what
        else could start costs more than it finds."""
        if not self._waiting or self._stop or self._late:
            return False
        return not self._has_changed or time.monotonic() < self._look_at

    def _begin(self, works: tuple[Work, ...]) -> bool:
        """Start containers, as many as there are places for; whether there was any."""
        already = len(self._waiting)
        for work in works:
            identity = work.node.id
            if self._slots.ask(self._job.id, partial(self._events.put, _Go(identity))):
                self._start_container(work)
                continue
            self._waiting[identity] = work
            self._nodes[identity] = work.node
            why = f"Unschedulable: {self._why_waiting}"
            node = replace(work.node, phase="Pending", message=why, started=0.0)
            self._journal.save_node(self._job.id, node)
        if more := len(self._waiting) - already:
            self._log.note(f"{more} of {len(works)} steps: {self._why_waiting}", pod=self._job.id)
        return bool(works)

    @property
    def _why_waiting(self) -> str:
        most = self._slots.most
        return f"waiting for a place: {most} containers run at once (--parallel {most})"

    def _show_queued(self, queued: tuple[Node, ...]) -> None:
        """Let it be seen what waits because of ``parallelism``, of very much only the first."""
        for node in queued[: max(0, MOST_QUEUED - len(self._queued))]:
            if node.id not in self._queued:
                self._queued.add(node.id)
                self._journal.save_node(self._job.id, node)

    def _forget_queued(self) -> None:
        """What has never begun is no part of what came of it."""
        for identity in self._queued - self._nodes.keys():
            self._journal.forget_node(self._job.id, identity)

    def _announce(self) -> None:
        """RUNNING once something does, or nothing has to wait for it."""
        if self._is_announced:
            return
        self._is_announced = bool(self._running or not self._waiting)
        if self._is_announced:
            self._journal.status(self._job.id, "RUNNING")
        else:
            self._journal.status(self._job.id, "PENDING", message=self._why_waiting)

    def _start_container(self, work: Work) -> None:
        work = replace(work, node=replace(work.node, started=time.time()))
        self._keep(work.node)
        container = Container(
            self._job,
            work,
            self._sandbox,
            self._log,
            environ=self._environ,
            settings=self._settings,
            report=self._events.put,
            journal=self._journal,
        )
        self._running[work.node.id] = container
        thread = threading.Thread(
            target=self._run_container, args=(container, work), name=work.node.id, daemon=True
        )
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()

    def _run_container(self, container: Container, work: Work) -> None:
        """The thread of one container."""
        try:
            done = container.run()
        except Exception as error:
            node = replace(work.node, phase="Error", message=f"the emulator failed: {error!r}")
            done = Done(node)
        # Before the end is told: what that lets start may take this very place.
        self._slots.give_back()
        self._events.put(done)
        # what follows waits for its end, not for this
        container.clear()

    def _wait(self, deadline: float | None, wake: float | None) -> None:
        """Wait for an event, the deadline, or the time at which something changes by itself."""
        due = [] if wake is None else [max(0.0, wake - time.time())]
        if self._has_changed and self._is_busy():
            due = [max(0.0, self._look_at - time.monotonic())]
        if deadline is not None and not self._late:
            due.append(max(0.0, deadline - time.monotonic()))
        try:
            event = self._events.get(timeout=min(due, default=None))
        except queue.Empty:
            self._has_changed = True
            is_late = deadline is not None and time.monotonic() >= deadline
            if is_late and not self._late:
                self._late = "the execution ran longer than its activeDeadlineSeconds"
                self._end_containers()
            return
        if isinstance(event, _Stop):
            self._stop = event
            self._end_containers(grace=0 if event.is_close else None)
        elif isinstance(event, Done):
            self._finish(event)
        elif isinstance(event, Node):
            if not (self._stop and self._stop.is_close):
                self._keep(event)
        elif work := self._waiting.pop(event.node_id, None):
            self._start_container(work)
            self._announce()
        else:
            # Its turn came while it was being stopped: others wait for the place.
            self._slots.give_back()

    def _finish(self, done: Done) -> None:
        self._has_changed = True
        node = replace(done.node, ended=time.time())
        del self._running[node.id]
        # It was ended by us, and is to run again when the emulator is back: no word of it is kept.
        if self._stop and self._stop.is_close and node.phase != "Succeeded":
            return
        self._keep(node)
        if node.phase != "Succeeded":
            self._tails[node.id] = done.tail
            self._log.note(f"step {node.name}: {node.message}", pod=node.id)

    def _keep(self, node: Node) -> None:
        self._queued.discard(node.id)
        self._nodes[node.id] = node
        self._journal.save_node(self._job.id, node)

    def _end_containers(self, grace: float | None = None) -> None:
        """Ask what runs to end; what waits never starts."""
        self._slots.cancel(self._job.id)
        waiting, self._waiting = self._waiting, {}
        for work in waiting.values():
            if not (self._stop and self._stop.is_close):
                message = self._late or "stopped"
                self._keep(replace(work.node, phase="Failed", message=message, ended=time.time()))
        for container in self._running.values():
            container.stop(grace)

    def _conclude(self, progress: Progress) -> None:
        """The one status that ends it."""
        self._waiting.clear()
        self._forget_queued()
        self._announce()
        message = "stopped on request" if self._stop else progress.message
        for node in left_open(self._nodes, time.time(), message):
            self._keep(node)
        if self._stop:
            self._journal.status(self._job.id, "STOPPED", message="stopped on request")
        elif progress.phase == "Succeeded" and not self._late:
            self._journal.status(self._job.id, "COMPLETED", details={})
        else:
            message = self._late or progress.message or "no step can run any more"
            details = status_details(self._job.id, message, self._nodes.values(), self._tails)
            self._journal.status(self._job.id, "DEAD", message=message, details=details)

    def _publish(self, publication: Publication) -> None:
        """Hand an output artifact to the journal, once, also after a restart."""
        if self._record.is_published(publication.global_name):
            return
        path = Path(publication.path)
        if publication.is_archived:
            packed = path.parent.parent / f"{path.parent.name}.tgz"
            artifacts.pack(path, packed, path.name)
            path = packed
        # Ended in between it is published once more, under the same name, which does no harm; the
        # other way round it would be missing for ever.
        self._journal.publish(self._job.id, publication.global_name, path)
        self._record.published(publication.global_name)
