"""The toy platform: jobs, releases and services as JSON files in a box, which is a folder."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd.errors import NotFound, PlatformError, Problem
from cicd.model import Key, Kind, LiveResource, LogEntry, Resource, Stage, State, Status, Track
from cicd.platforms.base import NO_MARKS, Answer, Finding, LogPage, Request
from tests.platforms.toy.kinds import KINDS

STATES = {
    "running": State.RUNNING,
    "done": State.SUCCEEDED,
    "broken": State.FAILED,
    "stopped": State.STOPPED,
    "up": State.RUNNING,
    "there": State.SUCCEEDED,
}


def connect(stage: Stage, environ: Mapping[str, str]) -> Toy:
    return Toy(Path(stage.root) / stage.target["box"], Path(stage.root), stage.identity)


class Toy:
    name = "toy"
    kinds: Mapping[str, Kind] = KINDS

    def __init__(self, box: Path, root: Path, stage: str) -> None:
        self._box, self._root, self._stage = box, root, stage
        self._changing = threading.Lock()

    # what is there

    def _files(self, kind: str) -> list[Path]:
        return sorted(self._box.glob(f"{kind}-*.json"))

    def _load(self, file: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def _save(self, thing: Mapping[str, Any]) -> LiveResource:
        self._box.mkdir(parents=True, exist_ok=True)
        file = self._box / f"{thing['kind']}-{thing['id']}.json"
        whole = self._box / f"{uuid.uuid4().hex}.new"
        whole.write_text(json.dumps(thing), encoding="utf-8")
        whole.replace(file)  # nobody reads half of it
        return self._live(thing)

    def _file(self, live: LiveResource) -> Path:
        file = self._box / f"{live.key.kind}-{live.id}.json"
        if not file.is_file():
            raise NotFound(f"{live.key} is not there")
        return file

    def _live(self, thing: Mapping[str, Any]) -> LiveResource:
        kind, spec = thing["kind"], thing["spec"]
        outputs = {"id": thing["id"]}
        if kind == "job":
            outputs |= {"result": thing["id"], **{f"files.{n}": n for n in thing["files"]}}
        if kind == "service":
            outputs["url"] = f"toy://{spec['name']}"
        return LiveResource(
            Key(kind, spec["name"]),
            thing["id"],
            spec,
            Status(STATES[thing["status"]], thing["status"]),
            outputs,
            self.metrics(None) if kind == "job" else {},
            created_at=thing["at"],
            owner=thing["owner"],
            facts=thing["marks"],
        )

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        return [self._live(self._load(file)) for kind in KINDS for file in self._files(kind)]

    def browse(self, kind: str) -> Sequence[LiveResource]:
        found = [live for live in self.read(()) if live.key.kind == kind]
        return sorted(found, key=lambda live: live.created_at)

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        ids = {live.id for live in lives}
        return {live.id: live for live in self.browse(lives[0].key.kind) if live.id in ids}

    def get(self, live: LiveResource) -> LiveResource:
        return self._live(self._load(self._file(live)))

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        found = [live for live in self.browse(desired.key.kind) if live.id not in known]
        return next((live for live in found if live.spec == desired.spec), None)

    def survey(
        self,
        selector: Mapping[str, str],
        unseen: Callable[[str, PlatformError], None] = lambda kind, error: None,
    ) -> list[LiveResource]:
        return self.read(())

    # what is done

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        kind = desired.key.kind
        id = token[:12] or uuid.uuid4().hex[:12]
        if (self._box / f"{kind}-{id}.json").is_file():  # another try of the same
            return self.get(LiveResource(desired.key, id, {}, Status(State.UNKNOWN, "")))
        thing = {
            "kind": kind,
            "id": id,
            "spec": dict(desired.spec),
            "status": {"job": "running", "release": "there"}.get(kind, "up"),
            "at": datetime.now(UTC).isoformat(),
            "owner": self._stage,
            "marks": dict(marks),
            "files": [],
            "log": [],
        }
        return self._save(self._run(thing) if kind == "job" else thing)

    def _run(self, thing: dict[str, Any]) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, str(self._root / thing["spec"]["script"])],
            env={str(name): str(value) for name, value in thing["spec"]["knobs"].items()},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if line]
        status = "broken" if done.returncode else "done"
        return {**thing, "status": status, "log": lines, "files": ["plan"]}

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        with self._changing:
            return self._save({**self._load(self._file(live)), "spec": dict(desired.spec)})

    def stop(self, live: LiveResource) -> None:
        with self._changing:
            self._save({**self._load(self._file(live)), "status": "stopped"})

    def delete(self, live: LiveResource) -> None:
        (self._box / f"{live.key.kind}-{live.id}.json").unlink(missing_ok=True)

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        with self._changing:
            thing = self._load(self._file(live))
            self._save({**thing, "marks": {**thing["marks"], **tags}})

    # what it tells

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        return list(desired)

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        return [], list(live)

    def metrics(self, live: LiveResource | None) -> Mapping[str, float]:
        return {"speed": 2.0}

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        return {}

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        lines = self._load(self._file(live))["log"]
        start = int(cursor or "0")
        return LogPage(tuple(LogEntry(1, line) for line in lines[start:]), str(len(lines)))

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        return self.logs(live).entries[-count:]

    def explain(self, live: LiveResource, needs: Any) -> Iterator[Finding]:
        yield Finding("status", "ok", live.status.raw)
        yield Finding("script", "ok", ", ".join(needs) or "none")

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        return Answer(200, json.dumps({"asked": request.body}))

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path]:
        raise NotFound("toys put nothing out")

    def now(self) -> int:
        return time.time_ns()

    def link(self, live: LiveResource) -> str | None:
        return None

    def lock(self, name: str) -> None:
        return None

    def remember(self, name: str, text: str) -> None:
        self._box.mkdir(parents=True, exist_ok=True)
        (self._box / f"{uuid.uuid5(uuid.NAMESPACE_URL, name)}.txt").write_text(text)

    def recall(self, name: str, *, fresh: bool = True) -> str:
        file = self._box / f"{uuid.uuid5(uuid.NAMESPACE_URL, name)}.txt"
        return file.read_text() if file.is_file() else ""

    def diagnose(self) -> Iterator[Finding]:
        yield Finding("box", "ok", "the box is there")

    def close(self) -> None:
        """Nothing is open."""
