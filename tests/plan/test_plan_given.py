"""What a stage has for others, as its own plan tells."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.model import (
    Action,
    Change,
    Hidden,
    Key,
    LiveResource,
    Options,
    Plan,
    Ref,
    Resource,
    State,
    Status,
)
from cicd.plan.given import as_it_ran, given

FIT = Key("job", "fit")
URL = "file:///project/build/model"


def plan(
    action: Action, outputs: dict[str, str] | None = None, raw: str = "FINISHED", **spec: Any
) -> Plan:
    """A plan with one job, and what is there of it where there are outputs."""
    there = None
    if outputs is not None:
        status = Status(State.SUCCEEDED, raw)
        there = LiveResource(FIT, "run-1", spec, status, outputs)
    change = Change(FIT, action, "its reason", live=there)
    return Plan("train", "spark", {}, "", "", (change,), "")


@pytest.mark.parametrize("action", [Action.NO_OP, Action.UPDATE])
def test_what_stays_gives_what_it_has(action: Action) -> None:
    found = plan(action, {"outputs.model": URL})
    assert given(found, Ref(FIT, "outputs.model", "train")).text == URL
    assert given(found, Ref(FIT, "id", "train")).text == "run-1"
    assert given(found, Ref(FIT, "outputs.model", "train")).id == "run-1"


@pytest.mark.parametrize(
    "action", [Action.RUN, Action.CREATE, Action.REPLACE, Action.DELETE], ids=str
)
def test_what_will_be_another_gives_nothing_yet(action: Action) -> None:
    found = given(plan(action, {"outputs.model": URL}), Ref(FIT, "outputs.model", "train"))
    assert (found.text, found.why) == ("", "is not as it should be: its reason")


def test_what_is_not_there_or_lacks_it_says_why() -> None:
    ref = Ref(FIT, "outputs.model", "train")
    assert given(plan(Action.NO_OP), ref).why == "is not as it should be: its reason"
    going = plan(Action.NO_OP, {}, "RUNNING")
    assert given(going, ref).why == "has no outputs.model: it is RUNNING"
    other = Ref(Key("job", "other"), "id", "train")
    assert given(going, other).why == "is not part of it"


def test_a_text_of_the_environment_stays_hidden() -> None:
    found = plan(Action.NO_OP, {"outputs.model": URL}, place=Hidden("/project/build"))
    text = given(found, Ref(FIT, "outputs.model", "train")).text
    assert isinstance(text, Hidden) and text == URL and str(text) == "***"
    found = plan(Action.NO_OP, {"outputs.model": "s3a://b/m"}, writes={"m": Hidden("s3a://b/m")})
    assert isinstance(given(found, Ref(FIT, "outputs.model", "train")).text, Hidden)
    empty = plan(Action.NO_OP, {"outputs.model": URL}, place=Hidden(""))
    assert not isinstance(given(empty, Ref(FIT, "outputs.model", "train")).text, Hidden)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3a://b/model", "s3://b/model"),
        ("s3n://b/model", "s3://b/model"),
        ("s3://b/s3a://x", "s3://b/s3a://x"),
        ("hdfs://n/model", "hdfs://n/model"),
        ("file:///s3a://b", "file:///s3a://b"),
    ],
)
def test_what_hadoop_alone_calls_s3_is_told_as_others_call_it(url: str, said: str) -> None:
    found = plan(Action.NO_OP, {"outputs.model": url})
    assert given(found, Ref(FIT, "outputs.model", "train")).text == said


def test_only_runs_that_every_apply_starts_again_count_as_they_ran() -> None:
    wishes = [Resource(FIT, {}, Options(rerun=rerun)) for rerun in ("always", "never", "on_change")]
    found = [wish.options.rerun for wish in as_it_ran(wishes)]
    assert found == ["on_change", "never", "on_change"]
