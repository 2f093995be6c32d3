"""Submission by spark-submit on this machine: the driver is a process of ours, which outlives us.

Its exit code is the truth, which a small wrapper keeps on disk.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cicd.errors import CicdError, PlatformError
from cicd.model import State, Status
from cicd.platforms.base import Finding
from cicd.platforms.spark import statuses, wrapper
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.homes import no_java
from cicd.platforms.spark.kerberos import Kerberos
from cicd.platforms.spark.logs import NOTHING, Chunk
from cicd.platforms.spark.manifest import Manifest
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.submitter import STDERR, STDOUT, Seen

KILLED = frozenset({-signal.SIGTERM, -signal.SIGKILL, 128 + signal.SIGTERM, 128 + signal.SIGKILL})
"""Exit codes of what was killed: Java catches a signal, and adds 128 to its number."""
FORCED = "killed, as the system does with what takes too much memory"
_APPLICATION = re.compile(r"app ID (app-[\w-]+)|\b(local-\d{10,})\b")
_PORT = re.compile(r"service 'SparkUI' on port (\d+)")
_LISTENS = re.compile(r"Start Jetty (\S+):\d+ for SparkUI")
EVERYWHERE = frozenset({"0.0.0.0", "[::]", "::"})  # noqa: S104
"""Addresses of whoever listens on all that a machine has."""
WAITS = "Initial job has not accepted any resources"
"""What a driver says again and again that gets no executor."""


class ProcessSubmitter:
    """``folder``: where each run has a folder for its logs and its exit code, on this machine.
    ``program``: finds spark-submit."""

    def __init__(
        self,
        program: Callable[[], Path],
        master: str,
        folder: Path,
        environ: Mapping[str, str],
        kerberos: Kerberos | None = None,
        proxy_user: str = "",
        deploy_mode: str = "client",
    ) -> None:
        self._program = program
        self._address = master
        self._folder = folder
        self._environ = environ
        self._kerberos = kerberos
        self._deploy_mode = deploy_mode
        self._user = ("--proxy-user", proxy_user) if proxy_user else ()
        self._host = socket.gethostname()

    def last(self) -> str:
        return ""

    def submit(self, manifest: Manifest) -> str:
        home = self._program().parent.parent
        options = [*self._user, *manifest.options(self._address, self._deploy_mode)]
        command = [str(home / "bin/spark-submit"), *options]
        folder = self._folder / manifest.name
        environ = {**self._environ, "SPARK_HOME": str(home), **manifest.environment}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self._kerberos:
                command, environ = self._kerberos.prepared(folder, command, environ)
            started = [sys.executable, "-S", str(Path(wrapper.__file__)), str(folder), *command]
            nothing = subprocess.DEVNULL
            subprocess.run(
                started, env=environ, cwd=folder, stdin=nothing, stdout=nothing, stderr=nothing
            ).check_returncode()
        except (OSError, subprocess.CalledProcessError) as error:
            raise PlatformError(f"cannot start {command[0]}: {error}") from None
        return self._name(manifest.name)

    def _name(self, run: str) -> str:
        """What tells it from those of other machines."""
        return f"{run}@{self._host}"

    def find(self, run: Run) -> str:
        # of two that were started for it, by us and by who was killed, the second does nothing
        return self._name(run.name) if (self._folder / run.name / "begun").exists() else ""

    def look(self, run: Run) -> Seen:
        if run.submission != self._name(run.name):
            host = run.submission.rpartition("@")[2]
            said = f"its driver is a process of {host}: only there it can be asked"
            return Seen(statuses.status_of(State.UNKNOWN, said))
        application = run.application or self._application(run)
        status = self._status(run)
        if self._kerberos and status.has_ended:
            self._kerberos.clean(self._folder / run.name)
        return Seen(status, application)

    def _status(self, run: Run) -> Status:
        folder = self._folder / run.name
        if code := _read(folder / "ended"):
            return of_exit(int(code))
        told = _read(folder / "begun").partition(" ")
        if not told[0]:
            return statuses.status_of(State.PENDING, "its driver starts")
        if wrapper.began(int(told[0])) == told[2]:
            return self._running(run)
        if code := _read(folder / "ended"):  # between the two looks
            return of_exit(int(code))
        said = "its driver is gone, and left no exit code: it was killed, or the machine went down"
        return statuses.status_of(State.STOPPED, said)

    def _running(self, run: Run) -> Status:
        path = self._folder / run.name / STDERR
        end = _end_of(path)
        if WAITS in end and "Starting task" not in end.rpartition(WAITS)[2]:
            said = "no worker has what it asks for: see cicd doctor"
            return statuses.status_of(State.PENDING, said)
        return statuses.status_of(State.RUNNING)

    def _application(self, run: Run) -> str:
        match = _APPLICATION.search(_read(self._folder / run.name / STDERR))
        return (match[1] or match[2]) if match else ""

    def handed_over(self, run: Run, missing: str) -> Seen:
        """How one is, in cluster mode, of which the cluster knows nothing yet, or, as ``missing``
        says, any more."""
        status = self.look(run).status
        if status.state in {State.PENDING, State.RUNNING}:
            return Seen(statuses.status_of(State.PENDING, "spark-submit hands it over"))
        if status.state is State.FAILED or (status.state is State.STOPPED and not run.application):
            return Seen(replace(status, message=f"spark-submit: {status.message}"))
        return Seen(statuses.status_of(State.UNKNOWN, missing), run.application)

    def stop(self, run: Run) -> None:
        told = _read(self._folder / run.name / "begun").partition(" ")
        if told[0] and wrapper.began(int(told[0])) == told[2]:
            with suppress(ProcessLookupError):
                os.kill(int(told[0]), signal.SIGTERM)

    def streams(self, run: Run) -> list[str]:
        return [STDOUT, STDERR]

    def log(self, run: Run, stream: str, offset: int, size: int) -> Chunk:
        try:
            with (self._folder / run.name / stream).open("rb") as file:
                total = os.fstat(file.fileno()).st_size
                file.seek(min(offset, total))
                content = file.read(size)
        except OSError:
            return NOTHING
        start = min(offset, total)
        return Chunk(start, start + len(content), total, content.decode(errors="replace"))

    def forget(self, run: Run) -> None:
        shutil.rmtree(self._folder / run.name, ignore_errors=True)

    def page(self, run: Run, calls: Calls) -> str:
        return page_in(_begin_of(self._folder / run.name / STDERR))

    def examine(self) -> Iterator[Finding]:
        try:
            program = self._program()
            version = version_of(program.parent.parent)
            named = f"{program} (Spark {version})" if version else str(program)
            yield Finding("submission", "ok", f"{named} for {self._address}")
        except CicdError as error:
            yield Finding("submission", "error", error.message, error.hint)
        if lack := no_java(self._environ):
            yield Finding("java", "error", lack, "install Java 17, or set JAVA_HOME")
        if self._kerberos:
            yield from self._kerberos.examine(self._environ)

    def close(self) -> None:
        return


def of_exit(code: int) -> Status:
    """What an exit code means; a negative one is that of a signal. Pure."""
    if code == 0:
        return statuses.status_of(State.SUCCEEDED)
    if code in KILLED:
        why = f": {FORCED}" if code in {-signal.SIGKILL, 128 + signal.SIGKILL} else ""
        return statuses.status_of(State.STOPPED, f"exit code {code}{why}")
    return statuses.status_of(State.FAILED, f"exit code {code}")


def version_of(home: Path) -> str:
    """The version of Spark that is there, by the name of its core; empty where nothing tells."""
    for jar in sorted(home.glob("jars/spark-core_*.jar")):
        return jar.stem.partition("_")[2].partition("-")[2]
    return ""


def page_in(log: str) -> str:
    """The page that a driver on this machine has, as its log tells; empty where that does not.
    Pure."""
    ports = _PORT.findall(log)
    hosts = _LISTENS.findall(log)
    if not ports:
        return ""
    host = "127.0.0.1" if not hosts or hosts[-1] in EVERYWHERE else hosts[-1]
    return f"http://{host}:{ports[-1]}"


def _begin_of(path: Path, size: int = 1 << 16) -> str:
    try:
        with path.open("rb") as file:
            return file.read(size).decode(errors="replace")
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _end_of(path: Path, size: int = 1 << 14) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
