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
LINE = re.compile(r" at (\d+\.\d+)$")


@dataclass(frozen=True)
class Followed:
    """``requests``: what was asked from the first look on; ``late``: seconds from the moment that a
    line was written until it was told, the worst; ``lines``: how many came."""

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
    late, lines = 0.0, 0
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
                late, lines = max(late, time.monotonic() - float(told[1])), lines + 1
    counts = take_counts(url)
    return Followed(list(counts["requests"]), late, lines)


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
            logs = sum(request.endswith("/logs") for request in seen.requests)
            reads = sum(request.startswith("GET") for request in seen.requests)
            title = f"{RUNS} runs of {WORK:g} s, {what}: {name}"
            told = f"{len(seen.requests)}: {reads} reads, {logs} of them logs"
            found.append(Row(f"{title}: requests", told))
            found.append(
                Row(f"{title}: latest of {seen.lines} lines", f"{seen.late:.2f} s", "<= 1 s")
            )
    return found
