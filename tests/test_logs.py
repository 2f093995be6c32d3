"""Following logs: merged by time, each line once, until the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from cicd.errors import ConnectionFailed, Denied, NotFound, PlatformError
from cicd.logs import Polling, follow, is_transient, patiently
from cicd.model import Key, LiveResource, LogEntry, State, Status
from cicd.platforms.base import LogPage

PENDING = Status(State.PENDING, "PENDING")
RUNNING = Status(State.RUNNING, "RUNNING")
DONE = Status(State.SUCCEEDED, "COMPLETED")


@dataclass
class Logs:
    """Runs whose lines appear as time goes by; ``ends`` says when a run is over."""

    lines: dict[str, list[tuple[float, LogEntry]]]
    ends: dict[str, float] = field(default_factory=dict)
    page_size: int = 1000
    time: float = 0.0
    errors: list[PlatformError] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    takes: float = 0.0
    """Seconds that a look at one log takes, also beside others."""
    begins: dict[str, float] = field(default_factory=dict)
    reads: list[tuple[str, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    sinces: set[int | None] = field(default_factory=set)

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept.append(seconds)

    def clock(self) -> float:
        return self.time

    def get(self, live: LiveResource) -> LiveResource:
        if live.id not in self.lines:
            raise NotFound("gone", status=404)
        is_over = self.time >= self.ends.get(live.id, 0.0)
        has_begun = self.time >= self.begins.get(live.id, 0.0)
        return replace(live, status=DONE if is_over else RUNNING if has_begun else PENDING)

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        return {live.id: self.get(live) for live in lives if live.id in self.lines}

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        self.sinces.add(since)
        if self.errors:
            raise self.errors.pop(0)
        with self.lock:
            self.reads.append((live.id, self.time))
            self.time += self.takes
        ready = [entry for at, entry in self.lines[live.id] if at <= self.time]
        start = int(cursor or "0")
        entries = tuple(ready[start : start + self.page_size])
        end = start + len(entries)
        shown = tuple(entry for entry in entries if entry.text)
        return LogPage(shown, str(end) if entries else cursor, is_last=end >= len(ready))


def run(name: str) -> tuple[Key, LiveResource]:
    key = Key("execution", name)
    return key, LiveResource(Key("execution", name), name, {}, RUNNING)


def read(logs: Logs, *names: str, is_followed: bool = True, since: int | None = None) -> list[str]:
    lives = dict(map(run, names))
    found = follow(logs, lives, since=since, follow=is_followed, clock=logs.clock, sleep=logs.sleep)
    return [f"{key.name}:{entry.text}" for key, entry in found]


def followed(logs: Logs, lives: Mapping[Key, LiveResource]) -> Iterator[tuple[Key, LogEntry]]:
    """As ``cicd logs --follow`` does it on AI Core."""
    runs = ["execution"]
    return follow(logs, lives, follow=True, runs=runs, clock=logs.clock, sleep=logs.sleep)


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_one_look_merges_by_time(page_size: int) -> None:
    logs = Logs(
        {
            "a": [(0, LogEntry(1, "1")), (0, LogEntry(4, "4")), (0, LogEntry(5, "5"))],
            "b": [(0, LogEntry(2, "2")), (0, LogEntry(3, "3")), (9, LogEntry(6, "6"))],
        },
        ends={"b": 99},
        page_size=page_size,
    )
    told = read(logs, "a", "b", is_followed=False)
    assert told == ["a:1", "b:2", "b:3", "a:4", "a:5"]
    assert logs.slept == []


@pytest.mark.parametrize("page_size", [1, 7, 1000])
def test_many_lines_of_one_nanosecond_come_once_and_in_order(page_size: int) -> None:
    lines = [(n // 50, LogEntry(7, str(n))) for n in range(500)]
    logs = Logs({"a": [(float(at), line) for at, line in lines]}, {"a": 9.5}, page_size)
    assert read(logs, "a") == [f"a:{n}" for n in range(500)]


@pytest.mark.parametrize("is_followed", [True, False])
def test_pages_without_lines_of_the_run_are_read_past(is_followed: bool) -> None:
    entries = [(0.0, LogEntry(n, "" if n < 9 else "its own")) for n in range(10)]
    assert read(Logs({"a": entries}, page_size=2), "a", is_followed=is_followed) == ["a:its own"]


def test_following_ends_when_every_run_has(page_size: int = 3) -> None:
    logs = Logs(
        {
            "a": [(float(n), LogEntry(n, str(n))) for n in range(10)],
            "b": [(float(n), LogEntry(n, str(n))) for n in range(100)],
        },
        ends={"a": 9, "b": 99},
        page_size=page_size,
    )
    told = read(logs, "a", "b")
    assert [line for line in told if line[0] == "a"] == [f"a:{n}" for n in range(10)]
    assert [line for line in told if line[0] == "b"] == [f"b:{n}" for n in range(100)]
    assert logs.time < 120


def test_following_is_slow_when_nothing_happens() -> None:
    logs = Logs({"a": []}, ends={"a": 300})
    assert read(logs, "a") == []
    assert max(logs.slept) == 15
    assert min(logs.slept) > 0.75


def test_a_run_without_a_log_yet_gives_no_lines() -> None:
    logs = Logs({"a": [(0, LogEntry(1, "x"))]}, ends={"a": 5})
    logs.errors = [NotFound("no log yet", status=404)]
    assert read(logs, "a") == ["a:x"]


def test_a_run_that_is_deleted_meanwhile_ends() -> None:
    assert read(Logs({"b": []}), "b") == []
    lonely = Logs({})
    lonely.errors = [NotFound("gone", status=404)]
    assert read(lonely, "a") == []


def test_nothing_to_follow() -> None:
    assert read(Logs({})) == []


def test_since_is_passed_on() -> None:
    logs = Logs({"a": []})
    read(logs, "a", is_followed=False, since=123)
    assert logs.sinces == {123}


def test_a_bad_minute_is_sat_out_and_loses_nothing() -> None:
    logs = Logs({"a": [(0, LogEntry(1, "x"))]}, ends={"a": 5})
    logs.errors = [ConnectionFailed("refused")] * 5
    assert read(logs, "a") == ["a:x"]


@pytest.mark.parametrize(
    ("error", "least"), [(ConnectionFailed("refused"), 60), (Denied("no", status=403), 0)]
)
def test_what_does_not_pass_is_raised(error: PlatformError, least: float) -> None:
    logs = Logs({"a": []}, ends={"a": 5})
    logs.errors = [error] * 100
    with pytest.raises(type(error)):
        read(logs, "a")
    assert least <= logs.time <= least + 20


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionFailed("x"), True),
        (PlatformError("x", status=500), True),
        (PlatformError("x", status=400), False),
        (NotFound("x", status=404), False),
        (Denied("x", status=401), False),
    ],
)
def test_some_failures_pass(error: PlatformError, expected: bool) -> None:
    assert is_transient(error) is expected


def test_pauses_grow_to_a_bound() -> None:
    polling = Polling()
    pauses = [0.5]
    while len(pauses) < 25:
        pauses.append(polling.slower(pauses[-1]))
    assert pauses == sorted(pauses)
    assert pauses[-1] == polling.longest


def test_any_read_can_be_patient() -> None:
    logs = Logs({"a": [(0, LogEntry(1, "x"))]})
    logs.errors = [ConnectionFailed("refused")] * 3
    page = patiently(lambda: logs.logs(run("a")[1]), clock=logs.clock, sleep=logs.sleep)
    assert [entry.text for entry in page.entries] == ["x"]
    assert len(logs.slept) == 3
    with pytest.raises(NotFound):
        patiently(lambda: logs.get(run("b")[1]), clock=logs.clock, sleep=logs.sleep)


@pytest.mark.parametrize("runs", [2, 50])
@pytest.mark.parametrize("every", [0.3, 1.0, 2.5, 5.0])
def test_no_line_of_many_runs_is_told_later_than_a_second(runs: int, every: float) -> None:
    moments = [n * every for n in range(int(5 / every) + 1)]
    lines = {
        f"r{run}": [(at, LogEntry(int(at * 10), str(at))) for at in moments] for run in range(runs)
    }
    logs = Logs(lines, dict.fromkeys(lines, 5.0))
    late, told = 0.0, 0
    found = follow(logs, dict(map(run, lines)), follow=True, clock=logs.clock, sleep=logs.sleep)
    for _, entry in found:
        late, told = max(late, logs.time - float(entry.text)), told + 1
    assert told == runs * len(moments)
    assert late <= 1


@pytest.mark.parametrize(("runs", "takes"), [(2, 0.02), (10, 0.02), (50, 0.002), (50, 0.008)])
@pytest.mark.parametrize("every", [0.3, 0.81, 1.0])
def test_looks_that_take_their_time_begin_the_sooner(runs: int, takes: float, every: float) -> None:
    """With 50 runs a look takes half of the second in which a line has to be told."""
    moments = [n * every for n in range(int(5 / every) + 1)]
    lines = {
        f"r{run}": [(at + run / 77, LogEntry(int(at * 100), str(at + run / 77))) for at in moments]
        for run in range(runs)
    }
    logs = Logs(lines, dict.fromkeys(lines, 6.0), takes=takes)
    late, told = 0.0, 0
    found = follow(logs, dict(map(run, lines)), follow=True, clock=logs.clock, sleep=logs.sleep)
    for _, entry in found:
        late, told = max(late, logs.time - float(entry.text)), told + 1
    assert told == runs * len(moments)
    assert late <= 1
    looks = 6 / (0.9 - takes * runs) + 2
    assert len(logs.reads) <= runs * looks


@pytest.mark.parametrize("begins", [0.0, 3.0, 20.0])
def test_the_log_of_a_run_is_not_read_before_it_has_begun(begins: float) -> None:
    lines = {name: [(begins, LogEntry(1, f"hello {name}"))] for name in ("a", "b", "c")}
    logs = Logs(lines, dict.fromkeys(lines, begins + 5), begins=dict.fromkeys(lines, begins))
    found = list(followed(logs, dict(map(run, lines))))
    assert sorted(entry.text for _, entry in found) == ["hello a", "hello b", "hello c"]
    assert {name for name, _ in logs.reads} == set(lines)
    assert min(at for _, at in logs.reads) >= begins


def test_the_log_of_a_service_is_read_before_it_is_up() -> None:
    """It may say why it never will be."""
    logs = Logs({"a": [(1.0, LogEntry(1, "no such model"))]}, {"a": 9.0}, begins={"a": 8.0})
    key, live = Key("deployment", "a"), run("a")[1]
    for _, entry in followed(logs, {key: live}):
        assert (entry.text, logs.time <= 2) == ("no such model", True)
        break
    else:
        pytest.fail("nothing was told")


@pytest.mark.parametrize("runs", [2, 50])
def test_whether_many_runs_have_ended_is_asked_of_one_list(runs: int) -> None:
    logs = Counted({f"r{n}": [] for n in range(runs)}, {f"r{n}": 5.0 for n in range(runs)})
    read(logs, *logs.lines)
    assert logs.gets == 0
    assert logs.lists <= 5 / 0.9 + 2


def test_a_run_that_no_list_shows_is_asked_for_alone() -> None:
    logs = Counted({"a": [], "b": [(3.0, LogEntry(1, "x"))]}, {"a": 5.0, "b": 5.0})
    logs.hidden = {"b"}
    assert read(logs, "a", "b") == ["b:x"]
    assert logs.gets == logs.lists


def test_a_list_that_is_refused_ends_nothing() -> None:
    logs = Counted({"a": [], "b": [(3.0, LogEntry(1, "x"))]}, {"a": 5.0, "b": 5.0})
    logs.refusal = Denied("no right to list", status=403)
    assert read(logs, "a", "b") == ["b:x"]


@dataclass
class Counted(Logs):
    """``hidden``: what its lists do not show."""

    gets: int = 0
    lists: int = 0
    hidden: set[str] = field(default_factory=set)
    refusal: PlatformError | None = None

    def get(self, live: LiveResource) -> LiveResource:
        self.gets += 1
        return super().get(live)

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        self.lists += 1
        if self.refusal:
            raise self.refusal
        return {live.id: Logs.get(self, live) for live in lives if live.id not in self.hidden}
