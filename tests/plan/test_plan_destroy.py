"""What a destroy deletes, in which order, and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cicd.model import Action, Key, LiveResource, Options, Plan, Ref, Resource, State
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
        "resource_group/g": "kept: others may use it",
        "artifact/data": "kept: it cannot be deleted",
        "configuration/train": "kept: it cannot be deleted",
        "configuration/serve": "does not exist",
    }
    assert plan.warnings == (
        "application/app serves every resource group of the tenant and would be deleted",
        "repository/repo serves every resource group of the tenant and would be deleted",
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
