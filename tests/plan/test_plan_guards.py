"""What is refused, and with which words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cicd.errors import Refused
from cicd.model import Limits, LiveResource, Resource, State
from cicd.plan import Permissions, check_guards, make_destroy_plan
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
    over_limits: bool = False,
    **settings: Any,
) -> None:
    settings = {"prune": "resource_group", **settings}
    wishes = {name: settings.pop(name) for name in ("select",) if name in settings}
    plan = plan_of(desired, live, **settings, **wishes)
    stage = a_stage(desired, **settings)
    check_guards(plan, stage, KINDS, live, Permissions(over_limits=over_limits))


def servers(kept: int, gone: int, **fields: Any) -> tuple[list[Resource], list[LiveResource]]:
    """(a stage of ``kept`` servers, live: these and ``gone`` more that it does not name)"""
    names = [f"n{number}" for number in range(kept + gone)]
    live = [a_live(configuration(name), f"c-{name}") for name in names]
    live += [
        a_live(deployment(name, configuration=f"c-{name}"), f"d-{name}", **fields) for name in names
    ]
    desired = [make(name) for name in names[:kept] for make in (configuration, deployment)]
    return desired, live


@pytest.mark.parametrize("count", [0, 1])
def test_a_few_deletes_pass(count: int) -> None:
    guard([artifact()], live_runs(count))


@pytest.mark.parametrize(
    ("kept", "gone", "text"),
    [
        (1, 1, "1 of 2 live deployments would be deleted: 50% is over"),
        (0, 2, "2 of 2 live deployments would be deleted: 100% is over"),
        (1, 3, "3 of 4 live deployments would be deleted: 75% is over"),
        (4, 2, "2 of 6 live deployments would be deleted: 33% is over"),
        (20, 9, "9 of 29 live deployments would be deleted: 31% is over"),
    ],
)
def test_a_share_counts_at_any_size_from_two_on(kept: int, gone: int, text: str) -> None:
    desired, live = servers(kept, gone)
    with pytest.raises(Refused) as caught:
        guard([artifact(), *desired], live)
    assert text in caught.value.message
    assert caught.value.message.count("would be deleted") == 1
    assert caught.value.hint == "if that is meant, repeat with --over-limits"
    guard([artifact(), *desired], live, over_limits=True)


@pytest.mark.parametrize(
    ("kept", "gone", "settings"),
    [
        (0, 1, {}),
        (7, 3, {}),
        (1, 1, {"limits": Limits(max_delete_percent=50)}),
        (0, 4, {"limits": Limits(max_delete_percent=100)}),
    ],
)
def test_the_only_one_may_go_and_at_the_limit_is_within_it(
    kept: int, gone: int, settings: dict[str, Any]
) -> None:
    desired, live = servers(kept, gone)
    guard([artifact(), *desired], live, **settings)


def test_data_beside_servers_makes_no_share_smaller() -> None:
    desired, live = servers(1, 3)
    data = [artifact(f"data{number}") for number in range(30)]
    live += [a_live(item, f"a{number}") for number, item in enumerate(data)]
    with pytest.raises(Refused, match="3 of 4 live deployments"):
        guard([*data, *desired], live)


def test_finished_runs_beside_servers_make_no_share_smaller() -> None:
    desired, live = servers(1, 3)
    runs = [
        resource for n in range(20) for resource in (configuration(f"r{n}"), execution(f"r{n}"))
    ]
    live += [a_live(configuration(f"r{n}"), f"c-r{n}") for n in range(20)]
    live += [
        a_live(execution(f"r{n}", configuration=f"c-r{n}"), f"e{n}", State.SUCCEEDED)
        for n in range(20)
    ]
    with pytest.raises(Refused, match="3 of 4 live deployments"):
        guard([*runs, *desired], live)


def test_servers_of_other_stages_make_no_share_smaller() -> None:
    desired, live = servers(2, 2)
    live += [
        a_live(deployment(f"theirs{n}", executable_id="theirs"), f"t{n}", owner="tst")
        for n in range(30)
    ]
    with pytest.raises(Refused, match="2 of 4 live deployments"):
        guard(desired, live, prune="stage")


def test_what_is_not_selected_is_there_all_the_same() -> None:
    desired, live = servers(9, 2)
    wishes: dict[str, Any] = {"select": ["deployment/d-*"]}
    guard(desired, live, **wishes)
    with pytest.raises(Refused, match="2 of 2 live deployments"):
        guard(desired[:2], live[9:11] + live[20:], **wishes)


def test_one_of_each_kind_is_judged_together() -> None:
    live = [a_live(deployment("n"), "d1"), *live_runs(1)]
    with pytest.raises(Refused, match="2 of 2 live runs and services would be deleted: 100%"):
        guard([artifact()], live)


def test_runs_that_a_new_run_stands_in_for_are_no_loss() -> None:
    names = ("train", "evaluate")
    desired = [r for n in names for r in (configuration(n, {"epochs": "2"}), execution(n))]
    live = [a_live(configuration(n, {"epochs": "1"}), f"c-{n}") for n in names]
    live += [a_live(execution(n, configuration=f"c-{n}"), f"e-{n}", State.SUCCEEDED) for n in names]
    guard(desired, live, prune="stage")
    with pytest.raises(Refused, match="2 of 2 live executions"):
        guard([artifact()], live, prune="resource_group")


@pytest.mark.parametrize(
    ("count", "settings", "text"),
    [
        (11, {}, "11 to delete, limits.max_delete is 10"),
        (3, {"limits": Limits(max_delete=2)}, "3 to delete, limits.max_delete is 2"),
        (1, {"limits": Limits(max_delete=0)}, "1 to delete, limits.max_delete is 0"),
    ],
)
def test_too_many_deletes_are_refused(count: int, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(Refused, match=text):
        guard([artifact()], live_runs(count), **settings)
    guard([artifact()], live_runs(count), over_limits=True, **settings)


def test_an_emptied_stage_file_is_refused() -> None:
    with pytest.raises(Refused, match="declares no artifacts, executions or deployments"):
        guard([], live_runs(1))
    guard([], live_runs(1), over_limits=True)
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
        "deployment/*",
        "*",
        "deployment/d1",
        "deployment/My Serving",
        "deployment/my-serving",
    ],
)
def test_protected_things_are_not_deleted_whatever_is_permitted(pattern: str) -> None:
    live = [a_live(deployment("My Serving"), "d1")]
    with pytest.raises(Refused) as caught:
        guard([artifact()], live, protect=frozenset({pattern}), over_limits=True)
    assert f"deployment/d1 is protected by {pattern} and would be deleted" in caught.value.message


def test_protection_outlives_the_block_that_it_protects() -> None:
    live = [a_live(deployment("Renamed"), "d1")]
    with pytest.raises(Refused, match="protect names deployment/serve, which the stage file does"):
        guard([artifact()], live, protect=frozenset({"deployment/serve"}))
    for harmless in ("deployment/prod-*", "destination/serve", "artifact/serve"):
        guard([artifact()], live, protect=frozenset({harmless}))


def test_protected_things_are_not_replaced() -> None:
    desired = [configuration("serve"), deployment()]
    live = [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="c1"), "d1", State.STOPPED),
    ]
    with pytest.raises(Refused, match=r"serve is protected by dep.* would be replaced"):
        guard(desired, live, protect=frozenset({"deployment/serve"}), over_limits=True)
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
        check_guards(plan, stage, KINDS)
    check_guards(plan, stage, KINDS, permissions=Permissions(over_limits=True))


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
    check_guards(plan, a_stage(desired), KINDS)


@pytest.mark.parametrize(
    ("state", "word"), [(State.RUNNING, "updated"), (State.STOPPED, "replaced")]
)
def test_what_another_stage_made_is_not_touched(state: State, word: str) -> None:
    desired = [configuration("serve"), deployment()]
    plan = plan_of(desired, foreign("tst", state))
    assert not [text for text in plan.warnings if "used as it is" in text]
    told = f"deployment/serve d1 in cicd-dev is of stage tst and would be {word}"
    with pytest.raises(Refused, match=f"{told}.*resource group.*--other-stages"):
        check_guards(plan, a_stage(desired), KINDS)
    with pytest.raises(Refused):
        check_guards(plan, a_stage(desired), KINDS, permissions=Permissions(over_limits=True))
    with pytest.raises(Refused):
        check_guards(plan, a_stage(desired), KINDS, permissions=Permissions())
    check_guards(plan, a_stage(desired), KINDS, permissions=Permissions(other_stages=True))


def test_what_another_stage_made_and_stays_is_told_as_its_own() -> None:
    desired = [configuration("serve"), deployment()]
    live = [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="c1"), "d1", owner="tst"),
    ]
    plan = plan_of(desired, live)
    assert plan.warnings == ("deployment/serve: d1 is of stage tst, used as it is",)
    check_guards(plan, a_stage(desired), KINDS)


def test_what_another_stage_runs_is_neither_followed_nor_pruned() -> None:
    desired = [configuration(), execution()]
    run = a_live(execution(configuration="c1"), "e1", State.RUNNING, owner="tst")
    plan = plan_of(desired, [a_live(configuration(), "c1"), run])
    with pytest.raises(Refused, match=r"execution/train e1 .* would be followed as if"):
        check_guards(plan, a_stage(desired), KINDS)
    settings: dict[str, Any] = {"prune": "resource_group"}
    plan = plan_of([artifact()], [run], **settings)
    with pytest.raises(Refused, match="e1 in cicd-dev is of stage tst and would be deleted"):
        check_guards(plan, a_stage([artifact()], **settings), KINDS)


def test_a_run_beside_an_ended_one_of_another_stage_harms_nobody() -> None:
    desired = [configuration(), execution()]
    run = a_live(execution(configuration="c1"), "e1", State.FAILED, owner="tst")
    plan = plan_of(desired, [a_live(configuration(), "c1"), run])
    assert actions(plan)["execution/train"] == "run"
    check_guards(plan, a_stage(desired), KINDS)
