"""The live tree of an apply, as somebody at a terminal sees it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Sequence

import pytest

from tests.acceptance.conftest import CICD, Project
from tests.render.ci_commands import github_commands

MOVE = re.compile(r"\r|\x1b\[\d*[A-K]")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def screen_of(
    project: Project,
    columns: int,
    *arguments: str,
    interrupt_at: str = "",
    before: Sequence[str] = (),
) -> tuple[int, str]:
    """What a command writes to a terminal of so many columns; its exit code and all of it.
    ``interrupt_at``: Ctrl-C is pressed once this has been written."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {**project.environ, "TERM": "xterm-256color"}
    environ.pop("COLUMNS", None)  # the width is the terminal's; pytest's workers have it set
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(
        [*before, *CICD, *arguments], cwd=project.root, env=environ, **streams
    )
    os.close(theirs)
    screen = b""
    try:
        while chunk := os.read(ours, 65536):
            screen += chunk
            if interrupt_at and interrupt_at in screen.decode(errors="replace"):
                interrupt_at = ""
                process.send_signal(signal.SIGINT)
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return process.wait(60), screen.decode()


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_tree_tells_time_bound_and_what_waits(small: Project, columns: int) -> None:
    code, screen = screen_of(small, columns, "apply", "dev", "--local", "--yes")
    assert code == 0, screen
    plain = ESCAPE.sub("", MOVE.sub("\n", screen))
    assert re.search(r"(?:├──|└──).*\d+s(?: of |/)\d+[mh]", plain)
    assert "waits for " in plain
    rows = [line for line in plain.split("\n") if line.startswith(("├──", "└──"))]
    assert rows
    assert max(map(len, rows)) <= columns


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(small: Project, term: str) -> None:
    plain = ("env", f"TERM={term}")
    code, screen = screen_of(small, 80, "apply", "dev", "--local", "--yes", before=plain)
    assert code == 0 and "├──" not in screen, screen
    assert "execution/train │ running" in screen and "execution/train │ applied" in screen


def slow_runs(project: Project, count: int) -> None:
    """Instead of what it has, so many runs that take longer than anybody looks at them."""
    train = (project.root / "templates/train.yaml").read_text(encoding="utf-8")
    head, _, _ = train.partition("spec:")
    project.write(
        "templates/train.yaml",
        head + "spec:\n  entrypoint: main\n  templates:\n    - name: main\n      container:\n"
        "        image: docker.io/library/python:3.11\n"
        "        command: [python, -c, 'import time; print(1, flush=True); time.sleep(60)']\n",
    )
    stage = "branch: main\naicore: {resource_group: slow}\nexecutions:\n"
    stage += "".join(
        f"  - key: run{n}\n    configuration:\n      name: run-{n}\n      scenario_id: small\n"
        "      executable_id: small-train\n"
        for n in range(count)
    )
    project.write(
        "stages/slow.yaml",
        "git: {application: slow, repository: "
        "https://github.com/your-org/small, path: templates}\n" + stage,
    )


def lines_after_the_tree(screen: str) -> Sequence[str]:
    """What stays on the screen below the last line of the tree."""
    plain = ESCAPE.sub("", MOVE.sub("\n", screen)).split("\n")
    last = max(n for n, line in enumerate(plain) if line.startswith(("├──", "└──")))
    return [line for line in plain[last + 1 :] if line.strip()]


@pytest.mark.slow
def test_ctrl_c_leaves_how_everything_stands_and_says_once_how_to_go_on(small: Project) -> None:
    slow_runs(small, 2)
    arguments = ("apply", "slow", "--local", "--yes")
    code, screen = screen_of(small, 100, *arguments, interrupt_at="RUNNING")
    assert code == 130, screen
    left = "\n".join(lines_after_the_tree(screen))
    assert re.search(r"resource_group/slow +create +applied", left), left
    for key in ("execution/run0", "execution/run1"):
        assert re.search(rf"{key} +run +deferred", left), left
    assert left.count("was under way and goes on") == 2
    assert screen.count("interrupted") == 1
    assert left.endswith("follow it to the end")


def test_an_interrupted_apply_writes_what_happened_into_its_summary(small: Project) -> None:
    slow_runs(small, 2)
    arguments = ("apply", "slow", "--local", "--yes", "--summary", "s.json")
    code, screen = screen_of(small, 100, *arguments, interrupt_at="RUNNING")
    assert code == 130, screen
    summary = json.loads((small.root / "s.json").read_text(encoding="utf-8"))
    assert (summary["stage"], summary["result"]) == ("slow", "interrupted")
    results = {one["key"]: one["result"] for one in summary["outcomes"]}
    assert results["resource_group/slow"] == "applied"
    assert results["execution/run0"] == results["execution/run1"] == "deferred"


@pytest.mark.slow
def test_runs_that_the_emulator_lets_wait_are_a_queue_in_the_tree(small: Project) -> None:
    slow_runs(small, 4)
    assert small.cicd("emulator", "start", "--parallel", "1").returncode == 0
    arguments = ("apply", "slow", "--local", "--yes")
    code, screen = screen_of(small, 100, *arguments, interrupt_at=" 1 of 3 in the queue")
    assert code == 130, screen
    assert re.search(
        r"execution/run\d +PENDING · [\dms ]+ of 30m · 1 of 3 in the queue", ESCAPE.sub("", screen)
    )


@pytest.mark.parametrize("columns", [50, 80])
def test_no_line_of_a_log_that_is_broken_beside_the_tree_begins_with_a_command(
    small: Project, columns: int
) -> None:
    small.edit("src/train.py", 'print("training on"', 'print("::error::x " * 40 + "on"')
    code, screen = screen_of(small, columns, "apply", "dev", "--local", "--yes")
    assert code == 0 and screen.count("error::x") >= 40, screen
    assert not github_commands(ESCAPE.sub("", MOVE.sub("\n", screen)))
