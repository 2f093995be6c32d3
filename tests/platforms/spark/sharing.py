"""One cluster for all processes of a test run: who first needs it starts it, and it stops when the
last that uses it is gone, however that came to its end.

Each that uses it shares a lock of the kernel's, which gives it back for one that is killed. A
process of its own has the cluster, and waits until it gets that lock for itself alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.platforms.spark.real import RealCluster, running


@contextmanager
def shared(home: Path, folder: Path) -> Iterator[RealCluster]:
    """The cluster in ``folder``, of the Spark in ``home``."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # of one that just stops, the end is waited for
        with (folder / "starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not (folder / "cluster.json").exists():
                _start(home, folder)
        told = json.loads((folder / "cluster.json").read_text(encoding="utf-8"))
        yield RealCluster(**{**told, "home": Path(told["home"])})


def _start(home: Path, folder: Path) -> None:
    """The process that has it; returns when it is up."""
    command = [sys.executable, "-m", __name__, str(home), str(folder)]
    nothing = subprocess.DEVNULL
    with (folder / "log").open("w") as log:
        done = subprocess.run(command, stdin=nothing, stdout=log, stderr=log)
    assert done.returncode == 0, f"no cluster: see the logs in {folder}"


def _run(home: Path, folder: Path, started: int) -> None:
    """A cluster for as long as anybody uses it. ``started``: where that is told."""
    address = folder / "cluster.json"
    with (folder / "users").open("w") as users, running(home, folder) as cluster:
        address.write_text(json.dumps(asdict(cluster), default=str), encoding="utf-8")
        os.write(started, b".")
        os.close(started)
        fcntl.flock(users, fcntl.LOCK_EX)  # given back once nothing of the cluster runs any more
        address.unlink()


def main(home: Path, folder: Path) -> int:
    """Goes on in a session of its own; whoever called it waits until the cluster is up."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return 0 if os.read(reading, 1) else 1
    os.setsid()
    _run(home, folder, writing)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
