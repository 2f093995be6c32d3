"""What a history server still has of an application that its driver, its workers and its master
have forgotten: that it was there, what its executors said, its events. How its program has ended is
in no event log, so that nothing of it makes a run a success.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cicd.errors import ConnectionFailed, NotFound, PlatformError
from cicd.platforms.base import Finding
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.containers import ContainerLogs
from cicd.platforms.spark.history import Applications, attempt_of
from cicd.platforms.spark.logs import NOTHING, Chunk
from cicd.platforms.spark.master import EXECUTOR
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.submitter import STDERR, STDOUT, Seen

MOST = 1 << 26
"""Bytes of an event log that are read, packed and unpacked."""
PAUSE = 30.0
"""Seconds that a server which does not answer is left alone."""
DRIVER = "driver"
"""What an application calls the executor that its driver is."""


class History:
    """One history server. ``calls``: with little patience, as nothing depends on it. ``logs``: the
    server of YARN's logs of containers that are gone, empty for none."""

    def __init__(
        self,
        calls: Calls,
        url: str,
        logs: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._calls = calls
        self._containers = ContainerLogs(calls, logs)
        self._server = Applications(calls, url)
        self._events: tuple[str, bytes] = "", b""
        self._away: tuple[float, str] = 0.0, ""

    def recalled(self, run: Run, seen: Seen) -> Seen:
        """What is seen of a run whose cluster knows nothing of it, with what is known here."""
        application = seen.application or run.application
        facts: dict[str, str] = {}
        until, why = self._away
        try:
            if self._clock() < until:
                raise PlatformError(why)
            application = application or self._server.named(run.name, _day_before(run.created))
            if not application:
                raise NotFound("it is not there")
            facts = self._facts(application)
            said = _sentence(application, facts)
        except NotFound:
            said = "nor does the history server"
        except PlatformError as error:
            if isinstance(error, ConnectionFailed):  # others that are unknown need not wait for it
                self._away = self._clock() + PAUSE, error.message
            said = f"the history server does not tell: {error.message}"
        status = replace(seen.status, message=f"{seen.status.message}; {said}")
        return replace(seen, status=status, application=application, facts=facts)

    def _facts(self, id: str) -> dict[str, str]:
        attempt = attempt_of(self._server.application(id))
        jobs = Counter(str(job.get("status")) for job in self._server.rows(id, "jobs"))
        told = {
            "history": f"{self._server.url}/history/{id}/",
            "started_at": _moment(attempt.get("startTime")),
            "completed_at": _moment(attempt.get("endTime")) if attempt.get("completed") else "",
            "spark_version": attempt.get("appSparkVersion"),
            "spark_user": attempt.get("sparkUser"),
            "spark_jobs": ", ".join(f"{count} {word}" for word, count in sorted(jobs.items())),
        }
        return {name: str(text) for name, text in told.items() if text}

    def executors(self, application: str) -> list[str]:
        """Those of which it tells where their logs are, as ``executor-0``."""
        known = self._logs(application)
        return [f"{EXECUTOR}{id}" for id in known if id != DRIVER]

    def executor_log(self, application: str, name: str, offset: int, size: int) -> Chunk:
        """A part of what one of them says; of the driver by the names of its streams. Where that is
        gone, a line that says so."""
        is_driver = name in {STDOUT, STDERR}
        logs = self._logs(application).get(DRIVER if is_driver else name.removeprefix(EXECUTOR))
        url = str((logs or {}).get(name if is_driver else STDERR) or "")
        if not url:
            return NOTHING
        try:
            return self._read(url, offset, size)
        except PlatformError as error:
            return Chunk.said(f"what {name} said is gone with its node: {error.message}", offset)

    def _read(self, url: str, offset: int, size: int) -> Chunk:
        """A part of the log that a page shows to people: a worker's, or a node's of YARN."""
        parts = urlsplit(url)
        if self._containers.has(url):
            return self._containers.part(url, parts.path.rpartition("/")[2], offset, size)
        if not re.fullmatch(".*/logPage/?", parts.path):
            return Chunk.said(f"its log is at {url}, where only people can read it", offset)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        place = f"{parts.scheme}://{parts.netloc}{parts.path.partition('/logPage')[0]}/log/"
        wished: dict[str, str | int] = {**query, "offset": offset, "byteLength": size}
        return Chunk.of_page(self._calls.text(place, **wished))

    def _logs(self, application: str) -> Mapping[str, Mapping[str, Any]]:
        """Executor -> stream -> page that shows it, in their order."""
        rows = self._server.rows(application, "allexecutors")
        found = {str(row.get("id")): row.get("executorLogs") for row in rows}
        known = {id: logs for id, logs in found.items() if isinstance(logs, dict) and logs}
        return {id: known[id] for id in sorted(known, key=lambda id: (not id.isdecimal(), _at(id)))}

    def has_events(self, application: str) -> bool:
        """Whether it has an event log of it."""
        return bool(attempt_of(self._server.application(application)))

    def events(self, application: str, offset: int, size: int) -> Chunk:
        """A part of its event log, an event of JSON on each line. Where that cannot be read, a line
        that says so."""
        name, content = self._events
        if name != application or not content:
            try:
                content = unpacked(self._server.events(application, MOST), MOST)
            except NotFound:
                return NOTHING
            except PlatformError as error:
                return Chunk.said(f"its events cannot be read: {error.message}", offset)
            self._events = application, content
        return Chunk.of_bytes(content, offset, size)

    def examine(self) -> Iterator[Finding]:
        """Whether it answers."""
        try:
            version = self._server.version()
            yield Finding("history", "ok", f"the history server of Spark {version} answers")
        except PlatformError as error:
            yield Finding("history", "warning", error.message, error.hint)

    def close(self) -> None:
        """Give connections back."""
        self._calls.close()


def unpacked(content: bytes, most: int) -> bytes:
    """The lines of an event log that comes as a zip, of files that were rolled in their order.
    Raises PlatformError for one that Spark has compressed, is no zip, or has more than ``most``
    bytes. Pure."""
    found = bytearray()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
            names = [name for name in names if not name.rpartition("/")[2].startswith("appstatus")]
            for name in sorted(names, key=_order):
                if codec := re.search(r"\.(zstd|lz4|lzf|snappy)(\.|$)", name):
                    raise PlatformError(f"Spark has compressed them as {codec[1]}")
                with archive.open(name) as file:
                    found += file.read(most + 1 - len(found))
                if len(found) > most:
                    raise PlatformError(f"they have more than {most >> 20} MiB")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise PlatformError("the history server gives no zip of them") from None
    return bytes(found)


def _order(name: str) -> tuple[int, str]:
    rolled = re.search(r"events_(\d+)_[^/]*$", name)
    return int(rolled[1]) if rolled else 0, name


def _at(id: str) -> int:
    return int(id) if id.isdecimal() else 0


def _sentence(application: str, facts: Mapping[str, str]) -> str:
    ended = facts.get("completed_at")
    end = f"ended at {ended}" if ended else "has not ended for it"
    said = f"the history server has {application}, which {end}"
    return f"{said}; how its program ended, no event log tells"


def _moment(text: Any) -> str:
    """A time of Spark as everybody else writes it."""
    return str(text or "").replace("GMT", "+00:00")


def _day_before(moment: str) -> str:
    """The day before one, as clocks and zones of two machines are not the same."""
    try:
        day = datetime.fromisoformat(moment) - timedelta(days=1)
    except ValueError:
        return "1970-01-01"
    return f"{day:%Y-%m-%d}"
