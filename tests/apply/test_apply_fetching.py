"""What a run has made is brought to a folder, whole or not at all; its status is reported."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cicd.apply import execute
from cicd.apply.events import Event, Fetched, LogLine, Moved, Reported, Warned
from cicd.apply.moving import Meter
from cicd.apply.order import has_checks
from cicd.errors import ConnectionFailed, PlatformError
from cicd.logs import Polling
from cicd.model import Action, Change, Gate, Key, LiveResource, LogEntry, Options, State, Status
from tests.apply.fake_apply_platform import (
    COMPLETED,
    KINDS,
    RUNNING,
    Clock,
    FakePlatform,
    apply,
    change,
    outcomes,
    plan,
)

MODEL = "artifacts.model"
FETCH = Options(wait_for="COMPLETED", fetch={MODEL: "build/model"})
FILES = {"model.bin": b"weights", "more/notes.txt": b"n"}


class Maker(FakePlatform):
    """Runs that leave files behind, and report."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        kind = replace(KINDS["execution"], report="some_status", log_pause=1.0)
        self.kinds = {**KINDS, "execution": kind}
        self.files: dict[str, bytes] = dict(FILES)
        self.broken: Exception | None = None
        self.fetched = 0
        self.has_made = True

    def get(self, live: LiveResource) -> LiveResource:
        found = super().get(live)
        return replace(found, report={"status": found.status.raw, "end": None})

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path] | None:
        self.fetched += 1
        if not self.has_made:
            return None
        made = []
        for name, content in self.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            made.append(file)
            if self.broken:
                raise self.broken
        return made

    def holds(self, live: LiveResource, output: str, folder: Path) -> bool:
        return files_in(folder) == self.files


@pytest.fixture
def maker(clock: Clock) -> Maker:
    return Maker(clock)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def train(options: Options = FETCH) -> Change:
    return change("execution/train", Action.RUN, options=options, configuration="con-1")


def test_a_run_that_succeeded_is_fetched_with_sizes_and_digests(
    maker: Maker, tmp_path: Path
) -> None:
    events = apply(maker, train(), root=tmp_path)
    assert files_in(tmp_path / "build/model") == FILES
    [told] = [event for event in events if isinstance(event, Fetched)]
    assert (told.output, told.folder) == (MODEL, "build/model")
    assert told.files == tuple(
        (name, len(content), hashlib.sha256(content).hexdigest()) for name, content in FILES.items()
    )
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["model"]


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def link(folder: Path, name: str, to: str) -> None:
    write(folder, f"{to}/old.bin", "x")
    (folder / name).symlink_to(to)


@pytest.mark.parametrize(
    "before",
    [
        lambda build: write(build, "model/old.bin", "x"),
        lambda build: write(build, "model", "a file"),
        lambda build: link(build, "model", "other"),
        lambda build: write(build, ".model.0123.part/left", "of one that was killed"),
    ],
)
def test_what_was_there_is_replaced_as_a_whole(
    before: Callable[[Path], object], maker: Maker, tmp_path: Path
) -> None:
    before(tmp_path / "build")
    apply(maker, train(), root=tmp_path)
    assert files_in(tmp_path / "build/model") == FILES
    assert not list((tmp_path / "build").glob(".model*"))
    assert not (tmp_path / "build/other/model.bin").exists()


def test_what_a_run_has_not_made_is_said_and_the_folder_is_as_it_was(
    maker: Maker, tmp_path: Path
) -> None:
    write(tmp_path / "build", "model/old.bin", "x")
    maker.has_made = False
    events = apply(maker, train(), root=tmp_path)
    [told] = [event.message for event in events if isinstance(event, Warned)]
    assert told == "there is nothing at a-model: build/model is as it was"
    assert files_in(tmp_path / "build/model") == {"old.bin": b"x"}
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["model"]
    assert [outcome.result for outcome in outcomes(events).values()] == ["applied"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConnectionFailed("out of reach"), 4), (PlatformError("is empty"), 1)],
)
def test_one_that_fails_in_the_middle_leaves_the_folder_as_it_was(
    error: Exception, code: int, maker: Maker, tmp_path: Path
) -> None:
    write(tmp_path, "build/model/old.bin", "x")
    maker.broken = error
    events = apply(maker, train(), root=tmp_path)
    outcome = outcomes(events)["execution/train"]
    assert (outcome.result.value, outcome.exit_code) == ("failed", code)
    assert files_in(tmp_path / "build") == {"model/old.bin": b"x"}


def test_a_folder_that_cannot_be_made_is_told(maker: Maker, tmp_path: Path) -> None:
    write(tmp_path, "build", "a file")
    events = apply(maker, train(), root=tmp_path)
    assert "cannot be written" in outcomes(events)["execution/train"].error


def test_a_file_outside_of_its_folder_is_refused(maker: Maker, tmp_path: Path) -> None:
    class Leaving(Maker):
        def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path] | None:
            super().fetch(live, output, folder)
            (folder / "link").symlink_to(tmp_path / "secret")
            return [folder / "link"]

    write(tmp_path, "secret", "s")
    events = apply(Leaving(maker.clock), train(), root=tmp_path)
    assert "leave its folder" in outcomes(events)["execution/train"].error
    assert not (tmp_path / "build/model").exists()


def test_a_gate_that_is_not_met_fetches_nothing(maker: Maker, tmp_path: Path) -> None:
    gated = replace(FETCH, require=(Gate("accuracy", minimum=2.0),))
    apply(maker, train(gated), root=tmp_path)
    assert not maker.fetched


@pytest.mark.parametrize(("is_there", "fetched"), [(True, 0), (False, 1)])
def test_an_unchanged_run_is_fetched_where_its_folder_is_not_so(
    is_there: bool, fetched: int, maker: Maker, tmp_path: Path
) -> None:
    live = maker.add("execution", "train", COMPLETED, configuration="con-1")
    kept = change("execution/train", Action.NO_OP, live=live, options=FETCH, configuration="con-1")
    assert has_checks(plan(kept))
    if is_there:
        for name, content in FILES.items():
            write(tmp_path, f"build/model/{name}", content.decode())
    events = apply(maker, kept, root=tmp_path)
    assert maker.fetched == fetched
    assert outcomes(events)["execution/train"].result.value == "unchanged"
    assert files_in(tmp_path / "build/model") == FILES


# C5, C24, C25: what is told while a run goes on


def timed(
    maker: Maker, clock: Clock, *changes: Change, **options: Any
) -> list[tuple[float, Event]]:
    settings = {"workers": 1, "polling": Polling(), "clock": clock, "sleep": clock.sleep}
    told = execute(plan(*changes), maker, **{**settings, **options})
    return [(clock(), event) for event in told]


HOURS = [(0.0, Status(State.PENDING, "PENDING")), (5.0, RUNNING), (600.0, COMPLETED)]


def test_c25_a_status_is_reported_at_each_change_and_at_least_each_minute(
    maker: Maker, clock: Clock, tmp_path: Path
) -> None:
    maker.scripts["train"] = [HOURS]
    events = timed(maker, clock, train(), root=tmp_path)
    reports = [(at, event) for at, event in events if isinstance(event, Reported)]
    assert {event.name for _, event in reports} == {"some_status"}
    words = [str(event.report["status"]) for _, event in reports]
    assert list(dict.fromkeys(words)) == ["PENDING", "RUNNING", "COMPLETED"]
    assert 10 <= words.count("RUNNING") <= 13
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(reports)]
    assert max(gaps) <= 60.0


def test_c24_the_last_report_says_where_the_model_is(
    maker: Maker, clock: Clock, tmp_path: Path
) -> None:
    events = [event for _, event in timed(maker, clock, train(), root=tmp_path)]
    reports = [event.report for event in events if isinstance(event, Reported)]
    assert [sorted(report) for report in reports[:-1]] == [["end", "status"]] * (len(reports) - 1)
    assert reports[-1] == {"status": "COMPLETED", "end": None, "model": "build/model"}


@pytest.mark.parametrize(
    ("report", "fetch", "expected"),
    [
        ("job", {MODEL: "m", "artifacts.log": "l"}, {"model": "m", "log": "l"}),
        ("job", {}, {}),
        ("", {MODEL: "m"}, None),
    ],
)
def test_folders_are_reported_once_and_only_of_what_reports(
    report: str,
    fetch: dict[str, str],
    expected: dict[str, str] | None,
    maker: Maker,
    tmp_path: Path,
) -> None:
    maker.kinds = {**KINDS, "execution": replace(KINDS["execution"], report=report)}
    events = apply(maker, train(replace(FETCH, fetch=fetch)), root=tmp_path)
    reports = [event.report for event in events if isinstance(event, Reported)]
    ended = {"status": "COMPLETED", "end": None}
    assert reports[-1:] == ([] if expected is None else [{**ended, **expected}])
    # at its end, and again where there are folders to tell of
    told = [each for each in reports if each["status"] == "COMPLETED"]
    assert len(told) == (0 if not report else 2 if fetch else 1)


def test_c5_a_silent_log_is_read_each_second(maker: Maker, clock: Clock, tmp_path: Path) -> None:
    maker.scripts["train"] = [HOURS]
    began = clock()
    lines = [(6.0, LogEntry(0, "begun")), (400.0, LogEntry(1, "late"))]
    maker.log_lines["train"] = lines
    events = timed(maker, clock, train(), root=tmp_path)
    told = {event.entry.text: at for at, event in events if isinstance(event, LogLine)}
    late = told["late"]
    assert late - (began + 400.0) <= 1.5


def test_a_kind_that_reports_nothing_tells_nothing(clock: Clock, tmp_path: Path) -> None:
    plain = FakePlatform(clock)
    events = apply(plain, train(Options(wait_for="COMPLETED")), root=tmp_path)
    assert not [event for event in events if isinstance(event, Reported | Fetched)]


def test_how_far_a_large_file_has_come_is_told_now_and_then(clock: Clock) -> None:
    meter = Meter(clock)
    key, other = Key("execution", "train"), Key("execution", "small")
    size = 100 * 2**20
    told = []
    for done in range(0, size + 1, 2**20):
        meter.hear(key, done, size)
        meter.hear(other, min(done, 2**20), 2**20)
        told += list(meter.tell())
        clock.sleep(0.1)
    assert {event.key for event in told} == {key}
    assert len(told) <= 8 and told[-1].done == told[-1].total == size
    assert [event.done for event in told] == sorted(event.done for event in told)
    assert not list(meter.tell())


def test_progress_is_told_while_a_call_is_under_way(tmp_path: Path) -> None:
    """On the real clock and real threads: the call itself ends only once it was told."""
    heard = threading.Event()

    class Uploading(Maker):
        def listen(self, hear: Callable[[Key, int, int], None]) -> None:
            self.hear = hear

        def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path] | None:
            self.hear(live.key, 2**20, 2**30)
            assert heard.wait(30)
            return super().fetch(live, output, folder)

    maker = Uploading(Clock())
    live = maker.add("execution", "train", COMPLETED, configuration="con-1")
    kept = change("execution/train", Action.NO_OP, live=live, options=FETCH, configuration="con-1")
    moved = []
    for event in execute(plan(kept), maker, workers=2, root=tmp_path):
        if isinstance(event, Moved):
            moved.append((event.done, event.total))
            heard.set()
    assert moved == [(2**20, 2**30)]
    assert files_in(tmp_path / "build/model") == FILES
