"""A long list of configurations, decoded and planned: CPU and memory of a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.aicore import SCENARIO, World
from benchmarks.table import Row
from cicd.model import Key, Resource, Stage
from cicd.plan import make_plan
from cicd.platforms.aicore import convert, shapes
from cicd.platforms.aicore.kinds import KINDS

COUNT, WISHES = 20_000, 100
PATH = "/lm/configurations"


def answer() -> bytes:
    """What the server sends: as many configurations, each of three parameters and an artifact."""
    world = World()
    for number in range(COUNT):
        bound = [{"key": f"p{n}", "value": str(number + n)} for n in range(3)]
        inputs = [{"key": "data", "artifactId": f"a-{number}"}]
        names = {"name": f"C {number}", "scenarioId": SCENARIO, "executableId": "bench-train-0"}
        body = {**names, "parameterBindings": bound, "inputArtifactBindings": inputs}
        world.add("configurations", body)
    items = list(world.lists["configurations"].values())
    return json.dumps({"count": COUNT, "resources": items}).encode()


def wishes() -> list[Resource]:
    """Some that are there."""
    found = []
    for number in range(WISHES):
        spec: dict[str, Any] = {"name": f"C {number}", "scenario_id": SCENARIO}
        spec |= {
            "executable_id": "bench-train-0",
            "input_artifact_bindings": {"data": f"a-{number}"},
        }
        spec["parameter_bindings"] = {f"p{n}": str(number + n) for n in range(3)}
        found.append(Resource(Key("configuration", f"c-{number}"), spec))
    return found


def main() -> None:
    """Decode standard input and plan; seconds of CPU and MB as JSON."""
    raw = sys.stdin.buffer.read()
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    items = shapes.checked(PATH, json.loads(raw))["resources"]
    desired = wishes()
    live = [convert.configuration(item) for item in items]
    stage = Stage("dev", "dev.yaml", "/", "aicore", {}, None, tuple(desired), commit="c" * 40)
    plan = make_plan(stage, desired, live, KINDS, created_at="")
    assert not plan.has_changes
    used = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    sys.stdout.write(json.dumps({"seconds": used, "megabytes": grown}))


def rows() -> list[Row]:
    """What decoding and planning take."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reading"],
        cwd=Path(__file__).parents[1],
        input=answer(),
        capture_output=True,
        check=True,
    )
    told = json.loads(done.stdout)
    title = f"{COUNT:,} configurations there, decoded and planned"
    measured = f"CPU {told['seconds']:.2f} s, {told['megabytes']:.0f} MB"
    return [Row(title, measured, "<= 1.5 s, 120 MB")]


if __name__ == "__main__":
    main()
