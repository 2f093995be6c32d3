"""The toy as a Platform: each thing is a file of JSON, and a job is over when its time is."""

import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from cicd.errors import Conflict, NotFound
from cicd.model import Key, LiveResource, LogEntry, Resource, Stage, State, Status
from cicd.platforms.base import (
    NO_MARKS,
    Answer,
    Finding,
    LogPage,
    Platform,
    Request,
    fields_of,
    owner_of,
)
from tests.platforms.toy.kinds import KINDS

STATES = {"done": State.SUCCEEDED, "failed": State.FAILED, "stopped": State.STOPPED}
STATES |= {"running": State.RUNNING, "up": State.RUNNING, "there": State.SUCCEEDED}
SECOND = 10**9


def connect(stage: Stage, environ: Mapping[str, str]) -> "Toy":
    root = Path(stage.root)
    return Toy(root / stage.target["box"], root)


class Toy(Platform):
    name = "toy"
    kinds = KINDS

    def __init__(self, box: Path, root: Path) -> None:
        self._box, self._root = box, root

    def browse(self, kind: str) -> list[LiveResource]:
        found = [self._live(kind, path.stem) for path in (self._box / kind).glob("*.json")]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def get(self, live: LiveResource) -> LiveResource:
        return self._live(live.key.kind, live.id)

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        kind, spec = desired.key.kind, dict(desired.spec)
        unique = uuid.uuid4().hex
        if kind == "release":
            unique = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(spec, sort_keys=True)).hex
        elif token:
            unique = uuid.uuid5(uuid.NAMESPACE_URL, token).hex
        id = spec["name"] if kind == "service" else f"{spec['name']}-{unique[:8]}"
        if self._path(kind, id).exists() and kind == "service":
            raise Conflict(f"there is a service {id} already", status=409)
        if not self._path(kind, id).exists():  # else this is another try of the same
            fields = {"spec": spec, "at": time.time_ns(), "tags": dict(marks)}
            if kind == "job":
                script = Template((self._root / spec["script"]).read_text(encoding="utf-8"))
                fields["lines"] = script.safe_substitute(spec["knobs"]).splitlines()
            self._write(kind, id, **fields)
        return self._live(kind, id)

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        if live.key.kind != "service":
            return super().update(live, desired)
        self._write("service", live.id, spec=dict(desired.spec))
        return self.get(live)

    def stop(self, live: LiveResource) -> None:
        if not self.get(live).status.has_ended:
            self._write(live.key.kind, live.id, stopped=time.time_ns())

    def delete(self, live: LiveResource) -> None:
        self._path(live.key.kind, live.id).unlink(missing_ok=True)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        known = self._read(live.key.kind, live.id)["tags"]
        self._write(live.key.kind, live.id, tags={**known, **tags})

    def remember(self, name: str, text: str) -> None:
        self._write("memory", name, text=text)

    def recall(self, name: str, *, fresh: bool = True) -> str:
        is_known = self._path("memory", name).exists()
        return str(self._read("memory", name)["text"]) if is_known else ""

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        told = self._read(live.key.kind, live.id)
        texts = told.get("lines") or ["it is up"]
        step, now = _length(told) // len(texts), min(told.get("stopped", self.now()), self.now())
        lines = [LogEntry(told["at"] + number * step, text) for number, text in enumerate(texts)]
        new = [line for line in lines[int(cursor or 0) :] if line.time <= now]
        seen = tuple(line for line in new if line.time >= (since or 0))
        return LogPage(seen, str(int(cursor or 0) + len(new)))

    def explain(self, live: LiveResource, needs: list[str]) -> Iterator[Finding]:
        yield from super().explain(live, needs)
        yield Finding("script", "ok", ", ".join(needs) or "none")

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        if request.path not in {"", "/read"}:
            return Answer(404, "no such page")
        release = self._live("release", self.get(live).spec["release"])
        return Answer(200, f"{release.spec['serves']} {(request.data or b'').decode()}")

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path]:
        if output not in self.get(live).outputs or output == "id":
            raise NotFound(f"{live.key} has no {output}")
        return [Path(shutil.copy(self._path(live.key.kind, live.id), folder / output))]

    def survey(self, selector: Mapping[str, str], unseen: object = None) -> list[LiveResource]:
        if not (self._root / selector["box"]).is_dir():
            raise NotFound(f"there is no folder {selector['box']}")
        return Toy(self._root / selector["box"], self._root).read([], everything=True)

    def _path(self, kind: str, id: str) -> Path:
        return self._box / kind / f"{id.replace('/', '+')}.json"

    def _read(self, kind: str, id: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path(kind, id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"there is no {kind} {id}", status=404) from None
        return found

    def _write(self, kind: str, id: str, **fields: Any) -> None:
        path = self._path(kind, id)
        path.parent.mkdir(parents=True, exist_ok=True)
        known = self._read(kind, id) if path.exists() else {}
        whole = path.with_suffix(f".{uuid.uuid4().hex}")
        whole.write_text(json.dumps({**known, **fields}), encoding="utf-8")
        whole.replace(path)  # nobody reads half of it

    def _live(self, kind: str, id: str) -> LiveResource:
        told = self._read(kind, id)
        spec, word, outputs = told["spec"], _word(kind, told), {"id": id}
        metrics: dict[str, float] = {}
        if kind == "job":
            spec = {**spec, **fields_of(told["tags"])}
        if word == "done":
            uri = self._path(kind, id).as_uri()
            outputs |= {"result": uri, "files.plan": uri}
            said = [line.split() for line in told["lines"] if line.startswith("metric ")]
            metrics = {name: float(value) for _, name, value in said}
        if kind == "service":
            outputs["url"] = f"toy://{self._box}/{id}"
        return LiveResource(
            Key(kind, spec["name"]),
            id,
            spec,
            Status(STATES[word], word),
            outputs,
            metrics,
            datetime.fromtimestamp(told["at"] / SECOND, UTC).isoformat(timespec="microseconds"),
            owner=owner_of(told["tags"]),
        )


def _length(told: Mapping[str, Any]) -> int:
    return int(float(told["spec"].get("knobs", {}).get("SECONDS", 0)) * SECOND)


def _word(kind: str, told: Mapping[str, Any]) -> str:
    if kind != "job":
        return "up" if kind == "service" else "there"
    if "stopped" in told:
        return "stopped"
    if time.time_ns() < told["at"] + _length(told):
        return "running"
    return "failed" if "fail" in told["lines"] else "done"
