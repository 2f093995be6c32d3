"""One deployment through all its revisions: a thread that waits for events and decides.

The revision before serves until the new one is ready; then requests go to the new one, those in
flight are awaited, and the old one is stopped. A new one that never gets ready changes nothing.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.jobs import DeploymentJob, Journal, Replicas, Upstream
from cicd.emulator.runner import artifacts
from cicd.emulator.runner.lines import RunLog
from cicd.emulator.runner.serving.server import CONTAINER, Ended, Server, ServerHost
from cicd.emulator.runner.serving.template import BadTemplate, check, read


@dataclass(frozen=True)
class _Ready:
    server: Server


@dataclass(frozen=True)
class _Failed:
    """``is_final``: it will not be started again."""

    server: Server
    why: Ended
    is_final: bool = True


@dataclass(frozen=True)
class _Stop:
    """``is_close`` means without a word: the emulator ends, the deployment does not."""

    is_close: bool = False


class Deployment:
    """All calls but ``join`` and ``upstream`` return at once; results go to the journal."""

    def __init__(self, deployment_id: str, journal: Journal, host: ServerHost) -> None:
        self._id = deployment_id
        self._journal = journal
        self._host = host
        self._log = RunLog(journal, deployment_id)
        self._events: queue.SimpleQueue[DeploymentJob | _Ready | _Failed | _Stop] = (
            queue.SimpleQueue()
        )
        self._current: Server | None = None
        self._next: Server | None = None
        self._retiring: list[tuple[Server, threading.Thread]] = []
        self._lock = threading.Lock()
        self._is_new = True
        self._thread = threading.Thread(
            target=self._main, name=f"deployment {deployment_id}", daemon=True
        )
        self._thread.start()

    def deploy(self, job: DeploymentJob) -> None:
        """Bring up this revision, unless it is up or coming up already."""
        self._events.put(job)

    def stop(self) -> None:
        """End it with status STOPPED."""
        self._events.put(_Stop())

    def close(self) -> None:
        """End its programs, but say nothing of it."""
        self._events.put(_Stop(is_close=True))

    @property
    def is_alive(self) -> bool:
        """False once everything has ended."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    @contextlib.contextmanager
    def upstream(self) -> Iterator[Upstream | None]:
        """Where to send one request, None while nothing is ready."""
        with self._lock:
            server = self._current
            found = server.enter() if server else None
        try:
            yield found
        finally:
            if server:
                server.leave()

    @property
    def replicas(self) -> Replicas | None:
        """Of what answers, else of what is coming up."""
        server = self._current or self._next
        if server is None:
            return None
        scaling = server.scaling
        return Replicas(scaling.minimum, scaling.maximum, int(server.is_up))

    def _main(self) -> None:
        while True:
            event = self._events.get()
            try:
                if isinstance(event, _Stop):
                    self._end(is_close=event.is_close)
                    return
                self._handle(event)
            except Exception as error:
                # a bug or a full disk of ours: say so, and stay able to stop
                message = f"the emulator failed: {type(error).__name__}: {error}"
                with contextlib.suppress(Exception):
                    self._journal.status(self._id, "DEAD", message=message)
                if isinstance(event, _Stop):
                    return

    def _handle(self, event: DeploymentJob | _Ready | _Failed) -> None:
        if isinstance(event, DeploymentJob):
            self._deploy(event)
        elif isinstance(event, _Failed):
            if event.is_final:
                self._give_up(event)
            else:
                self._say_running(event.server, event.why)
        elif event.server is self._next:
            self._promote(event.server)
        else:
            self._say_running(event.server)

    def _say_running(self, server: Server, trouble: Ended | None = None) -> None:
        """A server that answers, or did until it crashed and is being started again."""
        # While a new revision comes up the status is about that one.
        if server is not self._current or self._next:
            return
        if trouble:
            details = _details(server, trouble, "statusUpdater")
            self._journal.status(self._id, "RUNNING", message=trouble.message, details=details)
        else:
            self._journal.status(self._id, "RUNNING", details=_ready_details())

    def _give_up(self, event: _Failed) -> None:
        """The revision before, if there is one, goes on serving, so that one can go back to it."""
        if event.server not in (self._next, self._current):
            return
        if event.server is self._next:
            self._next = None
        else:
            self._retire(event.server)
            with self._lock:
                self._current = None
        details = _details(event.server, event.why, "statusUpdater")
        self._journal.status(self._id, "DEAD", message=event.why.message, details=details)

    def _deploy(self, job: DeploymentJob) -> None:
        up = [server.revision for server in (self._current, self._next) if server]
        # After a restart, or when a request comes twice, the same revision is handed over again.
        if up and job.revision == up[-1]:
            return
        if self._is_new:
            # what an emulator that was killed has left behind
            artifacts.remove(job.folder / "servers")
            self._is_new = False
        # An update while the one before is still coming up: nobody waits for that one any more.
        if self._next:
            self._retire(self._next)
            self._next = None
        problems = check(job.template)
        try:
            if problems:
                raise BadTemplate("; ".join(problems))
            predictor = read(job.template, job.parameters)
        except BadTemplate as error:
            details = _ai_api_details("reconciler", "400", str(error))
            self._journal.status(self._id, "DEAD", message=str(error), details=details)
            return
        self._journal.status(self._id, "PENDING")
        if self._host.sandbox.warning:
            self._log.note(self._host.sandbox.warning, container=CONTAINER)
        self._next = Server(
            job,
            predictor,
            self._host,
            self._log,
            is_update=self._current is not None,
            on_ready=lambda server: self._events.put(_Ready(server)),
            on_end=lambda server, why: self._events.put(_Failed(server, why, is_final=False)),
            on_giving_up=lambda server, why: self._events.put(_Failed(server, why)),
        )
        self._next.start()

    def _promote(self, server: Server) -> None:
        """From now on ``server`` answers."""
        # Written before the first request reaches it, so that whoever got an answer from it is also
        # told that it serves.
        self._journal.serving(self._id, server.revision)
        with self._lock:
            before, self._current = self._current, server
        self._next = None
        self._say_running(server)
        if before:
            self._retire(before)

    def _retire(self, server: Server) -> None:
        """Stop it once its requests are answered, in the background."""

        def work() -> None:
            # Requests that it has taken would else end in the middle of an answer.
            server.drain(self._host.settings.drain)
            server.stop()
            server.join()

        thread = threading.Thread(target=work, name=f"retire {server.pod}", daemon=True)
        thread.start()
        self._retiring = [pair for pair in self._retiring if pair[1].is_alive()]
        self._retiring.append((server, thread))

    def _end(self, *, is_close: bool) -> None:
        with self._lock:
            current, self._current = self._current, None
        retiring = [server for server, _ in self._retiring]
        servers = [server for server in (current, self._next, *retiring) if server]
        for server in servers:
            server.stop(grace=0 if is_close else None)
        for server in servers:
            server.join()
        for _, thread in self._retiring:
            thread.join()
        if not is_close:
            self._journal.status(self._id, "STOPPED")


def _details(server: Server, why: Ended, part: str) -> dict[str, Any]:
    """SAP AI Core's statusDetails of a deployment in trouble, with its container's last lines."""
    container = {
        "container_name": CONTAINER,
        "exit_code": why.exit_code,
        "last_log_messages": "\n".join(why.tail),
        "message": why.message,
        "pod_name": server.pod,
        "ready": False,
    }
    return {**_ai_api_details(part, "500", why.message), "details": [container]}


def _ai_api_details(part: str, code: str, message: str) -> dict[str, Any]:
    """``part``: reconciler for what cannot be started, statusUpdater for what does not stay up."""
    found: dict[str, Any] = {"reconciler": {"message": []}, "statusUpdater": {"message": []}}
    found[part]["message"] = [{"code": code, "message": message}]
    return {"aiApiDetails": found}


def _ready_details() -> dict[str, Any]:
    """SAP AI Core's statusDetails of a deployment that answers."""
    now = timestamps.now()
    return {
        "deployment_info": [
            {"last_transition_time": now, "message": "", "status": "True", "type": type_}
            for type_ in ("IngressReady", "PredictorReady", "Ready")
        ]
    }
