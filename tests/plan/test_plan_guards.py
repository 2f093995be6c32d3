"""What is refused, and with which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cicd.errors import Refused
from cicd.model import Limits, LiveResource, Resource, State
from cicd.plan import check_guards, make_destroy_plan
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    actions,
    artifact,
    configuration,
    deployment,
    execution,
    plan_of,
)


def live_runs(count: int) -> list[LiveResource]:
    return [a_live(execution(configuration="gone"), f"e{n}", State.SUCCEEDED) for n in range(count)]


def live_deployments(count: int) -> list[LiveResource]:
    return [a_live(deployment(f"n{n}"), f"d{n}") for n in range(count)]


def guard(
    desired: Sequence[Resource],
    live: Sequence[LiveResource],
    *,
    force: bool = False,
    counts: dict[str, int] | None = None,
    **settings: Any,
) -> None:
    settings = {"prune": "resource_group", **settings}
    plan = plan_of(desired, live, **settings)
    check_guards(plan, a_stage(desired, **settings), counts, force=force)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_few_deletes_pass(count: int) -> None:
    guard([artifact()], live_runs(count))


@pytest.mark.parametrize(
    ("count", "settings", "counts", "text"),
    [
        (11, {}, None, "11 to delete, limits.max_delete is 10"),
        (10, {}, None, "10 of 10 live things would be deleted: 100% is over"),
        (3, {"limits": Limits(max_delete=2)}, None, "3 to delete, limits.max_delete is 2"),
        (1, {"limits": Limits(max_delete=0)}, None, "1 to delete, limits.max_delete is 0"),
        (4, {}, {"execution": 12}, "4 of 12 live things would be deleted: 33% is over"),
    ],
)
def test_too_many_deletes_need_force(
    count: int, settings: dict[str, Any], counts: dict[str, int] | None, text: str
) -> None:
    with pytest.raises(Refused) as caught:
        guard([artifact()], live_runs(count), counts=counts, **settings)
    assert text in caught.value.message
    assert "--force" in caught.value.hint
    guard([artifact()], live_runs(count), counts=counts, force=True, **settings)


@pytest.mark.parametrize(
    ("count", "counts", "percent"), [(3, {"execution": 10}, 30.0), (10, {"execution": 20}, 50.0)]
)
def test_at_the_limit_is_within_it(count: int, counts: dict[str, int], percent: float) -> None:
    limits = Limits(max_delete_percent=percent, max_delete=count)
    guard([artifact()], live_runs(count), counts=counts, limits=limits)


def test_matched_things_count_as_live() -> None:
    desired = [
        resource for n in range(8) for resource in (configuration(f"m{n}"), deployment(f"m{n}"))
    ]
    live = [a_live(resource, f"x{n}") for n, resource in enumerate(desired)]
    live = [
        a_live(deployment(thing.spec["configuration_name"], configuration=f"x{n - 1}"), thing.id)
        if thing.key.kind == "deployment"
        else thing
        for n, thing in enumerate(live)
    ]
    guard(desired, live + live_deployments(3))
    with pytest.raises(Refused, match="4 of 12 live things would be deleted: 33%"):
        guard(desired, live + live_deployments(4))


def test_an_emptied_stage_file_is_refused() -> None:
    with pytest.raises(Refused, match="declares no artifacts, executions or deployments"):
        guard([], live_runs(1))
    guard([], live_runs(1), force=True)
    guard([], [])
    guard([], live_runs(1), prune="none")


def test_updates_and_runs_are_never_refused() -> None:
    desired = [configuration(), execution()]
    live = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1"), "e1", State.FAILED),
    ]
    guard(desired, live, prune="none", limits=Limits(0, 0))


@pytest.mark.parametrize(
    "pattern",
    [
        "deployment/serve",
        "deployment/*",
        "*",
        "deployment/d1",
        "deployment/My Serving",
        "deployment/my-serving",
    ],
)
def test_protected_things_are_not_deleted_even_with_force(pattern: str) -> None:
    live = [a_live(deployment("My Serving"), "d1")]
    with pytest.raises(Refused) as caught:
        guard([artifact()], live, protect=frozenset({pattern}), force=True)
    assert "deployment/d1" in caught.value.message
    assert pattern in caught.value.message


def test_protection_outlives_the_block_that_it_protects() -> None:
    live = [a_live(deployment("Renamed"), "d1"), *live_runs(1)]
    with pytest.raises(Refused, match="protect names deployment/serve, which the stage file does"):
        guard([artifact()], live, protect=frozenset({"deployment/serve"}))
    for harmless in ("deployment/prod-*", "destination/serve"):
        guard([artifact()], live, protect=frozenset({harmless}))


def test_protected_things_are_not_replaced() -> None:
    desired = [configuration("serve"), deployment()]
    live = [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="c1"), "d1", State.STOPPED),
    ]
    with pytest.raises(Refused, match=r"serve is protected by dep.* would be replaced"):
        guard(desired, live, protect=frozenset({"deployment/serve"}), force=True)
    guard(desired, live, protect=frozenset({"deployment/other"}))


def test_a_destroy_has_the_same_limits() -> None:
    desired = [deployment(f"n{n}") for n in range(11)]
    stage = a_stage(desired)
    plan = make_destroy_plan(
        stage,
        [*desired, *(configuration(f"n{n}") for n in range(11))],
        live_deployments(11),
        KINDS,
        created_at=CREATED_AT,
    )
    with pytest.raises(Refused, match=r"11 to delete, limits\.max_delete is 10; 11 of 11 live"):
        check_guards(plan, stage)
    check_guards(plan, stage, force=True)


def foreign(owner: str, state: State = State.RUNNING) -> list[LiveResource]:
    return [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="other"), "d1", state, owner=owner),
    ]


@pytest.mark.parametrize("owner", ["", "dev"])
def test_what_is_ours_or_nobodys_may_change(owner: str) -> None:
    desired = [configuration("serve"), deployment()]
    plan = plan_of(desired, foreign(owner))
    assert actions(plan)["deployment/serve"] == "update"
    check_guards(plan, a_stage(desired))


@pytest.mark.parametrize(
    ("state", "word"), [(State.RUNNING, "updated"), (State.STOPPED, "replaced")]
)
def test_what_another_stage_made_is_not_touched(state: State, word: str) -> None:
    desired = [configuration("serve"), deployment()]
    plan = plan_of(desired, foreign("tst", state))
    told = f"deployment/serve d1 in cicd-dev is of stage tst and would be {word}"
    with pytest.raises(Refused, match=f"{told}.*resource group.*--force"):
        check_guards(plan, a_stage(desired))
    check_guards(plan, a_stage(desired), force=True)


def test_what_another_stage_runs_is_neither_followed_nor_pruned() -> None:
    desired = [configuration(), execution()]
    run = a_live(execution(configuration="c1"), "e1", State.RUNNING, owner="tst")
    plan = plan_of(desired, [a_live(configuration(), "c1"), run])
    with pytest.raises(Refused, match=r"execution/train e1 .* would be followed as if"):
        check_guards(plan, a_stage(desired))
    settings: dict[str, Any] = {"prune": "resource_group"}
    plan = plan_of([artifact()], [run], **settings)
    with pytest.raises(Refused, match="e1 in cicd-dev is of stage tst and would be deleted"):
        check_guards(plan, a_stage([artifact()], **settings))


def test_a_run_beside_an_ended_one_of_another_stage_harms_nobody() -> None:
    desired = [configuration(), execution()]
    run = a_live(execution(configuration="c1"), "e1", State.FAILED, owner="tst")
    plan = plan_of(desired, [a_live(configuration(), "c1"), run])
    assert actions(plan)["execution/train"] == "run"
    check_guards(plan, a_stage(desired))
