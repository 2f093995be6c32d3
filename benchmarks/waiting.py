"""How soon an apply notices that the work is done, and how often it looks."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.applying import Measured, run, server
from benchmarks.table import Row
from benchmarks.validate import write_project

WORK = 3.0
RUNS = 3
SECOND = 0.9
"""Somewhat less than one: requests of a strict rhythm arrive a little early or late."""


def rows() -> list[Row]:
    """A training and what serves its model, each of which takes its time."""
    late, most = [], 0
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, server(work=WORK, delay=0.02) as url:
            root = Path(folder)
            write_project(root, 3, 1, git=False)
            done = run(["cicd", "apply", "dev", "--auto-approve"], root, url)
            late.append(done.late)
            most = max(most, *(busiest(done, kind) for kind in ("executions", "deployments")))
    return [
        Row(f"work of {WORK:g} s: apply returns after its end", _spread(late), "<= 1.5 s"),
        Row("most requests of one run within a second", most, "<= 2"),
    ]


def busiest(done: Measured, kind: str) -> int:
    """The most requests about the one run of this kind within a second."""
    looks = list(zip(done.requests, done.times, strict=True))
    times = [time for path, time in looks if path.startswith("GET") and f"/{kind}/" in path]
    return max(sum(0 <= other - time < SECOND for other in times) for time in times)


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
