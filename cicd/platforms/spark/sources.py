"""Further places that tell of a job what its submitter cannot: pages of workers, a history server.

One that is missing takes nothing away from the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from cicd.errors import PlatformError
from cicd.model import State
from cicd.platforms.base import Finding
from cicd.platforms.spark.calls import Calls
from cicd.platforms.spark.logs import NOTHING, Chunk
from cicd.platforms.spark.manifest import Manifest
from cicd.platforms.spark.master import EXECUTOR, Master
from cicd.platforms.spark.recall import History
from cicd.platforms.spark.runs import Run
from cicd.platforms.spark.submitter import STDERR, STDOUT, Seen, Submitter

EVENTS = "events"
"""The stream that the event log is."""


class Executors(Protocol):
    """What has logs of executors."""

    def executors(self, application: str) -> list[str]:
        """Those of an application, as ``executor-0``, in their order."""
        ...

    def executor_log(self, application: str, name: str, offset: int, size: int) -> Chunk:
        """A part of what one of them says; nothing where that is not there."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


class WithSources:
    """A submitter, and what else there is: ``workers`` first, then ``history``."""

    def __init__(
        self, submitter: Submitter, workers: Master | None, history: History | None
    ) -> None:
        self._submitter = submitter
        self._workers = workers
        self._history = history

    @property
    def _sources(self) -> Sequence[Executors]:
        return [source for source in (self._workers, self._history) if source]

    def last(self) -> str:
        return self._submitter.last()

    def submit(self, manifest: Manifest) -> str:
        return self._submitter.submit(manifest)

    def find(self, run: Run) -> str:
        return self._submitter.find(run)

    def look(self, run: Run) -> Seen:
        seen = self._submitter.look(run)
        if self._history and seen.status.state is State.UNKNOWN:
            return self._history.recalled(run, seen)
        return seen

    def stop(self, run: Run) -> Seen | None:
        return self._submitter.stop(run)

    def streams(self, run: Run) -> list[str]:
        found = self._submitter.streams(run)
        for source in self._sources if run.application else ():
            with suppress(PlatformError):
                found += source.executors(run.application)
        if self._history and run.application:
            with suppress(PlatformError):
                found += [EVENTS] * self._history.has_events(run.application)
        return list(dict.fromkeys(found))

    def log(self, run: Run, stream: str, offset: int, size: int) -> Chunk:
        if stream == EVENTS:
            return self._history.events(run.application, offset, size) if self._history else NOTHING
        failure: PlatformError | None = None
        try:
            if (chunk := self._submitter.log(run, stream, offset, size)).total:
                return chunk
        except PlatformError as error:
            failure = error
        for source in self._asked(run, stream):
            try:
                if (chunk := source.executor_log(run.application, stream, offset, size)).total:
                    return chunk
            except PlatformError as error:
                failure = failure or error
        if failure:
            raise failure
        return NOTHING

    def _asked(self, run: Run, stream: str) -> Sequence[Executors]:
        """Who may have a stream that the submitter does not have: an executor's all, a driver's
        that is over or forgotten the history server."""
        if not run.application:
            return ()
        if stream.startswith(EXECUTOR):
            return self._sources
        if self._history and stream in {STDOUT, STDERR}:
            with suppress(PlatformError):
                is_over = run.has_ended or self._submitter.look(run).status.state is State.UNKNOWN
                return [self._history] if is_over else ()
        return ()

    def forget(self, run: Run) -> None:
        self._submitter.forget(run)

    def page(self, run: Run, calls: Calls) -> str:
        return self._submitter.page(run, calls)

    def examine(self) -> Iterator[Finding]:
        has_told = False
        for finding in self._submitter.examine():
            has_told = has_told or finding.check == "workers"
            yield finding
        if self._workers and not has_told:
            # the driver is on this machine, takes no core, and does without the master's page
            for finding in self._workers.examine(1):
                yield finding if finding.state != "error" else replace(finding, state="skipped")
        if self._history:
            yield from self._history.examine()

    def close(self) -> None:
        self._submitter.close()
        for source in self._sources:
            source.close()
