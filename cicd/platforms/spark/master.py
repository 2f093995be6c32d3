"""What a standalone master and its workers show on their web pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

from cicd.errors import CicdError, PlatformError
from cicd.platforms.base import Finding
from cicd.platforms.spark import shapes
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import NOTHING, Chunk
from cicd.platforms.spark.submitter import STDERR

EXECUTOR = "executor-"
NO_LIST = ""
"""Stands for a list that a page has to have, and has not."""
BEGIN = 1 << 16
"""Bytes at the beginning of a driver's log that have its command line."""


class Master:
    """The pages of one cluster."""

    def __init__(self, calls: Calls, ui_url: str) -> None:
        self._calls = calls
        self.url = ui_url

    def state(self) -> Mapping[str, Any]:
        """All that it tells at once: workers, drivers, applications."""
        return self._calls.json("GET", f"{self.url}/json/")

    def examine(self, least: int) -> Iterator[Finding]:
        """What is free of it, for a job to come, which needs so many cores."""
        try:
            yield free(self.state(), least)
        except CicdError as error:
            yield Finding("workers", "error", error.message, error.hint)

    def drivers(self) -> list[Mapping[str, Any]]:
        """All that it remembers, oldest first. Raises ConnectionFailed for a page that lists none:
        that is not to say that none was begun."""
        state = self.state()
        lists = [state.get(name, NO_LIST) for name in ("completeddrivers", "activedrivers")]
        found = [
            driver for told in lists for driver in shapes.listed(told, "the master", "drivers")
        ]
        named = [driver for driver in found if isinstance(driver.get("id"), str)]
        return sorted(named, key=lambda driver: order_of(str(driver["id"])))

    def application(self, name: str) -> Mapping[str, Any]:
        """The application that is called so; nothing where there is none."""
        state = self.state()
        found = [*shapes.rows(state.get("completedapps")), *shapes.rows(state.get("activeapps"))]
        return next((app for app in reversed(found) if app.get("name") == name), {})

    def free(self) -> str:
        """What workers have left, for people."""
        return free_of(self.state())

    def page_of(self, host_port: str) -> str:
        """The web page of the worker at that address; empty where there is none any more."""
        for worker in shapes.rows(self.state().get("workers")):
            if f"{worker.get('host')}:{worker.get('port')}" == host_port:
                return str(worker.get("webuiaddress", "")).rstrip("/")
        return ""

    def page_of_worker(self, id: str) -> str:
        """The same, by what the master calls the worker."""
        for worker in shapes.rows(self.state().get("workers")):
            if worker.get("id") == id:
                return str(worker.get("webuiaddress", "")).rstrip("/")
        return ""

    def page_of_driver(self, application: str, calls: Calls) -> str:
        """The page of the driver of an application that goes on, as the one that shows the
        application links to it (``ApplicationPage`` of Spark); empty where it does not. Asked by
        these ``calls``."""
        page = calls.text(f"{self.url}/app/", appId=application)
        match = re.search(r'<a href="([^"]+)">\s*Application Detail UI', page)
        return urljoin(f"{self.url}/", html.unescape(match[1])) if match else ""

    def log(self, worker: str, driver: str, stream: str, offset: int, size: int) -> Chunk:
        """A part of the log of a driver; ``worker``: the page of the one that it is on."""
        page = self._calls.text(
            f"{worker}/log/", driverId=driver, logType=stream, offset=offset, byteLength=size
        )
        return Chunk.of_page(page)

    def executors(self, application: str) -> list[str]:
        """Those of an application that workers know, as ``executor-0``, in their order."""
        return sorted(self._executors(application), key=lambda name: int(name[len(EXECUTOR) :]))

    def executor_log(self, application: str, name: str, offset: int, size: int) -> Chunk:
        """A part of what one of them says."""
        worker = self._executors(application).get(name)
        if worker is None:
            return NOTHING
        page = self._calls.text(
            f"{worker}/log/",
            appId=application,
            executorId=name.removeprefix(EXECUTOR),
            logType=STDERR,
            offset=offset,
            byteLength=size,
        )
        return Chunk.of_page(page)

    def _executors(self, application: str) -> dict[str, str]:
        """Name -> page of the worker that each is on. Workers that are away are left out."""
        found = {}
        for worker in shapes.rows(self.state().get("workers")):
            page = str(worker.get("webuiaddress", "")).rstrip("/")
            with suppress(PlatformError):
                state = self._calls.json("GET", f"{page}/json/")
                for row in (
                    *shapes.rows(state.get("executors")),
                    *shapes.rows(state.get("finishedexecutors")),
                ):
                    if row.get("appid") == application and str(row.get("id")).isdecimal():
                        found[f"{EXECUTOR}{row['id']}"] = page
        return found

    def close(self) -> None:
        """Give connections back."""
        self._calls.close()

    def name_of(self, driver: Mapping[str, Any]) -> str | None:
        """What the application of a driver is called, as its command line tells; None while there
        is none to read."""
        worker = self.page_of_worker(str(driver.get("worker") or ""))
        if not worker:
            return None
        command = self.log(worker, str(driver["id"]), STDERR, 0, BEGIN).text
        match = re.search(r'"-Dspark\.app\.name=([^"]*)"', command)
        return match[1] if match else None


def free(state: Mapping[str, Any], least: int) -> Finding:
    """What a master tells of its workers, where a job needs so many cores. Pure."""
    if state.get("status") != "ALIVE":
        text = f"the master is {state.get('status')}"
        return Finding("workers", "error", text, "name the one that is ALIVE")
    cores = shapes.number(state.get("cores")) - shapes.number(state.get("coresused"))
    text = free_of(state)
    if cores < least:
        driver = "its driver and one for " if least > 1 else ""
        cure = f"a job needs a core for {driver}an executor: it will wait"
        return Finding("workers", "warning", text, cure)
    return Finding("workers", "ok", text)


def free_of(state: Mapping[str, Any]) -> str:
    """What workers have left, for people. Pure."""
    cores = shapes.number(state.get("cores")) - shapes.number(state.get("coresused"))
    memory = shapes.number(state.get("memory")) - shapes.number(state.get("memoryused"))
    return f"{state.get('aliveworkers', 0)} alive, {cores} cores and {memory} MB free"


def order_of(submission: str) -> tuple[str, ...]:
    """Submissions in the order in which a master has made them: time, then number."""
    time, _, number = submission.removeprefix("driver-").rpartition("-")
    return time, number.zfill(12)
