"""What jobs leave behind: all that is in their folders and was not uploaded to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from cicd.errors import NotFound, PlatformError
from cicd.model import Key, LiveResource, State, Status
from cicd.platforms.brought import check_names
from cicd.platforms.training_job.objects import Object
from cicd.platforms.training_job.records import Records
from cicd.platforms.training_job.storage import Hear, Storage

OUTPUT = "artifacts.saved_model"
DIGITS = 12


class Models:
    """The saved models of one stage's jobs."""

    def __init__(self, storage: Storage, records: Records) -> None:
        self._storage = storage
        self._records = records

    def made(self, prefix: str, bucket: str = "") -> list[Object]:
        """All below the folder of a job that was not uploaded to it."""
        record = self._records.at(prefix)
        uploaded = {prefix + name for name in record.files} if record else set()
        found = self._storage.under(prefix, bucket)
        # a name that ends so stands for a folder
        return [item for item in found if item.key not in uploaded and item.key[-1:] != "/"]

    def fetch(self, live: LiveResource, output: str, folder: Path, hear: Hear) -> list[Path]:
        """All of it below a folder; nothing where a part of it would lie elsewhere. ``hear`` is
        told how far it has come."""
        prefix, made = self._wanted(live, output)
        found, before, total = [], 0, sum(item.size for item in made)
        for item in made:
            file = folder / item.key.removeprefix(prefix)
            file.parent.mkdir(parents=True, exist_ok=True)
            self._storage.download(item, file, partial(_hear_more, hear, before, total))
            before += item.size
            found.append(file)
        return found

    def is_in(self, live: LiveResource, output: str, folder: Path) -> bool:
        """Whether a folder holds just that."""
        prefix, made = self._wanted(live, output)
        wanted = {item.key.removeprefix(prefix): item for item in made}
        files = [path for path in folder.rglob("*") if path.is_file() or path.is_symlink()]
        there = {path.relative_to(folder).as_posix() for path in files}
        return there == wanted.keys() and all(
            item.is_copy(folder / name) for name, item in wanted.items()
        )

    def read(self, live: LiveResource, name: str) -> object:
        """The JSON of one of its files; None where it is none."""
        _, prefix = self._storage.located(live.outputs[OUTPUT])
        return self._storage.read_json(prefix + name)

    def browse(self, jobs: Iterable[LiveResource]) -> list[LiveResource]:
        """What each of these has left behind."""
        found = []
        for job in jobs:
            if url := job.outputs.get(OUTPUT):
                _, prefix = self._storage.located(url)
                if made := self.made(prefix):
                    found.append(_live(job, url, prefix, made))
        return found

    def _wanted(self, live: LiveResource, output: str) -> tuple[str, list[Object]]:
        """The folder of a job, and all that it has left there."""
        url = live.outputs.get(output)
        if output != OUTPUT or not url:
            raise NotFound(f"{live.key} has no output {output}")
        bucket, prefix = self._storage.located(url)
        made = self.made(prefix, bucket)
        if not made:
            raise PlatformError(
                "the saved model is empty: the job has left no file behind",
                hint="let its script write files into the folder that it is run in",
            )
        names = [item.key.removeprefix(prefix) for item in made]
        check_names("the saved model", names)
        return prefix, made


def _hear_more(hear: Hear, before: int, total: int, done: int, size: int) -> None:
    """Of one file among others: how far all of them have come."""
    hear(before + done, total)


def _live(job: LiveResource, url: str, prefix: str, made: list[Object]) -> LiveResource:
    contents = [
        {"name": item.key.removeprefix(prefix), "size": item.size, "digest": item.etag}
        for item in made
    ]
    text = "\n".join(f"{item['name']} {item['digest']}" for item in contents)
    spec = {
        "name": OUTPUT.partition(".")[2],
        "job": job.spec.get("key", job.key.name),
        "files": len(made),
        "size": sum(item.size for item in made),
        "digest": hashlib.sha256(text.encode()).hexdigest()[:DIGITS],
        "contents": contents,
    }
    return LiveResource(
        Key("artifact", url),
        url,
        spec,
        Status(State.SUCCEEDED, "there"),
        {"id": url, "url": url},
        created_at=job.facts.get("completed_at") or job.created_at,
        owner=job.owner,
    )
