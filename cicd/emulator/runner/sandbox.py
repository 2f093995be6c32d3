"""Which sandbox this machine has, and what a program to run in one consists of."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from cicd.emulator.runner.bounds import Limits
from cicd.emulator.runner.process import Launch
from cicd.emulator.runner.supervisor import interpreter

PROBE_SECONDS = 10.0

Choice = Literal["auto", "bubblewrap", "process"]


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine that the program sees at ``target``."""

    source: Path
    target: str


@dataclass(frozen=True)
class Program:
    """What to run and what it sees.

    ``root``: private folder of this machine that is the program's ``/``, so what it writes at
    ``/app/x`` is found at ``root/app/x``. ``mounts`` are read-only, ``shared`` ones can be written
    and are seen by other programs. ``folders``: container folders that must be writable.
    ``paths``: files and folders that the template declares there. ``port`` and ``relay``: it serves
    on that port and is reached through a socket in the folder ``relay``. ``script``: the container
    path of its script, empty for none.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    root: Path
    workdir: str = "/"
    python: str = ""
    mounts: tuple[Mount, ...] = ()
    shared: tuple[Mount, ...] = ()
    folders: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    port: int = 0
    relay: Path | None = None
    script: str = ""
    limits: Limits | None = None
    image: str = ""
    """An image that this machine's podman may have, to be run as it is; empty for none."""
    needs_image: bool = False
    """Nothing stands in for the image: it runs in podman or not at all."""

    @property
    def writable(self) -> tuple[Path, ...]:
        """Where what it writes is on this machine."""
        return (self.root, *(mount.source for mount in self.shared))


class Sandbox(Protocol):
    """Turns a Program into a command line."""

    warning: str
    """What the sandbox cannot do, for the log of every run; empty for nothing."""

    def has_private_network(self, program: Program) -> bool:
        """Whether every port is free for it."""
        ...

    def prepare(self, program: Program) -> Launch:
        """Make ready what the program needs on disk and say how to start it. May raise OSError."""
        ...


def search_path(python: str, environ: Mapping[str, str]) -> str:
    """PATH for a program: the image's Python first, then what this machine has."""
    place = Path(python) if python else interpreter().parent
    if place.is_file():
        place = place.parent
    elif (place / "bin").is_dir():
        place /= "bin"
    elif (place / "Scripts").is_dir():
        place /= "Scripts"
    default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return f"{place}:{environ.get('PATH') or default}"


def works(sandbox: Sandbox) -> str:
    """Try it with a program that does nothing; empty when it works, else why not."""
    with tempfile.TemporaryDirectory(prefix="cicd-") as folder:
        program = Program(["true"], {"PATH": search_path("", {})}, Path(folder) / "root")
        try:
            launch = sandbox.prepare(program)
            code, text = _try(launch)
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
    return "" if code == 0 else text.strip() or f"exit code {code}"


def _try(launch: Launch) -> tuple[int, str]:
    """Exit code and error output of a short program. Raises OSError or SubprocessError."""
    with subprocess.Popen(
        launch.argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={}
    ) as process:
        assert process.stdin and process.stderr
        try:
            # its input stays open until it has ended: the end of it would kill the program
            process.stdin.write(launch.order())
            process.stdin.flush()
            code = process.wait(PROBE_SECONDS)
        finally:
            process.kill()
        return code, process.stderr.read().decode("utf-8", "replace")


def find_bubblewrap(environ: Mapping[str, str]) -> str | None:
    """The path of ``bwrap``, if it is installed."""
    return shutil.which("bwrap", path=environ.get("PATH"))
