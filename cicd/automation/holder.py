"""Who this process is to others that want its lock, and whether such a one still lives."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cicd.forges.detect import read_run
from cicd.model import Holder


@dataclass(frozen=True)
class Presence:
    """Who does something, where a process alone does not say it: one of several controllers.

    ``run``: unlike that of anybody else; ``name``: for people. ``is_gone``: whether another holder
    of the lock is known to live no more. ``problem``: why nothing may be begun any more; empty
    while all is well.
    """

    run: str
    name: str
    is_gone: Callable[[Holder], bool]
    problem: Callable[[], str]


def make_holder(command: str, environ: Mapping[str, str]) -> Holder:
    """This process. ``command`` in a few words: arguments may be secret."""
    run = read_run(environ)
    return Holder(
        run=secrets.token_hex(8),
        name=f"{run.actor or _user(environ)}@{socket.gethostname()}",
        command=command,
        link=run.url,
        machine=_machine(),
        process=f"{os.getpid()}.{_started(os.getpid())}",
    )


def is_gone(holder: Holder) -> bool:
    """Whether it was a process of this machine that lives no more; False when nobody can tell."""
    match = re.fullmatch(r"([1-9]\d{0,8})\.(\d+)", holder.process)
    # A process id says nothing on another machine, after a boot, or in another container.
    if not match or not holder.machine or holder.machine != _machine():
        return False
    try:
        os.kill(int(match[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is there, and somebody else's
    return _started(int(match[1])) not in {match[2], None}


def _machine() -> str:
    """The same for all processes that see each other's ids since the last boot, for no others;
    empty where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    text = f"{socket.gethostname()} {boot} {space}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _started(pid: int) -> str | None:
    """When a process was started, in ticks since boot: ids are given out again. Empty for one that
    has ended, None where that cannot be seen."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # the name of the program, in brackets, may hold anything
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]


def _user(environ: Mapping[str, str]) -> str:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if user := environ.get(name):
            return user
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows; a container without such a user
        return "somebody"
