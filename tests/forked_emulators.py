"""Emulators that commands start, forked from a process that has imported everything already.

Importing it all is most of what a start of the emulator takes, and the suite starts hundreds.
Tests of that start itself run the real command line: see tests/emulator/host.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

REPOSITORY = Path(__file__).parents[1]
EMULATORS = """
import gc, importlib, json, os, pkgutil, signal, socket, sys, traceback

import cicd.cli.emulator, cicd.cli.root, cicd.emulator
for module in pkgutil.walk_packages(cicd.emulator.__path__, "cicd.emulator."):
    if ".inside" not in module.name and not module.name.endswith("pytest_plugin"):
        importlib.import_module(module.name)
import uvicorn.lifespan.off, uvicorn.loops.asyncio, uvicorn.protocols.http.h11_impl

def child(wish, fds):
    os.setsid()
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    os.closerange(3, 64)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = ["cicd", *wish["arguments"]]
    cicd.cli.root.run()

def serve(connection):
    # an emulator, and beside it who waits for its end and tells it
    header, fds, _, _ = socket.recv_fds(connection, 16, 3)
    body = b""
    while len(body) < int(header):
        body += connection.recv(int(header) - len(body))
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            child(json.loads(body), fds)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    for fd in fds:
        os.close(fd)
    connection.sendall(b"%15d\\n" % pid)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        connection.sendall(b"%15d\\n" % code)
    except OSError:
        pass  # nobody waits for it

gc.freeze()
listener = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            serve(connection)
        finally:
            os._exit(0)
    connection.close()
"""
"""Forks an emulator for everybody who connects, until it is killed."""


class Starting:
    """Stands where ``subprocess`` is for who starts an emulator in the background."""

    DEVNULL = subprocess.DEVNULL
    PIPE = subprocess.PIPE

    def __init__(self, address: str) -> None:
        self._address = address

    def Popen(
        self, command: Sequence[str], *, env: Mapping[str, str] | None, stdout: IO[bytes], **_: Any
    ) -> Emulator:
        """``command`` as a fresh interpreter would run it: ``python -P -m cicd …``."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"\0{self._address}")
        wish = {
            "arguments": command[command.index("cicd") + 1 :],
            "cwd": str(Path.cwd()),
            "env": dict(os.environ if env is None else env),
        }
        body = json.dumps(wish).encode()
        with Path(os.devnull).open("rb") as nothing:
            fds = [nothing.fileno(), stdout.fileno(), stdout.fileno()]
            socket.send_fds(connection, [b"%16d" % len(body)], fds)
        connection.sendall(body)
        return Emulator(connection)


class Emulator:
    """A running emulator, as ``subprocess`` shows a process."""

    stdin = None

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = int(connection.recv(16, socket.MSG_WAITALL))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        self._connection.setblocking(False)
        try:
            told = self._connection.recv(16)
        except BlockingIOError:
            return self.returncode
        self.returncode = int(told or b"-9")
        return self.returncode

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def communicate(self) -> None:
        """Wait for its end."""
        self._connection.setblocking(True)
        self._connection.recv(16)


@cache
def emulators() -> str:
    """The address at which emulators are forked for this process and those below it."""
    address = f"cicd-tests-{os.getpid()}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{address}")
    listener.listen(64)
    process = subprocess.Popen(
        [sys.executable, "-P", "-X", "utf8", "-c", EMULATORS, str(listener.fileno())],
        pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env=own_environment(),
    )
    listener.close()

    def end() -> None:
        process.kill()
        process.wait()

    atexit.register(end)
    return address


def own_environment() -> dict[str, str]:
    """Of what a command is forked from: no account, and this repository."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AICORE_")}
    return {**kept, "PYTHONPATH": str(REPOSITORY)}
