"""Submission through Apache Livy: the REST API before a cluster (rest-api.md of Livy).

Livy takes each name once, which is what makes a submission that is sent again harmless. It forgets:
a batch that was deleted at once, one that has ended after ten minutes, all at a restart unless it
has a recovery store; and it gives ids again then, so a batch is only ours with our name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from cicd.errors import CicdError, LostAnswer, NotFound, PlatformError
from cicd.model import State
from cicd.platforms.base import Finding
from cicd.platforms.spark import access, shapes, statuses
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import NOTHING, Chunk
from cicd.platforms.spark.manifest import Manifest
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.submitter import STDOUT, Seen

PAGE = 100
"""Batches that are asked for at once."""
LINES = 500
"""Lines of a log that are asked for at once."""
ROOM = 1 << 16
"""What a line counts as where logs are read by bytes: Livy knows its lines alone, and their
places have to grow by more than they are long."""
CLOSED = "keep it inside your network, or turn its own login on (livy.server.auth.type)"
"""What to do about a Livy that asks nobody for a login."""
TWICE = "Duplicate session name"
"""What it says of a name that it has."""
HEAD, END = 1, "\nstderr: "
"""Lines before those of the program, and the first after them: a log is shown in three parts."""
ENVIRONMENTS = ("spark.yarn.appMasterEnv", "spark.kubernetes.driverEnv")
"""What hands a variable to a driver: Livy itself has no environment to give."""
STATES: Mapping[str, State] = {
    "not_started": State.PENDING,
    "starting": State.PENDING,
    "recovering": State.RUNNING,
    "idle": State.RUNNING,
    "running": State.RUNNING,
    "busy": State.RUNNING,
    "shutting_down": State.RUNNING,
    "success": State.SUCCEEDED,
    "error": State.FAILED,
    "dead": State.FAILED,
    "killed": State.STOPPED,
}
"""What it says of a batch (``SessionState`` of Livy)."""


class LivySubmitter:
    """The batches of one server. A submission is called ``NAME@ID``."""

    def __init__(self, calls: Calls, url: str, proxy_user: str = "") -> None:
        self._calls = calls
        self._user = proxy_user
        self._url = f"{url.rstrip('/')}/batches"

    def last(self) -> str:
        return ""

    def submit(self, manifest: Manifest) -> str:
        try:
            body = request(manifest, self._user)
            told = self._calls.json("POST", self._url, body, once=True)
        except LostAnswer:
            raise
        except PlatformError as error:
            if TWICE in error.message and (found := self._named(manifest.name)):
                return found
            raise
        if not isinstance(told.get("id"), int):
            text = "Livy has answered without an id: nobody knows whether it has the job"
            raise LostAnswer(text)
        return f"{manifest.name}@{told['id']}"

    def find(self, run: Run) -> str:
        return self._named(run.name)

    def _named(self, name: str) -> str:
        """The submission of that name; empty where there is none."""
        at = 0
        while True:
            told = self._calls.json("GET", f"{self._url}?from={at}&size={PAGE}")
            batches = shapes.listed(told.get("sessions"), "Livy", "batches")
            for batch in batches:
                if batch.get("name") == name and isinstance(batch.get("id"), int):
                    return f"{name}@{batch['id']}"
            at += len(batches)
            if not batches or at >= shapes.number(told.get("total")):
                return ""

    def look(self, run: Run) -> Seen:
        try:
            batch = self._calls.json("GET", self._page_of(run))
        except NotFound:
            batch = {"name": None}
        if batch.get("name", run.name) != run.name:
            said = f"Livy does not know {run.submission} any more"
            return Seen(statuses.status_of(State.UNKNOWN, said), run.application)
        word = str(batch.get("state", ""))
        state = STATES.get(word, State.UNKNOWN)
        said = f'"{word}" is no state that cicd knows' if state is State.UNKNOWN else ""
        application = str(batch.get("appId") or run.application)
        return Seen(statuses.status_of(state, said), application)

    def _page_of(self, run: Run) -> str:
        return f"{self._url}/{run.submission.rpartition('@')[2]}"

    def stop(self, run: Run) -> Seen | None:
        seen = self.look(run)
        if seen.status.has_ended or seen.status.state is State.UNKNOWN:
            return seen if seen.status.has_ended else None
        with suppress(NotFound):
            self._calls.json("DELETE", self._page_of(run))
        return Seen(statuses.status_of(State.STOPPED, "stopped, and Livy keeps no log of it"))

    def streams(self, run: Run) -> list[str]:
        return [STDOUT]

    def log(self, run: Run, stream: str, offset: int, size: int) -> Chunk:
        """``offset``: of lines, each of which counts as ``ROOM``. Spark's own lines are among those
        of the program."""
        if stream != STDOUT or not run.submission:
            return NOTHING
        first = offset // ROOM
        try:
            asked = f"{self._page_of(run)}/log?from={first + HEAD}&size={LINES}"
            told = self._calls.json("GET", asked)
        except NotFound:
            return NOTHING
        log = told.get("log")
        lines = [str(line) for line in log] if isinstance(log, list) else []
        after = lines.index(END) if END in lines else len(lines)
        is_all = after < len(lines) or len(lines) < LINES
        last = first + after
        text = "".join(f"{line}\n" for line in lines[:after])
        return Chunk(first * ROOM, last * ROOM, (last if is_all else last + 1) * ROOM, text)

    def forget(self, run: Run) -> None:
        return

    def page(self, run: Run, calls: Calls) -> str:
        told = calls.json("GET", self._page_of(run)).get("appInfo")
        return str(told.get("sparkUiUrl") or "") if isinstance(told, dict) else ""

    def examine(self) -> Iterator[Finding]:
        try:
            total = self._calls.json("GET", f"{self._url}?from=0&size=1").get("total", 0)
            yield Finding("submission", "ok", f"Livy takes jobs, and has {total} batches")
            yield from access.examine(f"{self._url}?from=0&size=1", CLOSED)
        except CicdError as error:
            yield Finding("submission", "error", error.message, error.hint)

    def close(self) -> None:
        self._calls.close()


def request(manifest: Manifest, proxy_user: str = "") -> dict[str, Any]:
    """The body of a new batch. Pure. ``proxy_user``: who it runs as, empty for who asks."""
    conf = dict(manifest.conf)
    for name, text in manifest.environment.items():
        conf |= {f"{prefix}.{name}": text for prefix in ENVIRONMENTS}
    packages = ",".join(filter(None, (conf.get("spark.jars.packages"), *manifest.packages)))
    if packages:
        conf["spark.jars.packages"] = packages
    body = {
        "name": manifest.name,
        "file": manifest.program,
        "className": manifest.main_class,
        "args": list(manifest.arguments),
        "pyFiles": list(manifest.py_files),
        "jars": list(manifest.jars),
        "files": list(manifest.files),
        "conf": conf,
        "proxyUser": proxy_user,
    }
    return {name: value for name, value in body.items() if value}
