"""Submission to YARN: spark-submit in cluster mode, whose application a resource manager shows.

spark-submit ends once the application is accepted; from then on its tag, which no other run has,
finds it from any machine. What the resource manager says at the end is the truth (``finalStatus``
of its REST API). Answers: Apache Hadoop, ResourceManager REST API's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from cicd.errors import CicdError, NotFound, PlatformError
from cicd.model import State, Status
from cicd.platforms.base import Finding
from cicd.platforms.spark import statuses
from cicd.platforms.spark.calls import Calls
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
_CONTAINER = re.compile(r"/containerlogs/(container_\w+)")
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
        self._logs = logs

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
                told = self._managers.json("GET", f"/apps/{run.application}").get("app")
                return told if isinstance(told, dict) else {}
            told = self._managers.json("GET", f"/apps?applicationTags={tag_of(run.name)}")
        except NotFound:
            return {}
        found = (told.get("apps") or {}).get("app") or []
        return max(found, key=lambda app: int(app.get("startedTime") or 0), default={})

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
            path = f"/apps/{application['id']}/state?user.name={quote(self._user)}"
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
            pages = log_pages(container, stream, self._logs)
            return Chunk.of_whole(first_log(self._managers.calls, pages), offset, size)
        except PlatformError as error:
            why = error.message
        if not run.has_ended and (not application or not of_application(application).has_ended):
            return NOTHING  # its node may answer the next time
        why = f"{why}; spark.yarn_logs_url names none that has it" if not self._logs else why
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
        told = self._managers.json("GET", "/metrics").get("clusterMetrics") or {}
        cores, memory = told.get("availableVirtualCores", 0), told.get("availableMB", 0)
        text = f"{told.get('activeNodes', 0)} nodes, {cores} cores and {memory} MB free"
        if int(cores) < 2:
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


def log_page(container: str, stream: str) -> str:
    """Where the log of a container is as plain text, from the page that shows it to people; empty
    where there is none. Pure."""
    match = _CONTAINER.search(container)
    parts = urlsplit(container)
    if not match or not parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc}/ws/v1/node/containerlogs/{match[1]}/{stream}"


def log_pages(container: str, stream: str, logs: str) -> list[str]:
    """Where the log of a container may be: at its node, then at the log server; none for what is
    no container. Pure."""
    match = _CONTAINER.search(container)
    kept = f"{log_server(logs)}/containerlogs/{match[1]}/{stream}" if match and logs else ""
    return [page for page in (log_page(container, stream), kept) if page]


def first_log(calls: Calls, pages: Sequence[str]) -> str:
    """What the first of these pages has that answers. Raises PlatformError, that of the last."""
    failure = PlatformError("nobody tells where it is")
    for page in pages:
        try:
            return contents(calls.text(page))
        except PlatformError as error:
            failure = error
    raise failure


def log_server(url: str) -> str:
    """Where a log server has its REST API; one that is given as a host is a history server of
    MapReduce. Pure."""
    parts = urlsplit(url.rstrip("/"))
    return f"{parts.geturl()}/ws/v1/history" if url and not parts.path else parts.geturl()


def contents(text: str) -> str:
    """A log without what Hadoop 3 writes around it. Pure."""
    head = re.match(r"(?s)(?=Container: |LogType:).{0,2000}?\nLogContents:\n", text)
    if not head:
        return text
    return re.split(r"\n?End of LogType:", text[head.end() :])[0]
