"""The token of a create: one for every try of one change, another one for the next change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.apply.marks import token_of
from cicd.errors import LostAnswer
from cicd.model import Action, Change, Options, Plan, Resource, Secret
from tests.apply.fake_apply_platform import (
    COMPLETED,
    Clock,
    FakePlatform,
    Fault,
    apply,
    change,
    key_of,
    outcomes,
    plan,
)

RUN = Options(wait_for="COMPLETED", timeout=60)
SPEC: dict[str, Any] = {"configuration": "c1", "inputs": "i1", "files": {"train.py": "0123"}}


def token(change: Change, plan: Plan | None = None) -> str:
    assert change.desired
    return token_of(plan or PLAN, change, change.desired)


TRAIN = change("execution/train", Action.RUN, options=RUN, **SPEC)
PLAN = plan(TRAIN)


def test_every_try_of_one_create_carries_one_token() -> None:
    platform = FakePlatform(Clock())
    lost = LostAnswer("nobody answers", status=502)
    platform.faults["create execution/train"] = [Fault(lost), Fault(lost), None]
    apply(platform, TRAIN)
    assert len(platform.tokens) == 3
    assert len(set(platform.tokens)) == 1 and platform.tokens[0]


def test_another_process_with_a_fresh_plan_has_the_same_token() -> None:
    later = replace(PLAN, created_at="2026-02-02T00:00:00Z", commit="beef", fingerprint="other")
    assert token(TRAIN, later) == token(TRAIN)


@pytest.mark.parametrize(
    "other",
    [
        replace(TRAIN, before="exe-1"),
        change("execution/train-2", Action.RUN, options=RUN, **SPEC),
        change("execution/train", Action.RUN, options=RUN, **{**SPEC, "inputs": "i2"}),
        change("execution/train", Action.RUN, options=RUN, **{**SPEC, "configuration": "c2"}),
    ],
    ids=["what the last one made is there", "another key", "other inputs", "other content"],
)
def test_another_change_has_another_token(other: Change) -> None:
    assert token(other) != token(TRAIN)


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, stage="tst"),
        replace(PLAN, project="churn"),
        replace(PLAN, target={"region": "eu"}),
        replace(PLAN, platform="other"),
    ],
)
def test_the_same_change_of_another_stage_or_place_has_another_token(other: Plan) -> None:
    assert token(TRAIN, other) != token(TRAIN)


def test_a_token_tells_another_secret_and_shows_none() -> None:
    def sealed(text: str) -> str:
        wish = Resource(key_of("generic_secret/s"), {"name": "s", "data": {"k": Secret(text)}})
        return token_of(PLAN, Change(wish.key, Action.CREATE, "new", desired=wish), wish)

    assert sealed("one") == sealed("one") != sealed("two")
    assert "one" not in sealed("one")


def test_a_create_says_whose_it_is() -> None:
    platform = FakePlatform(Clock())
    assert outcomes(apply(platform, TRAIN))["execution/train"].status == COMPLETED.raw
    assert platform.marks == [
        {
            "cicd.stage": "dev",
            "cicd.key": "execution/train",
            "cicd.commit": "c0ffee",
            "cicd.inputs": "i1",
            "cicd.files": '{"train.py":"0123"}',
        }
    ]


def test_what_is_no_run_is_marked_too_and_has_a_token() -> None:
    platform = FakePlatform(Clock())
    apply(platform, change("configuration/c", name="c"), change("destination/d", name="d"))
    assert [marks["cicd.key"] for marks in platform.marks] == ["configuration/c", "destination/d"]
    assert len(set(platform.tokens)) == 2 and all(platform.tokens)
