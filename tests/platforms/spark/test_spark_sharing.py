"""The cluster of a test run: one for all its workers, and nothing left of it after the last."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.platforms.spark.sharing import shared

CLASS = """\
#!{python}
# stands in for a master, which has a page, or a worker; its process id is all that it tells
import http.server, os, pathlib, signal, sys
name = sys.argv[1].rpartition(".")[2]
with open({pids!r}, "a") as file:
    file.write(f"{{name}} {{os.getpid()}}\\n")
if name == "Worker":
    signal.pause()
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{{"aliveworkers": 1}}')
port = sys.argv[sys.argv.index("--webui-port") + 1]
http.server.HTTPServer(("127.0.0.1", int(port)), Page).serve_forever()
"""
USER = """\
import pathlib, sys
from tests.platforms.spark.sharing import shared
with shared(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])) as cluster:
    print(cluster.ui_url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    program = tmp_path / "home/bin/spark-class"
    program.parent.mkdir(parents=True)
    text = CLASS.format(python=sys.executable, pids=str(tmp_path / "pids"))
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return tmp_path / "home"


@contextmanager
def user(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses it, and the address that it has got."""
    command = [sys.executable, "-c", USER, str(home), str(home.parent / "cluster")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def daemons(home: Path) -> list[int]:
    lines = (home.parent / "pids").read_text(encoding="utf-8").splitlines()
    return [int(line.split()[1]) for line in lines]


@pytest.mark.parametrize("ends", ["one after the other", "the first is killed", "all are killed"])
def test_a_cluster_is_one_for_all_and_stops_with_the_last(home: Path, ends: str) -> None:
    with ExitStack() as stack:
        users = [stack.enter_context(user(home)) for _ in range(3)]
        assert len({address for _, address in users}) == 1
        assert len(daemons(home)) == 2
        for number, (process, _) in enumerate(users):
            assert all(map(is_there, daemons(home)))
            if ends == "all are killed" or (ends == "the first is killed" and number == 0):
                process.kill()
            process.communicate("")
        while any(map(is_there, daemons(home))):
            pass
    assert not (home.parent / "cluster/cluster.json").exists()


def test_after_the_last_there_is_a_new_one_and_never_half_of_the_old(home: Path) -> None:
    """However soon somebody asks again."""
    for _ in range(2):
        with shared(home, home.parent / "cluster"):
            assert sum(map(is_there, daemons(home))) == 2
    assert len(daemons(home)) in {2, 4}


def test_a_cluster_that_does_not_start_is_told_to_whoever_wants_it(home: Path) -> None:
    (home / "bin/spark-class").write_text("#!/bin/sh\necho no Java here\nexit 1\n", "utf-8")
    with pytest.raises(AssertionError, match="no cluster"), shared(home, home.parent / "cluster"):
        pass
    log = (home.parent / "cluster/master.Master.log").read_text(encoding="utf-8")
    assert log == "no Java here\n"
