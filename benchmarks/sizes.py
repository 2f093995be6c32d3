"""How loading and planning grow with the stage: ``python -m benchmarks.sizes 1000`` is one size."""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.table import Row
from benchmarks.validate import write_project
from cicd.config import Surroundings, load_stage
from cicd.config.variables import GitFacts
from cicd.model import LiveResource, Ref, Resource, State, Status
from cicd.plan import make_plan
from cicd.plan.graph import resolve
from cicd.platforms.aicore.kinds import KINDS
from cicd.platforms.registry import DIALECTS

ROOT = Path(__file__).parents[1]
SIZES = (100, 1000, 10_000)
GIT = GitFacts("c" * 40, "main")
ENTRIES_PER_RESOURCE = 0.6
"""In the stage file: an execution or a deployment is two resources, it and its configuration."""


def live(wish: Resource) -> LiveResource:
    """What there is once this resource has been applied."""
    id = str(wish.key)
    word = {"execution": "COMPLETED", "deployment": "RUNNING"}.get(wish.key.kind, "")
    state = State.RUNNING if word == "RUNNING" else State.SUCCEEDED
    outputs = {"id": id, "artifacts.model": f"{id}.artifacts.model"}
    spec = resolve(wish.spec, _answer)
    return LiveResource(wish.key, id, spec, Status(state, word), outputs)


def _answer(ref: Ref) -> str:
    return str(ref.key) if ref.output == "id" else f"{ref.key}.{ref.output}"


def measure(count: int) -> dict[str, float]:
    """Load, validate and plan so many resources against as many live ones, in this process."""
    gc.set_threshold(100_000, 50, 100)  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, round(count * ENTRIES_PER_RESOURCE), 2)
        begun, used = time.perf_counter(), time.process_time()
        stage = load_stage(
            "dev",
            Surroundings(root=root, env={}, variables={}, dialects=DIALECTS, git=GIT),
            needs_credentials=False,
        )
        loaded = time.process_time()
        new = make_plan(stage, stage.resources, (), KINDS, created_at="")
        planned = time.process_time()
        seconds = time.perf_counter() - begun
    there = [live(wish) for wish in stage.resources]
    start = time.process_time()
    same = make_plan(stage, stage.resources, there, KINDS, created_at="")
    unchanged = sum(change.action == "no_op" for change in same.changes)
    return {
        "resources": len(new.changes),
        "load": loaded - used,
        "plan": planned - loaded,
        "plan against live": time.process_time() - start,
        "seconds": seconds,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "unchanged": unchanged,
    }


def rows() -> list[Row]:
    """One row per size, each measured in a fresh process."""
    found = []
    for count in SIZES:
        command = [sys.executable, "-m", "benchmarks.sizes", str(count)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        told: dict[str, Any] = json.loads(done.stdout)
        value = f"{told['seconds']:.2f} s (CPU: load {told['load']:.2f}, plan {told['plan']:.2f}, "
        value += f"against as many live {told['plan against live']:.2f}), "
        value += f"{told['megabytes']:.0f} MB"
        asked = "< 5 s, < 250 MB" if count == max(SIZES) else ""
        found.append(Row(f"{told['resources']:,} resources: load and plan", value, asked))
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
