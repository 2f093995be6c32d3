"""Secrets and schedules in a plan: what nobody can read back, and what is never not ready."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cicd.model import Action, Key, LiveResource, Plan, Resource, Secret, State, Status
from cicd.plan.document import to_document
from tests.plan.plan_world import (
    CREATED_AT,
    a_live,
    actions,
    change_of,
    configuration,
    execution,
    plan_of,
    schedule,
    secret,
)

KINDS = ("docker_registry_secret", "object_store_secret", "generic_secret")
NOTE = "made by someone else, its values are not known; --refresh-secrets sends them"


def fields(plan: Plan, key: str) -> list[tuple[str, str, str]]:
    return [(f.path, str(f.before), str(f.after)) for f in change_of(plan, key).fields]


def a_secret(kind: str, value: str = "hunter2") -> Resource:
    return secret(kind, value=value, **({"scope": "tenant"} if kind == "generic_secret" else {}))


def there(wish: Resource, **spec: object) -> LiveResource:
    return a_live(wish, "s", status=Status(State.SUCCEEDED, ""), spec=spec)


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_that_fits_is_sent_only_when_asked_for(kind: str) -> None:
    wish = a_secret(kind)
    assert actions(plan_of([wish], [there(wish)])) == {f"{kind}/s": "no_op"}
    plan = plan_of([wish], [there(wish)], refresh_secrets=True)
    change = change_of(plan, f"{kind}/s")
    assert (change.action, change.reason) == (Action.UPDATE, "--refresh-secrets")
    assert fields(plan, f"{kind}/s") == [("data.KEY", "***", "***")]
    assert "hunter2" not in json.dumps(to_document(plan)) + repr(plan)


def test_every_difference_of_a_secret_is_named_and_none_shown() -> None:
    wish = secret("object_store_secret", value="new", data={"A": Secret("new"), "B": Secret("b")})
    live = there(wish, data={"A": Secret("old"), "GONE": Secret("x")})
    plan = plan_of([wish], [live])
    assert change_of(plan, "object_store_secret/s").action is Action.UPDATE
    assert fields(plan, "object_store_secret/s") == [
        ("data.A", "***", "***"),
        ("data.B", "None", "***"),
        ("data.GONE", "***", "None"),
    ]
    refreshed = plan_of([wish], [live], refresh_secrets=True)
    assert fields(refreshed, "object_store_secret/s") == fields(plan, "object_store_secret/s")


def test_only_what_is_a_secret_and_is_there_is_refreshed() -> None:
    group = Resource(Key("resource_group", "g"), {"name": "g", "labels": {"x": "1"}})
    live = a_live(group, "g", status=Status(State.SUCCEEDED, "PROVISIONED"))
    plan = plan_of([group, a_secret("generic_secret")], [live], refresh_secrets=True)
    assert actions(plan) == {"resource_group/g": "no_op", "generic_secret/s": "create"}
    assert plan.bound["options"]["refresh_secrets"] is True


def test_what_others_have_made_is_said_until_it_is_sent() -> None:
    wish = a_secret("generic_secret")
    live = replace(there(wish), notes=(NOTE,))
    assert plan_of([wish], [live]).warnings == (f"generic_secret/s: {NOTE}",)
    assert plan_of([wish], [live], refresh_secrets=True).warnings == ()


def test_labels_of_a_group_are_updated_in_place() -> None:
    wish = Resource(Key("resource_group", "g"), {"name": "g", "labels": {"team": "b"}})
    ready = Status(State.SUCCEEDED, "PROVISIONED")
    live = a_live(wish, "g", status=ready, spec={"labels": {"team": "a", "theirs": "1"}})
    plan = plan_of([wish], [live])
    assert actions(plan) == {"resource_group/g": "update"}
    assert fields(plan, "resource_group/g") == [("labels.team", "a", "b")]


# -- schedules --------------------------------------------------------------------------

TRAIN = [configuration("train"), execution("train")]
TRAINED = [
    a_live(configuration("train"), "c1", State.SUCCEEDED),
    a_live(execution("train", configuration="c1"), "e1", State.SUCCEEDED),
]


def scheduled(id: str = "s1", state: State = State.UNKNOWN, **spec: object) -> LiveResource:
    wish = schedule(configuration="c1")
    raw = Status(state, "INACTIVE" if state is not State.RUNNING else "ACTIVE")
    return a_live(wish, id, key=wish.key, status=raw, spec=spec, created_at=CREATED_AT)


@pytest.mark.parametrize("state", [State.UNKNOWN, State.STOPPED, State.RUNNING, State.PENDING])
def test_the_status_of_a_schedule_is_never_a_reason(state: State) -> None:
    plan = plan_of([*TRAIN, schedule()], [*TRAINED, scheduled(state=state)])
    assert change_of(plan, "schedule/weekly").action is Action.NO_OP


def test_a_schedule_is_made_and_changed_and_needs_its_execution() -> None:
    plan = plan_of([*TRAIN, schedule()], TRAINED)
    assert change_of(plan, "schedule/weekly").action is Action.CREATE
    assert Key("execution", "train") in change_of(plan, "schedule/weekly").depends_on
    live = scheduled(active=True, configuration="c0", cron="1 1 * * *")
    plan = plan_of([*TRAIN, schedule(active=False)], [*TRAINED, live])
    change = change_of(plan, "schedule/weekly")
    assert (change.action, change.reason) == (
        Action.UPDATE,
        "active, configuration, cron changed",
    )


def test_schedules_are_pruned_in_the_scope_before_executions() -> None:
    other = scheduled("s2", name="nightly", executable_id="demo-other")
    stray = replace(scheduled("s3", name="nightly"), key=Key("schedule", "nightly"))
    run = a_live(execution("train", configuration="c0"), "e0", State.SUCCEEDED)
    lives = [*TRAINED, scheduled(), other, stray, run]
    plan = plan_of([*TRAIN, schedule()], lives, prune="stage")
    assert [c.id for c in plan.changes if c.action is Action.DELETE] == ["s3", "e0"]
    plan = plan_of([*TRAIN, schedule()], lives, prune="resource_group")
    assert {c.id for c in plan.changes if c.action is Action.DELETE} == {"s2", "s3", "e0"}
