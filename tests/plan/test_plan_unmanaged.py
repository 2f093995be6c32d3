"""What of everything live the stage files name, and what is nobody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from cicd.model import LiveResource, Resource, State
from cicd.plan.unmanaged import count, is_state, named, running, within_reach
from tests.plan.plan_world import (
    KINDS,
    a_live,
    artifact,
    configuration,
    deployment,
    execution,
    schedule,
    secret,
    status,
)

TRAIN, SERVE = configuration(parameters={"epochs": "2"}), configuration("serve")
WISHES: list[Resource] = [artifact(), TRAIN, SERVE, execution(), deployment(), schedule()]
OLD = configuration(parameters={"epochs": "1"})


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        # of content all its versions, also one that nothing names by what is in it
        ([a_live(TRAIN, "c2"), a_live(OLD, "c1")], {"c1": "train", "c2": "train"}),
        ([a_live(OLD, "c1")], {"c1": "train"}),
        ([a_live(artifact(url="ai://default/older"), "a1")], {"a1": "data"}),
        ([a_live(configuration("other"), "c9")], {}),
        # of a run all its repetitions
        (
            [
                a_live(TRAIN, "c2"),
                a_live(execution(configuration="c2"), "e1", State.SUCCEEDED),
                a_live(execution(configuration="c2"), "e2", State.FAILED),
            ],
            {"c2": "train", "e1": "train", "e2": "train"},
        ),
        # also with former inputs, whoever has started them
        (
            [
                a_live(TRAIN, "c2"),
                a_live(execution(configuration="c2"), "e1", State.SUCCEEDED, owner="dev"),
                a_live(execution(configuration="c1"), "e2", State.SUCCEEDED, owner="tst"),
                a_live(execution("other", configuration="c8"), "e9", State.SUCCEEDED),
            ],
            {"c2": "train", "e1": "train", "e2": "train"},
        ),
        # of a service only the one that planning takes
        (
            [
                a_live(SERVE, "c3"),
                a_live(deployment(configuration="c3"), "d1", created_at="2026-01-01"),
                a_live(deployment(configuration="c3"), "d2", created_at="2026-01-02"),
            ],
            {"c3": "serve", "d2": "serve"},
        ),
        ([a_live(schedule("nightly"), "s1"), a_live(schedule(), "s2")], {"s2": "weekly"}),
        # what a run has made goes by the run, also under a name that no file knows
        (
            [
                a_live(TRAIN, "c2"),
                a_live(execution(configuration="c2"), "e1", outputs={"artifacts.model": "a7"}),
                a_live(artifact("model"), "a7"),
                a_live(artifact("model"), "a8"),
            ],
            {"c2": "train", "e1": "train", "a7": "train"},
        ),
    ],
)
def test_what_the_stage_files_name(
    lives: Sequence[LiveResource], expected: Mapping[str, str]
) -> None:
    found = named(WISHES, lives, KINDS)
    assert {id: key.name for (_, id), key in found.items()} == expected


def test_a_run_of_another_has_not_made_what_a_file_names() -> None:
    lives = [
        a_live(artifact(), "a1"),
        a_live(TRAIN, "c2"),
        a_live(execution(configuration="c2"), "e1", outputs={"artifacts.data": "a1"}),
        a_live(execution("other", configuration="c8"), "e2", outputs={"artifacts.model": "a2"}),
        a_live(artifact("model"), "a2"),
    ]
    found = named(WISHES, lives, KINDS)
    assert str(found["artifact", "a1"]) == "artifact/data"
    assert ("artifact", "a2") not in found


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ({"resource_group": "a"}, {"resource_group": "a"}, ["c1", "r1", "g1"]),
        ({"resource_group": "a"}, {"resource_group": "b"}, ["r1"]),
        ({"resource_group": "a"}, {}, ["r1"]),
        # which Launchpad a link leads to makes no other place
        (
            {"resource_group": "a", "launchpad_url": "https://one"},
            {"resource_group": "a", "launchpad_url": "https://two"},
            ["c1", "r1", "g1"],
        ),
    ],
)
def test_a_stage_of_another_place_reaches_what_is_in_no_container(
    here: Mapping[str, str], there: Mapping[str, str], expected: list[str]
) -> None:
    lives = [
        a_live(configuration(), "c1"),
        a_live(secret("docker_registry_secret"), "r1"),
        a_live(secret("generic_secret", scope="resource_group"), "g1"),
    ]
    assert [item.id for item in within_reach(lives, here, there, KINDS)] == expected


def test_where_nothing_is_in_a_container_any_difference_makes_another_place() -> None:
    kinds = {name: kind for name, kind in KINDS.items() if not kind.contains}
    lives = [a_live(secret("docker_registry_secret"), "r1"), a_live(configuration(), "c1")]
    same = within_reach(lives, {"region": "eu"}, {"region": "eu"}, kinds)
    assert [item.id for item in same] == ["r1", "c1"]
    assert within_reach(lives, {"region": "eu"}, {"region": "us"}, kinds) == [lives[0]]


def test_runs_and_services_that_run_are_what_costs() -> None:
    lives = [
        a_live(execution(), "e1"),
        a_live(execution(), "e2", State.SUCCEEDED),
        a_live(deployment(), "d1"),
        a_live(deployment(), "d2", State.STOPPED),
        a_live(schedule(), "s1"),
        a_live(configuration(), "c1"),
    ]
    assert [item.id for item in running(lives, KINDS)] == ["e1", "d1"]
    assert running(lives, {}) == []
    assert count(lives) == {"configuration": 1, "deployment": 2, "execution": 2, "schedule": 1}
    assert list(count(reversed(lives))) == ["configuration", "deployment", "execution", "schedule"]


def test_what_is_there_until_it_is_taken_away_is_state() -> None:
    lives = [
        a_live(configuration(), "c1"),
        a_live(artifact(), "a1"),
        a_live(execution(), "e1", status=status(State.SUCCEEDED)),
        a_live(deployment(), "d1"),
        a_live(schedule(), "s1"),
        a_live(secret("generic_secret"), "g1"),
    ]
    assert [item.id for item in lives if is_state(item, KINDS)] == ["d1", "s1", "g1"]
    assert not any(is_state(item, {}) for item in lives)
