"""From desired and live to a Plan: order, Refs known now or later, states, selection, prune."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.errors import CicdError, Usage
from cicd.model import (
    Action,
    FieldChange,
    Key,
    Kind,
    LiveResource,
    Options,
    Ref,
    Resource,
    State,
    Status,
)
from cicd.plan import make_plan
from tests.plan.plan_world import (
    CREATED_AT,
    a_live,
    a_stage,
    actions,
    artifact,
    change_of,
    configuration,
    deployment,
    destination,
    execution,
    plan_of,
    status,
)

MODEL = Ref(Key("execution", "train"), "artifacts.model")


def a_service(epochs: str = "10") -> list[Resource]:
    """Data, training, its model served, a destination: written in an unhelpful order."""
    return [
        destination(),
        deployment(),
        configuration("serve", input_artifact_bindings={"model": MODEL}),
        execution(),
        configuration(
            parameters={"epochs": epochs, "rate": "0.1"},
            input_artifact_bindings={"data": Ref(Key("artifact", "data"))},
        ),
        artifact(),
    ]


def its_live(epochs: str = "10") -> list[LiveResource]:
    desired = {str(resource.key): resource for resource in a_service(epochs)}
    return [
        a_live(desired["artifact/data"], "a1"),
        a_live(
            desired["configuration/train"],
            "c1",
            spec={"input_artifact_bindings": {"data": "a1"}},
        ),
        a_live(
            desired["execution/train"],
            "e1",
            State.SUCCEEDED,
            spec={"configuration": "c1"},
            outputs={"artifacts.model": "m1"},
        ),
        a_live(
            desired["configuration/serve"],
            "c2",
            spec={"input_artifact_bindings": {"model": "m1"}},
        ),
        a_live(
            desired["deployment/serve"],
            "d1",
            spec={"configuration": "c2"},
            outputs={"url": "https://x/d1"},
        ),
        a_live(desired["destination/DEST"], "DEST", spec={"url": "https://x/d1"}),
    ]


IN_ORDER = [
    "artifact/data",
    "configuration/train",
    "execution/train",
    "configuration/serve",
    "deployment/serve",
    "destination/DEST",
]


def test_an_empty_stage_has_an_empty_plan() -> None:
    plan = plan_of([], [])
    assert plan.changes == ()
    assert not plan.has_changes
    assert plan.summary == dict.fromkeys(Action, 0)


def test_a_first_plan_makes_everything_in_order_of_need() -> None:
    plan = plan_of(a_service())
    assert [str(change.key) for change in plan.changes] == IN_ORDER
    assert [change.action for change in plan.changes] == [
        "create",
        "create",
        "run",
        "create",
        "create",
        "create",
    ]
    assert change_of(plan, "deployment/serve").depends_on == {Key("configuration", "serve")}
    assert not any(change.fields for change in plan.changes)


def test_nothing_to_do_when_all_is_there() -> None:
    plan = plan_of(a_service(), its_live())
    assert not plan.has_changes, actions(plan)
    assert [change.id for change in plan.changes] == ["a1", "c1", "e1", "c2", "d1", "DEST"]
    desired = change_of(plan, "destination/DEST").desired
    assert desired
    assert desired.spec["url"] == "https://x/d1"


def test_a_changed_parameter_is_shown_and_goes_through_to_the_deployment() -> None:
    plan = plan_of(a_service("20"), its_live("10"))
    assert actions(plan) == dict(
        zip(IN_ORDER, ["no_op", "create", "run", "create", "update", "no_op"], strict=True)
    )
    assert change_of(plan, "configuration/train").fields == (
        FieldChange("parameter_bindings.epochs", "10", "20"),
    )
    assert change_of(plan, "configuration/train").reason == "parameter_bindings.epochs changed"
    assert change_of(plan, "configuration/serve").fields == (
        FieldChange("input_artifact_bindings.model", "m1", MODEL),
    )
    assert change_of(plan, "deployment/serve").fields == (
        FieldChange("configuration", "c2", Ref(Key("configuration", "serve"))),
    )
    assert change_of(plan, "deployment/serve").id == "d1"


def test_the_former_configuration_is_the_one_in_use_not_the_newest() -> None:
    used, unused = configuration("serve", {"v": "1"}), configuration("serve", {"v": "7"})
    live = [
        a_live(used, "c1", created_at="2026-01-01"),
        a_live(unused, "c7", created_at="2026-01-07"),
        a_live(deployment(configuration="c1"), "d1"),
    ]
    wanted = [configuration("serve", {"v": "2"}), deployment()]
    (field,) = change_of(plan_of(wanted, live), "configuration/serve").fields
    assert field.before == "1"
    (field,) = change_of(plan_of(wanted, live[:2]), "configuration/serve").fields
    assert field.before == "7"


@pytest.mark.parametrize(
    ("state", "action", "reason"),
    [
        (State.RUNNING, "no_op", "unchanged"),
        (State.PENDING, "update", "still PENDING: wait for RUNNING"),
        (State.UNKNOWN, "update", "still UNKNOWN: wait for RUNNING"),
        (State.STOPPED, "replace", "d1 is STOPPED"),
        (State.STOPPING, "replace", "d1 is STOPPING"),
        (State.FAILED, "replace", "d1 is DEAD"),
    ],
)
def test_the_state_of_a_deployment_counts(state: State, action: str, reason: str) -> None:
    live = its_live()
    live[4] = replace(live[4], status=status(state))
    change = change_of(plan_of(a_service(), live), "deployment/serve")
    assert (change.action, change.reason) == (action, reason)
    if action == "update":
        assert change.fields == (FieldChange("status", state.value, "RUNNING"),)


def test_one_that_nobody_waits_for_may_be_on_its_way() -> None:
    desired = [configuration("serve"), deployment(options=Options(wait_for=None))]
    live = [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="c1"), "d1", State.PENDING),
    ]
    assert not plan_of(desired, live).has_changes


def test_an_application_that_failed_to_sync_is_updated_not_replaced() -> None:
    desired = Resource(Key("application", "app"), {"name": "app", "commit": "2"})
    live = a_live(desired, "app", status=Status(State.FAILED, "OutOfSync"))
    assert change_of(plan_of([desired], [live]), "application/app").action is Action.UPDATE
    live = a_live(desired, "app", spec={"commit": "1"}, status=Status(State.RUNNING, "Synced"))
    change = change_of(plan_of([desired], [live]), "application/app")
    assert (change.action, change.reason) == (Action.UPDATE, "commit changed")


def test_an_immutable_field_forces_a_replacement_and_the_url_is_not_known_then() -> None:
    desired = a_service()
    desired[1] = deployment(ttl="24h")
    live = its_live()
    live[4] = replace(live[4], spec={**live[4].spec, "ttl": "1h"})
    plan = plan_of(desired, live)
    assert change_of(plan, "deployment/serve").action is Action.REPLACE
    assert change_of(plan, "deployment/serve").reason.startswith("ttl changed: ")
    (field,) = change_of(plan, "destination/DEST").fields
    assert (field.before, field.after) == ("https://x/d1", Ref(Key("deployment", "serve"), "url"))


def test_replace_on_wish() -> None:
    plan = plan_of(a_service(), its_live(), replace=["deployment/serve"])
    change = change_of(plan, "deployment/serve")
    assert (change.action, change.reason, change.id) == (Action.REPLACE, "--replace", "d1")


def test_a_missing_output_of_a_finished_run_is_said() -> None:
    live = its_live()
    live[2] = replace(live[2], outputs={"artifacts.other": "x"})
    plan = plan_of(a_service(), live)
    assert plan.warnings == (
        "configuration/serve needs artifacts.model of execution/train, which e1 does not have",
    )


def test_remarks_of_the_platform_become_warnings() -> None:
    live = its_live()
    live[4] = replace(live[4], notes=("its template has changed since it started",))
    assert plan_of(a_service(), live).warnings == (
        "deployment/serve: its template has changed since it started",
    )


def test_by_content_only_declared_keys_of_a_partial_map_count() -> None:
    kinds = {"data": Kind("data", identity=(), partial=frozenset({"labels"}))}
    desired = [Resource(Key("data", "d"), {"name": "d", "labels": {"mine": "1"}})]
    for labels, action in (({"mine": "1", "its": "2"}, "no_op"), ({"its": "2"}, "create")):
        live = [a_live(desired[0], "d1", spec={"labels": labels})]
        plan = make_plan(a_stage(), desired, live, kinds, created_at=CREATED_AT)
        assert actions(plan) == {"data/d": action}


def test_what_cannot_be_changed_in_place_is_replaced() -> None:
    kinds = {"job": Kind("job", updatable=False)}
    desired = [Resource(Key("job", "j"), {"name": "j", "size": 2})]
    live = [a_live(desired[0], "j1", spec={"size": 1})]
    plan = make_plan(a_stage(), desired, live, kinds, created_at=CREATED_AT)
    assert change_of(plan, "job/j").action is Action.REPLACE
    assert change_of(plan, "job/j").reason == "size changed: cannot be changed in place"


def test_pruning_a_stage_spares_what_names_no_executable() -> None:
    kinds = {"job": Kind("job", prunable=True)}
    live = [a_live(Resource(Key("job", "j"), {"name": "j"}), "j1")]
    for prune, count in (("stage", 0), ("resource_group", 1)):
        stage = a_stage(prune=prune)
        plan = make_plan(stage, [], live, kinds, created_at=CREATED_AT)
        assert len(plan.changes) == count


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(CicdError, match="banana/x: this platform has no banana"):
        plan_of([Resource(Key("banana", "x"), {})])
    stranger = LiveResource(Key("banana", "x"), "x", {}, status(State.RUNNING))
    assert not plan_of([], [stranger], prune="resource_group").changes


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"select": ["execution/train"]}, IN_ORDER[:3]),
        ({"select": ["configuration/*"]}, IN_ORDER[:4]),
        ({"select": ["deployment/serve"], "exclude": ["destination/*"]}, IN_ORDER[:5]),
        ({"exclude": ["destination/*"]}, IN_ORDER[:5]),
    ],
)
def test_selection_pulls_in_what_is_needed(wish: dict[str, list[str]], expected: list[str]) -> None:
    plan = plan_of(a_service(), [], **wish)
    assert [str(change.key) for change in plan.changes] == expected
    left = ", ".join(key for key in IN_ORDER if key not in expected)
    assert plan.warnings[-1] == f"{6 - len(expected)} of 6 resources are not selected: {left}"
    pulled = [key for key in expected if wish.get("select") and key in plan.warnings[0]]
    assert all(key not in pulled for key in wish.get("select", ()))
    assert bool(pulled) == ("select" in wish)


def test_another_executable_replaces_the_deployment_that_is_known_to_be_the_stages() -> None:
    live = its_live()
    place = next(index for index, item in enumerate(live) if item.id == "d1")
    live[place] = replace(live[place], spec={**live[place].spec, "executable_id": "old"})
    plan = plan_of(a_service(), live)
    [change] = [change for change in plan.changes if change.key.kind == "deployment"]
    assert (change.action.value, change.id) == ("replace", "d1")
    assert change.reason == "executable_id changed: it stays with its executable"
    assert actions(plan)["destination/DEST"] == "update"

    nobodys = [item for item in live if item.id != "DEST"]
    assert actions(plan_of(a_service(), nobodys))["deployment/serve"] == "create"
    nobodys[place] = replace(nobodys[place], owner=a_stage().name)
    assert actions(plan_of(a_service(), nobodys))["deployment/serve"] == "replace"
    # what is wanted as it is has no successor
    kept = deployment(
        "old", executable_id="old", configuration_name=live[place].spec["configuration_name"]
    )
    found = actions(plan_of([*a_service(), configuration("old"), kept], live))
    assert found["deployment/serve"] == "create"


def test_a_destination_goes_with_its_deployment() -> None:
    """Or it would point at one that has been replaced and deleted."""
    plan = plan_of(a_service(), its_live(), select=["deployment/serve"], replace=["deployment/*"])
    assert actions(plan)["destination/DEST"] == "update"


def test_what_is_excluded_stays_as_it_is_and_can_be_used() -> None:
    live = its_live()
    live[2] = replace(live[2], spec={**live[2].spec, "inputs": "old"})
    assert actions(plan_of(a_service(), live))["execution/train"] == "run"
    plan = plan_of(a_service(), live, exclude=["execution/train"])
    assert not plan.has_changes
    assert change_of(plan, "configuration/serve").id == "c2"


def test_what_is_excluded_and_missing_but_needed_is_an_error() -> None:
    with pytest.raises(Usage, match=r"configuration/serve needs artifacts\.model of execution"):
        plan_of(a_service(), its_live()[:2], exclude=["execution/train"])


@pytest.mark.parametrize(
    ("wish", "hint"),
    [
        ({"select": ["deployment/srve"]}, "did you mean deployment/serve?"),
        ({"exclude": ["zzz"]}, "it has "),
        ({"rerun": ["deployment/serve"]}, "it has execution/train"),
        ({"replace": ["execution/train"]}, "deployment/serve"),
        ({"replace": ["artifact/data"]}, "deployment/serve"),
    ],
)
def test_a_wish_that_fits_nothing_is_wrong_usage(wish: dict[str, Any], hint: str) -> None:
    with pytest.raises(Usage, match="fits nothing in stage dev") as caught:
        plan_of(a_service(), **wish)
    assert hint in caught.value.hint


def others() -> list[LiveResource]:
    """Live things that no stage file names: one of our executable, one of somebody else's."""
    foreign = {"scenario_id": "theirs", "configuration": "c9", "configuration_name": "x"}
    return [
        a_live(execution(configuration="c8"), "e8", State.SUCCEEDED),
        a_live(execution(), "e9", State.RUNNING, spec=foreign),
        a_live(deployment(), "d9", State.STOPPED, spec=foreign),
        a_live(deployment("old", configuration="c8"), "d8", key=Key("deployment", "old")),
        a_live(configuration("old"), "c8"),
        a_live(destination("OTHER"), "OTHER"),
    ]


@pytest.mark.parametrize(
    ("prune", "deleted"),
    [
        ("none", []),
        ("stage", ["deployment/old", "execution/e8"]),
        (
            "resource_group",
            ["deployment/old", "deployment/d9", "execution/e8", "execution/e9"],
        ),
    ],
)
def test_prune_deletes_what_nobody_wants_last(prune: str, deleted: list[str]) -> None:
    plan = plan_of(a_service(), its_live() + others(), prune=prune)
    assert [str(change.key) for change in plan.changes] == IN_ORDER + deleted
    assert {change.action for change in plan.changes[6:]} <= {Action.DELETE}
    for change in plan.changes[6:]:
        assert change.reason == f"not in the stage file, prune: {prune}"
        assert not change.depends_on


def test_former_versions_are_pruned_in_the_same_plan() -> None:
    plan = plan_of(a_service("20"), its_live("10") + others(), prune="stage")
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    assert {str(change.key) for change in deletes} == {
        "deployment/old",
        "execution/e1",
        "execution/e8",
    }


def test_a_run_that_is_repeated_is_pruned_after_its_successor() -> None:
    live = its_live()
    live[2] = replace(live[2], status=status(State.FAILED))
    plan = plan_of(a_service(), live, prune="stage")
    change = change_of(plan, "execution/e1")
    assert (change.action, change.reason) == (Action.DELETE, "superseded by a new run")
    live[2] = replace(live[2], status=status(State.RUNNING))
    assert plan_of(a_service(), live, prune="stage").summary[Action.DELETE] == 0


def test_a_delete_never_shares_a_key() -> None:
    live = [
        a_live(deployment("a"), "d1", key=Key("deployment", "serve")),
        a_live(deployment("b"), "d2", key=Key("deployment", "same")),
        a_live(deployment("c"), "d3", key=Key("deployment", "same")),
        a_live(deployment("d"), "d4", key=Key("deployment", "own")),
    ]
    plan = plan_of([configuration("serve"), deployment()], live, prune="resource_group")
    keys = [str(change.key) for change in plan.changes]
    assert keys == [
        "configuration/serve",
        "deployment/serve",
        "deployment/d1",
        "deployment/d2",
        "deployment/d3",
        "deployment/own",
    ]


def test_selection_holds_for_deletes_too() -> None:
    live = its_live() + others()
    plan = plan_of(a_service(), live, prune="stage", select=["execution/e8"])
    assert actions(plan) == {"execution/e8": "delete"}
    plan = plan_of(a_service(), live, prune="stage", exclude=["execution/e8"])
    assert plan.summary[Action.DELETE] == 1


def test_ten_thousand_resources() -> None:
    names = [f"n{number}" for number in range(2500)]
    desired = [
        resource
        for name in names
        for resource in (artifact(name), configuration(name), execution(name), deployment(name))
    ]
    live = [
        thing
        for name in names
        for thing in (
            a_live(artifact(name), f"a-{name}"),
            a_live(configuration(name), f"c-{name}"),
            a_live(execution(name, configuration=f"c-{name}"), f"e-{name}", State.SUCCEEDED),
            a_live(deployment(name, configuration=f"c-{name}"), f"d-{name}"),
        )
    ]
    plan = plan_of(desired, live[::-1], prune="resource_group")
    assert plan.summary == {**dict.fromkeys(Action, 0), Action.NO_OP: 10_000}


def test_a_wish_in_an_empty_stage_has_nothing_to_fit() -> None:
    with pytest.raises(Usage) as caught:
        plan_of([], [], rerun=["execution/train"])
    assert caught.value.hint == "it has nothing that it could fit"
