"""The plan document, its fingerprint, and what moved since."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cicd import __version__
from cicd.errors import Problem, Remark
from cicd.model import Action, Key, LiveResource, Plan, Ref, Resource, Secret, State
from cicd.plan.bound import explain_drift
from cicd.plan.document import fingerprint, plain, to_document
from tests.plan.plan_world import (
    CREATED_AT,
    a_live,
    a_stage,
    artifact,
    configuration,
    deployment,
    destination,
    execution,
    plan_of,
)


def a_plan(epochs: str = "20", **settings: Any) -> Plan:
    before = configuration(parameters={"epochs": "10"})
    live = [a_live(before, "c1"), a_live(execution(configuration="c1"), "e1", State.SUCCEEDED)]
    return plan_of([configuration(parameters={"epochs": epochs}), execution()], live, **settings)


def test_the_document_is_as_the_contract_says() -> None:
    plan = a_plan()
    assert to_document(plan) == {
        "schema_version": 1,
        "tool_version": __version__,
        "stage": "dev",
        "platform": "aicore",
        "target": {"resource_group": "cicd-dev"},
        "commit": "c0ffee",
        "created_at": CREATED_AT,
        "fingerprint": plan.fingerprint,
        "summary": {
            "create": 1,
            "update": 0,
            "replace": 0,
            "run": 1,
            "delete": 0,
            "no_op": 0,
        },
        "changes": [
            {
                "key": "configuration/train",
                "kind": "configuration",
                "name": "train",
                "action": "create",
                "reason": "parameter_bindings.epochs changed",
                "id": "",
                "depends_on": [],
                "fields": [
                    {
                        "path": "parameter_bindings.epochs",
                        "before": "10",
                        "after": "20",
                        "reason": "",
                    }
                ],
                "consequence": "a new one is made beside the old one (epochs 10 → 20)",
                "causes": [],
                "treatment": [],
                "templates": [],
                "role": "content",
            },
            {
                "key": "execution/train",
                "kind": "execution",
                "name": "train",
                "action": "run",
                "reason": "inputs changed: parameter_bindings.epochs",
                "id": "",
                "depends_on": ["configuration/train"],
                "fields": [],
                "consequence": "trains again (epochs 10 → 20)",
                "causes": [
                    {
                        "path": "configuration",
                        "before": "train c1",
                        "after": "train (new)",
                        "reason": "",
                    },
                    {
                        "path": "parameter_bindings.epochs",
                        "before": "10",
                        "after": "20",
                        "reason": "",
                    },
                ],
                "treatment": [],
                "templates": [],
                "role": "run",
            },
        ],
        "warnings": [],
        "refusal": "",
        "hints": [],
        "treatment": [],
        "bound": {
            "stage_digest": "",
            "variables": {},
            "templates": {},
            "options": {
                "select": [],
                "exclude": [],
                "rerun": [],
                "replace": [],
                "refresh_secrets": False,
            },
            "offline": False,
        },
    }
    assert json.loads(json.dumps(to_document(plan))) == to_document(plan)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Ref(Key("execution", "t"), "url"), {"known_after_apply": "execution/t.url"}),
        ({"x": [Secret("s"), None, True, 1.5, "ü"]}, {"x": ["***", None, True, 1.5, "ü"]}),
        ((1, float("nan")), [1, "nan"]),
        ({1: "x"}, {"1": "x"}),
    ],
)
def test_values_become_json(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_odd_text_survives_any_encoding() -> None:
    plan = a_plan("zwölf\r\n\x1b[31m\ud800")
    assert json.dumps(to_document(plan)).isascii()
    assert json.loads(json.dumps(to_document(plan)))["changes"][0]["fields"][0]["after"].startswith(
        "zwölf"
    )


def test_the_fingerprint_does_not_depend_on_time_or_order() -> None:
    stage, plan = a_stage(), a_plan()
    assert fingerprint(stage, plan.changes) == fingerprint(stage, plan.changes[::-1])
    again = [replace(change, reason="else") for change in plan.changes]
    assert fingerprint(stage, again) == plan.fingerprint == a_plan().fingerprint


@pytest.mark.parametrize(
    "moved",
    [
        {"digest": "d2"},
        {"commit": "other"},
        {"target": {"resource_group": "prd"}},
        {"name": "tst"},
        {"project": "shop"},
        {"epochs": "30"},
        {"epochs": "10"},
    ],
)
def test_the_fingerprint_sees_what_moved(moved: dict[str, Any]) -> None:
    assert a_plan(**moved).fingerprint != a_plan().fingerprint


def with_secret(text: str) -> Plan:
    desired = Resource(Key("destination", "D"), {"name": "D", "client_secret": Secret(text)})
    return plan_of([desired], [a_live(desired, "D", spec={"client_secret": Secret("first")})])


def test_another_secret_is_another_plan_and_never_shown() -> None:
    one, two = with_secret("tops3cret-1"), with_secret("tops3cret-2")
    assert one.fingerprint != two.fingerprint
    assert one.fingerprint == with_secret("tops3cret-1").fingerprint
    assert "tops3cret" not in json.dumps(to_document(one))
    assert "first" not in json.dumps(to_document(one))
    (field,) = to_document(one)["changes"][0]["fields"]
    assert (field["path"], field["before"], field["after"]) == ("client_secret", "***", "***")
    assert explain_drift(to_document(one), two) == [
        "a watched file, an environment variable or a secret of the stage changed"
    ]


def saved(plan: Plan) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(to_document(plan)))
    return document


def test_nothing_moved_nothing_to_explain() -> None:
    assert explain_drift(saved(a_plan()), replace(a_plan(), created_at="later")) == []


def service_live(configuration_id: str = "c1", live_id: str = "d1") -> list[LiveResource]:
    return [
        a_live(configuration("serve"), "c1"),
        a_live(deployment(configuration=configuration_id), live_id, outputs={"url": "u"}),
        a_live(destination(), "DEST", spec={"url": "u"}),
    ]


SERVICE = [configuration("serve"), deployment(), destination()]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (a_plan(commit="beef"), ['commit: was "c0ffee", is now "beef"']),
        (
            a_plan(digest="d2"),
            ["a watched file, an environment variable or a secret of the stage changed"],
        ),
        (
            a_plan("30"),
            ['configuration/train: parameter_bindings.epochs was "10" → "20", is now "10" → "30"'],
        ),
        (
            a_plan("10"),
            [
                "configuration/train: was create, is now no_op (equal configuration c1 exists)",
                "execution/train: was run, is now no_op (unchanged)",
            ],
        ),
    ],
)
def test_what_moved_is_said(now: Plan, expected: list[str]) -> None:
    assert explain_drift(saved(a_plan()), now) == expected


def test_live_state_that_moved_is_said() -> None:
    before = plan_of(SERVICE, service_live())
    assert explain_drift(saved(before), plan_of(SERVICE, service_live(live_id="d2"))) == [
        "deployment/serve: was d1, is now d2"
    ]
    assert explain_drift(saved(before), plan_of(SERVICE, service_live("c7"))) == [
        "deployment/serve: was no_op, is now update (configuration changed)"
    ]
    one = plan_of(SERVICE[:2], [a_live(deployment(configuration="c1"), "d1")])
    two = plan_of(SERVICE[:2], [a_live(deployment(configuration="c2"), "d1")])
    assert explain_drift(saved(one), two) == [
        'deployment/serve: configuration was "c1" → (known after apply), '
        'is now "c2" → (known after apply)'
    ]
    assert explain_drift(saved(before), plan_of([*SERVICE, artifact()], service_live())) == [
        "artifact/data: is now in the plan (create)"
    ]
    assert explain_drift(saved(before), plan_of(SERVICE[:2], service_live())) == [
        "destination/DEST: is not in the plan any more (no_op)"
    ]


@pytest.mark.parametrize("changes", [None, "x", [1], [{}], [{"key": "a/b", "fields": None}]])
def test_an_edited_document_is_never_taken_for_the_same(changes: Any) -> None:
    document = {**saved(a_plan()), "changes": changes, "fingerprint": "0"}
    assert explain_drift(document, a_plan())


def test_a_delete_has_the_live_id() -> None:
    live = [a_live(deployment("old"), "d9")]
    document = to_document(plan_of([artifact()], live, prune="resource_group"))
    assert document["changes"][1] == {
        "key": "deployment/d9",
        "kind": "deployment",
        "name": "d9",
        "action": Action.DELETE,
        "reason": "not in the stage file, prune: resource_group",
        "id": "d9",
        "depends_on": [],
        "fields": [],
        "consequence": "stops answering: the deployment is deleted "
        "(not in the stage file, prune: resource_group)",
        "causes": [],
        "treatment": [],
        "templates": [],
        "role": "service",
    }


def test_a_warning_that_is_about_a_place_tells_it_to_programs_too() -> None:
    problem = Problem("stages/dev.yaml", 3, 5, "it retires: soon", "retiring-model", "warning")
    plan = replace(a_plan(), warnings=("a: b", Remark.of(problem)))
    document = json.loads(json.dumps(to_document(plan)))
    assert document["warnings"] == ["a: b", "stages/dev.yaml:3:5: it retires: soon"]
    assert document["problems"] == [
        {
            "file": "stages/dev.yaml",
            "line": 3,
            "column": 5,
            "message": "it retires: soon",
            "rule": "retiring-model",
            "severity": "warning",
        }
    ]
    assert "problems" not in to_document(replace(a_plan(), warnings=("stages/dev.yaml:3:5: b",)))
