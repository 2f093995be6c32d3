"""What runs may take of this machine: so many at once, each so much, else the reason why not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.errors import EmulatorError
from cicd.emulator.jobs import Image
from cicd.emulator.runner.bounds import GIB, Bounds, Chosen, Limits
from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runner.slots import Slots
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    HAS_BWRAP,
    MemoryJournal,
    deployment,
    execution,
    script,
    serving,
    shell,
    workflow,
)

SANDBOXES = [
    pytest.param(
        "bubblewrap", marks=pytest.mark.skipif(not HAS_BWRAP, reason="bubblewrap is not here")
    ),
    "process",
]
MIB = 2**20
SMALL = Limits(processes=40, threads=150, memory=150 * MIB, files=100, disk=30 * MIB)
Make = Callable[..., LocalRunner]


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(params=SANDBOXES)
def make(journal: MemoryJournal, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """A runner with bounds: limits of each container, or how many run at once."""
    with contextlib.ExitStack() as stack:

        def made(limits: Limits | None = None, parallel: int = 4) -> LocalRunner:
            (tmp_path / "data").mkdir(exist_ok=True)
            bounds = Bounds(tmp_path / "data", limits)
            bounds.choose(Chosen(parallel=parallel))
            settings = Settings(sandbox=request.param, grace=1.0, crashes=1, bounds=bounds)
            runner = create(journal, environ=ENVIRON, settings=settings)
            return stack.enter_context(contextlib.closing(runner))

        yield made


# every one of these ends by itself after a while, should nobody end it
TOO_MUCH = {
    "many": (shell("main", "for i in $(seq 120); do sleep 20 & done; wait"), "40 processes"),
    "a tree": (
        shell("main", "f() { [ $1 -gt 0 ] && { f $(($1-1)) & f $(($1-1)) & }; sleep 20; }; f 7"),
        "40 processes",
    ),
    "sessions of their own": (
        shell("main", "for i in $(seq 120); do setsid sleep 20 & done; sleep 20"),
        "40 processes",
    ),
    "orphans": (
        shell("main", "for i in $(seq 120); do (sleep 20 &); done; sleep 20"),
        "40 processes",
    ),
    "threads": (
        script(
            "main",
            "import threading, time\n"
            "for _ in range(200): threading.Thread(target=time.sleep, args=(20,)).start()\n",
        ),
        "150 threads",
    ),
    "memory": (
        script(
            "main",
            "import time\nkept = []\n"
            "for _ in range(40): kept.append(bytearray(b'x' * 10**7)); time.sleep(0.05)\n"
            "time.sleep(20)\n",
        ),
        "OOMKilled: more than 0.146 GiB",
    ),
    "memory of many": (
        script(
            "main",
            "import os, time\n"
            "for _ in range(10):\n"
            "    if not os.fork():\n"
            "        kept = bytearray(b'x' * 3 * 10**7); time.sleep(20)\n"
            "time.sleep(20)\n",
        ),
        "OOMKilled: more than 0.146 GiB",
    ),
    "many files": (
        script(
            "main",
            "import time\n"
            "for n in range(100): open(f'x{n}', 'wb').write(b'x' * 10**6); time.sleep(0.05)\n"
            "time.sleep(20)\n",
        ),
        "Evicted: more than 0.0293 GiB written to disk",
    ),
    "empty files": (
        script("main", "n = 0\nwhile True: open(f'x{n}', 'w').close(); n += 1\n"),
        "Evicted: more than 0.0293 GiB written to disk",
    ),
    "one file": (
        shell("main", "dd if=/dev/zero of=x bs=1M count=100; exit $?"),
        "Evicted: more than 0.0293 GiB written to disk",
    ),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_takes_too_much_is_dead_with_the_reason(
    make: Make, journal: MemoryJournal, tmp_path: Path, name: str
) -> None:
    template, why = TOO_MUCH[name]
    runner = make(SMALL)
    other = execution(tmp_path, workflow(shell("main", "sleep 3; echo survived")), id="e2")
    runner.start_execution(replace(other, folder=tmp_path / "other"))
    runner.start_execution(execution(tmp_path, workflow(template)))
    journal.wait(lambda: journal.last("e1") == "DEAD")
    [message] = [
        text for run, status, text, _ in journal.statuses if (run, status) == ("e1", "DEAD")
    ]
    assert why in message
    assert any(why in text for text in journal.texts)
    assert journal.end("e2") == "COMPLETED" and "survived" in journal.texts


def test_nothing_of_a_bomb_is_left(make: Make, journal: MemoryJournal, tmp_path: Path) -> None:
    mark = f"100{tmp_path.name[-1]}.25"
    line = f"for i in $(seq 120); do setsid sh -c 'sleep {mark}; :' & done; wait"
    make(SMALL).start_execution(execution(tmp_path, workflow(shell("main", line))))
    assert journal.end("e1") == "DEAD"
    left = [
        command
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if mark in (command := text_of(path)) and "seq 120" not in command
    ]
    assert left == []


def text_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_a_program_gets_no_more_open_files(
    make: Make, journal: MemoryJournal, tmp_path: Path
) -> None:
    source = "kept = [open('/dev/null') for _ in range(200)]\n"
    make(SMALL).start_execution(execution(tmp_path, workflow(script("main", source))))
    assert journal.end("e1") == "DEAD"
    assert "Too many open files" in journal.text


def test_what_is_within_its_limits_is_left_alone(
    make: Make, journal: MemoryJournal, tmp_path: Path
) -> None:
    line = "for i in $(seq 15); do sleep 0.5 & done; head -c 20000000 /dev/zero > x; wait"
    make(SMALL).start_execution(execution(tmp_path, workflow(shell("main", line))))
    assert journal.end("e1") == "COMPLETED", journal.message


def test_a_server_that_takes_too_much_is_dead_with_the_reason(
    make: Make, journal: MemoryJournal, tmp_path: Path
) -> None:
    text = serving()["spec"]["template"]["spec"]
    line = "for i in $(seq 120); do sleep 20 & done; wait"
    text = text.replace("[python, /app/src/server.py]", f'[sh, -c, "{line}"]')
    make(SMALL).deploy(deployment(tmp_path, serving(text)))
    assert journal.end("d1") == "DEAD"
    assert "more than 40 processes at once" in journal.message


def test_so_many_containers_run_at_once_and_the_rest_is_pending(
    make: Make, journal: MemoryJournal, tmp_path: Path
) -> None:
    line = "echo begins; sleep 0.2; echo ends"
    steps = [[{"name": "s", "template": "one", "withSequence": {"count": "6"}}]]
    template = workflow({"name": "main", "steps": steps}, shell("one", line))
    images = {"img": Image(note="stands in")}
    make(parallel=2).start_execution(execution(tmp_path, template, images=images))
    assert journal.end("e1") == "COMPLETED"
    assert journal.texts.count("stands in") == 1
    assert most_at_once(journal) <= 2
    waited = [node for node in journal.history if node.phase == "Pending"]
    assert len(waited) == 4 and "--parallel 2" in waited[0].message
    assert any("4 of 6 steps: waiting for a place" in text for text in journal.texts)


def test_executions_wait_as_pending_and_take_turns(
    make: Make, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner = make(parallel=1)
    steps = [[{"name": "s", "template": "one", "withSequence": {"count": "5"}}]]
    many = workflow({"name": "main", "steps": steps}, shell("one", "echo begins; echo ends"))
    few = workflow(shell("main", "echo begins; echo ends"))
    runner.start_execution(execution(tmp_path, many))
    journal.wait(lambda: "begins" in journal.texts)
    for number in (2, 3):
        runner.start_execution(execution(tmp_path / str(number), few, id=f"e{number}"))
    ended = [journal.end(f"e{number}") for number in (1, 2, 3)]
    assert ended == ["COMPLETED"] * 3 and most_at_once(journal) == 1
    pending = {run for run, status, text, _ in journal.statuses if status == "PENDING" and text}
    assert pending == {"e2", "e3"}
    order = [run for run, status, *_ in journal.statuses if status == "COMPLETED"]
    assert order[-1] == "e1"


@pytest.mark.parametrize("ask", ["stop", "deadline"])
def test_what_waits_for_a_place_can_be_ended(
    make: Make, journal: MemoryJournal, tmp_path: Path, ask: str
) -> None:
    runner = make(parallel=1)
    runner.start_execution(execution(tmp_path, workflow(shell("main", "echo up; sleep 30"))))
    journal.wait(lambda: "up" in journal.texts)
    more = {"activeDeadlineSeconds": 1} if ask == "deadline" else {}
    waiting = execution(tmp_path, workflow(shell("main", "echo never"), **more), id="e2")
    runner.start_execution(replace(waiting, folder=tmp_path / "e2"))
    journal.wait(lambda: journal.last("e2") == "PENDING")
    if ask == "stop":
        runner.stop_execution("e2")
    assert journal.end("e2") == ("STOPPED" if ask == "stop" else "DEAD")
    runner.stop_execution("e1")
    assert journal.end("e1") == "STOPPED"
    # the place is free again
    last = execution(tmp_path, workflow(shell("main", "echo last")), id="e3")
    runner.start_execution(replace(last, folder=tmp_path / "e3"))
    assert journal.end("e3") == "COMPLETED" and "never" not in journal.texts


def test_so_many_servers_start_at_once(make: Make, journal: MemoryJournal, tmp_path: Path) -> None:
    runner = make(parallel=1)
    for number in range(3):
        job = deployment(tmp_path, serving(), id=f"d{number}", parameters={"start": "0.3"})
        runner.deploy(replace(job, folder=tmp_path / f"served{number}"))
    for number in range(3):
        journal.wait(lambda n=number: journal.last(f"d{n}") in {"RUNNING", "DEAD"})  # type: ignore[misc]
        assert journal.last(f"d{number}") == "RUNNING", journal.message
    assert any("1 servers are starting (--parallel)" in text for text in journal.texts)


def most_at_once(journal: MemoryJournal) -> int:
    """How many containers were running at the same time."""
    found, most = 0, 0
    for text in journal.texts:
        found += (text == "begins") - (text == "ends")
        most = max(most, found)
    return most


def test_places_are_given_in_turn_and_a_change_of_their_number_counts() -> None:
    most = 1
    slots = Slots(lambda: most)
    given: list[str] = []
    assert slots.ask("a", lambda: None)
    for name in ("a1", "a2", "b1"):
        assert not slots.ask(name[0], lambda name=name: given.append(name))  # type: ignore[misc]
    slots.give_back()
    slots.give_back()
    assert given == ["a1", "b1"]
    assert slots.cancel("a") == 1 and slots.cancel("a") == 0
    most = 3
    assert slots.ask("c", lambda: None) and slots.ask("c", lambda: None)
    over = threading.Event()
    over.set()
    assert not slots.take("d", over, lambda: None)
    assert slots.cancel("d") == 0


@pytest.mark.parametrize(
    ("labels", "gib"),
    [({}, 4), ({"ai.sap.com/resourcePlan": "starter"}, 3), ({"ai.sap.com/resourcePlan": "own"}, 4)],
)
def test_memory_is_that_of_the_resource_plan(
    tmp_path: Path, labels: dict[str, Any], gib: int
) -> None:
    assert Bounds(tmp_path).limits(tmp_path, labels).memory == gib * GIB
    Bounds(tmp_path).choose(Chosen(memory=1.5, disk=0.5))
    Bounds(tmp_path).choose(Chosen(parallel=3))
    bounds = Bounds(tmp_path)
    found = bounds.limits(tmp_path, labels)
    assert (bounds.parallel, bounds.servers) == (3, 24)
    assert (found.memory, found.disk) == (1.5 * GIB, 0.5 * GIB)
    with pytest.raises(EmulatorError, match="parallel must be a number above 0"):
        bounds.choose(Chosen(parallel=0))
    (tmp_path / "bounds.json").write_text("damaged")
    assert bounds.limits(tmp_path, labels).memory == gib * GIB
