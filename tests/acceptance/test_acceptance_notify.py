"""People are told of a stage of AI Core, and what was applied to it before, in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cicd import Project
from tests.acceptance.operations_world import APPLY, STAGE, World, shared, world  # noqa: F401
from tests.notify.receivers import Receiver, receiver
from tests.platforms.stub_server import Reply, Request

NOTIFY = """
notify:
  - {on: [failed, deployed, recovered, drifted], to: "webhook+${env.HOOK}"}
"""
FAILS = STAGE.replace("mode: complete", "mode: fail") + NOTIFY


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiver() as here:
        monkeypatch.setenv("HOOK", f"{here.url}/hook/canary-of-the-address")
        yield here


def test_a_failed_training_is_told_once_and_so_is_that_it_is_well_again(
    world: World,  # noqa: F811
    told: Receiver,
) -> None:
    world.stage(FAILS)
    for _ in range(2):
        assert world.cicd(*APPLY).code == 1
    [got] = told.got
    assert (got.json["key"], got.json["platform"]) == ("execution/train", "aicore")
    assert got.json["place"] == world.group and got.json["log"] and got.json["reason"]
    assert got.json["next"].startswith("cicd explain execution/train dev")
    world.stage(STAGE + NOTIFY)
    assert world.cicd(*APPLY).code == 0
    assert told.happened == ["failed", "recovered"]

    past = json.loads(world.cicd("history", "dev", "-o", "json").out)["applies"]
    assert [one["result"] for one in past] == ["applied", "failed", "failed"]
    assert all(one["seconds"] is not None and one["by"] for one in past)
    assert past[0]["changes"][0]["key"] == "execution/train"
    assert world.cicd("history", "dev", "--limit", "1").out.count("applied") == 1


def test_of_several_that_look_at_once_one_tells(
    world: World,  # noqa: F811
    told: Receiver,
) -> None:
    world.make_group()
    world.stage(STAGE + NOTIFY)
    sessions = [Project(world.folder, environ=dict(os.environ)).stage("dev") for _ in range(4)]
    with ThreadPoolExecutor(len(sessions)) as pool:
        plans = [*pool.map(lambda session: session.drift()[0], sessions)]
    assert all(plan.has_changes for plan in plans)
    assert told.happened == ["drifted"]


def test_where_nothing_can_be_kept_people_are_told_each_time_and_nothing_fails(
    world: World,  # noqa: F811
    told: Receiver,
) -> None:
    def without_labels(request: Request) -> Reply:
        is_label = request.method == "PATCH" and "/admin/resourceGroups/" in request.path
        return Reply(403, "{}") if is_label else world.forward(request)

    world.gate.otherwise = without_labels
    world.stage(STAGE + NOTIFY)
    for _ in range(2):
        assert world.cicd("plan", "dev", "--drift").code == 0
    assert told.happened == ["drifted", "drifted"]


def test_a_stage_without_notify_sends_what_it_always_sent(world: World) -> None:  # noqa: F811
    assert world.cicd(*APPLY).code == 0
    assert not [one for one in world.changes() if "notified" in one.body or "history" in one.body]
    before = len(world.gate.requests)
    [past] = json.loads(world.cicd("history", "dev", "-o", "json").out)["applies"]
    assert len(world.gate.requests) - before <= 20
    assert past["sources"] == ["platform"] and past["by"] == ""
    keys = {made["key"] for made in past["changes"]}
    assert keys == {"execution/train", "deployment/serve"}


def test_a_model_that_will_be_retired_is_told_by_drift_and_by_apply(
    world: World,  # noqa: F811
    told: Receiver,
) -> None:
    world.make_group()
    world.stage(
        "aicore: {resource_group: GROUP}\n"
        "deployments:\n"
        "  - key: chat\n"
        "    configuration:\n"
        "      name: chat\n"
        "      scenario_id: foundation-models\n"
        "      executable_id: azure-openai\n"
        "      parameter_bindings: {modelName: gpt-4o, modelVersion: 2024-05-13}\n"
        + NOTIFY.replace("[failed", "[retiring, failed")
    )
    assert world.cicd("plan", "dev", "--drift").code == 0
    assert world.cicd(*APPLY).code == 0
    assert told.happened == ["drifted", "retiring", "deployed", "recovered"]
    assert "retires on" in told.got[1].json["reason"]
