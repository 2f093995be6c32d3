"""Which live thing is taken for a desired one."""

from __future__ import annotations

import pytest

from cicd.errors import CicdError
from cicd.model import Key, Options, Resource, State
from tests.plan.plan_world import (
    a_live,
    actions,
    artifact,
    change_of,
    configuration,
    deployment,
    execution,
    plan_of,
)


def test_configurations_are_found_by_content_the_oldest_first() -> None:
    desired = configuration(parameters={"a": "1", "b": "2"})
    other_order = {"b": "2", "a": "1"}
    live = [
        a_live(desired, "c3", created_at="2026-01-03"),
        a_live(desired, "c1", created_at="2026-01-02", spec={"parameter_bindings": other_order}),
        a_live(desired, "c0", created_at="2026-01-02", spec={"name": "another"}),
        a_live(desired, "c2", created_at="2026-01-02"),
    ]
    change = change_of(plan_of([desired], live), "configuration/train")
    assert (change.id, change.reason) == ("c1", "equal configuration c1 exists")


def test_labels_count_only_when_they_are_declared() -> None:
    live = [a_live(artifact(), "a1", spec={"labels": {"x": "y"}})]
    assert actions(plan_of([artifact()], live)) == {"artifact/data": "no_op"}
    assert actions(plan_of([artifact(labels={"x": "z"})], live)) == {"artifact/data": "create"}
    assert actions(plan_of([artifact(labels={})], live)) == {"artifact/data": "create"}


def test_two_equal_configurations_share_one_live_one() -> None:
    one, two = configuration("train"), configuration("train")
    two = Resource(Key("configuration", "again"), two.spec)
    plan = plan_of([one, two], [a_live(one, "c1")])
    assert [change.id for change in plan.changes] == ["c1", "c1"]


def test_the_newest_run_counts() -> None:
    live = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1"), "e1", State.FAILED, created_at="2026-01-01"),
        a_live(execution(configuration="c1"), "e3", State.SUCCEEDED, created_at="2026-01-03"),
        a_live(execution(configuration="c1"), "e2", State.FAILED, created_at="2026-01-02"),
        a_live(execution(configuration="other"), "e4", State.FAILED, created_at="2026-01-04"),
    ]
    assert change_of(plan_of([configuration(), execution()], live), "execution/train").id == "e3"


@pytest.mark.parametrize(
    ("live", "taken"),
    [
        ([("d1", State.STOPPED, "09"), ("d2", State.RUNNING, "01")], "d2"),
        ([("d1", State.PENDING, "09"), ("d2", State.RUNNING, "01")], "d2"),
        ([("d1", State.UNKNOWN, "09"), ("d2", State.PENDING, "01")], "d2"),
        ([("d1", State.FAILED, "09"), ("d2", State.UNKNOWN, "01")], "d2"),
        ([("d1", State.RUNNING, "01"), ("d2", State.RUNNING, "09")], "d2"),
        ([("d1", State.STOPPED, "01"), ("d2", State.FAILED, "09")], "d2"),
    ],
)
def test_the_liveliest_deployment_is_taken(live: list[tuple[str, State, str]], taken: str) -> None:
    things = [a_live(configuration("serve"), "c1")]
    for live_id, state, day in live:
        mine = a_live(deployment(configuration="c1"), live_id, state, created_at=f"2026-01-{day}")
        things.append(mine)
    for order in (things, things[::-1]):
        plan = plan_of([configuration("serve"), deployment()], order)
        assert change_of(plan, "deployment/serve").id == taken


def test_a_live_deployment_is_taken_once() -> None:
    twin = Resource(Key("deployment", "twin"), deployment().spec)
    desired = [configuration("serve"), deployment(), twin]
    live = [a_live(configuration("serve"), "c1"), a_live(deployment(configuration="c1"), "d1")]
    assert actions(plan_of(desired, live)) == {
        "configuration/serve": "no_op",
        "deployment/serve": "no_op",
        "deployment/twin": "create",
    }
    live.append(a_live(deployment(configuration="c1"), "d2"))
    assert {change.id for change in plan_of(desired, live).changes} == {"c1", "d1", "d2"}


def test_a_pinned_deployment_is_updated_whatever_its_name() -> None:
    desired = [configuration("serve"), deployment(options=Options("RUNNING", existing_id="d7"))]
    old = configuration("serve", {"size": "s"})
    live = [
        a_live(old, "c1", spec={"name": "old name"}),
        a_live(deployment(configuration="c1", configuration_name="old name"), "d7"),
        a_live(deployment(configuration="c9"), "d8", created_at="2026-02-01"),
    ]
    plan = plan_of(desired, live)
    change = change_of(plan, "deployment/serve")
    assert (change.action, change.id) == ("update", "d7")
    paths = [field.path for field in change_of(plan, "configuration/serve").fields]
    assert paths == ["name", "parameter_bindings.size"]


def test_a_pinned_deployment_is_nobody_elses() -> None:
    pinned = deployment(options=Options("RUNNING", existing_id="d1"))
    other = Resource(Key("deployment", "zwei"), deployment().spec)
    live = [a_live(configuration("serve"), "c1"), a_live(deployment(configuration="c1"), "d1")]
    for desired in ([pinned, other], [other, pinned]):
        plan = plan_of([configuration("serve"), *desired], live)
        assert actions(plan)["deployment/serve"] == "no_op"
        assert actions(plan)["deployment/zwei"] == "create"


def test_a_pinned_id_that_is_not_there_is_an_error() -> None:
    desired = [configuration("serve"), deployment(options=Options(existing_id="d404"))]
    with pytest.raises(CicdError, match=r"deployment/serve is pinned .* d404"):
        plan_of(desired, [])


def test_the_same_thing_on_two_pages_is_one_thing() -> None:
    live = [a_live(configuration("x"), "c1"), a_live(deployment(), "d1")] * 2
    plan = plan_of([artifact()], live, prune="resource_group")
    assert actions(plan) == {"artifact/data": "create", "deployment/d1": "delete"}
