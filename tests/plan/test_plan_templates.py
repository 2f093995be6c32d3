"""Templates that come along say in a line each what of their interface changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from cicd.model import Change, Key, Program, Resource, State
from cicd.plan import make_plan
from tests.plan.plan_world import CREATED_AT, KINDS, a_live, a_stage, change_of

ASKS = {"image": ("org/train:1",), "resource plan": ("starter",)}
TRAIN = Program(
    file="templates/train.yaml",
    name="train",
    version="1.0",
    digest="d1",
    parameters={"epochs": "10", "rate": None},
    inputs=frozenset({"data"}),
    outputs=frozenset({"model"}),
    asks=ASKS,
)


def application(*templates: Program, commit: str = "b" * 40) -> Resource:
    spec = {
        "name": "app",
        "commit": commit,
        "executables": {
            item.name: {
                "version": item.version,
                "kind": "workflow",
                "parameters": dict(item.parameters),
                "inputs": sorted(item.inputs),
                "outputs": sorted(item.outputs),
            }
            for item in templates
        },
    }
    return Resource(Key("application", "app"), spec)


def change(
    now: tuple[Program, ...], before: tuple[Program, ...] = (), *, is_known: bool = True
) -> Change:
    """The change of the application; ``is_known``: whether the former stage is."""
    desired = application(*now)
    live = []
    if before:
        live = [replace(a_live(application(*before, commit="a" * 40), "app", State.SUCCEEDED))]
    former = a_stage([application(*before)], programs=before) if before and is_known else None
    stage = a_stage([desired], programs=now)
    plan = make_plan(stage, [desired], live, KINDS, created_at=CREATED_AT, former=former)
    return change_of(plan, "application/app")


def with_(**changes: Any) -> tuple[Program, ...]:
    return (msgspec.structs.replace(TRAIN, **{"digest": "d2", **changes}),)


def test_a_new_template_says_all_that_it_takes_and_gives() -> None:
    assert change((TRAIN,)).templates == (
        "train 1.0 is new: parameters epochs (default 10), rate; takes data; gives model; "
        "image org/train:1; resource plan starter",
    )
    assert change((TRAIN,)).consequence == "brings the templates train from commit bbbbbbbbbbbb"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"parameters": {}}, "takes data; gives model; image org/train:1; resource plan starter"),
        (
            {"parameters": {"seed": ""}, "inputs": frozenset(), "asks": {}},
            'parameters seed (default ""); gives model',
        ),
        (
            {"inputs": frozenset("ba"), "outputs": frozenset(), "asks": {"image": ()}},
            "parameters epochs (default 10), rate; takes a, b",
        ),
    ],
)
def test_a_new_template_says_nothing_of_what_it_has_not(parts: dict[str, Any], told: str) -> None:
    assert change(with_(**parts)).templates == (f"train 1.0 is new: {told}",)


def test_a_new_template_that_takes_and_gives_nothing_is_new() -> None:
    bare = with_(parameters={}, inputs=frozenset(), outputs=frozenset(), asks={})
    assert change(bare).templates == ("train 1.0 is new",)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"parameters": {"epochs": "20", "rate": None}}, "parameter epochs: default 10 → 20"),
        ({"parameters": {"epochs": "10"}}, "parameter rate removed"),
        ({"parameters": {"epochs": None, "rate": None}}, "parameter epochs: default 10 → none"),
        (
            {"parameters": {"epochs": "10", "rate": None, "depth": "3", "seed": None}},
            "parameter depth added (default 3); parameter seed added (must be given)",
        ),
        ({"inputs": frozenset()}, "input artifact data removed"),
        (
            {"outputs": frozenset({"model", "report"})},
            "output artifact report added",
        ),
        ({"asks": {**ASKS, "image": ("org/train:2",)}}, "image org/train:1 → org/train:2"),
        ({"asks": {**ASKS, "image": ()}}, "image org/train:1 → none"),
        ({"asks": {**ASKS, "resource plan": ("infer.s",)}}, "resource plan starter → infer.s"),
        ({"version": "1.1"}, "version 1.0 → 1.1"),
        ({}, "takes and gives the same; something else in it changed"),
    ],
)
def test_a_changed_template_says_what_changed(now: dict[str, Any], told: str) -> None:
    found = change(with_(**now), (TRAIN,))
    assert found.templates == (f"train (templates/train.yaml): {told}",)
    assert found.consequence == "templates are synced from commit bbbbbbbbbbbb: train changed"


def test_a_template_that_stays_has_no_line() -> None:
    other = msgspec.structs.replace(TRAIN, name="serve", file="templates/serve.yaml")
    found = change((TRAIN, *with_(name="serve", version="2.0")), (TRAIN, other))
    assert [line.partition(" ")[0] for line in found.templates] == ["serve"]
    assert change((TRAIN,), (TRAIN,)).consequence.endswith("no template changed")


def test_a_template_that_is_gone_is_named() -> None:
    other = msgspec.structs.replace(TRAIN, name="serve")
    assert change((TRAIN,), (TRAIN, other)).templates == ("serve is gone",)


def test_without_git_only_what_the_platform_tells_is_compared() -> None:
    now = with_(asks={**ASKS, "image": ("org/train:2",)}, parameters={"epochs": "20", "rate": None})
    assert change(now, (TRAIN,), is_known=False).templates == (
        "train (templates/train.yaml): parameter epochs: default 10 → 20",
    )
