"""Submission through the REST server of a standalone master.

The driver runs on a worker: the master starts spark-submit there, which is how Python gets to run
on it at all. What the master says of the driver is the truth; see ``statuses``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from cicd.errors import CicdError, LostAnswer, PlatformError
from cicd.model import State, Status
from cicd.platforms.base import Finding
from cicd.platforms.spark import access, statuses
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import NOTHING, Chunk
from cicd.platforms.spark.manifest import Manifest, driver_of
from cicd.platforms.spark.master import Master, order_of
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.submitter import STDERR, STDOUT, Seen

NOBODY = "driver-cicd"
"""A submission that there is not: asked for to learn who answers."""
CLOSED = "keep its port inside your network; from Spark 4 on spark.master.rest.filters asks for one"
"""What to do about a REST server that asks nobody for a login."""
WAITS = "WAITING"
"""What the master calls an application without executors."""
OPTIONS = "spark.driver.extraJavaOptions"
OPENED = "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"
MODULES = " ".join(
    (
        "-XX:+IgnoreUnrecognizedVMOptions",
        *(
            f"--add-opens=java.base/{package}=ALL-UNNAMED"
            for package in (
                "java.lang",
                "java.lang.invoke",
                "java.lang.reflect",
                "java.io",
                "java.net",
                "java.nio",
                "java.util",
                "java.util.concurrent",
                "java.util.concurrent.atomic",
                "sun.nio.ch",
                "sun.nio.cs",
                "sun.security.action",
                "sun.util.calendar",
            )
        ),
        "-Djdk.reflect.useDirectMethodHandle=false",
    )
)
"""``JavaModuleOptions`` of Spark, which the REST server of 3.x does not add (SPARK-45197)."""


class RestSubmitter:
    """The REST server of a master, and its web page, which tells the rest."""

    def __init__(self, calls: Calls, master: str, rest_url: str, ui_url: str) -> None:
        self._calls = calls
        self._address = master
        self._rest = f"{rest_url}/v1/submissions"
        self._master = Master(calls, ui_url)

    def last(self) -> str:
        drivers = self._master.drivers()
        return str(drivers[-1]["id"]) if drivers else ""

    def submit(self, manifest: Manifest) -> str:
        version = self.version()
        body = request(manifest, self._address, version)
        told = self._calls.json("POST", f"{self._rest}/create", body, once=True)
        if told.get("success") is True and told.get("submissionId"):
            return str(told["submissionId"])
        if told.get("success") is False:
            said = self._calls.hide(str(told.get("message") or "no reason is told"))
            raise PlatformError(f"the master takes no job: {said}")
        text = "the master has answered without an id: nobody knows whether it has the job"
        raise LostAnswer(text)

    def version(self) -> str:
        """The version of Spark that the master has."""
        return str(self._status(NOBODY).get("serverSparkVersion", ""))

    def find(self, run: Run) -> str:
        unsure = []
        for driver in self._master.drivers():
            id = str(driver["id"])
            if run.before and order_of(id) <= order_of(run.before):
                continue
            name = self._master.name_of(driver)
            if name == run.name:
                return id
            if name is None:
                unsure.append(id)
        if unsure:
            raise LostAnswer(f"{', '.join(unsure)} may be {run.name}: no log tells that yet")
        return ""

    def look(self, run: Run) -> Seen:
        told = self._status(run.submission)
        if told.get("success") is not True:
            return Seen(_unknown(f"the master does not know {run.submission} any more"))
        status = statuses.of_driver(str(told.get("driverState", "")), _first_line(told))
        application = run.application
        if status.state is State.PENDING:
            status = self._waits(f"its driver, of {driver_of(run.spec)}, has no worker yet")
        elif status.state is State.RUNNING or not application:
            with suppress(PlatformError):  # the page may be away while the REST server is not
                found = self._master.application(run.name)
                application = str(found.get("id") or application)
                if status.state is State.RUNNING and found.get("state") == WAITS:
                    status = self._waits("its driver runs, its executors have no worker yet")
        host = str(told.get("workerHostPort") or "")
        worker = run.worker or (self._master.page_of(host) if host else "")
        return Seen(status, application, worker)

    def _waits(self, said: str) -> Status:
        """With what there would be for it, where the page of the master can be read."""
        with suppress(PlatformError):
            said = f"{said}: {self._master.free()}"
        return statuses.status_of(State.PENDING, said)

    def stop(self, run: Run) -> None:
        self._calls.json("POST", f"{self._rest}/kill/{run.submission}")

    def streams(self, run: Run) -> list[str]:
        return [STDOUT, STDERR]

    def log(self, run: Run, stream: str, offset: int, size: int) -> Chunk:
        if not run.worker or stream not in {STDOUT, STDERR}:
            return NOTHING
        return self._master.log(run.worker, run.submission, stream, offset, size)

    def forget(self, run: Run) -> None:
        return

    def page(self, run: Run, calls: Calls) -> str:
        return self._master.page_of_driver(run.application, calls) if run.application else ""

    def examine(self) -> Iterator[Finding]:
        try:
            text = f"the master of Spark {self.version()} takes jobs"
            yield Finding("submission", "ok", text)
            yield from access.examine(f"{self._rest}/status/{NOBODY}", CLOSED)
        except CicdError as error:
            yield Finding("submission", "error", error.message, error.hint)
        yield from self._master.examine(2)

    def close(self) -> None:
        self._calls.close()

    def _status(self, submission: str) -> dict[str, Any]:
        return self._calls.json("GET", f"{self._rest}/status/{submission}")


def _unknown(said: str) -> Status:
    return statuses.status_of(State.UNKNOWN, said)


def _first_line(told: Mapping[str, Any]) -> str:
    """What the master says about it beside the state, without the stack of Java."""
    lines = [line.strip() for line in str(told.get("message") or "").splitlines()]
    lines = [line for line in lines if line and not line.startswith(("at ", "Exception from"))]
    return lines[0] if lines else ""


def request(manifest: Manifest, master: str, version: str) -> dict[str, Any]:
    """The body of a submission. Pure. ``version``: of the master's Spark."""
    conf = dict(manifest.conf)
    if is_before_4(version) and OPENED not in conf.get(OPTIONS, ""):
        conf[OPTIONS] = f"{MODULES} {conf.get(OPTIONS, '')}".strip()
    of_driver = {
        "spark.driver.memory": "1g",
        "spark.driver.cores": "1",
        **{name: conf[name] for name in conf if name.startswith("spark.driver.")},
    }
    # what is set for the driver's machine is not said again to who runs in it
    options = {name: text for name, text in conf.items() if name not in {OPTIONS, *_SIZES}}
    inner = Manifest(**{**vars(manifest), "conf": options})
    return {
        "action": "CreateSubmissionRequest",
        "clientSparkVersion": version,
        "mainClass": "org.apache.spark.deploy.SparkSubmit",
        "appResource": "",
        "appArgs": inner.options(master, "client"),
        "environmentVariables": {"SPARK_ENV_LOADED": "1", **manifest.environment},
        "sparkProperties": {
            **of_driver,
            "spark.master": master,
            "spark.app.name": manifest.name,
            "spark.submit.deployMode": "cluster",
            "spark.driver.supervise": "false",
            "spark.jars": "",
        },
    }


_SIZES = ("spark.driver.memory", "spark.driver.cores")


def is_before_4(version: str) -> bool:
    """Whether a version is one of 3.x, or older."""
    match = re.match(r"(\d+)\.", version)
    return bool(match) and int(match[1]) < 4 if match else False
