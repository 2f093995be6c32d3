"""The live tree of an apply, as somebody at a terminal sees it."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import termios

import pytest

from tests.acceptance.conftest import CICD, Project

MOVE = re.compile(r"\r|\x1b\[\d*[A-K]")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def screen_of(project: Project, columns: int, *arguments: str) -> tuple[int, str]:
    """What a command writes to a terminal of so many columns; its exit code and all of it."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {**project.environ, "TERM": "xterm-256color"}
    environ.pop("COLUMNS", None)  # the width is the terminal's; pytest's workers have it set
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen([*CICD, *arguments], cwd=project.root, env=environ, **streams)
    os.close(theirs)
    screen = b""
    try:
        while chunk := os.read(ours, 65536):
            screen += chunk
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
