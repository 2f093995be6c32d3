"""Runs ``cicd`` as a process of its own, forked from one that has imported everything already.

The suite starts the command hundreds of times, and most of that time went into the same imports.
A fork has its own memory, environment, folder, streams, signals and exit code like any process.
Tests of start-up itself (signals, imports, the console script) start a fresh interpreter instead.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tests.forked_emulators import REPOSITORY, emulators, own_environment

SERVER = """
import gc, importlib, json, os, signal, socket, sys, threading, traceback

import cicd.cli.root
found = cicd.cli.root.sections().values()
modules = {entry.module for section in found for entry in section.values()}
for name in sorted(modules - {"cicd.cli.emulator"}):
    importlib.import_module(name)
for name in ("plan", "apply", "platforms.registry", "platforms.aicore.adapter", "render.text"):
    importlib.import_module("cicd." + name)
import cicd.emulator.host.control  # for --local
import cicd.platforms.aicore.dialect.building
import deepdiff, structlog, structlog.dev
from tests import forked_emulators
from tests.cheap_digests import make_cheap
make_cheap()
cicd.emulator.host.control.subprocess = forked_emulators.Starting(sys.argv[2])

def child(wish, fds):
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    os.closerange(3, 64)
    # these may be pipes, and those that the interpreter opened were none
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    os.setsid()
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = ["cicd", *wish["arguments"]]
    cicd.platforms.registry.PLATFORMS.update(wish["platforms"])
    cicd.cli.root.run()

gc.freeze()  # what is here stays, and no child looks through it
control = socket.socket(fileno=int(sys.argv[1]))
while True:
    header, fds, _, _ = socket.recv_fds(control, 16, 3)
    if not header:
        break
    body = b""
    while len(body) < int(header):
        body += control.recv(int(header) - len(body))
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            child(json.loads(body), fds)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        try:
            threading._shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    for fd in fds:
        os.close(fd)
    control.sendall(b"%15d\\n" % pid)
    control.sendall(b"%15d\\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


class ForkServer:
    """A process that forks, for one command at a time."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-c", SERVER, str(theirs.fileno()), emulators()],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=REPOSITORY,
            env=own_environment(),
        )
        theirs.close()

    def begin(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        streams: Sequence[IO[Any]],
        platforms: Mapping[str, str],
    ) -> int:
        """Start one command, with these as its standard streams; the id of its process."""
        wish = {"arguments": [*arguments], "cwd": str(cwd), "env": dict(env)}
        body = json.dumps({**wish, "platforms": dict(platforms)}).encode()
        fds = [stream.fileno() for stream in streams]
        socket.send_fds(self._control, [b"%16d" % len(body)], fds)
        self._control.sendall(body)
        return self._number(None)

    def end(self, timeout: float | None = None) -> int:
        """The exit code of the command, once it has ended. Raises TimeoutError."""
        return self._number(timeout)

    def _number(self, timeout: float | None) -> int:
        self._control.settimeout(timeout)
        text = b""
        while len(text) < 16:
            more = self._control.recv(16 - len(text))
            if not more:
                raise RuntimeError("the fork server has ended")
            text += more
        return int(text)

    def close(self) -> None:
        self._control.close()
        self._process.wait(10)


def text_of(stream: Any) -> str:
    stream.seek(0)
    return str(stream.read().decode("utf-8")).replace("\r\n", "\n")


FREE: list[ForkServer] = []
"""Servers that wait for a command; tests that run several at once make several."""


class Command:
    """A command that runs, as ``subprocess`` shows a process; as bytes what it prints is read by
    ``stdout`` and ``stderr``."""

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        output: IO[Any],
        errors: IO[Any],
        platforms: Mapping[str, str],
    ) -> None:
        self.args = ["cicd", *arguments]
        self.returncode: int | None = None
        self._server = FREE.pop() if FREE else ForkServer()
        with Path(os.devnull).open("rb") as nothing:
            streams = (nothing, output, errors)
            self.pid = self._server.begin(arguments, cwd, env, streams, platforms)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired, having killed it."""
        if self.returncode is None:
            try:
                self.returncode = self._server.end(timeout)
            except TimeoutError:
                os.killpg(self.pid, signal.SIGKILL)
                self._server.close()
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            FREE.append(self._server)
        return self.returncode

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float = 100,
    platforms: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``cicd`` with exactly this environment; its exit code and what it printed.

    ``platforms``: what the registry has besides its own, name -> module. Raises
    subprocess.TimeoutExpired, having killed it.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = Command(arguments, cwd, env, out, err, platforms or {})
        code = command.wait(timeout)
        return subprocess.CompletedProcess(command.args, code, text_of(out), text_of(err))


class Started(Command):
    """A command of which somebody reads what it prints while it runs, on both streams together."""

    def __init__(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        platforms: Mapping[str, str] | None = None,
    ) -> None:
        reads, writes = os.pipe()
        self.stdout = os.fdopen(reads, encoding="utf-8")
        with os.fdopen(writes, "wb") as output:
            super().__init__(arguments, cwd, env, output, output, platforms or {})

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What it prints until its end. Raises subprocess.TimeoutExpired, having killed it."""
        late = threading.Timer(timeout or threading.TIMEOUT_MAX, self.kill)
        late.start()
        try:
            with self.stdout:
                text = self.stdout.read()
        finally:
            late.cancel()
        self.wait(timeout)
        return text, None


@atexit.register
def close() -> None:
    """End the servers of this process."""
    while FREE:
        FREE.pop().close()
