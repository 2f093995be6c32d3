"""Small parts of the dialect at their bounds: names of items, the old file, values, labels."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.config.tree import Node, plain
from cicd.platforms.aicore import dialect
from cicd.platforms.aicore.dialect import legacy
from cicd.platforms.aicore.dialect.exporting import _utc
from cicd.platforms.aicore.dialect.metadata import check_metadata
from cicd.platforms.aicore.dialect.template_secrets import check_secret_names, secrets_named
from cicd.platforms.aicore.dialect.workflow_names import _items, _results
from cicd.platforms.aicore.dialect.workflow_when import fits, unquoted
from tests.config.test_config_tree import node


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"key": "a"}, "a"),
        ({"name": "a"}, "a"),
        ({"name": "a", "scope": "resource_group"}, "a"),
        ({"name": "a", "scope": "tenant"}, "a (tenant)"),
        ({"file": "flow.py"}, "flow.py"),
        ({"file": "flow.py", "scope": "tenant"}, "flow.py (tenant)"),
        ({"key": "a", "file": "flow.py"}, "a"),
        ({"file": 5}, None),
        ({"configuration": {"name": "My Run"}}, "my-run"),
        ({"configuration": {"name": 5}}, None),
        ({"configuration": {}}, None),
        ({}, None),
    ],
)
def test_an_item_is_known_by_its_key_name_or_file_and_its_scope(
    item: dict[str, Any], expected: str | None
) -> None:
    assert dialect.identity(node(item)) == expected


@pytest.mark.parametrize(
    ("value", "when", "expected"),
    [
        ("true", "{{x}}", True),
        (" false ", " {{x}} ", True),
        ("", "{{x}}", True),
        ("True", "{{x}}", False),
        ("a", "{{x}}", False),
        ("1 > 0", "{{x}}", True),
        ("a == b", "{{x}}", True),
        ("a, b", "c in ({{x}})", True),
        ("a, 'b c', 1.5", "c in ( {{x}} )", True),
        ("a, b", "c == {{x}}", False),
        ("gpt-4", "c in ({{x}})", False),
        ("word", "{{x}} == a", True),
        ("-1.5", "{{x}} == a", True),
        (".5", "{{x}} == a", True),
        ("'a b'", "{{x}} == a", True),
        ("a b", "{{x}} == a", False),
        ("", "{{x}} == a", False),
        ("1.2.3", "{{x}} == a", False),
    ],
)
def test_a_value_fits_where_argo_can_read_it(value: str, when: str, *, expected: bool) -> None:
    assert fits(value, when, "{{x}}") is expected


A, B = "{{workflow.parameters.a}}", "{{ inputs.parameters.b-c }}"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (f"{A} == a", [(A, "workflow.parameters.a")]),
        (f"'{A}' == a", []),
        (f'a == {A} && {B} == "x"', [(A, "workflow.parameters.a"), (B, "inputs.parameters.b-c")]),
        (f"'x{A}' == {B}", [(B, "inputs.parameters.b-c")]),
        ("{{item}} == a", []),
        ("{{=workflow.parameters.a}} == a", []),
    ],
)
def test_only_parameters_outside_of_quotes_count(when: str, expected: list[Any]) -> None:
    assert list(unquoted(when)) == expected


def old(**more: Any) -> dict[str, Any]:
    """What an old file of one execution is today, that execution alone."""
    run = {"configuration": {"name": "My Run"}}
    item = {**run, **more.pop("item", {})}
    tree, problems = legacy.modernised(node({"executions": [item], **more}))
    assert problems == []
    found: dict[str, Any] = plain(tree)["executions"][0]
    return {name: value for name, value in found.items() if name != "configuration"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"key": "my-run", "rerun": "always"}),
        ({"item": {"rerun": "never"}}, {"key": "my-run", "rerun": "never"}),
        ({"item": {"key": "mine"}}, {"key": "mine", "rerun": "always"}),
        ({"item": {"configuration": {"name": "--"}}}, {"rerun": "always"}),
        ({"item": {"configuration": {"name": 5}}}, {"rerun": "always"}),
        (
            {"wait_for_status": False},
            {"key": "my-run", "rerun": "always", "wait_for_status": None},
        ),
        ({"wait_for_status": True}, {"key": "my-run", "rerun": "always"}),
        (
            {"item": {"wait_for_status": ""}},
            {"key": "my-run", "rerun": "always", "wait_for_status": None},
        ),
        (
            {"item": {"wait_for_status": "X", "destination_name": "D"}},
            {"key": "my-run", "rerun": "always", "wait_for_status": "X", "destination_name": "D"},
        ),
        (
            {"item": {"wait_for_status": "", "destination_name": "D"}},
            {"key": "my-run", "rerun": "always", "wait_for_status": None},
        ),
        (
            {"update_destination": False, "item": {"destination_name": "D"}},
            {"key": "my-run", "rerun": "always"},
        ),
        (
            {"item": {"destination_name": "", "existing_deployment_id": ""}},
            {"key": "my-run", "rerun": "always"},
        ),
        (
            {"item": {"existing_deployment_id": "d1"}},
            {"key": "my-run", "rerun": "always", "existing_deployment_id": "d1"},
        ),
    ],
)
def test_a_run_of_the_old_file_is_as_it_was(more: dict[str, Any], expected: Any) -> None:
    assert old(**more) == expected


def test_two_old_runs_of_one_name_are_told_apart() -> None:
    runs = [{"configuration": {"name": "My Run"}} for _ in range(3)]
    found, _ = legacy.modernised(node({"deployments": runs, "clean_up": True, "executions": ["x"]}))
    assert [run["key"] for run in plain(found)["deployments"]] == ["my-run", "my-run-2", "my-run-3"]
    assert plain(found)["prune"] == "resource_group"
    assert plain(found)["executions"] == ["x"]


@pytest.mark.parametrize("name", legacy.OPTIONS)
def test_a_switch_of_the_old_file_is_true_or_false(name: str) -> None:
    tree, [problem] = legacy.modernised(node({name: "yes"}))
    assert (problem.message, problem.rule) == (f"{name} must be true or false", "wrong-type")
    assert plain(tree) == {}


@pytest.mark.parametrize(
    ("tree", "suffix", "expected"),
    [
        ({"executions": []}, ".json", True),
        ({"clean_up": True, "foo": 1}, ".json", True),
        ({"executions": []}, ".yaml", False),
        ({"executions": [], "branch": "x"}, ".json", False),
        ({"executions": [], "$schema": "x"}, ".json", False),
        ({"foo": 1}, ".json", False),
        ([], ".json", False),
    ],
)
def test_an_old_file_has_nothing_of_today(tree: Any, suffix: str, *, expected: bool) -> None:
    assert legacy.is_legacy(node(tree), suffix) is expected


@pytest.mark.parametrize(
    ("bindings", "expected", "twice"),
    [
        ([{"key": "a", "value": 1}], {"a": 1}, []),
        ([{"key": "a", "value": 1}, {"key": "a", "value": 2}], {"a": 2}, ["a"]),
        ([{"key": "a"}], [{"key": "a"}], []),
        ([{"key": "", "value": 1}], [{"key": "", "value": 1}], []),
        ([{"key": 5, "value": 1}], [{"key": 5, "value": 1}], []),
        ([{"key": "a", "value": 1, "x": 1}], [{"key": "a", "value": 1, "x": 1}], []),
        ([{"value": 1}], [{"value": 1}], []),
        (["a"], ["a"], []),
        ([], {}, []),
        ({"a": 1}, {"a": 1}, []),
    ],
)
def test_a_list_of_bindings_is_a_map_unless_it_is_none(
    bindings: Any, expected: Any, twice: list[str]
) -> None:
    run = {"configuration": {"parameter_bindings": bindings}}
    found, problems = legacy.with_binding_maps(node({"executions": [run], "deployments": [run]}))
    for section in ("executions", "deployments"):
        assert plain(found)[section] == [{"configuration": {"parameter_bindings": expected}}]
    said = [f'"{key}" is bound twice: keep one' for key in twice]
    assert [problem.message for problem in problems] == said * 2


def test_an_input_that_is_bound_to_its_own_name_may_leave_it_out() -> None:
    inputs = [{"key": "data"}, {"key": "more", "artifact": "other"}]
    run = {"configuration": {"input_artifact_bindings": inputs}}
    found, _ = legacy.with_binding_maps(node({"executions": [run, "x", {"configuration": 5}]}))
    assert plain(found)["executions"] == [
        {"configuration": {"input_artifact_bindings": {"data": "data", "more": "other"}}},
        "x",
        {"configuration": 5},
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.678901234Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
        ("soon", "soon"),
        (None, "None"),
    ],
)
def test_a_time_is_written_in_utc_without_fractions(text: Any, expected: str) -> None:
    assert _utc(text) == expected


def metadata(**labels: Any) -> Node:
    known = {"scenarios.ai.sap.com/id": "churn", "ai.sap.com/version": "1.0"}
    names = ("scenarios.ai.sap.com/name", "executables.ai.sap.com/name")
    told = {"name": "trainer", "annotations": dict.fromkeys(names, "x")}
    return node({"metadata": {**told, "labels": {**known, **labels}}})


SAYS = "must be letters, digits, dots, hyphens, underscores, 63 at most"
ENDS = f"{SAYS}, with a letter or digit at both ends"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, []),
        ({"scenarios.ai.sap.com/id": "abcd"}, []),
        ({"scenarios.ai.sap.com/id": "abc"}, ["4 to 64 characters"]),
        ({"scenarios.ai.sap.com/id": "a-"}, [ENDS]),
        ({"x": "a" * 63}, []),
        ({"x": "a" * 64}, [f"x {ENDS}"]),
        ({"x": "a b"}, [f"x {ENDS}"]),
        ({"x": ""}, []),
        ({"a b": "x"}, [f'the label key "a b", after a domain and a slash, {SAYS}']),
        ({"x": 5}, ['x must be text: put quotes around it, "5"']),
        (
            {"executables.ai.sap.com/id": "other"},
            ['the executable is called "trainer" (metadata.name), not "other": AI Core does not'],
        ),
        ({"executables.ai.sap.com/id": "trainer"}, []),
        ({"executables.ai.sap.com/id": ""}, []),
        (
            {"executables.ai.sap.com/name": "x"},
            [],
        ),
    ],
)
def test_a_label_is_one_that_kubernetes_takes(labels: dict[str, Any], said: list[str]) -> None:
    found = [problem.message for problem in check_metadata(metadata(**labels))]
    assert len(found) == len(said), found
    assert all(text in line for text, line in zip(said, found, strict=True)), found


@pytest.mark.parametrize(
    ("name", "is_good"),
    [
        ("abcd", True),
        ("a" * 64, True),
        ("a-b.c", True),
        ("a" * 65, False),
        ("abc", False),
        ("-abc", False),
        ("abc.", False),
        ("a..b", False),
        ("Abcd", False),
        ("", False),
        (5, False),
    ],
)
def test_an_executable_has_a_name_that_kubernetes_takes(name: Any, *, is_good: bool) -> None:
    tree = metadata()
    tree.value["metadata"].value["name"] = node(name)
    assert (check_metadata(tree) == []) is is_good


DOCKER, GENERIC = "docker_registry_secret", "generic_secret"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}, [(DOCKER, "a"), (DOCKER, "b")]),
        ({"imagePullSecrets": "a"}, []),
        ({"imagePullSecrets": ["a"]}, []),
        ({"env": [{"valueFrom": {"secretKeyRef": {"name": "a", "key": "k"}}}]}, [(GENERIC, "a")]),
        ({"envFrom": [{"secretRef": {"name": "a"}}]}, [(GENERIC, "a")]),
        ({"envFrom": [{"secretRef": {"name": "a", "optional": True}}]}, []),
        ({"envFrom": [{"secretRef": {"name": "a", "optional": False}}]}, [(GENERIC, "a")]),
        ({"envFrom": [{"secretRef": "a"}]}, []),
        ({"envFrom": [{"secretRef": {}}]}, []),
        ({"volumes": [{"secret": {"secretName": "a"}}]}, [(GENERIC, "a")]),
        ({"volumes": [{"secret": {"name": "a"}}]}, []),
        (
            {"s3": {"accessKeySecret": {"name": "a"}, "secretKeySecret": {"name": "b"}}},
            [(GENERIC, "a"), (GENERIC, "b")],
        ),
        ({"podSpecPatch": '{"imagePullSecrets": [{"name": "a"}]}'}, [(DOCKER, "a")]),
        ({"podSpecPatch": "imagePullSecrets:\n- name: a\n"}, [(DOCKER, "a")]),
        ({"podSpecPatch": "a: {{x}}\nenvFrom: [{secretRef: {name: b}}]\n"}, [(GENERIC, "b")]),
        ({"podSpecPatch": "a: ["}, []),
        ({"podSpecPatch": {"imagePullSecrets": [{"name": "a"}]}}, [(DOCKER, "a")]),
        ({"podSpecPatch": 5}, []),
        ([{"secretRef": {"name": "a"}}], [(GENERIC, "a")]),
        ("a", []),
    ],
)
def test_every_secret_that_must_be_there_is_found(spec: Any, expected: list[Any]) -> None:
    found = [(kind, name.value) for kind, name in secrets_named(node(spec))]
    assert found == expected


WRITING = {"name": "t", "container": {"image": "i"}}
OF_ALL = {"exitCode", "outputs.result"}


@pytest.mark.parametrize(
    ("call", "called", "expected"),
    [
        ({}, WRITING, OF_ALL),
        ({}, {"script": {}}, OF_ALL),
        ({}, {"steps": []}, set()),
        ({}, {"suspend": {}}, set()),
        ({}, {"containerSet": {"containers": [{"name": "main"}]}}, OF_ALL),
        ({}, {"containerSet": {"containers": [{"name": "other"}]}}, set()),
        (
            {"withItems": [1]},
            {"containerSet": {"containers": [{"name": "other"}]}},
            {"outputs.parameters", *OF_ALL},
        ),
        ({"withItems": [1]}, {"steps": []}, {"outputs.parameters"}),
        ({"withParam": "x"}, {"steps": []}, {"outputs.parameters"}),
        ({"withSequence": {"count": 1}}, {"steps": []}, set()),
        ({}, {**WRITING, "daemon": True}, {"ip", *OF_ALL}),
        ({}, {**WRITING, "daemon": False}, OF_ALL),
        ({}, {**WRITING, "daemon": "true"}, OF_ALL),
    ],
)
def test_a_call_has_what_its_template_can_give(
    call: dict[str, Any], called: dict[str, Any], expected: set[str]
) -> None:
    assert set(_results(node(call), node(called))) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({}, (set(),)),
        ({"withItems": []}, (set(),)),
        ({"withItems": [1, "a"]}, ({"item"},)),
        ({"withItems": [{"a": 1}, {"b": 2}]}, ({"item", "item.a", "item.b"},)),
        ({"withItems": [[1, 2]]}, ({"item", "item.[0]", "item.[1]"},)),
        ({"withParam": "x"}, ({"item"}, "item.")),
        ({"withSequence": {"count": 2}}, ({"item"},)),
    ],
)
def test_an_item_has_the_fields_of_what_is_looped_over(call: dict[str, Any], expected: Any) -> None:
    assert _items(node(call)) == expected


@pytest.mark.parametrize(
    ("name", "is_good"),
    [
        ("my-secret", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("My_Secret", False),
        ("<YOURS>", False),
        ("{{inputs.parameters.x}}", True),
        (None, True),
        (5, False),
        (-5, False),
    ],
)
def test_a_secret_has_a_name_that_one_can_have(name: Any, *, is_good: bool) -> None:
    spec = node({"containers": [], "volumes": [{"imagePullSecrets": [{"name": name}]}]})
    told = [problem.message for problem in check_secret_names(spec)]
    said = f'no docker registry secret can be called "{name}": write the name of yours'
    assert told == ([] if is_good else [said])
