"""Fifty runs of five seconds that are followed with their logs: requests, and the latest line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.aicore import SCENARIO
from benchmarks.applying import environment, server, take_counts
from benchmarks.table import Row
from benchmarks.validate import write_project

RUNS, WORK = 50, 5.0
PATTERNS = {"a line at the begin and the end": 0.0, "a line a second": 1.0}
ASKED = "<= 150"
"""What issue 12 asks. The API has one log for each run, and no end of a log but that its run has
ended: a line within a second takes a read of each run every second and one after its end, 300 here,
and a look that takes its time begins the sooner."""
LINE = re.compile(r" at (\d+\.\d+)$")


@dataclass(frozen=True)
class Followed:
    """``requests``: what was asked from the first look on; ``late``: seconds from the moment that a
    line was written until it was told, the worst, of those that were there before any log was asked
    for from then on; ``lines``: how many came."""

    requests: list[str]
    late: float
    lines: int


def stage(count: int) -> dict[str, Any]:
    """So many runs."""
    executions = [
        {
            "key": f"train-{n}",
            "configuration": {
                "name": f"Training {n}",
                "scenario_id": SCENARIO,
                "executable_id": "bench-train-0",
                "parameter_bindings": {"epochs": str(n)},
                "input_artifact_bindings": {"dataset": "data"},
            },
        }
        for n in range(count)
    ]
    artifact = {"name": "Data", "kind": "dataset", "url": "ai://default/1", "key": "data"}
    return {
        "branch": "main",
        "aicore": {"resource_group": "bench-dev"},
        "artifacts": [{**artifact, "scenario_id": SCENARIO}],
        "executions": executions,
    }


def follow(command: Sequence[str], root: Path, url: str) -> Followed:
    """A command that tells lines, from its first look at a run on."""
    take_counts(url)
    moments: list[tuple[float, float]] = []
    with subprocess.Popen(
        [sys.executable, "-m", "cicd", *command],
        cwd=root,
        env=environment(url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        for text in process.stdout:
            if told := LINE.search(text.rstrip()):
                moments.append((float(told[1]), time.monotonic()))
    counts = take_counts(url)
    asked = list(counts["requests"])
    first = next(at for at, what in zip(counts["times"], asked, strict=True) if is_log(what))
    late = max(told - max(written, first) for written, told in moments)
    return Followed(asked, late, len(moments))


def is_log(request: str) -> bool:
    """Whether it asks for lines."""
    return request.endswith("/logs")


def measured(every: float, runs: int = RUNS) -> dict[str, Followed]:
    """``apply`` that starts and follows them, and ``logs --follow`` beside another that started
    them: what each asked."""
    found: dict[str, Followed] = {}
    for name in ("apply", "logs"):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_project(root, 1, 1, git=False)
            (root / "stages" / "dev.yaml").unlink()
            text = json.dumps(stage(runs))
            (root / "stages" / "dev.json").write_text(text, encoding="utf-8")
            with server(work=WORK, every=every, delay=0.02, connect=0.04) as url:
                apply = ["apply", "dev", "--yes"]
                if name == "apply":
                    found[name] = follow(apply, root, url)
                    continue
                started = [sys.executable, "-m", "cicd", *apply, "--no-wait"]
                subprocess.run(
                    started, cwd=root, env=environment(url), check=True, capture_output=True
                )
                found[name] = follow(["logs", "dev", "train-*", "--follow"], root, url)
    return found


def rows() -> list[Row]:
    """Requests of both ways to follow."""
    found = []
    for what, every in PATTERNS.items():
        for name, seen in measured(every).items():
            logs = sum(map(is_log, seen.requests))
            reads = sum(request.startswith("GET") for request in seen.requests)
            title = f"{RUNS} runs of {WORK:g} s, {what}: {name}"
            told = f"{len(seen.requests)}: {reads} reads, {logs} of them logs"
            found.append(Row(f"{title}: requests", told, ASKED))
            found.append(
                Row(f"{title}: latest of {seen.lines} lines", f"{seen.late:.2f} s", "<= 1 s")
            )
    return found
