"""The toy as a Platform: what there is stands in a folder, and a job is over when its time is."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from string import Template

from cicd.errors import NotFound
from cicd.model import LiveResource, LogEntry, Resource, Stage, State, Status
from cicd.platforms.base import NO_MARKS, Answer, LogPage, Request, page_of
from cicd.platforms.recorded import Record, Recorded
from tests.platforms.toy.kinds import KINDS

STATES = {"done": State.SUCCEEDED, "failed": State.FAILED, "stopped": State.STOPPED}
STATES |= {"running": State.RUNNING, "up": State.RUNNING, "there": State.SUCCEEDED}


def connect(stage: Stage, environ: Mapping[str, str]) -> "Toy":
    root = Path(stage.root)
    return Toy(root / stage.target["box"], root)


class Toy(Recorded):
    name = "toy"
    kinds = KINDS

    def __init__(self, box: Path, root: Path) -> None:
        super().__init__(box)
        self._root = root

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        if desired.key.kind != "job":
            return self.record(desired, token, marks)
        knobs = desired.spec["knobs"]
        script = Template((self._root / desired.spec["script"]).read_text(encoding="utf-8"))
        lines = script.safe_substitute(knobs).splitlines()
        length = int(float(knobs.get("SECONDS", 0)) * 10**9)
        return self.record(desired, token, marks, lines=lines, length=length)

    def stop(self, live: LiveResource) -> None:
        if not self.get(live).status.has_ended:
            self.records.write(live.key.kind, live.id, {"stopped": time.time_ns()})

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        told = self.records.read(live.key.kind, live.id)
        texts = told.get("lines") or ["it is up"]
        step, end = told.get("length", 0) // len(texts), told.get("stopped") or time.time_ns()
        times = [told["at"] + number * step for number in range(len(texts))]
        lines = map(LogEntry, times, texts)
        return page_of([line for line in lines if line.time <= end], cursor, since)

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        if request.path not in {"", "/read"}:
            return Answer(404, "no such page")
        release = self.records.read("release", self.get(live).spec["release"])
        return Answer(200, f"{release['spec']['serves']} {(request.data or b'').decode()}")

    def survey(
        self, selector: Mapping[str, str], unseen: object = None, *, select: object = ()
    ) -> list[LiveResource]:
        box = self._root / selector["box"]
        if not box.is_dir():
            raise NotFound(f"there is no folder {box}")
        return Toy(box, self._root).read([], everything=True)

    def as_it_is(self, live: LiveResource, record: Record) -> LiveResource:
        word, outputs, metrics = word_of(live.key.kind, record), {**live.outputs}, {}
        file = self.records.path(live.key.kind, live.id).as_uri()
        if word == "done":
            outputs |= {"result": file, "files.plan": file}
            said = [line.split() for line in record["lines"] if line.startswith("metric ")]
            metrics = {name: float(value) for _, name, value in said}
        if word == "up":
            outputs["url"] = f"toy:{file}"
        status = Status(STATES[word], word)
        return replace(live, status=status, outputs=outputs, metrics=metrics)


def word_of(kind: str, record: Record) -> str:
    """How it is, in the toy's words."""
    if kind != "job":
        return "up" if kind == "service" else "there"
    if "stopped" in record:
        return "stopped"
    if time.time_ns() < record["at"] + record["length"]:
        return "running"
    return "failed" if "fail" in record["lines"] else "done"
