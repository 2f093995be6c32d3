"""A real standalone master and worker on loopback, of a pyspark from the package index.

Nothing is installed: its source distribution, unpacked, is all that Spark needs. It is kept in a
folder of its own for the next time (CICD_TEST_CACHE, else ~/.cache/cicd-tests).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

PATIENCE = 300.0
CONF = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "512m",
    "spark.executor.memory": "600m",
    "spark.cores.max": "1",
}
"""What lets a job run on one small machine."""


@dataclass(frozen=True)
class RealCluster:
    """Its home and addresses; ``stop`` and ``start`` are of the master."""

    home: Path
    master: str
    rest_url: str
    ui_url: str

    def state(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = requests.get(f"{self.ui_url}/json/", timeout=30).json()
        return found

    @property
    def settings(self) -> dict[str, str]:
        """As a dialect tells them."""
        return {"rest_url": self.rest_url, "ui_url": self.ui_url}


def home_of(version: str) -> Path:
    """The home of the newest release of a version; skips the test where it cannot be had."""
    if not shutil.which("java"):
        pytest.skip("there is no Java")
    cache = Path(os.environ.get("CICD_TEST_CACHE") or Path.home() / ".cache/cicd-tests")
    home = cache / f"spark-{version}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # it is 300 MB, which one worker fetches for all
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                _unpacked(version, Path(folder)).rename(home)
    return home


def _unpacked(version: str, folder: Path) -> Path:
    asked = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder)]
    done = subprocess.run([*asked, f"pyspark=={version}.*"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pyspark {version} cannot be had: {done.stderr.strip()[-200:]}")
    [archive] = folder.glob("pyspark-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()
    [home] = [path for path in folder.iterdir() if path.is_dir()]
    for name, target in {"bin": "deps/bin", "jars": "deps/jars", "python": "."}.items():
        (home / name).symlink_to(target)
    return home


@contextmanager
def running(home: Path, folder: Path) -> Iterator[RealCluster]:
    """A master and a worker with two cores, their logs in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    rpc, ui, rest, worker, worker_ui = _free_ports(5)
    master = f"spark://127.0.0.1:{rpc}"
    conf = folder / "master.conf"
    conf.write_text(
        "spark.master.rest.enabled true\nspark.master.rest.host 127.0.0.1\n"
        f"spark.master.rest.port {rest}\n",
        encoding="utf-8",
    )
    found = RealCluster(home, master, f"http://127.0.0.1:{rest}", f"http://127.0.0.1:{ui}")
    addresses = ("--host", "127.0.0.1", "--port")
    with (
        _daemon(found, folder, "master.Master", *addresses, str(rpc), "--webui-port", str(ui),
                "--properties-file", str(conf)) as first,
        _daemon(found, folder, "worker.Worker", *addresses, str(worker), "--webui-port",
                str(worker_ui), "--cores", "2", "--memory", "2g", "--work-dir",
                str(folder / "work"), master) as second,
    ):  # fmt: skip
        _wait_until_up(found, first, second)
        yield found


@contextmanager
def _daemon(
    cluster: RealCluster, folder: Path, name: str, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    kept = ("PATH", "JAVA_HOME", "LANG")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    environ |= {
        "HOME": str(folder),
        "SPARK_HOME": str(cluster.home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_DAEMON_MEMORY": "256m",
        "PYSPARK_PYTHON": sys.executable,
    }
    command = [str(cluster.home / "bin/spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until_up(cluster: RealCluster, *daemons: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert all(daemon.poll() is None for daemon in daemons), "the cluster did not start"
        assert time.monotonic() < deadline, "the cluster never came up"
        try:
            if cluster.state()["aliveworkers"] == 1:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
