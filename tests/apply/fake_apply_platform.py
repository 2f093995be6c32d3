"""An in-memory platform: keeps state, moves statuses by a fake clock, can lose answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cicd.apply import execute
from cicd.apply.events import Event
from cicd.errors import Conflict, NotFound, PlatformError, Problem
from cicd.logs import Polling
from cicd.model import (
    Action,
    Approval,
    Change,
    Count,
    FieldChange,
    Key,
    Kind,
    LiveResource,
    LogEntry,
    Options,
    Outcome,
    Plan,
    Ref,
    Resource,
    State,
    Status,
    Track,
)
from cicd.platforms.base import NO_MARKS, Answer, Finding, Lock, LogPage, Request

KINDS = {
    kind.name: kind
    for kind in (
        Kind("artifact", identity=(), updatable=False, deletable=False),
        Kind("configuration", identity=(), updatable=False, deletable=False),
        Kind(
            "execution",
            identity=("configuration",),
            is_run=True,
            role="run",
            log=True,
            prunable=True,
            stoppable=True,
        ),
        Kind(
            "deployment",
            identity=("configuration_name",),
            updatable_in=frozenset({State.RUNNING, State.PENDING, State.UNKNOWN}),
            verify=("configuration",),
            log=True,
            role="service",
            prunable=True,
            stoppable=True,
        ),
        Kind("application", partial=frozenset({"executables"}), wait_for="Synced", named=True),
        Kind("generic_secret", identity=("name",), is_secret=True, named=True),
        Kind("destination", write_only=frozenset({"password"})),
    )
}

UNKNOWN = Status(State.UNKNOWN, "UNKNOWN")
PENDING = Status(State.PENDING, "PENDING")
RUNNING = Status(State.RUNNING, "RUNNING")
COMPLETED = Status(State.SUCCEEDED, "COMPLETED")
DEAD = Status(State.FAILED, "DEAD", "exit code 1")
STOPPING = Status(State.STOPPING, "STOPPING")
STOPPED = Status(State.STOPPED, "STOPPED")
READY = Status(State.SUCCEEDED, "")
SYNCED = Status(State.SUCCEEDED, "Synced")

Script = Sequence[tuple[float, Status]]
"""Seconds since it was started or changed -> status from then on."""

SCRIPTS: dict[str, Script] = {
    "execution": [(0, UNKNOWN), (1, PENDING), (2, RUNNING), (10, COMPLETED)],
    "deployment": [(0, UNKNOWN), (1, PENDING), (3, RUNNING)],
    "application": [(0, PENDING), (5, SYNCED)],
}


class Clock:
    """Time that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._plans: list[tuple[float, Callable[[], object]]] = []

    def at(self, time: float, do: Callable[[], object]) -> None:
        """Do this once that time has come."""
        self._plans.append((time, do))

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds
        for plan in [plan for plan in self._plans if plan[0] <= self.time]:
            self._plans.remove(plan)
            plan[1]()

    def now(self) -> int:
        return int(self.time * 1_000_000_000)


@dataclass
class Thing:
    """One live resource; ``script`` counts from ``since``."""

    live: LiveResource
    script: Script
    since: float
    gone_at: float = float("inf")
    spec_after: Mapping[str, Any] | None = None
    lines: list[tuple[float, LogEntry]] = field(default_factory=list)


@dataclass(frozen=True)
class Fault:
    """The error of one call; ``after``: it had its effect and only the answer is lost."""

    error: Exception
    after: bool = False


class FakePlatform:
    """See the module. ``scripts`` are by name of the resource, else by its kind."""

    name = "fake"

    def __init__(self, clock: Clock) -> None:
        self.kinds: Mapping[str, Kind] = KINDS
        self.clock = clock
        self.things: dict[str, Thing] = {}
        self.scripts: dict[str, list[Script]] = {}
        self.faults: dict[str, list[Fault | None]] = {}
        self.calls: list[tuple[str, str, float]] = []
        self.log_lines: dict[str, list[tuple[float, LogEntry]]] = {}
        self.run_outputs: dict[str, str] = {"artifacts.model": "a-model"}
        self.outputs_at = 0.0
        self.run_metrics: list[dict[str, float]] = [{}]
        self.recorded = Track()
        self.counts: list[Sequence[Count]] = []
        self.answers: list[Answer] = [Answer(200, '{"prediction": 1}')]
        self.tags: dict[str, dict[str, str]] = {}
        self.tokens: list[str] = []
        self.marks: list[dict[str, str]] = []
        self.requests: list[Request] = []
        self.goes_back_by_itself = False
        self.page_size = 1000
        self.list_lag = self.browse_lag = 0
        self.busy = self.busiest = 0
        self.gate: threading.Event | None = None
        self._lock = threading.Lock()
        self._number = 0

    # -- what tests use ---------------------------------------------------------------

    def add(self, kind: str, name: str, status: Status, /, **spec: Any) -> LiveResource:
        """Something that exists already and stays as it is."""
        outputs = {"url": f"https://old/{name}"} if kind == "deployment" else {}
        live = LiveResource(Key(kind, name), self._new_id(kind), spec, status, outputs)
        self.things[live.id] = Thing(live, [(0, status)], self.clock())
        return live

    def ops(self, *names: str) -> list[str]:
        """The writes so far, in order, ``create deployment/serve``."""
        wanted = names or ("create", "update", "stop", "delete")
        return [f"{op} {what}" for op, what, _ in self.calls if op in wanted]

    def alive(self, kind: str) -> list[str]:
        return [id_ for id_, t in self.things.items() if t.live.key.kind == kind]

    @contextmanager
    def _call(self, op: str, what: str) -> Iterator[None]:
        with self._lock:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
            self.calls.append((op, what, self.clock()))
            queue = self.faults.get(f"{op} {what}") or self.faults.get(op) or []
            fault = queue.pop(0) if queue else None
        try:
            if self.gate:
                self.gate.wait(10)
            if fault and not fault.after:
                raise fault.error
            yield
            if fault:
                raise fault.error
        finally:
            with self._lock:
                self.busy -= 1

    def _new_id(self, kind: str) -> str:
        self._number += 1
        return f"{kind[:3]}-{self._number}"

    def _script(self, key: Key) -> Script:
        queue = self.scripts.get(key.name)
        if queue:
            return queue.pop(0) if len(queue) > 1 else queue[0]
        return SCRIPTS.get(key.kind, [(0, READY)])

    def _thing(self, id_: str) -> Thing:
        thing = self.things.get(id_)
        if thing and self.clock() >= thing.gone_at:
            del self.things[id_]
            thing = None
        if thing is None:
            raise NotFound(f"no {id_}", status=404)
        age = self.clock() - thing.since
        status = [status for after, status in thing.script if after <= age][-1]
        outputs = dict(thing.live.outputs)
        if status.state is State.SUCCEEDED and thing.live.key.kind == "execution":
            outputs |= self.run_outputs if self.clock() >= self.outputs_at else {}
        if status.state is State.RUNNING and thing.live.key.kind == "deployment":
            outputs.setdefault("url", f"https://new/{id_}")
            if thing.spec_after is not None:
                thing.live = replace(thing.live, spec=thing.spec_after)
        thing.live = replace(thing.live, status=status, outputs=outputs)
        return thing

    # -- the protocol -----------------------------------------------------------------

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        return list(desired)

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        return [], list(live)

    def browse(self, kind: str) -> Sequence[LiveResource]:
        with self._call("browse", kind):
            if self.browse_lag > 0:
                self.browse_lag -= 1
                return []
            lives = [self._thing(id_).live for id_ in list(self.things)]
            return [live for live in lives if live.key.kind == kind]

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        with self._call("track", str(live[0].key)):
            return {item.id: self.recorded for item in live}

    def now(self) -> int:
        return self.clock.now()

    def progress(self, live: LiveResource) -> Sequence[Count]:
        with self._call("progress", str(live.key)):
            return self.counts.pop(0) if self.counts else ()

    def lock(self, name: str) -> Lock | None:
        return None

    def remember(self, name: str, text: str) -> None:
        return

    def kept_marks(self, live: Sequence[LiveResource]) -> Mapping[str, Mapping[str, str]]:
        return {}

    def recall(self, name: str, *, fresh: bool = True) -> str:
        return ""

    def diagnose(self) -> Iterator[Finding]:
        yield from ()

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        return [self._thing(id_).live for id_ in list(self.things)]

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        ids = {live.id for live in lives}
        return {live.id: live for live in self.browse(lives[0].key.kind) if live.id in ids}

    def get(self, live: LiveResource) -> LiveResource:
        with self._call("get", str(live.key)):
            return self._thing(live.id).live

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        with self._call("find", str(desired.key)):
            if self.list_lag > 0:
                self.list_lag -= 1
                return None
            identity = self.kinds[desired.key.kind].identity or tuple(desired.spec)
            for id_ in list(self.things):
                live = self._thing(id_).live
                if live.key.kind != desired.key.kind or id_ in known:
                    continue
                if all(live.spec.get(name) == desired.spec.get(name) for name in identity):
                    return live
            return None

    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        self.tokens.append(token)
        self.marks.append(dict(marks))
        with self._call("create", str(desired.key)), self._lock:
            live = LiveResource(desired.key, self._new_id(desired.key.kind), desired.spec, UNKNOWN)
            lines = self.log_lines.get(desired.key.name, [])
            script = self._script(desired.key)
            self.things[live.id] = Thing(live, script, self.clock(), lines=lines)
            return self._thing(live.id).live

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        with self._call("update", str(desired.key)):
            thing = self._thing(live.id)
            if thing.live.status.state is State.UNKNOWN:
                raise Conflict("status UNKNOWN cannot be changed", status=412, code="01010076")
            before = thing.live.spec
            thing.spec_after = before if self.goes_back_by_itself else None
            thing.live = replace(thing.live, spec={**before, **desired.spec})
            thing.script, thing.since = self._script(desired.key), self.clock()
            return self._thing(live.id).live

    def stop(self, live: LiveResource) -> None:
        with self._call("stop", str(live.key)):
            thing = self._thing(live.id)
            if thing.live.status.state not in {State.PENDING, State.RUNNING}:
                raise Conflict("not in this status", status=412)
            thing.script, thing.since = [(0, STOPPING), (2, STOPPED)], self.clock()

    def delete(self, live: LiveResource) -> None:
        with self._call("delete", str(live.key)):
            thing = self._thing(live.id)
            state = thing.live.status.state
            if state in {State.PENDING, State.RUNNING, State.STOPPING}:
                raise Conflict("not in this status", status=412)
            thing.gone_at = self.clock() + 2

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        with self._call("tag", str(live.key)):
            self.tags.setdefault(live.id, {}).update(tags)

    def metrics(self, live: LiveResource) -> Mapping[str, float]:
        with self._call("metrics", str(live.key)):
            return self.run_metrics.pop(0) if len(self.run_metrics) > 1 else self.run_metrics[0]

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        with self._call("logs", str(live.key)):
            thing = self._thing(live.id)
            age = self.clock() - thing.since
            ready = [entry for at, entry in thing.lines if at <= age]
            start = int(cursor or "0")
            entries = tuple(ready[start : start + self.page_size])
            end = start + len(entries)
            # as AI Core's adapter does with lines of Argo, empty ones are left out
            shown = tuple(entry for entry in entries if entry.text)
            return LogPage(shown, str(end) if entries else cursor, is_last=end >= len(ready))

    def streams(self, live: LiveResource) -> Sequence[str]:
        return ()

    def stream(
        self, live: LiveResource, name: str, cursor: str = "", *, since: int | None = None
    ) -> LogPage:
        return self.logs(live, cursor, since=since)

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        return self.logs(live).entries[-count:]

    def explain(self, live: LiveResource, needs: Any) -> Iterator[Finding]:
        yield from ()

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path] | None:
        raise NotFound(f"{live.key} has no {output}")

    def listen(self, hear: Callable[[Key, int, int], None]) -> None:
        return

    def approval_of(self, live: LiveResource) -> Approval:
        raise PlatformError("keeps none")

    def decide(self, live: LiveResource, verdict: str, reason: str, fingerprint: str) -> None:
        raise PlatformError("keeps none")

    def size_of(self, url: str) -> int:
        raise PlatformError("cannot look")

    def holds(self, live: LiveResource, output: str, folder: Path) -> bool:
        return False

    def survey(
        self,
        selector: Mapping[str, str],
        unseen: Callable[[str, PlatformError], None] = lambda kind, error: None,
        *,
        select: Collection[str] = (),
    ) -> list[LiveResource]:
        return self.read((), everything=True)

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        with self._call("invoke", str(live.key)):
            self.requests.append(request)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def link(self, live: LiveResource) -> str | None:
        return None

    def close(self) -> None:
        pass


# -- plans ----------------------------------------------------------------------------

DEFAULTS = Options()


def change(
    key: str,
    action: Action = Action.CREATE,
    *,
    after: Iterable[str] = (),
    live: LiveResource | None = None,
    options: Options = DEFAULTS,
    fields: Iterable[str] = (),
    **spec: Any,
) -> Change:
    """A change as the planner would make it; ``fields`` are the paths that differ."""
    name = key_of(key)
    before = live.spec if live else {}
    return Change(
        name,
        action,
        "because",
        tuple(FieldChange(path, before.get(path), spec.get(path)) for path in fields),
        frozenset(map(key_of, after)),
        None if action is Action.DELETE else Resource(name, spec, options),
        live,
    )


def key_of(text: str) -> Key:
    kind, _, name = text.partition("/")
    return Key(kind, name)


def ref(key: str, output: str = "id") -> Ref:
    return Ref(key_of(key), output)


def plan(*changes: Change) -> Plan:
    return Plan("dev", "fake", {}, "c0ffee", "2026-01-01T00:00:00Z", changes, "f")


def apply(platform: FakePlatform, *changes: Change, **options: Any) -> list[Event]:
    """Every event of applying these changes, one worker unless told otherwise."""
    settings = {"workers": 1, "polling": Polling(), **options}
    clock = platform.clock
    return list(execute(plan(*changes), platform, clock=clock, sleep=clock.sleep, **settings))


def outcomes(events: Iterable[Event]) -> dict[str, Outcome]:
    """The outcomes by key; each key has just one."""
    found = [event for event in events if isinstance(event, Outcome)]
    assert len(found) == len({outcome.key for outcome in found})
    return {str(outcome.key): outcome for outcome in found}


def results(events: Iterable[Event]) -> dict[str, str]:
    return {key: outcome.result.value for key, outcome in outcomes(events).items()}
