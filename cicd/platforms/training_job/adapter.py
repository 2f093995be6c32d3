"""The training-job API as a Platform."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import requests

from cicd.errors import NotFound, PlatformError
from cicd.model import (
    Key,
    Kind,
    LiveResource,
    MetricPoint,
    Resource,
    Spec,
    Stage,
    State,
    Track,
)
from cicd.platforms import log_metrics as metrics
from cicd.platforms.base import NO_MARKS, Finding, Lock, LogPage, Platform
from cicd.platforms.training_job import doctor
from cicd.platforms.training_job.api import Api
from cicd.platforms.training_job.credentials import Credentials, credentials
from cicd.platforms.training_job.datasets import Datasets
from cicd.platforms.training_job.jobs import Jobs, Naming
from cicd.platforms.training_job.kinds import KINDS
from cicd.platforms.training_job.lease import ObjectLock
from cicd.platforms.training_job.login import Login
from cicd.platforms.training_job.logs import next_page
from cicd.platforms.training_job.models import Models
from cicd.platforms.training_job.records import Records, place_of
from cicd.platforms.training_job.storage import Storage
from cicd.threads import together

READERS = 8
ROUTES = {
    "storage": "/api/{version}/storage",
    "job": "/api/{version}/jobs/{id}",
    "logs": "/api/{version}/jobs/{id}/logs?offset={offset}",
}
FOLDER = "jobs/{name}-{id}"
SECOND = 10**9


def connect(stage: Stage, environ: Mapping[str, str]) -> TrainingJobs:
    """The API with the login that the stage file or ``environ`` has. Sends nothing. Raises Denied
    where it is incomplete."""
    return TrainingJobs(credentials(stage.settings, environ), stage, environ)


class TrainingJobs(Platform):
    """The jobs of one stage, shared by all threads."""

    name = "training_job"
    kinds: Mapping[str, Kind] = KINDS

    def __init__(
        self, known: Credentials, stage: Stage, environ: Mapping[str, str] | None = None
    ) -> None:
        settings = stage.settings
        # an import has no file, and says in its target what that would
        namespace = str(settings.get("namespace") or stage.target.get("namespace") or "")
        self._stage = f"{namespace}/{stage.identity}" if namespace else stage.identity
        self._environ = environ or {}
        self._wishes = {wish.key.name: wish for wish in stage.resources if wish.key.kind == "job"}
        self._session = requests.Session()
        self._login = Login(known, self._session, settings.get("token_method") or "auto")
        routes = {**ROUTES, **(settings.get("routes") or {})}
        version = str(settings.get("version") or "v2")
        self._api = Api(known.api_url, version, routes, self._login, self._session)
        self._storage = Storage(self._api.storage, str(settings.get("bucket") or "data"))
        records = Records(self._storage, self._stage)
        folder = str(settings.get("folder") or FOLDER)
        naming = Naming(self._stage, folder, settings.get("statuses") or {})
        root = Path(stage.root)
        self._hear: Callable[[Key, int, int], None] = lambda key, done, total: None
        self._models = Models(self._storage, records)
        self._datasets = Datasets(self._storage, root)
        self._jobs = Jobs(
            self._api, self._storage, records, self._models, naming, root, self._wishes
        )

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        jobs = [wish for wish in desired if wish.key.kind == "job"]
        sets = [wish for wish in desired if wish.key.kind == "dataset"]
        with together(READERS) as pool:
            found = [live for lives in pool.map(self._read_job, jobs) for live in lives]
            found += filter(None, pool.map(self._datasets.find, sets))
        if everything:
            found += [*self._jobs.browse(), *self._datasets.browse()]
        return list({(live.key.kind, live.id): live for live in reversed(found)}.values())

    def _read_job(self, wish: Resource) -> list[LiveResource]:
        """Former ones, and the newest with its metrics: gates ask for those of no other."""
        found = self._jobs.read(wish)
        return [*found[:-1], *(self._measured(live, wish.spec) for live in found[-1:])]

    def browse(self, kind: str) -> Sequence[LiveResource]:
        if kind == "dataset":
            return self._datasets.browse()
        jobs = self._jobs.browse()
        return jobs if kind == "job" else self._models.browse(jobs)

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        """No list is quicker than asking for each, and all is there as soon as it is made."""
        found = {}
        for live in lives if most is None else ():
            with suppress(NotFound):
                found[live.id] = self.get(live)
        return found

    def get(self, live: LiveResource) -> LiveResource:
        return self._datasets.get(live) if live.key.kind == "dataset" else self._jobs.get(live)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        if desired.key.kind == "dataset":
            return self._datasets.find(desired)
        found = self._jobs.find(desired)
        return found if found and found.id not in known else None

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        if desired.key.kind == "dataset":
            return self._datasets.create(desired, partial(self._hear, desired.key))
        return self._jobs.create(desired, token, marks)

    def stop(self, live: LiveResource) -> None:
        if live.key.kind != "job":
            return super().stop(live)
        return self._jobs.stop(live)

    def delete(self, live: LiveResource) -> None:
        if live.key.kind == "job":
            self._jobs.delete(live)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        if live.key.kind == "job":
            self._jobs.tag(live, tags)

    def remember(self, name: str, text: str) -> None:
        self._storage.write(self._memory(name), text.encode())

    def recall(self, name: str, *, fresh: bool = True) -> str:
        try:
            return self._storage.read(self._memory(name)).decode()
        except (NotFound, UnicodeDecodeError):
            return ""

    def _memory(self, name: str) -> str:
        return f"{place_of(self._stage)}/memory/{name.replace('/', '+')}"

    def lock(self, name: str) -> Lock:
        return ObjectLock(self._storage, f"{self._stage} {name}", self._api.now)

    def metrics(self, live: LiveResource) -> Mapping[str, float]:
        return self._measured(self.get(live), live.spec).metrics

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        tracks = {run.id: Track(tuple(self._points(run, run.spec))) for run in live}
        return {id: track for id, track in tracks.items() if track.points}

    def _measured(self, live: LiveResource, spec: Spec) -> LiveResource:
        """A job with the last value of each metric, once there is more to come of none."""
        if live.status.state is not State.SUCCEEDED:
            return live
        last = {point.name: point.value for point in self._points(live, spec)}
        return replace(live, metrics=last)

    def _points(self, live: LiveResource, spec: Spec) -> list[MetricPoint]:
        """All values of a job's metrics; what they are called, the stage says as it is now."""
        wish = self._wishes.get(live.spec.get("key", ""))
        asked = wish.spec if wish else spec
        found = []
        if patterns := asked.get("metrics"):
            found = metrics.points(self._lines(live), patterns)
        file = asked.get("metrics_file")
        if file and live.status.state is State.SUCCEEDED:
            told = metrics.in_file(self._models.read(live, file))
            found += [MetricPoint(name, value) for name, value in told.items()]
        return found

    def _lines(self, live: LiveResource) -> Iterable[tuple[int, str]]:
        page = LogPage((), "", is_last=False)
        while not page.is_last or page.entries:
            page = self.logs(live, page.cursor)
            yield from ((entry.time, entry.text) for entry in page.entries)

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        if live.key.kind != "job":
            return super().logs(live, cursor, since=since)
        page = next_page(
            partial(self._api.log, live.id),
            cursor,
            _nanoseconds(live.created_at),
            lambda: self.get(live).status.has_ended,
        )
        if live.status.has_ended:  # an answer may have less than there is
            page = replace(page, is_last=not page.entries)
        # nobody tells when a line was written: those of a job that went on after that may be newer
        ended = live.facts.get("completed_at", "")
        last = _nanoseconds(ended) if ended else self.now()
        return page if since is None or since <= last else replace(page, entries=())

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path]:
        return self._models.fetch(live, output, folder, partial(self._hear, live.key))

    def listen(self, hear: Callable[[Key, int, int], None]) -> None:
        self._hear = hear

    def holds(self, live: LiveResource, output: str, folder: Path) -> bool:
        return self._models.is_in(live, output, folder)

    def survey(
        self,
        selector: Mapping[str, str],
        unseen: Callable[[str, PlatformError], None] = lambda kind, error: None,
        *,
        select: Collection[str] = (),
    ) -> list[LiveResource]:
        asked = selector.get("api_url", "")
        if asked and not self._api.is_at(asked):
            raise NotFound(f"the login is for another API than {asked}", hint="check the address")
        return self.read([], everything=True)

    def diagnose(self) -> Iterator[Finding]:
        return doctor.examine(self._api, self._login, self._storage, self._environ)

    def now(self) -> int:
        return int(self._api.now().timestamp()) * SECOND

    def close(self) -> None:
        self._storage.close()
        self._session.close()


def _nanoseconds(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * SECOND
    except ValueError:
        return 0
