"""kill -9 of the emulator: no orphans, and the next one goes on where the nodes end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulator.runner.runner_host import FileJournal, begin
from tests.emulator.runner.runner_journal import HAS_BWRAP

MODES = [
    pytest.param(
        "bubblewrap", marks=pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not installed")
    ),
    "process",
]
ROOT = Path(__file__).parents[3]


def wait(condition: Callable[[], bool]) -> None:
    for _ in range(1500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def mentions(text: str) -> list[str]:
    """The processes of this machine whose command line has ``text`` in it."""
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in found.stdout.splitlines() if text in line and "ps -eo" not in line]


def kill_hosting(folder: Path, mode: str, what: str, until: Callable[[], bool]) -> None:
    """Host a runner in a process of its own and kill it once ``until`` holds."""
    host = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "runner_host.py"), str(folder), mode, what],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        wait(until)
    finally:
        host.kill()
        host.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="needs ps")
@pytest.mark.parametrize("mode", MODES)
def test_an_execution_goes_on_after_a_kill(tmp_path: Path, mode: str) -> None:
    journal = FileJournal(tmp_path)
    kill_hosting(
        tmp_path, mode, "execution", lambda: any("pid" in t for (t,) in journal.entries("line"))
    )
    wait(lambda: not mentions(str(tmp_path)))
    runner = begin(tmp_path, mode, "execution")
    try:
        wait(lambda: any(entry[0] != "RUNNING" for entry in journal.entries("status")))
    finally:
        runner.close()
    assert journal.entries("status")[-1][0] == "COMPLETED", journal.entries("status")
    texts = [text for (text,) in journal.entries("line")]
    assert texts.count("first runs") == 1
    assert sum("pid" in text for text in texts) == 2
    assert texts[-1] == "kept"
    assert len(journal.entries("publish")) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs ps")
@pytest.mark.parametrize("mode", MODES)
def test_a_killed_emulator_leaves_no_server(tmp_path: Path, mode: str) -> None:
    journal = FileJournal(tmp_path)
    kill_hosting(tmp_path, mode, "deployment", lambda: bool(journal.entries("serving")))
    wait(lambda: not mentions(str(tmp_path)))


@pytest.mark.parametrize("mode", MODES)
def test_close_ends_what_runs_and_says_nothing(tmp_path: Path, mode: str) -> None:
    journal = FileJournal(tmp_path)
    runner = begin(tmp_path, mode, "execution")
    wait(lambda: any("pid" in text for (text,) in journal.entries("line")))
    runner.close()
    assert not mentions(str(tmp_path))
    assert journal.entries("status") == [["RUNNING", ""]]
    pods = [node for node in journal.nodes("e1").values() if node.type == "Pod"]
    assert {node.template: node.phase for node in pods} == {
        "first": "Succeeded",
        "second": "Running",
    }
