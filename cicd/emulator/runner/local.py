"""The Runner of this machine: keeps every execution and deployment that it runs by its id."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cicd.emulator.jobs import DeploymentJob, ExecutionJob, Journal, Replicas, Upstream
from cicd.emulator.runner.choice import choose
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runner.slots import Slots

if TYPE_CHECKING:
    # what runs things is a third of the emulator: loaded with the first one, not at the start
    from cicd.emulator.runner.execution import Execution
    from cicd.emulator.runner.serving.deployment import Deployment
    from cicd.emulator.runner.serving.server import ServerHost

LONGEST_FOLDER = 80
"""A Unix socket's path has about 100 characters, and ours adds a few."""


def create(
    journal: Journal,
    *,
    environ: Mapping[str, str],
    notify: Callable[[str], None] | None = None,
    private: Sequence[Path] = (),
    settings: Settings | None = None,
) -> LocalRunner:
    """A runner for this machine.

    ``environ``: PATH, LANG and the like for the programs. ``notify``: told, in one line, what
    whoever runs the emulator should know of this machine. ``private``: folders that no program may
    see, such as the emulator's own data. Raises RuntimeError if ``settings`` ask for a sandbox that
    does not work here.
    """
    return LocalRunner(journal, environ, notify, private, settings or Settings())


class LocalRunner:
    """Implements ``jobs.Runner`` with threads and processes of this machine."""

    def __init__(
        self,
        journal: Journal,
        environ: Mapping[str, str],
        notify: Callable[[str], None] | None,
        private: Sequence[Path],
        settings: Settings,
    ) -> None:
        self._journal = journal
        self._environ = environ
        self._settings = settings
        self._sockets = sockets = _short_folder()
        try:
            # who can see the socket of a deployment can talk to it
            self._sandbox = choose(settings.sandbox, environ, [*private, sockets])
        except RuntimeError:
            sockets.rmdir()
            raise
        if notify and self._sandbox.warning:
            notify(self._sandbox.warning)
        bounds = settings.bounds
        self._slots = Slots(lambda: bounds.parallel)
        self._host: ServerHost | None = None
        self._executions: dict[str, Execution] = {}
        self._deployments: dict[str, Deployment] = {}
        self._ending: list[Deployment] = []
        self._lock = Lock()
        self._is_closed = False

    def start_execution(self, job: ExecutionJob) -> None:
        """Start it, or go on with it where its saved nodes end; twice is once."""
        from cicd.emulator.runner.execution import Execution

        with self._lock:
            if self._is_closed or job.id in self._executions:
                return
            execution = Execution(
                job,
                self._journal,
                self._sandbox,
                environ=self._environ,
                settings=self._settings,
                slots=self._slots,
                on_end=self._forget,
            )
            self._executions[job.id] = execution
            execution.start()

    def stop_execution(self, execution_id: str) -> None:
        """Ask its programs to end; the status is STOPPED once they have."""
        with self._lock:
            execution = self._executions.get(execution_id)
        if execution:
            execution.stop()
        else:
            # It ended, or was never started here, between the request and now.
            self._journal.status(execution_id, "STOPPED")

    def deploy(self, job: DeploymentJob) -> None:
        """Bring this revision up; the one before serves until the new one is ready."""
        from cicd.emulator.runner.serving.deployment import Deployment
        from cicd.emulator.runner.serving.server import ServerHost

        with self._lock:
            if self._is_closed:
                return
            deployment = self._deployments.get(job.id)
            if deployment is None:
                # one for all: no two servers get the same port
                bounds = self._settings.bounds
                self._host = self._host or ServerHost(
                    self._sandbox,
                    self._sockets,
                    self._environ,
                    self._settings,
                    starting=Slots(lambda: bounds.parallel),
                    up=Slots(lambda: bounds.servers),
                )
                deployment = Deployment(job.id, self._journal, self._host)
                self._deployments[job.id] = deployment
            deployment.deploy(job)

    def stop_deployment(self, deployment_id: str) -> None:
        """End its server; the status is STOPPED once it has ended."""
        with self._lock:
            deployment = self._deployments.pop(deployment_id, None)
            if deployment:
                self._ending = [item for item in self._ending if item.is_alive]
                self._ending.append(deployment)
        if deployment:
            deployment.stop()
        else:
            self._journal.status(deployment_id, "STOPPED")

    @contextlib.contextmanager
    def upstream(self, deployment_id: str) -> Iterator[Upstream | None]:
        """Where to send one request; None when nothing is ready to answer it."""
        with self._lock:
            deployment = self._deployments.get(deployment_id)
        if deployment is None:
            yield None
            return
        with deployment.upstream() as found:
            yield found

    def replicas(self, deployment_id: str) -> Replicas | None:
        """How far a deployment is scaled; None when nothing of it is up or coming up."""
        with self._lock:
            deployment = self._deployments.get(deployment_id)
        return deployment.replicas if deployment else None

    def close(self) -> None:
        """End every process and wait; executions can go on in another runner afterwards."""
        with self._lock:
            self._is_closed = True
            running: list[Execution | Deployment] = [
                *self._executions.values(),
                *self._deployments.values(),
                *self._ending,
            ]
            self._deployments = {}
        for item in running:
            # First all are told, then all are waited for: one after the other would take the grace
            # of each.
            item.close()
        for item in running:
            item.join()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _forget(self, execution_id: str) -> None:
        with self._lock:
            self._executions.pop(execution_id, None)


def _short_folder() -> Path:
    """A private folder with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="cicd-"))
    if len(str(folder)) > LONGEST_FOLDER:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="cicd-", dir="/tmp"))
    return folder
