"""What no list shows yet is looked up by its id, and never made again."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest
from pytest_mock import MockerFixture

from benchmarks.aicore import running
from cicd.apply import execute
from cicd.model import Action, Plan
from cicd.platforms.aicore import unlisted
from cicd.platforms.aicore.owners import Entry, entries
from tests.benchmarks.test_request_budget import synced
from tests.platforms.spoilt_aicore import HASTE, Spoilt, actions, connected, planned
from tests.platforms.test_aicore_lost_answers import STAGE

FREE = {"artifacts": 1, "configurations": 2, "executions": 1, "deployments": 1, "destinations": 1}
LISTS = ("artifacts", "configurations", "executions", "deployments")


def again(change: Callable[[Spoilt], object]) -> tuple[Spoilt, Plan]:
    """A stage is applied, the world changed, and the stage applied once more; how it was planned
    then."""
    world = Spoilt(lists=deepcopy(synced().lists))
    with running(world) as url:
        for step in (lambda _: None, change):
            step(world)
            world.counts.requests.clear()
            with connected(url, STAGE) as platform:
                plan, known = planned(platform, STAGE)
                list(execute(plan, platform, known=known, polling=HASTE))
    return world, plan


def hide(world: Spoilt, *kinds: str) -> None:
    """Lists of these kinds are as they were before anything was made."""
    paths = {f"/v2/lm/{kind}" for kind in kinds}

    def after(method: str, path: str, status: int, content: Any) -> tuple[int, Any]:
        if method == "GET" and path in paths:
            return 200, {"count": 0, "resources": []}
        return status, content

    world.after = after


@pytest.mark.parametrize(
    "hidden",
    [LISTS, LISTS[1:], LISTS[2:], LISTS[:2], ("executions",), ("deployments",), LISTS[:1]],
    ids=",".join,
)
def test_what_was_made_is_found_whatever_lists_are_behind(hidden: tuple[str, ...]) -> None:
    world, plan = again(lambda world: hide(world, *hidden))
    assert actions(plan) == {Action.NO_OP}
    assert world.sizes() == FREE


def test_a_run_that_only_its_label_tells_of_is_not_run_again() -> None:
    """Its answer came, and whoever had started it was killed before it was tagged."""

    def change(world: Spoilt) -> None:
        world.tags.clear()
        hide(world, "executions", "configurations")

    world, plan = again(change)
    assert actions(plan) == {Action.NO_OP}
    assert world.sizes() == FREE


def test_what_is_on_its_way_out_is_not_found() -> None:
    def change(world: Spoilt) -> None:
        (deployment,) = world.lists["deployments"].values()
        deployment["targetStatus"] = "DELETED"
        hide(world, "deployments")

    _, plan = again(change)
    assert Action.CREATE in actions(plan)


def test_what_is_gone_is_looked_for_only_while_lists_may_lag(
    mocker: MockerFixture,
) -> None:
    mocker.patch.object(unlisted, "PAUSE", 0.05)
    mocker.patch.object(unlisted, "LAG", 0.2)
    world, plan = again(lambda world: world.lists["deployments"].clear())
    assert Action.CREATE in actions(plan)
    assert 1 <= world.counts.requests.count("GET /v2/lm/deployments/deployments-0") <= 9


@pytest.mark.parametrize(
    "label",
    [
        "owns1;dev;deployment/x;../../admin;n;1",
        "owns1;dev;deployment/x;a%3Fb;n;1",
        "owns1;dev;;;;",
        "owns1;dev;nothing/x;d1;n;1",
    ],
)
def test_labels_that_somebody_wrote_lead_nowhere(label: str) -> None:
    def change(world: Spoilt) -> None:
        world.labels.append({"key": "ext.ai.sap.com/cicd.0123456789abcdef", "value": label})

    world, plan = again(change)
    assert actions(plan) == {Action.NO_OP}
    assert not [r for r in world.counts.requests if r.startswith("GET /v2/lm/deployments/")]


@pytest.mark.parametrize(
    ("tail", "made_at"), [("", 0), (";1764000000", 1_764_000_000), (";soon", 0), (";²", 0)]
)
def test_labels_of_earlier_versions_and_of_strangers_are_read(tail: str, made_at: int) -> None:
    (entry,) = entries({"l": f"owns1;dev;deployment/a%3Bb;d1;n{quote(tail, safe=';')}"})
    assert entry == Entry("dev", "deployment/a;b", "d1", "n") and entry.made_at == made_at
    assert entries({"l": entry.text}) == [entry]
