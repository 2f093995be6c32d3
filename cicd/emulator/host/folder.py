"""The data folder of an emulator: which files are in it, whether it can be used, who runs there.

A running emulator holds ``emulator.lock`` (with its process id in it) and, once it answers, has
written ``endpoint.json``. Both are for the owner of the folder only.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cicd.emulator.errors import EmulatorError
from cicd.emulator.state import credentials
from cicd.emulator.state.private import write_private

LOCK, STARTING, ENDPOINT = "emulator.lock", "starting.lock", "endpoint.json"
LOG_FILE, PORT_FILE = "emulator.log", "port"
MARKS = (LOCK, credentials.FILE_NAME, "emulator.db")
"""What a folder with an emulator's data has; reset() touches no other."""


@dataclass(frozen=True)
class Endpoint:
    """A running emulator: where it answers, its process, its data folder."""

    url: str
    pid: int
    data: Path


def prepare(data: Path) -> None:
    """Make the folder, private, and find out now whether it can be written to."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A name of its own: several starts may look at once.
        with tempfile.NamedTemporaryFile(dir=data, prefix=".probe-") as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        raise folder_error(data, error) from error


def folder_error(data: Path, error: OSError) -> EmulatorError:
    """What the user can do about a folder that cannot be used."""
    return EmulatorError(
        f"the emulator's data folder {data} cannot be used: {error.strerror or error}",
        "make it writable, free some space, or choose another --data folder",
    )


def read_endpoint(data: Path) -> Endpoint | None:
    """What a running emulator wrote; None when it is missing or damaged."""
    try:
        content = json.loads((data / ENDPOINT).read_text(encoding="utf-8"))
        return Endpoint(str(content["url"]), int(content["pid"]), data)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_endpoint(data: Path, url: str) -> None:
    """Tell others where this process answers."""
    content = json.dumps({"url": url, "pid": os.getpid()})
    write_private(data / ENDPOINT, content)


def read_pid(path: Path) -> int:
    """The process id in a lock file, 0 when there is none yet."""
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    return int(text) if text.isdecimal() else 0
