"""Spark as a Platform."""

from __future__ import annotations

import getpass
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from cicd.errors import NotFound, Problem
from cicd.model import (
    Count,
    Key,
    Kind,
    LiveResource,
    LogEntry,
    Resource,
    Stage,
    Track,
)
from cicd.platforms.base import NO_MARKS, Finding, Lock, LogPage, Platform
from cicd.platforms.recorded import MEMORY, Records
from cicd.platforms.spark import doctor, progress
from cicd.platforms.spark.dialect.draft import deploy_mode_of, is_all_here
from cicd.platforms.spark.documents import Documents
from cicd.platforms.spark.jobs import Jobs
from cicd.platforms.spark.kinds import KINDS
from cicd.platforms.spark.lease import RecordLock
from cicd.platforms.spark.logs import is_told, is_trouble, next_page
from cicd.platforms.spark.manifest import command
from cicd.platforms.spark.metrics import Metrics
from cicd.platforms.spark.outputs import Outputs
from cicd.platforms.spark.route import Route
from cicd.platforms.spark.runs import Runs
from cicd.platforms.spark.s3 import Bucket, S3Documents, S3Staging, is_s3
from cicd.platforms.spark.staging import FolderStaging, Staging
from cicd.platforms.spark.submitter import STDERR, STDOUT
from cicd.platforms.spark.taken import as_hadoop_reads

HERE = ".cicd/spark"
SECOND = 10**9
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def connect(stage: Stage, environ: Mapping[str, str]) -> Spark:
    """The cluster that the stage names. Sends nothing."""
    return Spark(stage, Route(stage, environ, _own_folder(stage)))


class Spark(Platform):
    """The jobs of one stage, shared by all threads."""

    name = "spark"
    kinds: Mapping[str, Kind] = KINDS

    def __init__(self, stage: Stage, route: Route) -> None:
        settings, root = stage.settings, Path(stage.root)
        identity = _identity(stage)
        self._wishes = {wish.key.name: wish for wish in stage.resources}
        self._master = stage.target.get("master", "")
        self._file = stage.file
        self._is_shared = bool(settings.get("state"))
        self._is_local = bool(settings.get("is_local"))
        self._own = _own_folder(stage)
        self._place = str(settings.get("state") or self._own)
        self._records = _documents(settings.get("state") or "", identity, self._own)
        self._submitter = route.submitter()
        self._progress = progress.Progress(self._submitter.page, route.brief)
        self._jobs = Jobs(
            self._submitter,
            Runs(self._records),
            _staging(settings.get("staging") or "", identity, self._own),
            identity,
            root,
            self._wishes,
            is_all_here=is_all_here(self._master),
        )
        user = str(settings.get("proxy_user") or "") or getpass.getuser()
        hdfs_url = str(settings.get("hdfs_url") or "")
        self._outputs = Outputs(hdfs_url, user, route.login, route.ticket)
        self._metrics = Metrics(self._wishes, self._lines, self._outputs, self._jobs.url)
        self._hear: Callable[[Key, int, int], None] = lambda key, done, total: None

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        """With the command, for people to see: it is made of the rest; and with what it takes from
        other stages as Hadoop calls it."""
        read = (as_hadoop_reads(wish, self._wishes.get(wish.key.name)) for wish in desired)
        return [replace(wish, spec={**wish.spec, "command": self._command(wish)}) for wish in read]

    def _command(self, wish: Resource) -> dict[str, str]:
        mode = deploy_mode_of(self._master)
        return command(wish.spec, f"cicd.{wish.key.name}", self._master, mode)

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        found = self._jobs.browse() if everything else []
        if not everything:
            found = [live for wish in desired for live in self._jobs.read(wish)]
        newest = {live.key: live.id for live in found}
        return [
            self._metrics.measured(live) if newest[live.key] == live.id else live for live in found
        ]

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        problems = []
        if desired and not (self._is_shared or self._is_local):
            text = f"jobs are remembered on this machine only, in {HERE}: others who apply this "
            text += "stage run them again; spark.state names a folder that all share"
            problems.append(Problem(self._file, 0, 0, text, "unremembered", "warning"))
        return problems, list(live)

    def browse(self, kind: str) -> Sequence[LiveResource]:
        return self._jobs.browse()

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        """No list is quicker than asking for each."""
        found = {}
        for live in lives if most is None else ():
            with suppress(NotFound):
                found[live.id] = self.get(live)
        return found

    def get(self, live: LiveResource) -> LiveResource:
        return self._jobs.get(live)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        return self._jobs.find(desired, known)

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        _keep_out_of_git(self._own.parents[1])
        return self._jobs.create(desired, token, marks)

    def stop(self, live: LiveResource) -> None:
        self._jobs.stop(live)

    def delete(self, live: LiveResource) -> None:
        self._jobs.delete(live)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        self._jobs.tag(live, tags)

    def remember(self, name: str, text: str) -> None:
        self._records.write(MEMORY, name, {"text": text})

    def recall(self, name: str, *, fresh: bool = True) -> str:
        try:
            return str(self._records.read(MEMORY, name)["text"])
        except (NotFound, ValueError, KeyError):
            return ""

    def lock(self, name: str) -> Lock:
        return RecordLock(self._records, name)

    def metrics(self, live: LiveResource) -> Mapping[str, float]:
        return self._metrics.gated(self.get(live))

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        tracks = {run.id: Track(tuple(self._metrics.points(run))) for run in live}
        return {id: track for id, track in tracks.items() if track.points}

    def _lines(self, live: LiveResource) -> Iterable[tuple[int, str]]:
        page = LogPage((), "", is_last=False)
        while not page.is_last:
            page = self.logs(live, page.cursor)
            yield from ((entry.time, entry.text) for entry in page.entries)

    def progress(self, live: LiveResource) -> Sequence[Count]:
        return self._progress.of(self._jobs.shown(live))

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        return self.stream(live, STDOUT, cursor, since=since)

    def streams(self, live: LiveResource) -> Sequence[str]:
        return self._submitter.streams(self._jobs.run_of(live))

    def stream(
        self, live: LiveResource, name: str, cursor: str = "", *, since: int | None = None
    ) -> LogPage:
        page = self._page(live, name, cursor)
        # nobody tells when a line was written: those of a job that went on after that may be newer
        ended = live.facts.get("completed_at", "")
        last = _nanoseconds(ended) if ended else self.now()
        return page if since is None or since <= last else replace(page, entries=())

    def _page(self, live: LiveResource, stream: str, cursor: str) -> LogPage:
        run = self._jobs.run_of(live)
        read = partial(self._submitter.log, run, stream)
        is_over = live.status.has_ended or run.has_ended
        return next_page(read, cursor, _nanoseconds(run.created), is_over=is_over)

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        """What the program has printed; of one that did not get that far, and of Java's, which
        tells its exceptions there, what Spark says as well."""
        found = self._last(live, STDOUT, count, is_told)
        if not found or live.spec.get("main_class"):
            found = [*found, *self._last(live, STDERR, count, is_trouble)][-count:]
        return tuple(found or self._last(live, STDERR, count, is_told))

    def _last(
        self, live: LiveResource, stream: str, count: int, is_wanted: Callable[[str], bool]
    ) -> list[LogEntry]:
        page, found = LogPage((), "", is_last=False), list[LogEntry]()
        while not page.is_last:
            page = self._page(live, stream, page.cursor)
            found = [*found, *(entry for entry in page.entries if is_wanted(entry.text))][-count:]
        return found

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path] | None:
        url = self._url_of(live, output)
        return self._outputs.fetch(url, folder, partial(self._hear, live.key)) or None

    def holds(self, live: LiveResource, output: str, folder: Path) -> bool:
        return self._outputs.holds(self._url_of(live, output), folder)

    def listen(self, hear: Callable[[Key, int, int], None]) -> None:
        self._hear = hear

    def _url_of(self, live: LiveResource, output: str) -> str:
        if output == "id" or output not in live.outputs:
            raise NotFound(f"{live.key} has no output {output}")
        return live.outputs[output]

    def survey(
        self, selector: Mapping[str, str], unseen: object = None, *, select: object = ()
    ) -> list[LiveResource]:
        asked = selector.get("master", "")
        if asked and asked != self._master:
            raise NotFound(f"this is the cluster {self._master}", hint=f"it is not {asked}")
        return self.read([], everything=True)

    def diagnose(self) -> Iterator[Finding]:
        is_enough = self._is_shared or self._is_local
        return doctor.examine(self._submitter, self._records, self._place, is_enough=is_enough)

    def close(self) -> None:
        self._outputs.close()
        self._progress.close()
        self._submitter.close()


def _documents(place: str, identity: str, own: Path) -> Documents:
    """What remembers the jobs of a stage."""
    if is_s3(place):
        return S3Documents(Bucket(place, _folder_of(identity)))
    return Records(Path(place) / _folder_of(identity) if place else own)


def _staging(place: str, identity: str, own: Path) -> Staging:
    """Where its programs lie for the driver."""
    if is_s3(place):
        return S3Staging(Bucket(place, _folder_of(identity), "staged"))
    folder = Path(place) / _folder_of(identity) if place else own
    return FolderStaging((folder / "staged").absolute())


def _identity(stage: Stage) -> str:
    """What tells a stage from those of other projects."""
    namespace = str(stage.settings.get("namespace", ""))
    return f"{namespace}/{stage.identity}" if namespace else stage.identity


def _own_folder(stage: Stage) -> Path:
    """What a stage has on this machine; of ``--local`` apart from the rest."""
    name = _folder_of(_identity(stage))
    return Path(stage.root) / HERE / (f"local-{name}" if stage.settings.get("is_local") else name)


def _keep_out_of_git(folder: Path) -> None:
    """It ignores itself, as ``--local`` has it."""
    folder.mkdir(exist_ok=True)
    if not (ignore := folder / ".gitignore").exists():
        ignore.write_text("*\n", encoding="utf-8")


def _folder_of(identity: str) -> str:
    """What the folder of a stage is called: its name, and what tells it from those that look so."""
    plain = _UNSAFE.sub("-", identity).strip("-")[-60:]
    return f"{plain}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def _nanoseconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * SECOND)
    except ValueError:
        return 0
