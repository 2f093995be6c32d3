"""Many programs that write at once, long lists: counted here, timed by ``python -m benchmarks``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.emulator.jobs import Line
from cicd.emulator.runner.local import create
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runs import rotation
from cicd.emulator.runs.journal import StoreJournal
from cicd.emulator.runs.rotation import Rotation
from cicd.emulator.state.objectstore import ObjectStore
from cicd.emulator.state.store import Store
from tests.emulator.emulator_client import Client
from tests.emulator.runner.runner_journal import ENVIRON, MemoryJournal, execution, shell, workflow

RUNS, LINES = 8, 2000
COUNT = f'i=0; while [ $i -lt {LINES} ]; do echo "line $i"; i=$((i+1)); done'
ADD_RUN = (
    "INSERT INTO runs (id, kind, resource_group, configuration_id, configuration_name, "
    "scenario_id, executable_id, status, target_status, created_at, modified_at, token, job) "
    "VALUES (?, 'execution', 'default', 'c', 'c', 's', 'x', ?, 'COMPLETED', "
    "'2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', ?, '{}')"
)
ADD_ARTIFACT = (
    "INSERT INTO artifacts (id, resource_group, name, kind, url, scenario_id, labels, "
    "execution_id, created_at) VALUES (?, 'default', ?, 'model', 'ai://default/x', 's', '{}', ?, "
    "'2026-01-01T00:00:00Z')"
)


MOST_KEPT = 2**18


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "data").mkdir()
    with contextlib.closing(Store(tmp_path / "data")) as found:
        yield found


def test_no_line_of_many_writers_is_lost(store: Store, tmp_path: Path) -> None:
    ids = [f"e{number}" for number in range(RUNS)]
    for id in ids:
        store.write(ADD_RUN, (id, "UNKNOWN", id))
    journal = StoreJournal(store, ObjectStore(tmp_path / "data", store))
    runner = create(journal, environ=ENVIRON, settings=Settings(sandbox="process"))
    with contextlib.closing(runner):
        for id in ids:
            job = execution(tmp_path / id, workflow(shell("main", COUNT)), id=id)
            runner.start_execution(job)
        while store.rows("SELECT 1 FROM runs WHERE status != 'COMPLETED'"):
            time.sleep(0.02)
    wanted = [f"line {number}" for number in range(LINES)]
    for id in ids:
        rows = store.rows("SELECT text FROM logs WHERE run_id = ? ORDER BY time", (id,))
        assert [row["text"] for row in rows if row["text"].startswith("line ")] == wanted


@pytest.mark.parametrize(
    "source",
    [
        "while yes | head -n 4000; do :; done",
        "while head -c 30000 /dev/zero | tr '\\0' x; do :; done",
        "while true; do echo wrong >&2; head -c 9000 /dev/urandom; done",
    ],
)
def test_of_a_log_without_end_the_newest_part_is_kept_and_it_says_so(
    store: Store, tmp_path: Path, mocker: MockerFixture, source: str
) -> None:
    mocker.patch.object(rotation, "MOST", MOST_KEPT)
    journal = StoreJournal(store, ObjectStore(tmp_path / "data", store))
    runner = create(journal, environ=ENVIRON, settings=Settings(sandbox="process", grace=0.5))
    say = "what is older was dropped: 0.25 MiB of a log are kept"
    with contextlib.closing(runner):
        for id, text in (("e1", source), ("e2", "echo calm")):
            store.write(ADD_RUN, (id, "UNKNOWN", id))
            runner.start_execution(execution(tmp_path / id, workflow(shell("main", text)), id=id))
        of_run = "FROM logs WHERE run_id = ? ORDER BY time"
        while say not in [row["text"] for row in store.rows(f"SELECT text {of_run}", ("e1",))]:
            time.sleep(0.02)
        size = store.rows("SELECT sum(length(text)) AS size FROM logs")[0]["size"]
        assert size < 8 * MOST_KEPT  # what is kept, and what came in one go before it was looked at
        runner.stop_execution("e1")
        while store.rows("SELECT 1 FROM runs WHERE status IN ('UNKNOWN', 'PENDING', 'RUNNING')"):
            time.sleep(0.02)
    assert store.rows(f"SELECT text {of_run}", ("e1",))[0]["text"] == say
    assert "calm" in [row["text"] for row in store.rows(f"SELECT text {of_run}", ("e2",))]


def test_what_was_logged_before_a_restart_counts(store: Store, tmp_path: Path) -> None:
    store.write(ADD_RUN, ("e1", "RUNNING", "e1"))
    for number in range(20):
        with store.transaction() as db:
            lines = [Line(number * 1000 + at, "x" * 50) for at in range(100)]
            rows = [("e1", line.time, line.text, "main", "e1", "stdout") for line in lines]
            db.executemany("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)", rows)
            # as if each were the first one after a start
            Rotation(MOST_KEPT).count(db, "e1", lines)
    kept = store.rows("SELECT time, text FROM logs ORDER BY time")
    assert 1000 < len(kept) < 1400
    assert kept[0]["text"].startswith("what is older was dropped")
    assert kept[-1]["time"] == 19099 and len({row["time"] for row in kept}) == len(kept)


def test_what_a_program_writes_last_while_its_lines_are_stored(tmp_path: Path) -> None:
    class Slow(MemoryJournal):
        def log(self, run_id: str, lines: Sequence[Line]) -> None:
            if any(line.text == "first" for line in lines):
                # meanwhile the program writes the rest and ends
                time.sleep(0.6)
            super().log(run_id, lines)

    journal = Slow()
    runner = create(journal, environ=ENVIRON, settings=Settings(sandbox="process"))
    with contextlib.closing(runner):
        text = "echo first; sleep 0.3; echo last"
        runner.start_execution(execution(tmp_path, workflow(shell("main", text))))
        assert journal.end("e1") == "COMPLETED"
    assert journal.texts[-1] == "last"


def test_a_page_of_a_long_list(client: Client) -> None:
    with client.world.store.transaction() as db:
        runs = [(f"e{n:05}", "DEAD" if n % 3 == 0 else "COMPLETED", f"t{n}") for n in range(300)]
        db.executemany(ADD_RUN, runs)
        made = ((f"a{n:05}", f"name {n}", f"e{n // 2:05}") for n in range(600))
        db.executemany(ADD_ARTIFACT, made)
    statements: list[str] = []
    client.world.store._reader.set_trace_callback(statements.append)

    def page(query: str) -> Any:
        statements.clear()
        found = client.get(f"/v2/lm/{query}")
        # however long the list is
        assert len(statements) < 10
        return found

    found = page("executions?$top=2&$skip=200&$count=true")
    assert found["count"] == 300
    assert [item["id"] for item in found["resources"]] == ["e00200", "e00201"]
    outputs = [[output["id"] for output in x["outputArtifacts"]] for x in found["resources"]]
    assert outputs == [["a00400", "a00401"], ["a00402", "a00403"]]
    assert page("executions?$top=5&$skip=98&status=DEAD")["count"] == 2
    assert page("executions/$count?status=DEAD") == 100
    assert page("artifacts?$search=NAME 59&searchCaseInsensitive=true")["count"] == 11
    assert page("artifacts?$top=1&$skip=599")["resources"][0]["id"] == "a00599"
    assert page("artifacts?$skip=600") == {"count": 0, "resources": []}
