"""What a plan is bound to: its sources by digest, its options, and what of it moved."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cicd.model import Action, LiveResource, Plan, Program, State
from cicd.plan import make_plan
from cicd.plan.bound import explain_drift, explain_version, saved_options
from cicd.plan.document import to_document
from tests.plan.plan_world import (
    CREATED_AT,
    KINDS,
    a_live,
    a_stage,
    actions,
    artifact,
    configuration,
    execution,
    plan_of,
)


def program(file: str, digest: str, name: str = "train") -> Program:
    return Program(file, name, "1", digest)


SOURCES: dict[str, Any] = {
    "source_digest": "s1",
    "variables": {"image": "h1", "word": "h2"},
    "programs": (program("templates/a.yaml", "t1"), program("templates/b.yaml", "t2", "serve")),
}


def a_plan(**moved: Any) -> Plan:
    # as when a stage is loaded: whatever it is made from shows in its digest too
    settings = {**SOURCES, **moved}
    return plan_of([artifact()], **{"digest": repr(settings), **settings})


def saved(plan: Plan) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(to_document(plan)))
    return document


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ({}, []),
        ({"source_digest": "s2"}, ["the stage file was edited"]),
        ({"variables": {"image": "h9", "word": "h2"}}, ["variable image changed"]),
        ({"variables": {"word": "h2"}}, ["variable image is gone"]),
        ({"variables": {**SOURCES["variables"], "new": "h"}}, ["variable new is new"]),
        (
            {"programs": (program("templates/a.yaml", "t9"), program("templates/c.yaml", "t"))},
            [
                "template templates/a.yaml changed",
                "template templates/b.yaml is gone",
                "template templates/c.yaml is new",
            ],
        ),
        (
            {"digest": "another"},
            ["a watched file, an environment variable or a secret of the stage changed"],
        ),
    ],
)
def test_every_source_that_moved_is_named(moved: dict[str, Any], expected: list[str]) -> None:
    assert explain_drift(saved(a_plan()), a_plan(**moved)) == expected


def test_a_file_with_several_templates_has_one_digest_whatever_their_order() -> None:
    one, two = program("t/x.yaml", "t1"), program("t/x.yaml", "t2", "serve")
    bound = [a_plan(programs=order).bound["templates"] for order in ((one, two), (two, one))]
    assert bound[0] == bound[1]
    assert list(bound[0]) == ["t/x.yaml"]


def test_an_equal_artifact_that_appeared_is_said() -> None:
    now = plan_of([artifact()], [a_live(artifact(), "a7")], digest="d", **SOURCES)
    was = plan_of([artifact()], digest="d", **SOURCES)
    (line,) = explain_drift(saved(was), now)
    assert line == "artifact/data: was create, is now no_op (equal artifact a7 exists)"


def test_options_travel_with_the_plan() -> None:
    desired = [configuration(), execution()]
    plan = plan_of(desired, select=["execution/*"], rerun=["execution/train"], refresh_secrets=True)
    assert saved_options(saved(plan)) == {
        "select": ("execution/*",),
        "exclude": (),
        "rerun": ("execution/train",),
        "replace": (),
        "refresh_secrets": True,
    }


@pytest.mark.parametrize("bound", [None, [], "x", {"options": 3}, {"options": {"select": "a"}}])
def test_a_damaged_document_has_no_options(bound: Any) -> None:
    document = {**saved(a_plan()), "bound": bound, "fingerprint": "0"}
    assert not any(saved_options(document).values())
    assert explain_drift(document, a_plan())


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_schema_version_is_told_with_the_tool_that_wrote_it(version: Any) -> None:
    text = explain_version({"schema_version": version, "tool_version": "9.9"})
    assert "cicd 9.9" in text
    assert f"schema_version {json.dumps(version)}" in text
    assert explain_version(saved(a_plan())) == ""


def test_an_offline_plan_says_so_and_is_never_fit_to_be_applied() -> None:
    desired = [configuration(), execution()]
    stage = a_stage(desired)
    plan = make_plan(stage, desired, (), KINDS, created_at=CREATED_AT, is_offline=True)
    assert set(actions(plan).values()) == {Action.CREATE, Action.RUN}
    assert "offline" in plan.warnings[-1]
    online = make_plan(stage, desired, (), KINDS, created_at=CREATED_AT)
    assert online.fingerprint == plan.fingerprint
    assert explain_drift(saved(plan), online) == [
        "it was made with --offline, so nobody has looked at what is live"
    ]


def of_stage(owner: str, state: State) -> list[LiveResource]:
    run = a_live(execution(configuration="c1"), "e1", state, owner=owner)
    return [a_live(configuration(), "c1"), run]


@pytest.mark.parametrize(("owner", "count"), [("", 0), ("dev", 0), ("tst", 1)])
def test_a_run_of_another_stage_that_is_used_is_mentioned(owner: str, count: int) -> None:
    plan = plan_of([configuration(), execution()], of_stage(owner, State.SUCCEEDED))
    assert [text for text in plan.warnings if "is of stage tst" in text] == list(plan.warnings)
    assert len(plan.warnings) == count


def test_the_document_names_what_stands_against_the_plan() -> None:
    assert to_document(replace(a_plan(), refusal="too much"))["refusal"] == "too much"
