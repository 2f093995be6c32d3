"""A real standalone master and worker on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.model import Secret
from tests.platforms.spark.fetching import NotToBeHad, fetched

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
SHORT_LIVED = {
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
}
"""For every Java: what only lives for seconds does not get back what the second compiler and a
look through Spark's own classes cost, and starts on half of the processor's time."""


FILTER = "org.apache.spark.ui.JWSFilter"
KEY = "c2VjcmV0IG9mIGEgY2x1c3RlciB0aGF0IGxpdmVzIGZvciBhIHRlc3Q"
"""What Spark 4 wants tokens to be signed with, as its filter has it."""


@dataclass(frozen=True)
class RealCluster:
    """Its home and addresses. ``key``: what its REST server wants tokens to be signed with."""

    home: Path
    master: str
    rest_url: str
    ui_url: str
    key: str = ""

    def state(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = requests.get(f"{self.ui_url}/json/", timeout=30).json()
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """As a dialect tells them."""
        login = {"signing_key": Secret(self.key), "source": "SPARK_REST_KEY"}
        told = {"rest_url": self.rest_url, "ui_url": self.ui_url}
        return {**told, "login": login} if self.key else told


def home_of(version: str) -> Path:
    """The home of the newest release of a version; skips the test where it cannot be had."""
    if not shutil.which("java"):
        pytest.skip("there is no Java")
    try:
        return fetched(version)
    except NotToBeHad as error:
        pytest.skip(str(error))


@contextmanager
def running(home: Path, folder: Path) -> Iterator[RealCluster]:
    """A master and a worker with two cores, their logs in ``folder``. Where Spark can, its REST
    server takes nothing without a token."""
    folder.mkdir(parents=True, exist_ok=True)
    rpc, ui, rest, worker, worker_ui = _free_ports(5)
    master = f"spark://127.0.0.1:{rpc}"
    conf = folder / "master.conf"
    key = KEY if any(home.glob("jars/jjwt-api-*.jar")) else ""
    told = {"spark.master.rest.enabled": "true", "spark.master.rest.host": "127.0.0.1"}
    told |= {"spark.master.rest.port": str(rest)}
    if key:
        told |= {"spark.master.rest.filters": FILTER, f"spark.{FILTER}.param.secretKey": key}
    conf.write_text("".join(f"{name} {text}\n" for name, text in told.items()), encoding="utf-8")
    found = RealCluster(home, master, f"http://127.0.0.1:{rest}", f"http://127.0.0.1:{ui}", key)
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
        **SHORT_LIVED,
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
