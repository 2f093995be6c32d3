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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
from tests.cheap_digests import make_cheap
make_cheap()

def child(wish, fds):
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    os.closerange(3, 64)
    os.setsid()
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = ["cicd", *wish["arguments"]]
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
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith("AICORE_")
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-c", SERVER, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
            env={**environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        theirs.close()

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """One command to its end. Raises subprocess.TimeoutExpired, having killed it."""
        wish = json.dumps({"arguments": [*arguments], "cwd": str(cwd), "env": dict(env)}).encode()
        with (
            Path(os.devnull).open("rb") as nothing,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            fds = [stream.fileno() for stream in (nothing, out, err)]
            socket.send_fds(self._control, [b"%16d" % len(wish)], fds)
            self._control.sendall(wish)
            pid = self._number(None)
            try:
                code = self._number(timeout)
            except TimeoutError:
                os.killpg(pid, signal.SIGKILL)
                self._number(None)
                raise subprocess.TimeoutExpired(["cicd", *arguments], timeout) from None
            return subprocess.CompletedProcess(
                ["cicd", *arguments], code, text_of(out), text_of(err)
            )

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


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float = 100
) -> subprocess.CompletedProcess[str]:
    """Run ``cicd`` with exactly this environment; its exit code and what it printed."""
    server = FREE.pop() if FREE else ForkServer()
    try:
        result = server.run(arguments, cwd=cwd, env=env, timeout=timeout)
    except BaseException:
        server.close()
        raise
    FREE.append(server)
    return result


@atexit.register
def close() -> None:
    """End the servers of this process."""
    while FREE:
        FREE.pop().close()
