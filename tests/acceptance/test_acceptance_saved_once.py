"""A saved plan is applied once, and whoever tries it again is told so, and what to do."""

from __future__ import annotations

import json
import re

import pytest

from tests.acceptance.operations_world import STAGE, Said, World
from tests.platforms.stub_server import Reply

SIMPLE = STAGE.replace("    destination_name: SERVE\n", "")
ALONE = "aicore: {resource_group: GROUP}\ndeployments:\n" + SIMPLE.split("deployments:\n")[1]
WHEN = r"at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ by \S+@\S+"
AGAIN = "in CI run all jobs again, as those that failed bring the old plan along"


def planned(world: World, text: str = SIMPLE) -> None:
    world.stage(text)
    assert world.cicd("plan", "dev", "--out", "plan.json").code == 0


def apply(world: World) -> Said:
    return world.cicd("apply", "--plan", "plan.json")


@pytest.mark.parametrize("is_linked", [False, True])
def test_one_that_was_applied_says_when_and_by_whom(
    world: World, is_linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_linked:
        for name, value in {
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_RUN_ID": "4711",
        }.items():
            monkeypatch.setenv(name, value)
    planned(world)
    assert apply(world).code == 0
    said = apply(world)
    assert said.code == 5 and re.search(f"plan.json was applied {WHEN}", said.error), said.all
    assert AGAIN in said.error and "no longer fits" not in said.error
    # what was done to what is no news to anybody by now
    assert "no_op" not in said.error and "execution/train" not in said.error
    assert ("https://github.example/o/r/actions/runs/4711" in said.error) == is_linked
    assert world.number("executions") == 1


def test_one_that_failed_in_part_says_so_and_a_new_plan_goes_on(world: World) -> None:
    planned(world, SIMPLE.replace("{mode: complete}", "{mode: fail}"))
    assert apply(world).code == 1
    said = apply(world)
    assert said.code == 5 and re.search(f"plan.json failed in part {WHEN}", said.error), said.all
    assert AGAIN in said.error
    planned(world)
    assert apply(world).code == 0


def test_where_nothing_can_be_written_down_what_is_done_tells(world: World) -> None:
    world.make_group()
    path = f"/v2/admin/resourceGroups/{world.group}"
    world.gate.on("PATCH", path, Reply(403, "RBAC: access denied"))
    planned(world)
    assert apply(world).code == 0
    said = apply(world)
    assert said.code == 5 and AGAIN in said.error
    assert "plan.json has been applied: all that it was to do is done" in said.error


def test_another_plan_of_the_same_state_is_another_plan(world: World) -> None:
    world.make_group()
    planned(world, ALONE)
    assert apply(world).code == 0
    assert world.cicd("destroy", "dev", "--yes", "--stage-name", "dev").code == 0
    planned(world, ALONE)
    document = json.loads((world.folder / "plan.json").read_text("utf-8"))
    document["created_at"] = "2026-01-01T00:00:00Z"  # nobody wants to wait for a second to pass
    (world.folder / "plan.json").write_text(json.dumps(document), "utf-8")
    said = apply(world)
    assert said.code == 0, said.all


def test_one_that_was_never_applied_no_longer_fits(world: World) -> None:
    planned(world)
    world.stage(SIMPLE.replace("hello", "salve"))
    said = apply(world)
    assert said.code == 5 and "plan.json no longer fits" in said.error
    assert "applied" not in said.error


@pytest.mark.parametrize("other", ["tst", "prd-eu", "v1.0"])
def test_the_plan_of_another_stage_is_refused_in_one_sentence(world: World, other: str) -> None:
    planned(world)
    world.stage(SIMPLE.replace("hello", "salve"), name=other)
    said = world.cicd("apply", f"stages/{other}.yaml", "--plan", "plan.json")
    (world.folder / f"stages/{other}.yaml").unlink()
    told = f"plan.json was made for dev, not {other} (apply dev with it, or plan {other})"
    assert said.code == 5 and said.error.strip() == f"error: {told}"
    assert not world.changes()
    assert apply(world).code == 0
