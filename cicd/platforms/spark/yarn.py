"""Submission to YARN: spark-submit in cluster mode, whose application a resource manager shows.

spark-submit ends once the application is accepted; from then on its tag, which no other run has,
finds it from any machine. What the resource manager says at the end is the truth (``finalStatus``
of its REST API). Answers: Apache Hadoop, ResourceManager REST API's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from cicd.errors import CicdError, NotFound, PlatformError
from cicd.model import State, Status
from cicd.platforms.base import Finding
from cicd.platforms.spark import shapes, statuses
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.containers import ContainerLogs
from cicd.platforms.spark.logs import NOTHING, Chunk
from cicd.platforms.spark.managers import Managers
from cicd.platforms.spark.manifest import Manifest
from cicd.platforms.spark.process import ProcessSubmitter
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.submitter import STDERR, STDOUT, Seen

TAGS, WAITS = "spark.yarn.tags", "spark.yarn.submit.waitAppCompletion"
ENVIRONMENT = "spark.yarn.appMasterEnv"
STATES: Mapping[str, State] = {
    "NEW": State.PENDING,
    "NEW_SAVING": State.PENDING,
    "SUBMITTED": State.PENDING,
    "ACCEPTED": State.PENDING,
    "RUNNING": State.RUNNING,
    "FAILED": State.FAILED,
    "KILLED": State.STOPPED,
}
"""What the states of an application mean, but for that of one that has finished."""
FINAL: Mapping[str, State] = {
    "SUCCEEDED": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "KILLED": State.STOPPED,
}
"""What the final status of one that has finished means."""


class YarnSubmitter:
    """``process``: starts spark-submit on this machine. ``user``: who kills, where the resource
    manager asks nobody for a login. ``logs``: the server of the logs of containers that are gone
    (``yarn.log.server.web-service.url``), empty for none."""

    def __init__(
        self, process: ProcessSubmitter, managers: Managers, user: str, logs: str = ""
    ) -> None:
        self._process = process
        self._managers = managers
        self._user = user
        self._logs = ContainerLogs(managers.calls, logs)

    def last(self) -> str:
        return ""

    def submit(self, manifest: Manifest) -> str:
        return self._process.submit(tagged(manifest))

    def find(self, run: Run) -> str:
        return f"{run.name}@yarn" if self._application(run) else self._process.find(run)

    def _application(self, run: Run) -> Mapping[str, Any]:
        """What the resource manager says of it; empty where it knows nothing of it."""
        try:
            if run.application:
                return shapes.fields(
                    self._managers.json("GET", f"/apps/{run.application}").get("app")
                )
            told = self._managers.json("GET", f"/apps?applicationTags={tag_of(run.name)}")
        except NotFound:
            return {}
        apps = told.get("apps")  # null where there are none
        found = shapes.listed(
            apps.get("app") if isinstance(apps, dict) else apps, "YARN", "applications"
        )
        return max(found, key=lambda app: shapes.number(app.get("startedTime")), default={})

    def look(self, run: Run) -> Seen:
        if application := self._application(run):
            container = str(application.get("amContainerLogs") or "")
            status = of_application(application)
            if status.has_ended:
                self._process.look(run)  # which removes a ticket that is left
            return Seen(status, str(application.get("id", "")), container)
        said = f"the resource manager has no application with the tag {tag_of(run.name)}"
        return self._process.handed_over(run, said)

    def stop(self, run: Run) -> Seen | None:
        application = self._application(run)
        if not application:
            self._process.stop(run)
        elif not of_application(application).has_ended:
            id = quote(str(application.get("id") or ""), safe="")
            path = f"/apps/{id}/state?user.name={quote(self._user)}"
            self._managers.json("PUT", path, {"state": "KILLED"})
        return None

    def streams(self, run: Run) -> list[str]:
        return [STDOUT, STDERR]

    def log(self, run: Run, stream: str, offset: int, size: int) -> Chunk:
        """Of the driver's container: its node has it for a while, then the log server; before
        there is a container, what spark-submit says."""
        if stream not in {STDOUT, STDERR}:
            return NOTHING
        application = self._application(run)
        container = str(application.get("amContainerLogs") or "") or run.worker
        if not container:
            return self._process.log(run, stream, offset, size) if stream == STDERR else NOTHING
        try:
            return self._logs.part(container, stream, offset, size)
        except PlatformError as error:
            why = error.message
        if not run.has_ended and (not application or not of_application(application).has_ended):
            return NOTHING  # its node may answer the next time
        why = f"{why}; spark.yarn_logs_url names none that has it" if not self._logs.server else why
        return Chunk.said(f"its log is gone with its container: {why}", offset)

    def forget(self, run: Run) -> None:
        self._process.forget(run)

    def page(self, run: Run, calls: Calls) -> str:
        return f"{self._managers.active}/proxy/{run.application}" if run.application else ""

    def examine(self) -> Iterator[Finding]:
        yield from self._process.examine()
        try:
            yield self._nodes()
        except CicdError as error:
            yield Finding("workers", "error", error.message, error.hint)

    def _nodes(self) -> Finding:
        told = shapes.fields(self._managers.json("GET", "/metrics").get("clusterMetrics"))
        names = ("availableVirtualCores", "availableMB", "activeNodes")
        cores, memory, nodes = (shapes.number(told.get(name)) for name in names)
        text = f"{nodes} nodes, {cores} cores and {memory} MB free"
        if cores < 2:
            cure = "a job needs a core for its driver and one for an executor: it will wait"
            return Finding("workers", "warning", text, cure)
        return Finding("workers", "ok", text)

    def close(self) -> None:
        self._managers.close()


def tag_of(name: str) -> str:
    """The tag of a run. YARN takes a hundred characters of ASCII, and makes them small."""
    return f"cicd-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def tagged(manifest: Manifest) -> Manifest:
    """A job as YARN is handed it: with its tag, and its environment as properties. Pure."""
    told = {f"{ENVIRONMENT}.{name}": text for name, text in manifest.environment.items()}
    tags = ",".join(filter(None, (manifest.conf.get(TAGS), tag_of(manifest.name))))
    return replace(manifest, conf={**manifest.conf, **told, TAGS: tags, WAITS: "false"})


def of_application(application: Mapping[str, Any]) -> Status:
    """How an application is. One that has finished may have failed. Pure."""
    word, final = str(application.get("state")), str(application.get("finalStatus"))
    state = FINAL.get(final) if word == "FINISHED" else STATES.get(word)
    if state is None:
        said = f'"{word}" with the final status "{final}" is no state that cicd knows'
        return statuses.status_of(State.UNKNOWN, said)
    lines = str(application.get("diagnostics") or "").split("\n")
    said = next((line.strip() for line in lines if line.strip()), "")
    return statuses.status_of(state, said if state in {State.FAILED, State.STOPPED} else "")
