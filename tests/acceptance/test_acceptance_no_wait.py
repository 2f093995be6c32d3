"""``apply --no-wait`` with a training that goes on and on, and the applies after it."""

from __future__ import annotations

import json
import re

import pytest

from tests.acceptance.operations_world import APPLY, STAGE, World
from tests.emulator.emulator_client import wait_for

WEEKLY = "  - {key: weekly, name: weekly, execution: train, cron: '0 0 * * 0'}\n"
GATED = STAGE.replace("{mode: complete}", "{mode: hang}").replace(
    "deployments:\n", f"schedules:\n{WEEKLY}deployments:\n"
)


def results(world: World) -> dict[str, tuple[str, str]]:
    """Key -> (result, what was said of it), of the last summary."""
    document = json.loads((world.folder / "summary.json").read_text("utf-8"))
    return {item["key"]: (item["result"], item["error"]) for item in document["outcomes"]}


def test_it_starts_what_can_start_says_what_comes_next_and_ends(world: World) -> None:
    world.stage(GATED)
    said = world.cicd(*APPLY, "--no-wait", "--summary", "summary.json")
    assert said.code == 0, said.all
    found = results(world)
    assert found["execution/train"][0] == "applied"
    assert found["deployment/serve"][0] == "applied"
    waits = "waits for execution/train: the next apply goes on with schedule/weekly"
    assert found["schedule/weekly"] == ("deferred", waits)
    assert found["destination/SERVE"][0] == "deferred"
    assert waits in said.out and "schedule/weekly" in said.err
    assert re.search(r"execution/train +run +started", said.out) and "UNKNOWN" not in said.out
    assert "started after" in said.err and "2 started" in said.out.splitlines()[-1]

    # until then status says what waits for what
    rows = {row["key"]: row for row in json.loads(world.cicd("status", "dev", "-o", "json").out)}
    note = "waits for {}: the apply after that goes on".format
    assert rows["schedule/weekly"]["notes"] == [note("execution/train")]
    assert (rows["execution/train"]["notes"], rows["deployment/serve"]["notes"]) == ([], [])

    assert json.loads((world.folder / "summary.json").read_text("utf-8"))["result"] == "deferred"
    assert (world.number("executions"), world.number("executionSchedules")) == (1, 0)

    # another one adopts what goes on, and again does not wait for it
    (run,) = world.listed("executions")
    said = world.cicd(*APPLY, "--no-wait", "--summary", "summary.json")
    assert said.code == 0, said.all
    assert [item["id"] for item in world.listed("executions")] == [run["id"]]
    assert results(world)["schedule/weekly"] == ("deferred", waits)
    assert results(world)["destination/SERVE"][0] in {"applied", "deferred"}
    assert world.number("deployments") == 1

    # who stops caring for the run's end goes on with what needed it
    world.stage(GATED.replace("  - key: train\n", "  - key: train\n    wait_for_status: null\n"))
    said = world.cicd(*APPLY, "--no-wait", "--summary", "summary.json")
    assert said.code == 0, said.all
    assert results(world)["schedule/weekly"][0] == "applied"
    assert (world.number("executions"), world.number("executionSchedules")) == (1, 1)


@pytest.mark.parametrize("options", [(), ("--no-wait",)])
@pytest.mark.parametrize(
    ("mode", "gate", "text"),
    [
        ("complete", "{metric: accuracy, min: 2}", "does not meet its require: accuracy"),
        ("complete", "{metric: nosuch, max: 1}", "does not meet its require: nosuch was not"),
        ("fail", "{metric: accuracy, min: 0}", "ended as DEAD"),
    ],
)
def test_a_run_that_starts_again_as_the_last_one_was_no_good_says_so(
    world: World, mode: str, gate: str, text: str, options: tuple[str, ...]
) -> None:
    stage = STAGE.replace("{mode: complete}", f"{{mode: {mode}}}")
    world.stage(stage.replace("  - key: train\n", f"  - key: train\n    require: [{gate}]\n"))
    assert world.cicd(*APPLY, "--no-wait").code == 0
    [run] = world.listed("executions")
    ended = {"COMPLETED", "DEAD"}
    wait_for(lambda: world.listed("executions"), lambda found: found[0]["status"] in ended)
    said = world.cicd(*APPLY, *options)
    assert f"warning: the last run {run['id']} {text}" in said.err, said.all
    assert said.code == (0 if options else 1)
    assert world.number("executions") == 2
