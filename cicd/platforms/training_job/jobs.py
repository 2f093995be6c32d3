"""Jobs: found by the ids that stage, key and inputs tell, submitted once, shown with what is kept
beside them.

The newest attempt at the same inputs says how they ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cicd.errors import NotFound, PlatformError
from cicd.model import Key, LiveResource, Ref, Resource, Spec, State
from cicd.platforms.base import fields_of, owner_of
from cicd.platforms.sealing import sealed, unsealed
from cicd.platforms.training_job import statuses, submission
from cicd.platforms.training_job.api import Api
from cicd.platforms.training_job.models import OUTPUT, Models
from cicd.platforms.training_job.records import Record, Records, with_inputs
from cicd.platforms.training_job.storage import Storage
from cicd.threads import together

READERS = 8
OLDER = 10
"""Former runs of a job that planning looks at."""


@dataclass(frozen=True)
class Naming:
    """What ids, folders and words of this stage are made of. ``stage``: with what tells the project
    from others; ``folder``: of a job in the storage, with ``{name}`` and ``{id}``; ``words``: what
    further words for a status mean."""

    stage: str
    folder: str
    words: Mapping[str, str]

    def id(self, wish: Resource, attempt: int) -> str:
        return submission.job_id(self.stage, wish.key.name, inputs_of(wish.spec), attempt)

    def folder_of(self, spec: Spec, id: str) -> str:
        named = self.folder.replace("{name}", str(spec.get("name", ""))).replace("{id}", id)
        return f"{named.rstrip('/')}/"


def inputs_of(spec: Spec) -> str:
    """The digest of all that a job takes in."""
    return str(spec.get("inputs", ""))


class Jobs:
    """The jobs of one stage. ``root``: the project that scripts are in. ``wishes``: what the stage
    file says of them by key, with its texts of the environment hidden."""

    def __init__(
        self,
        api: Api,
        storage: Storage,
        records: Records,
        models: Models,
        naming: Naming,
        root: Path,
        wishes: Mapping[str, Resource],
    ) -> None:
        self._api = api
        self._storage = storage
        self._records = records
        self._models = models
        self._naming = naming
        self._root = root
        self._wishes = wishes

    def read(self, wish: Resource) -> list[LiveResource]:
        """Former runs of a wish, and the newest attempt at what it takes in, last: that one counts,
        also where others were submitted later."""
        records = self._records.of(wish.key.name)
        newest = self._newest(wish, with_inputs(records, inputs_of(wish.spec)))
        others = [record for record in records if not newest or record.id != newest.id]
        found = [live for record in others[-OLDER:] if (live := self._live(record))]
        if newest is None:
            return found
        if newest.status.has_ended:  # what goes on beside it takes in something else
            found = [live for live in found if live.status.has_ended]
        return [*found, replace(newest, known_as=str(wish.key))]

    def browse(self) -> list[LiveResource]:
        """All of the stage, newest last."""
        with together(READERS) as pool:
            found = [live for live in pool.map(self._live, self._records.of()) if live]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def get(self, live: LiveResource) -> LiveResource:
        """It as it is now. Raises NotFound."""
        if record := self._records.get(live.id):
            found = None if record.is_deleted else self._shown(record, self._api.status(live.id))
        elif "key" in live.spec:  # its record is lost: what was known of it still holds
            kept = Record(live.id, live.spec["key"], 0, live.spec, self._folder(live))
            found = self._shown(kept, self._api.status(live.id))
        else:
            found = None
        if found is None:
            raise NotFound(f"there is no job {live.id}", status=404)
        return found

    def find(self, wish: Resource) -> LiveResource | None:
        """The newest attempt at what a wish takes in."""
        records = self._records.of(wish.key.name)
        return self._newest(wish, with_inputs(records, inputs_of(wish.spec)))

    def create(self, wish: Resource, token: str, marks: Mapping[str, str]) -> LiveResource:
        """Submit the next attempt; with a token that an attempt has, that one."""
        records = with_inputs(self._records.of(wish.key.name), inputs_of(wish.spec))
        attempt, told = self._last(wish, records)
        if told is not None:
            last = records.get(attempt)
            if token and last and last.token == token and not last.is_deleted:
                return self._shown(last, told)
            attempt += 1
        while attempt in records and records[attempt].is_deleted:
            attempt += 1
        record = self._prepare(wish, attempt, token, marks)
        return self._shown(record, self._api.submit(record.id, submission.body(wish.spec)))

    def stop(self, live: LiveResource) -> None:
        """Ask it to stop; one that is not there has."""
        try:
            self._api.stop(live.id)
        except NotFound:
            return

    def delete(self, live: LiveResource) -> None:
        """The API deletes no job: what was uploaded for it goes, and its record says that it is
        gone. What it has left behind stays, as others may use it."""
        record = self._records.get(live.id)
        if record is None or record.is_deleted:
            return
        self._records.write(replace(record, is_deleted=True))
        for name in record.files:
            self._storage.remove(record.folder + name)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        """Remember these with it."""
        record = self._records.get(live.id)
        if record and not record.is_deleted and {**record.marks, **tags} != record.marks:
            self._records.write(replace(record, marks={**record.marks, **tags}))

    def _prepare(
        self, wish: Resource, attempt: int, token: str, marks: Mapping[str, str]
    ) -> Record:
        """Put in place all that a job finds beside itself, and what is kept of it."""
        spec, id = wish.spec, self._naming.id(wish, attempt)
        folder = self._naming.folder_of(spec, id)
        files = {submission.script_name(spec): self._script(spec)}
        if spec.get("requirements"):
            text = submission.requirements_text(spec["requirements"])
            files[submission.REQUIREMENTS] = text.encode()
        for name, content in files.items():
            self._storage.write(folder + name, content)
        copied = [
            copy
            for name, url in spec.get("data", {}).items()
            for copy in self._copy(str(url), folder, name)
        ]
        now, key = self._api.now().isoformat(timespec="microseconds"), wish.key.name
        kept = sealed(spec, self._asked(key), self._naming.stage)
        record = Record(id, key, attempt, kept, folder, (*files, *copied), token, dict(marks), now)
        self._records.write(record)
        return record

    def _asked(self, key: str) -> Spec:
        """What the stage file says of a job."""
        wish = self._wishes.get(key)
        return wish.spec if wish else {}

    def _script(self, spec: Spec) -> bytes:
        if "source" in spec:
            return str(spec["source"]).encode()
        try:
            return (self._root / str(spec["script"])).read_bytes()
        except OSError as error:
            text = f"the script {spec['script']} cannot be read: {error.strerror}"
            raise PlatformError(text) from None

    def _copy(self, url: str, folder: str, name: str) -> list[str]:
        """The names of what a job is given of one data: an object, or all that a job has left."""
        bucket, key = self._storage.located(url)
        if not key.endswith("/"):
            self._storage.copy(bucket, key, folder + name)
            return [name]
        made = self._models.made(key, bucket)
        if not made:
            raise NotFound(f"there is nothing below {url}")
        copies = {item.key: f"{name}/{item.key.removeprefix(key)}" for item in made}
        for source, copy in copies.items():
            self._storage.copy(bucket, source, folder + copy)
        return [*copies.values()]

    def _newest(self, wish: Resource, records: Mapping[int, Record]) -> LiveResource | None:
        attempt, told = self._last(wish, records)
        if told is None:
            return None
        record = records.get(attempt) or self._unrecorded(wish, attempt)
        return None if record.is_deleted else self._shown(record, told)

    def _last(
        self, wish: Resource, records: Mapping[int, Record]
    ) -> tuple[int, dict[str, Any] | None]:
        """The last attempt that the API knows, and its status; 0 and None where there is none.
        Records say where to begin to ask, and the API what there is."""
        begin = max(records, default=0)
        attempt, found = begin, None
        while told := self._told(self._naming.id(wish, attempt)):
            found, attempt = told, attempt + 1
        if found:
            return attempt - 1, found
        for attempt in range(begin - 1, -1, -1):
            if told := self._told(self._naming.id(wish, attempt)):
                return attempt, told
        return 0, None

    def _told(self, id: str) -> dict[str, Any] | None:
        try:
            return self._api.status(id)
        except NotFound:
            return None

    def _unrecorded(self, wish: Resource, attempt: int) -> Record:
        """What is known of a job without a record: its id was made of what its wish takes in."""
        id = self._naming.id(wish, attempt)
        spec = _without_refs(wish.spec)
        return Record(id, wish.key.name, attempt, spec, self._naming.folder_of(spec, id))

    def _folder(self, live: LiveResource) -> str:
        return self._naming.folder_of(live.spec, live.id)

    def _live(self, record: Record) -> LiveResource | None:
        """The job of a record; None for one that is gone, or was never submitted."""
        told = None if record.is_deleted else self._told(record.id)
        return self._shown(record, told) if told else None

    def _shown(self, record: Record, told: Mapping[str, Any]) -> LiveResource:
        status = statuses.status_of(told, self._naming.words)
        spec = unsealed(record.spec, self._asked(record.key), self._naming.stage)
        outputs = {"id": record.id}
        if status.state is State.SUCCEEDED:
            outputs[OUTPUT] = self._storage.url(record.folder)
        facts = {
            "started_at": statuses.stamp(told["startTime"]),
            "completed_at": statuses.stamp(told["finishTime"]),
            "commit": record.marks.get("cicd.commit", ""),
        }
        return LiveResource(
            Key("job", record.key),
            record.id,
            {**spec, **fields_of(record.marks)},
            status,
            outputs,
            created_at=_created(told, record),
            notes=(status.message,) if status.state is State.UNKNOWN else (),
            owner=owner_of(record.marks),
            facts={name: text for name, text in facts.items() if text},
            report=told,
        )


def _created(told: Mapping[str, Any], record: Record) -> str:
    """When it was submitted. Attempts within one second, which is all that the API may tell, stay
    in their order."""
    found = statuses.moment(told["submissionTime"]) or statuses.moment(record.submitted)
    found = found or datetime.fromtimestamp(0, UTC)
    return (found + timedelta(microseconds=record.attempt)).isoformat(timespec="microseconds")


def _without_refs(spec: Spec) -> dict[str, Any]:
    """A wish without what is known only once others are there: nobody can tell what that was."""
    kept = {
        name: {entry: item for entry, item in value.items() if not isinstance(item, Ref)}
        if isinstance(value, Mapping)
        else value
        for name, value in spec.items()
    }
    return {name: value for name, value in kept.items() if value != {} or spec[name] == {}}
