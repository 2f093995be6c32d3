"""The shelf as a Platform: each thing is a file of JSON, and a job is over when its time is."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path
from typing import Any

from cicd.config.formats import seconds
from cicd.errors import Conflict, NotFound, PlatformError
from cicd.model import (
    Key,
    Kind,
    LiveResource,
    LogEntry,
    MetricPoint,
    Resource,
    Stage,
    State,
    Status,
    Track,
    identity,
)
from cicd.platforms.base import Answer, Finding, LogPage, Request
from tests.platforms.shelf.kinds import KINDS

TAGS = {"cicd.inputs": "inputs", "cicd.files": "files"}
STATES = {"DONE": State.SUCCEEDED, "FAILED": State.FAILED, "STOPPED": State.STOPPED}
STATES |= {"WORKING": State.RUNNING, "UP": State.RUNNING, "THERE": State.SUCCEEDED}
SECOND = 10**9


def connect(stage: Stage, environ: Mapping[str, str]) -> "Shelf":
    return Shelf(Path(stage.target["folder"]), stage.identity)


class Shelf:
    name = "shelf"
    kinds: Mapping[str, Kind] = KINDS

    def __init__(self, folder: Path, stage: str) -> None:
        self._folder, self._stage = folder, stage

    # -- what is there -----------------------------------------------------------------------

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        return list(desired)

    def review(self, desired: object, live: Sequence[LiveResource]) -> tuple[list[Any], list[Any]]:
        return [], list(live)

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        asked = KINDS if everything else dict.fromkeys(wish.key.kind for wish in desired)
        return [live for kind in asked for live in self.browse(kind)]

    def survey(self, selector: Mapping[str, str], unseen: object = None) -> list[LiveResource]:
        if not Path(selector["folder"]).is_dir():
            raise NotFound(f"there is no folder {selector['folder']}")
        return Shelf(Path(selector["folder"]), self._stage).read([], everything=True)

    def browse(self, kind: str) -> list[LiveResource]:
        found = [self._live(kind, path.stem) for path in (self._folder / kind).glob("*.json")]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def listed(self, lives: Sequence[LiveResource], *, most: int | None = None) -> dict[str, Any]:
        found = {live.id: live for live in self.browse(lives[0].key.kind)} if lives else {}
        return {live.id: found[live.id] for live in lives if live.id in found}

    def get(self, live: LiveResource) -> LiveResource:
        return self._live(live.key.kind, live.id)

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        kind = KINDS[desired.key.kind]
        names = kind.identity or tuple(desired.spec)
        for live in reversed(self.browse(kind.name)):
            is_new = live.id not in known or not kind.identity
            if is_new and all(live.spec.get(name) == desired.spec[name] for name in names):
                return live
        return None

    # -- what is changed ---------------------------------------------------------------------

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] | None = None
    ) -> LiveResource:
        kind, name = desired.key.kind, str(desired.spec["name"])
        content = json.dumps(dict(desired.spec), sort_keys=True)
        digest = hashlib.sha256((content if kind == "note" else token).encode()).hexdigest()[:8]
        id = name if kind == "service" else f"{name}-{digest if token else time.time_ns()}"
        if self._path(kind, id).exists():
            if kind == "service":
                raise Conflict(f"there is a service {name} already", status=409)
            return self._live(kind, id)  # a second try of the same create
        self._write(kind, id, spec=desired.spec, at=time.time_ns(), tags=dict(marks or {}))
        return self._live(kind, id)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        if live.key.kind != "service":
            raise PlatformError(f"a {live.key.kind} can never be changed")
        self._write("service", live.id, spec=desired.spec)
        return self.get(live)

    def stop(self, live: LiveResource) -> None:
        if live.key.kind != "job":
            raise PlatformError(f"a {live.key.kind} cannot be stopped")
        if not self.get(live).status.has_ended:
            self._write("job", live.id, stopped=time.time_ns())

    def delete(self, live: LiveResource) -> None:
        self._path(live.key.kind, live.id).unlink(missing_ok=True)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        known = self._read(live.key.kind, live.id)["tags"]
        self._write(live.key.kind, live.id, tags={**known, **tags})

    # -- what it tells -----------------------------------------------------------------------

    def metrics(self, live: LiveResource) -> Mapping[str, float]:
        return self.get(live).metrics

    def track(self, live: Sequence[LiveResource]) -> dict[str, Track]:
        documents = {run.id: self._read("job", run.id) for run in live if run.key.kind == "job"}
        return {
            id: Track(tuple(starmap(MetricPoint, told["spec"]["metrics"].items())), told["tags"])
            for id, told in documents.items()
        }

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        told = self._read(live.key.kind, live.id)
        texts, at = told["spec"].get("lines") or ["it is up"], int(told["at"])
        step = _length(told["spec"]) // len(texts)
        now = min(time.time_ns(), told.get("stopped") or time.time_ns())
        lines = [LogEntry(at + number * step, text) for number, text in enumerate(texts)]
        begin = int(cursor or 0)
        new = [line for line in lines[begin:] if line.time <= now]
        return LogPage(
            tuple(line for line in new if line.time >= (since or 0)), str(begin + len(new))
        )

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        return self.logs(live).entries[-count:]

    def explain(self, live: LiveResource, needs: object) -> Iterator[Finding]:
        yield Finding("status", "ok", f"it is {live.status.raw}")

    def diagnose(self) -> Iterator[Finding]:
        is_there = self._folder.is_dir()
        yield Finding("folder", "ok" if is_there else "warning", str(self._folder))

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        if request.path not in {"", "/read"}:
            return Answer(404, "no such page")
        note = self._live("note", str(self.get(live).spec["note"]))
        return Answer(200, f"{note.spec['text']} {(request.data or b'').decode()}")

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path]:
        if output not in self.get(live).outputs or output == "id":
            raise NotFound(f"{live.key} has no {output}")
        return [Path(shutil.copy(self._path(live.key.kind, live.id), folder / output))]

    def link(self, live: LiveResource) -> str | None:
        return self._path(live.key.kind, live.id).as_uri()

    def lock(self, name: str) -> None:
        return None

    def remember(self, name: str, text: str) -> None:
        self._write("memory", name, text=text)

    def recall(self, name: str, *, fresh: bool = True) -> str:
        is_known = self._path("memory", name).exists()
        return str(self._read("memory", name)["text"]) if is_known else ""

    def now(self) -> int:
        return time.time_ns()

    def close(self) -> None:
        return None

    # -- files -------------------------------------------------------------------------------

    def _path(self, kind: str, id: str) -> Path:
        return self._folder / kind / f"{id.replace('/', '+')}.json"

    def _read(self, kind: str, id: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path(kind, id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"there is no {kind} {id}", status=404) from None
        return found

    def _write(self, kind: str, id: str, **fields: Any) -> None:
        path = self._path(kind, id)
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = {key: dict(v) if isinstance(v, Mapping) else v for key, v in fields.items()}
        known = self._read(kind, id) if path.exists() else {}
        draft = path.with_suffix(f".{time.time_ns()}")
        draft.write_text(json.dumps({**known, **fields}), encoding="utf-8")
        draft.replace(path)

    def _live(self, kind: str, id: str) -> LiveResource:
        told = self._read(kind, id)
        spec, tags = {**told["spec"]}, told["tags"]
        raw, is_job = _word(kind, told), kind == "job"
        for tag, name in TAGS.items():
            if tag in tags and is_job:
                spec[name] = json.loads(tags[tag]) if name == "files" else tags[tag]
        outputs = {"id": id}
        if raw == "DONE":
            outputs["model"] = self._path(kind, id).as_uri()
        if kind == "service":
            outputs["url"] = f"shelf://{self._folder}/{id}"
        at = datetime.fromtimestamp(told["at"] / SECOND, UTC).isoformat(timespec="microseconds")
        status = Status(STATES[raw], raw)
        metrics = spec.get("metrics", {}) if raw == "DONE" else {}
        owner = identity(tags.get("cicd.project", ""), tags.get("cicd.stage", ""))
        key = Key(kind, str(spec["name"]))
        return LiveResource(key, id, spec, status, outputs, metrics, at, owner=owner)


def _length(spec: Mapping[str, Any]) -> int:
    return int(seconds(spec.get("takes", "0s")) * SECOND)


def _word(kind: str, told: Mapping[str, Any]) -> str:
    if kind != "job":
        return "UP" if kind == "service" else "THERE"
    if told.get("stopped"):
        return "STOPPED"
    if time.time_ns() < told["at"] + _length(told["spec"]):
        return "WORKING"
    return "FAILED" if told["spec"].get("fails") else "DONE"
