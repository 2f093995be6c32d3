"""An apply over a slow line: against a bare client, and against the way without cicd."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.aicore import SCENARIO
from benchmarks.table import Row
from benchmarks.validate import write_project

DELAY, CONNECT = 0.02, 0.04
THERE = 4000
COUNT, MANY = 20, 500
OPTIONS = {"delay": DELAY, "connect": CONNECT, "there": THERE}
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Measured:
    """One process and what it asked for. ``span``: seconds from its first request to its last
    answer; ``seconds``: of the process as a whole, ``processor`` of its CPU."""

    seconds: float
    processor: float
    span: float
    requests: list[str]
    times: list[float]
    connections: int
    most_connections: int
    late: float
    """Seconds from the end of the last work until the process had ended."""


def stage(count: int) -> dict[str, Any]:
    """Artifacts, and as many deployments with destinations that take one each."""
    artifacts = [
        {
            "key": f"data-{n}",
            "name": f"Data {n}",
            "kind": "model",
            "url": f"ai://default/{n}",
            "scenario_id": SCENARIO,
        }
        for n in range(count)
    ]
    deployments = [
        {
            "key": f"serve-{n}",
            "configuration": {
                "name": f"Serving {n}",
                "scenario_id": SCENARIO,
                "executable_id": "bench-serve-0",
                "input_artifact_bindings": {"model": f"data-{n}"},
            },
            "destination_name": f"D{n}",
        }
        for n in range(count)
    ]
    group = {"resource_group": "bench-dev"}
    return {
        "branch": "main",
        "aicore": group,
        "artifacts": artifacts,
        "deployments": deployments,
    }


@contextmanager
def server(**options: float) -> Iterator[str]:
    """The benchmark's AI Core in a process of its own; its url."""
    given = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "benchmarks.aicore", *given]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


def environment(url: str) -> dict[str, str]:
    """What a process needs to log in."""
    names = {"BASE_URL": url, "AUTH_URL": url, "CLIENT_ID": "me", "CLIENT_SECRET": "s"}
    login = {f"{p}_{n}": v for p in ("AICORE", "DESTINATION") for n, v in names.items()}
    return {**os.environ, **login, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}


def run(command: Sequence[str], cwd: Path, url: str) -> Measured:
    """One process against the server."""
    take_counts(url)
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=environment(url),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds, after, end = time.perf_counter() - start, os.times(), time.monotonic()
    told = take_counts(url)
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return Measured(
        seconds,
        used,
        told["span"],
        told["requests"],
        told["times"],
        told["connections"],
        told["most_connections"],
        end - max(told["ready"].values(), default=end),
    )


def take_counts(url: str) -> Mapping[str, Any]:
    """What the server was asked since the last time."""
    counts: Mapping[str, Any] = requests.get(f"{url}/counts", timeout=60).json()
    return counts


def project(root: Path, count: int) -> None:
    """A repository with that stage and its templates."""
    write_project(root, 1, 1)
    (root / "stages" / "dev.yaml").unlink()
    (root / "stages" / "dev.json").write_text(json.dumps(stage(count)), encoding="utf-8")


def paired(count: int, rounds: int) -> tuple[list[Measured], list[Measured]]:
    """Applies of a stage of so many and the bare client's, in turns, each with its own server."""
    mine, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project(root, count)
        file = str(root / "stages" / "dev.json")
        for _ in range(rounds):
            with server(**OPTIONS) as url:
                mine.append(run(["cicd", "apply", "dev", "--auto-approve"], root, url))
            with server(**OPTIONS) as url:
                bare.append(run(["benchmarks.bare", file], root, url))
    return mine, bare


def against_bare(count: int, rounds: int) -> list[Row]:
    """Counts and CPU of an apply, and its time as a ratio: the median of the rounds."""
    mine, bare = paired(count, rounds)
    ratio = statistics.median(m.seconds / b.seconds for m, b in zip(mine, bare, strict=True))
    used = statistics.median(m.processor for m in mine)
    sent = max(len(m.requests) for m in mine)
    title = f"{count} each, {THERE:,} there"
    told = f"{sent} (bare {max(len(b.requests) for b in bare)})"
    ms = f"{used:.2f} s, {used / sent * 1000:.2f} ms a request"
    least = statistics.median(b.seconds for b in bare)
    return [
        Row(f"apply of {title}: requests", told, f"<= {5.5 * count:.0f}"),
        Row(f"apply of {title}: CPU", ms),
        Row(
            f"apply of {title}: against a bare client",
            f"{ratio:.1f} x of {least:.2f} s",
            "<= 2.5 x",
        ),
    ]


def rows() -> list[Row]:
    """The comparison, as rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project(root, COUNT)
        with server(**OPTIONS) as url:
            mine = run(["cicd", "apply", "dev", "--auto-approve"], root, url)
            again = run(["cicd", "plan", "dev"], root, url)
        with server(**OPTIONS) as url:
            seed = run(["benchmarks.seed", str(root / "stages" / "dev.json")], root, url)
    return [
        *against_bare(COUNT, 5),
        *against_bare(MANY, 1),
        Row("apply: requests", len(mine.requests)),
        Row("apply: connections at once", mine.most_connections, "<= 10"),
        Row("apply: whole process", f"{mine.seconds:.2f} s, CPU {mine.processor:.2f} s"),
        Row("apply: first request to last answer", f"{mine.span:.2f} s"),
        Row("plan after it: requests", len(again.requests), "<= 12"),
        Row("script: requests", len(seed.requests)),
        Row("script: whole process", f"{seed.seconds:.2f} s, CPU {seed.processor:.2f} s"),
        Row("script against apply", f"{seed.seconds / mine.seconds:.1f} x", ">= 6 x"),
    ]
