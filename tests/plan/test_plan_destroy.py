"""What a destroy deletes, in which order, and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cicd.model import (
    Action,
    Key,
    LiveResource,
    Options,
    Plan,
    Program,
    Ref,
    Resource,
    State,
    Status,
)
from cicd.plan import make_destroy_plan
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    actions,
    artifact,
    change_of,
    configuration,
    deployment,
    destination,
    execution,
    schedule,
    secret,
)

MODEL = Ref(Key("execution", "train"), "artifacts.model")
URL = "https://host/org/repo"
REPOSITORY = Resource(Key("repository", "repo"), {"name": "repo", "url": URL})
APPLICATION = Resource(
    Key("application", "app"),
    {"name": "app", "repository": URL},
    depends_on=frozenset({REPOSITORY.key}),
)


def destroy_plan(desired: Sequence[Resource], live: Sequence[LiveResource]) -> Plan:
    return make_destroy_plan(a_stage(desired), desired, live, KINDS, created_at=CREATED_AT)


def a_service() -> list[Resource]:
    return [
        Resource(Key("resource_group", "g"), {"name": "g"}),
        REPOSITORY,
        APPLICATION,
        artifact(),
        replace(configuration("train"), depends_on=frozenset({APPLICATION.key})),
        execution("train"),
        configuration("serve", input_artifact_bindings={"model": MODEL}),
        deployment("serve"),
        destination("DEST"),
    ]


def its_live() -> list[LiveResource]:
    desired = {str(resource.key): resource for resource in a_service()}
    run, serve = desired["execution/train"], desired["deployment/serve"]
    return [
        a_live(desired["resource_group/g"], "g"),
        a_live(REPOSITORY, "repo"),
        a_live(APPLICATION, "app"),
        a_live(artifact(), "a1"),
        a_live(desired["configuration/train"], "c1"),
        a_live(run, "e1", State.FAILED, spec={"configuration": "c0"}, created_at="1"),
        a_live(run, "e2", State.SUCCEEDED, spec={"configuration": "c1"}, created_at="2"),
        a_live(run, "e3", State.SUCCEEDED, spec={"configuration": "cx", "scenario_id": "no"}),
        a_live(serve, "d1", spec={"configuration": "c2"}),
        a_live(serve, "d0", State.STOPPED, spec={"configuration": "c2"}),
        a_live(desired["destination/DEST"], "DEST"),
        a_live(destination("OTHER"), "OTHER"),
    ]


def test_deletes_come_dependents_first_and_the_rest_is_kept() -> None:
    plan = destroy_plan(a_service(), its_live())
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    assert [(str(change.key), change.id) for change in deletes] == [
        ("destination/DEST", "DEST"),
        ("deployment/serve", "d1"),
        ("deployment/d0", "d0"),
        ("execution/train", "e2"),
        ("execution/e1", "e1"),
        ("application/app", "app"),
        ("repository/repo", "repo"),
    ]
    needs = {str(change.key): {str(key) for key in change.depends_on} for change in deletes}
    assert needs["deployment/serve"] == needs["deployment/d0"] == {"destination/DEST"}
    assert needs["execution/train"] == {"deployment/serve", "deployment/d0"}
    assert needs["application/app"] == {"execution/train", "execution/e1"}
    assert needs["repository/repo"] == {"application/app"}
    kept = {str(c.key): c.reason for c in plan.changes if c.action is Action.NO_OP}
    assert kept == {
        "resource_group/g": "kept: cicd did not make it",
        "artifact/data": "kept: it cannot be deleted",
        "configuration/train": "kept: it cannot be deleted",
        "configuration/serve": "does not exist",
    }
    assert plan.warnings == (
        "application/app serves every resource group of the tenant and would be deleted",
        "repository/repo serves every resource group of the tenant and would be deleted",
        "resource_group/g is kept: cicd did not make it",
    )


def test_a_repository_goes_only_when_nobody_else_uses_it() -> None:
    desired = [REPOSITORY, APPLICATION]
    other = Resource(Key("application", "theirs"), {"name": "theirs", "repository": URL})
    live = [a_live(REPOSITORY, "repo"), a_live(APPLICATION, "app")]
    plan = destroy_plan(desired, live)
    assert actions(plan) == {"application/app": "delete", "repository/repo": "delete"}
    live.append(a_live(other, "theirs"))
    plan = destroy_plan(desired, live)
    assert actions(plan) == {"application/app": "delete", "repository/repo": "no_op"}
    assert "application theirs uses it too" in change_of(plan, "repository/repo").reason


def test_nothing_live_nothing_to_delete() -> None:
    plan = destroy_plan(a_service(), [])
    assert not plan.has_changes
    assert {change.reason for change in plan.changes} == {"does not exist"}


def test_a_thing_that_two_keys_name_is_deleted_once() -> None:
    twin = Resource(Key("execution", "again"), execution("train").spec)
    desired = [configuration("train"), execution("train"), twin]
    live = [
        a_live(configuration("train"), "c1"),
        a_live(execution(configuration="c1"), "e1", State.SUCCEEDED),
    ]
    plan = destroy_plan(desired, live)
    assert [change.id for change in plan.changes if change.action is Action.DELETE] == ["e1"]


def test_only_the_pinned_deployment_is_deleted() -> None:
    desired = [configuration("serve"), deployment(options=Options(existing_id="d7"))]
    live = [a_live(deployment(configuration_name="else"), "d7"), a_live(deployment(), "d1")]
    plan = destroy_plan(desired, live)
    assert [change.id for change in plan.changes if change.action is Action.DELETE] == ["d7"]
    assert not destroy_plan(desired, live[1:]).has_changes


def test_destroying_twice_changes_nothing_more() -> None:
    gone = {change.id for change in destroy_plan(a_service(), its_live()).changes if change.live}
    gone -= {"g", "a1", "c1"}
    left = [live for live in its_live() if live.id not in gone]
    assert not destroy_plan(a_service(), left).has_changes


def test_a_kind_that_cannot_be_deleted_is_kept() -> None:
    kinds = {**KINDS, "application": replace(KINDS["application"], deletable=False)}
    stage, live = a_stage(), [a_live(APPLICATION, "app"), a_live(REPOSITORY, "repo")]
    plan = make_destroy_plan(stage, [REPOSITORY, APPLICATION], live, kinds, created_at=CREATED_AT)
    assert change_of(plan, "application/app").reason == "kept: cicd never deletes this kind"
    assert change_of(plan, "repository/repo").reason == "kept: application app uses it too"


# -- the resource group, and what serves the whole tenant --------------------------------

GROUP = Resource(Key("resource_group", "g"), {"name": "g"})
READY = Status(State.SUCCEEDED, "PROVISIONED")


def everything() -> list[Resource]:
    return [
        GROUP,
        Resource(Key("node_reservation", "starter"), {"name": "starter", "count": 1}),
        secret("docker_registry_secret", "docker"),
        secret("generic_secret", "mine", scope="resource_group"),
        secret("generic_secret", "wide", scope="tenant"),
        secret("object_store_secret", "default"),
        artifact(),
        configuration("train", input_artifact_bindings={"data": Ref(artifact().key)}),
        execution("train"),
        schedule(),
        configuration("serve", input_artifact_bindings={"model": MODEL}),
        deployment("serve"),
        destination("DEST"),
    ]


def all_live() -> list[LiveResource]:
    """All of it is there, made by stage dev, with what former runs have left."""
    train: dict[str, Any] = {"configuration": "c2"}
    return [
        a_live(GROUP, "g", status=READY, owner="dev"),
        *(a_live(wish, wish.key.name, State.SUCCEEDED) for wish in everything()[1:6]),
        a_live(artifact(), "a1"),
        a_live(artifact(url="ai://default/before"), "a0"),
        a_live(artifact("model", kind="model"), "a2"),
        a_live(artifact("model", kind="model", url="ai://default/old"), "a3"),
        a_live(configuration("train", input_artifact_bindings={"data": "a1"}), "c2"),
        a_live(configuration("train", {"epochs": "1"}), "c1"),
        a_live(configuration("serve", input_artifact_bindings={"model": "a2"}), "c3"),
        a_live(
            execution("train", **train), "e1", State.SUCCEEDED, outputs={"artifacts.model": "a2"}
        ),
        a_live(schedule(**train), "s1", State.UNKNOWN),
        a_live(deployment("serve", configuration="c3"), "d1"),
        a_live(destination("DEST", url="x"), "DEST"),
    ]


def test_everything_of_a_group_that_the_stage_made_goes_the_group_last() -> None:
    plan = destroy_plan(everything(), all_live())
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    order = [str(change.key) for change in deletes]
    assert order == [
        "destination/DEST",
        "deployment/serve",
        "schedule/weekly",
        "execution/train",
        "object_store_secret/default",
        "generic_secret/mine",
        "generic_secret/wide",
        "docker_registry_secret/docker",
        "node_reservation/starter",
        "resource_group/g",
    ]
    needs = {str(change.key): {str(key) for key in change.depends_on} for change in deletes}
    assert needs["resource_group/g"] == set(order[:-1])
    runs = {"deployment/serve", "schedule/weekly", "execution/train"}
    assert needs["object_store_secret/default"] == needs["node_reservation/starter"] == runs
    assert "schedule/weekly" in needs["execution/train"]
    kept = {str(c.key): c.reason for c in plan.changes if c.action is Action.NO_OP}
    assert kept == dict.fromkeys(
        ["artifact/data", "configuration/train", "configuration/serve"],
        "goes with the resource group",
    )
    serves = "serves every resource group of the tenant and would be deleted"
    assert plan.warnings == (
        f"generic_secret/wide {serves}",
        f"docker_registry_secret/docker {serves}",
        f"node_reservation/starter {serves}",
        "4 artifacts and 3 configurations would go with resource_group/g",
    )


@pytest.mark.parametrize(
    ("other", "held"),
    [
        (a_live(execution("theirs", configuration="c9"), "e9"), "execution e9"),
        (a_live(deployment("theirs"), "d9", State.STOPPED), "deployment d9"),
        (a_live(schedule("theirs"), "s9"), "schedule s9"),
        (a_live(secret("object_store_secret", "theirs"), "o9"), "object_store_secret o9"),
        (
            a_live(secret("generic_secret", "x", scope="resource_group"), "x9"),
            "generic_secret x9",
        ),
        (a_live(artifact("theirs"), "a9", key=Key("artifact", "T")), "artifact T (a9)"),
        (a_live(configuration("theirs"), "c9"), "configuration c9"),
    ],
)
def test_a_group_that_holds_what_is_not_ours_is_kept(other: LiveResource, held: str) -> None:
    plan = destroy_plan(everything(), [*all_live(), other])
    change = change_of(plan, "resource_group/g")
    assert (change.action, change.reason) == (Action.NO_OP, f"kept: it holds {held} of others")
    assert change_of(plan, "artifact/data").reason == "kept: it cannot be deleted"
    assert change_of(plan, "deployment/serve").action is Action.DELETE


@pytest.mark.parametrize(("count", "more"), [(3, ""), (4, " and 1 more"), (5, " and 2 more")])
def test_of_what_holds_a_group_three_are_named(count: int, more: str) -> None:
    others = [a_live(deployment(f"t{n}"), f"d9{n}") for n in range(count)]
    change = change_of(destroy_plan(everything(), [*all_live(), *others]), "resource_group/g")
    named = ", ".join(f"deployment d9{n}" for n in range(count - 1, count - 4, -1))
    assert change.reason == f"kept: it holds {named}{more} of others"


@pytest.mark.parametrize(
    "other",
    [
        a_live(secret("generic_secret", "x", scope="tenant"), "x9"),
        a_live(secret("docker_registry_secret", "x"), "x9"),
        a_live(destination("THEIRS"), "THEIRS"),
        a_live(Resource(Key("application", "x"), {"name": "x", "repository": URL}), "x"),
    ],
)
def test_what_lives_outside_of_the_group_does_not_hold_it(other: LiveResource) -> None:
    plan = destroy_plan(everything(), [*all_live(), other])
    assert change_of(plan, "resource_group/g").action is Action.DELETE


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        ({"owner": ""}, "kept: cicd did not make it"),
        ({"owner": "tst"}, "kept: it is of stage tst"),
        (
            {"status": Status(State.FAILED, "ERROR")},
            "kept: it is ERROR, so nobody can tell what it holds",
        ),
    ],
)
def test_a_group_that_is_not_known_to_be_ours_is_kept(group: dict[str, Any], reason: str) -> None:
    lives = all_live()
    lives[0] = replace(lives[0], **group)
    change = change_of(destroy_plan(everything(), lives), "resource_group/g")
    assert (change.action, change.reason) == (Action.NO_OP, reason)
    assert f"resource_group/g is {reason}" in destroy_plan(everything(), lives).warnings


@pytest.mark.parametrize("pattern", ["artifact/data", "configuration/c1"])
def test_what_is_protected_does_not_go_with_the_group(pattern: str) -> None:
    stage = a_stage(everything(), protect=frozenset({pattern}))
    plan = make_destroy_plan(stage, everything(), all_live(), KINDS, created_at=CREATED_AT)
    reason = change_of(plan, "resource_group/g").reason
    assert reason.startswith("kept: it holds ")
    assert reason.endswith(", which is protected")


def test_a_second_destroy_knows_what_the_deleted_runs_have_left() -> None:
    """The first one was interrupted, or somebody's run held the group then."""
    gone = {"execution", "schedule", "deployment", "destination"}
    lives = [live for live in all_live() if live.key.kind not in gone]
    plan = destroy_plan(everything(), lives)
    assert change_of(plan, "resource_group/g").action is Action.DELETE


def test_what_only_the_deleted_have_made_run_or_taken_in_is_ours() -> None:
    """Under whichever names: an output of a run, what a former version ran, what that took in."""
    others = [
        a_live(artifact("report"), "a5"),
        a_live(artifact("weights"), "a6"),
        a_live(configuration("before", input_artifact_bindings={"w": "a6"}), "c0"),
        a_live(deployment("serve", configuration="c0"), "d0", State.STOPPED),
    ]
    lives = all_live() + others
    run = next(live for live in lives if live.id == "e1")
    lives[lives.index(run)] = replace(run, outputs={**run.outputs, "artifacts.report": "a5"})
    plan = destroy_plan(everything(), lives)
    assert change_of(plan, "resource_group/g").action is Action.DELETE
    for gone in ("e1", "d0"):
        plan = destroy_plan(everything(), [live for live in lives if live.id != gone])
        assert change_of(plan, "resource_group/g").action is Action.NO_OP


def test_what_a_template_of_the_stage_makes_is_ours_though_nothing_uses_it() -> None:
    program = Program(
        *("t", "demo-train", "1", "d"),
        outputs=frozenset({"model"}),
        called={"executable_id": "demo-train"},
        makes={"scenario_id": "demo"},
    )
    desired = [GROUP, configuration("train"), execution("train")]
    lives = [
        all_live()[0],
        a_live(configuration("train"), "c1"),
        a_live(artifact("model", kind="model"), "a2"),
    ]
    for programs, action in (((program,), Action.DELETE), ((), Action.NO_OP)):
        stage = a_stage(desired, programs=programs)
        plan = make_destroy_plan(stage, desired, lives, KINDS, created_at=CREATED_AT)
        assert change_of(plan, "resource_group/g").action is action


def test_every_delete_brings_the_timeout_of_what_goes() -> None:
    slow = deployment(options=Options("RUNNING", timeout=7200.0))
    desired = [configuration("serve"), slow]
    live = [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration="c1"), "d1"),
        a_live(deployment(configuration="c0"), "d0", State.STOPPED),
    ]
    plan = make_destroy_plan(a_stage(desired), desired, live, KINDS, created_at=CREATED_AT)
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    assert {change.id for change in deletes} == {"d1", "d0"}
    assert {change.desired.options.timeout for change in deletes if change.desired} == {7200.0}
