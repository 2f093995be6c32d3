"""Which run stands for what a stage asks for now, and what has to be known of it for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from cicd.model import Key, LiveResource, Options, Ref, Resource, State
from cicd.plan.versions import behind_runs, standing
from tests.plan.plan_world import (
    KINDS,
    a_live,
    artifact,
    configuration,
    deployment,
    execution,
)

MODEL = Ref(Key("execution", "train"), "artifacts.model")
TRAIN = configuration("train", input_artifact_bindings={"data": Ref(artifact().key)})
EVALUATE = configuration("evaluate", input_artifact_bindings={"model": MODEL})
WISHES = [artifact(), TRAIN, execution("train"), EVALUATE, execution("evaluate")]


def lives(data: str = "a1", model: str = "a2", **train: Any) -> list[LiveResource]:
    """A training with these data, and a test of this model."""
    made = {"artifacts.model": "a2"}
    return [
        a_live(artifact(), "a1"),
        a_live(configuration("train", input_artifact_bindings={"data": data}), "c1"),
        a_live(
            execution("train", configuration="c1"), "e1", State.SUCCEEDED, outputs=made, **train
        ),
        a_live(configuration("evaluate", input_artifact_bindings={"model": model}), "c2"),
        a_live(execution("evaluate", configuration="c2"), "e2", State.SUCCEEDED),
    ]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (lives(), {"train": "e1", "evaluate": "e2"}),
        # by its data it is another training, and so nobody has tested its model
        (lives(data="a0"), {}),
        (lives(model="a9"), {"train": "e1"}),
        (lives()[:3], {"train": "e1"}),
        (lives()[1:], {}),
        ([], {}),
        # the newest of those with the same inputs
        (
            [
                *lives(created_at="2026-01-01"),
                a_live(
                    execution("train", configuration="c1"),
                    "e3",
                    State.SUCCEEDED,
                    outputs={"artifacts.model": "a2"},
                    created_at="2026-01-02",
                ),
            ],
            {"train": "e3", "evaluate": "e2"},
        ),
    ],
)
def test_the_run_with_the_inputs_of_now_stands(
    live: Sequence[LiveResource], expected: Mapping[str, str]
) -> None:
    found = standing(WISHES, live, KINDS)
    assert {key.name: item.id for key, item in found.items()} == expected


@pytest.mark.parametrize(
    ("inputs", "options", "expected"),
    [
        ("i1", Options(), "e1"),
        ("i0", Options(), None),
        ("i0", Options(rerun="never"), "e1"),
        ("i1", Options(existing_id="e1"), "e1"),
        ("i1", Options(existing_id="e9"), None),
    ],
)
def test_code_counts_as_an_input_but_where_a_run_is_never_repeated(
    inputs: str, options: Options, expected: str | None
) -> None:
    wishes = [configuration(), execution(options=options)]
    live = [
        a_live(configuration(), "c1"),
        a_live(execution(configuration="c1", inputs=inputs), "e1", State.SUCCEEDED),
    ]
    found = standing(wishes, live, KINDS)
    assert [item.id for item in found.values()] == ([expected] if expected else [])


def test_only_runs_and_what_they_take_in_have_to_be_known() -> None:
    others: list[Resource] = [configuration("serve"), deployment(), artifact("unused")]
    assert [str(wish.key) for wish in behind_runs([*others, *WISHES], KINDS)] == [
        str(wish.key) for wish in WISHES
    ]
    assert behind_runs(others, KINDS) == []
