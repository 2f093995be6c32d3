"""The shape of stage files: every misfit with its place, and the committed JSON schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from cicd.config.files import yaml_trees
from cicd.config.json_schema import schema_of
from cicd.config.tree import plain
from cicd.config.validate import validate
from cicd.platforms.aicore import dialect
from cicd.platforms.registry import DIALECTS
from tests.config.config_sample import STAGE, changed, findings, write_repository

ROOT = Path(__file__).parents[2]
SCHEMA = schema_of(DIALECTS)
ONE_OF_THEM = f"must be {'one of ' if len(DIALECTS) > 1 else ''}{', '.join(DIALECTS)}"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("branch: main", "brnch: main", '1:1: unknown key "brnch" (did you mean "branch"?)'),
        ("branch: main", "clean_up: true", 'unknown key "clean_up" (write prune: resource_group)'),
        (
            "executable_id: trainer",
            "executabel_id: trainer",
            '15:7: unknown key "executabel_id" in executions[0].configuration'
            ' (did you mean "executable_id"?)',
        ),
        ("branch: main", "branch: 3", "1:9: branch must be text or null, not 3"),
        ("branch: main", "protect:", "1:9: protect must be a list, not null"),
        ("branch: main", "branch: [main]", "1:9: branch must be text or null, not a list"),
        (
            "branch: main",
            "prune: stag",
            'prune is "stag", must be one of none, stage, everything, res',
        ),
        ("branch: main", "stage: a b", 'stage is "a b", must be letters, digits, dots, - and _'),
        ("branch: main", "artefacts: []", 'unknown key "artefacts" (did you mean "artifacts"?)'),
        ("branch: main", "git:", '3:1: the key "git" is already set in line 1'),
        ("branch: main", "limits: {max_delete: -1}", "limits.max_delete must be at least 0"),
        ("branch: main", "limits: {max_delete_percent: 101}", "must be at most 100"),
        ("branch: main", "limits: {max_delete: 1.5}", "must be a whole number, not 1.5"),
        ("branch: main", "executions: {}", "is already set"),
        ("kind: dataset", "kind: data", 'artifacts[0].kind is "data", must be one of model, data'),
        ('url: "ai://default/c"', "url: default/c", "must be a url like ai://default/path"),
        ("churn-dev", "a", "aicore.resource_group"),
        ("branch: main", "platform: aicor", f'platform is "aicor", {ONE_OF_THEM}'),
        ("branch: main", "platform: bakery", f'platform is "bakery", {ONE_OF_THEM}'),
        ("branch: main", "platform: [aicore]", f"platform is a list, {ONE_OF_THEM}"),
        ("branch: main", "platform:", f"platform is null, {ONE_OF_THEM}"),
        ("application: churn", "application: Churn", 'git.application is "Churn", must be 3 to 54'),
        ("https://example", "ftp://example", "must be an https:// URL"),
        ("epochs: 3", "epochs: [3]", "parameter_bindings.epochs must be text or a number or true"),
        ("{epochs: 3}", "epochs", "parameter_bindings must be a map or a list, not the text"),
        ("{epochs: 3}", "[{key: epochs}]", '"value" is missing in executions[0].configuration'),
        ("{epochs: 3}", "[{key: a, value: 1}, {key: a, value: 2}]", '16:54: "a" is bound twice'),
        ("{epochs: 3}", "[{key: a, valu: 1}]", 'unknown key "valu" in executions[0]'),
        ("name: Training", "name: ''", 'executions[0].configuration.name is "", must be letters'),
        ("name: Training", "name: a`b", "must be letters, digits, spaces and common signs"),
        ("name: Training", "name: Übung", "all ASCII"),
        ("name: Training", f"name: {'x' * 257}", "is longer than 256 characters"),
        ("ttl: 24h", "ttl: 24", "deployments[0].ttl must be text or null, not 24"),
        ("ttl: 24h", "ttl: 1w", 'ttl is "1w", must be a time like 30m, 24h or 7d'),
        ("ttl: 24h", "timeout: soon", 'timeout is "soon", must be a time like 90s, 15m or 2h'),
        ("ttl: 24h", "timeout: 0m", "must be a time like"),
        ("ttl: 24h", "wait_for_status: running", 'is "running", must be RUNNING'),
        ("{path: /v1/health}", "{method: POST}", '"path" is missing in deployments[0].smoke_test'),
        ("{path: /v1/health}", "{path: v1}", 'smoke_test.path is "v1", must be a path that'),
        ("destination_name: CHURN", "destination_name: a b", "must be letters, digits, _ and -"),
        (
            "{path: /v1/health}",
            "{path: /v1, body: {}}",
            'key "body" in deployments[0].smoke_test (did',
        ),
        ("{path: /v1/health}", "{path: /v1, body: {}}", '(did you mean "json"?)'),
        ("{path: /v1/health}", "{path: /v1, payload: {}}", '(did you mean "json"?)'),
        ("{path: /v1/health}", "{path: /v1, wxq: 1}", "(possible: method, path, json, headers, "),
        ("branch: main", "limits: {wxq: 1}", "limits (possible: "),
        ("key: train", "key: a/b", "must be letters, digits, dots, hyphens and underscores"),
        (
            "branch: main",
            "branch: ${deployments.serve.url}",
            "${deployments.serve.url} is possible in parameter_bindings only",
        ),
        (
            "{dataset: customers}",
            "{dataset: '${deployments.serve.url}'}",
            "is possible in parameter_bindings only",
        ),
    ],
)
def test_misfits(tmp_path: Path, before: str, after: str, message: str) -> None:
    found = findings(write_repository(tmp_path, changed((before, after))))
    assert any(message in line for line in found), found
    assert all(line.startswith("stages/dev.yaml:") for line in found)


def test_all_misfits_are_found_at_once(tmp_path: Path) -> None:
    edits = (("branch: main", "brnch: main"), ("kind: dataset", "kind: x"), ("ttl: 24h", "ttl: x"))
    assert len(findings(write_repository(tmp_path, changed(*edits)))) == 3


def test_a_missing_key_is_reported_once_and_where_it_is_missing(tmp_path: Path) -> None:
    text = changed(("      scenario_id: churn\n      executable_id: trainer\n", ""))
    assert findings(write_repository(tmp_path, text)) == [
        'stages/dev.yaml:13:7: "executable_id" is missing in executions[0].configuration: add it',
        'stages/dev.yaml:13:7: "scenario_id" is missing in executions[0].configuration: add it',
    ]


def patterns(part: object) -> list[tuple[str, str]]:
    """(pattern, what it asks for in words) of all patterns in a schema."""
    if isinstance(part, list):
        return [found for child in part for found in patterns(child)]
    if not isinstance(part, dict):
        return []
    own = [(part["pattern"], part["patternErrorMessage"])] if "pattern" in part else []
    return own + [found for child in part.values() for found in patterns(child)]


def test_what_an_editor_lets_pass_is_refused_in_words(tmp_path: Path) -> None:
    """A variable in a text is fine in an editor; a plain ``${`` that is left of it is not."""
    words = {says for _, says in patterns(SCHEMA)}
    fields = {
        "churn-dev": "aicore.resource_group",
        "application: churn": "git.application",
        "https://example.com/org/churn": "git.repository",
        "key: customers": "artifacts[0].key",
        '"ai://default/c"': "artifacts[0].url",
        "executable_id: trainer": "executions[0].configuration.executable_id",
        "ttl: 24h": "deployments[0].ttl",
        "/v1/health": "deployments[0].smoke_test.path",
        "destination_name: CHURN": "deployments[0].destination_name",
    }
    edits = [
        (before, f"{before.partition(': ')[0]}: 'a$${{b'" if ": " in before else "'a$${b'")
        for before in fields
    ]
    found = findings(write_repository(tmp_path, changed(*edits)))
    for field in fields.values():
        [line] = [line for line in found if f': {field} is "a${{b", ' in line]
        assert line.split('", ')[1] in words
    assert len(found) == len(fields)


def test_all_patterns_have_words_and_none_is_quoted(tmp_path: Path) -> None:
    edits = (("churn-dev", '"churn-dev\\n"'), ("branch: main", "limits: {max_delete: 1.0}"))
    assert findings(write_repository(tmp_path, changed(*edits))) == [
        "stages/dev.yaml:1:22: limits.max_delete must be a whole number, not 1.0",
        'stages/dev.yaml:2:26: aicore.resource_group is "churn-dev\\n",'
        " must be 3 to 253 letters, digits, dots and hyphens",
    ]
    assert all(says.startswith("must be ") for _, says in patterns(SCHEMA))


@pytest.mark.parametrize(
    "text",
    [
        "a: 1",
        "branch: 1",
        "branch: true",
        "stage: ''",
        "limits: {max_delete: '1'}",
        "limits: {max_delete: true}",
        "limits: []",
        "artifacts: {}",
        "artifacts: [1]",
        "artifacts: [{}]",
        "executions: [{key: a}]",
        "executions: [{configuration: []}]",
        "deployments: null",
        "variables: {a: [1]}",
        "variables: {a: null}",
        "local: {images: {x: {command: python}}}",
        "secrets: {generic: [{name: A_B, data: {}}]}",
        "secrets: {object_store: [{name: default, type: s3, data: {}}]}",
        "protect: [serve]",
        "platform: kubernetes",
        "git: {}",
        "extends: 1",
    ],
)
def test_the_schema_and_the_models_refuse_the_same(text: str) -> None:
    [tree] = yaml_trees(text, "f")
    file, _, problems = validate(tree, dialect, ("aicore",))
    assert file is None
    assert problems
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert not validator.is_valid(plain(tree))


def test_the_schema_accepts_the_sample_as_it_is_written() -> None:
    [tree] = yaml_trees(STAGE, "f")
    jsonschema.Draft202012Validator(SCHEMA).validate(plain(tree))


def test_the_committed_schema_is_the_one_of_the_models() -> None:
    committed = (ROOT / "config.schema.json").read_text(encoding="utf-8")
    fresh = json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"
    assert committed == fresh, "config.schema.json is stale: write it with `cicd schema`"


PROPERTIES = {
    f"{part}.{name}": value
    for part, content in [("", SCHEMA), *SCHEMA["$defs"].items()]
    for name, value in content["properties"].items()
}


def test_every_key_of_the_stage_file_has_a_title_and_is_described() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    silent = [name for name, v in PROPERTIES.items() if not {"title", "description"} <= v.keys()]
    assert silent == []


def test_every_text_number_and_map_has_an_example_or_an_enum() -> None:
    """All but switches, and parts that have keys of their own."""
    bare = [
        name
        for name, value in PROPERTIES.items()
        if not {"examples", "enum", "$ref"} & value.keys()
        if value.get("type") != "boolean"
        if "$ref" not in json.dumps(value)
        if "enum" not in json.dumps(value) and "const" not in json.dumps(value)
    ]
    assert bare == []


def test_examples_are_right() -> None:
    """Patterns and types of the schema hold for its own examples."""
    for name, value in PROPERTIES.items():
        alone = {**value, "$defs": SCHEMA["$defs"]}
        validator = jsonschema.Draft202012Validator(alone)
        for example in value.get("examples", ()):
            assert validator.is_valid(example), f"{name}: {example}"


def test_the_first_line_of_every_stage_file_names_the_schema() -> None:
    for file in sorted((ROOT / "stages").iterdir()):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../config.schema.json", file
        assert (file.parent / "../config.schema.json").is_file()
