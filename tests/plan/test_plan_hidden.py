"""What came from the environment: compared by what it is, shown as changed or not and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd.model import Action, Hidden, Key, Plan, Resource, State
from cicd.plan.document import to_document
from cicd.render.html import render_page
from cicd.render.markdown import render_section
from cicd.render.text import render_plan
from tests.plan.plan_world import a_live, artifact, change_of, configuration, plan_of

OLD, NEW = "old-hf-abc", "new-hf-xyz"


def outputs(plan: Plan) -> str:
    document = to_document(plan)
    texts = [render_plan(plan, verbose=True), render_section(document), render_page([document])]
    return "\n".join([*texts, json.dumps(document)])


def group(label: Any) -> Resource:
    return Resource(Key("resource_group", "g"), {"name": "g", "labels": {"team": label}})


CHANGES: dict[str, tuple[Resource, Resource, str]] = {
    "a parameter": (
        configuration(parameters={"hf": OLD}),
        configuration(parameters={"hf": Hidden(NEW)}),  # type: ignore[dict-item]
        "parameter_bindings.hf",
    ),
    "a url": (artifact(url=OLD), artifact(url=Hidden(NEW)), "url"),
    "a description": (artifact(description=OLD), artifact(description=Hidden(NEW)), "description"),
    "a label": (group(OLD), group(Hidden(NEW)), "labels.team"),
}


@pytest.mark.parametrize(("live", "wish", "path"), CHANGES.values(), ids=CHANGES)
def test_the_old_value_is_as_hidden_as_the_new_one(
    live: Resource, wish: Resource, path: str
) -> None:
    state = State.SUCCEEDED
    plan = plan_of([wish], [a_live(live, "x1", state)])
    said = outputs(plan)
    assert OLD not in said and NEW not in said
    assert f"{path}: *** → *** (changed)" in render_plan(plan)
    (field,) = to_document(plan)["changes"][0]["fields"]
    assert field == {"path": path, "before": "***", "after": "***", "reason": "changed"}


@pytest.mark.parametrize("live_text", [NEW, Hidden(NEW)], ids=["in clear", "hidden"])
def test_an_equal_value_is_no_change(live_text: Any) -> None:
    wish = configuration(parameters={"hf": Hidden(NEW)})  # type: ignore[dict-item]
    live = a_live(configuration(parameters={"hf": live_text}), "c1")
    plan = plan_of([wish], [live])
    assert change_of(plan, "configuration/train").action is Action.NO_OP
    assert NEW not in outputs(plan)


def test_a_value_that_equals_a_plain_one_elsewhere_stays_hidden() -> None:
    wish = configuration(parameters={"a": Hidden("same"), "b": "x"})  # type: ignore[dict-item]
    live = a_live(configuration(parameters={"a": "was", "b": "same"}), "c1")
    plan = plan_of([wish], [live])
    text = render_plan(plan)
    assert "parameter_bindings.a: *** → *** (changed)" in text
    assert 'parameter_bindings.b: "same" → "x"' in text  # nobody hides what the file never hid


def test_a_hidden_text_in_a_list_hides_the_list_that_was_there() -> None:
    wish, was = artifact(tags=["open", Hidden(NEW)]), artifact(tags=["open", OLD])
    plan = plan_of([wish], [a_live(was, "a1", State.SUCCEEDED)])
    assert change_of(plan, "artifact/data").fields
    assert OLD not in outputs(plan) and NEW not in outputs(plan)


def test_the_fingerprint_follows_a_hidden_value_and_is_not_its_digest() -> None:
    plans = [
        plan_of([configuration(parameters={"hf": Hidden(value)})])  # type: ignore[dict-item]
        for value in ("1", "1", "2")
    ]
    live = a_live(configuration(parameters={"hf": "0"}), "c1")
    moved = [
        plan_of([configuration(parameters={"hf": Hidden(value)})], [live])  # type: ignore[dict-item]
        for value in ("1", "1", "2")
    ]
    assert plans[0].fingerprint == plans[1].fingerprint
    assert moved[0].fingerprint == moved[1].fingerprint != moved[2].fingerprint


def test_an_unchanged_secret_says_so_when_it_is_sent_again() -> None:
    from tests.plan.plan_world import secret

    wish = secret("generic_secret", value="k", scope="tenant")
    plan = plan_of([wish], [a_live(wish, "s", State.SUCCEEDED)], refresh_secrets=True)
    assert "data.KEY: *** (unchanged)" in render_plan(plan)
