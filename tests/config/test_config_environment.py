"""What comes from the environment is Hidden wherever it stands, and in no digest that is quick."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cicd.config import GitFacts, Surroundings, check_stage, load_stage
from cicd.model import Hidden, Key, Resource, Stage
from cicd.platforms.registry import DIALECTS

STAGE = """\
aicore: {resource_group: dev-group, labels: {ext.ai.sap.com/team: "${env.TEAM}"}}
variables: {fed: "${env.FED}", plain: open, hf_token: "x", epochs: 3}
artifacts:
  - key: data
    name: Data
    kind: dataset
    url: "ai://default/${env.FOLDER}"
    scenario_id: small
    description: "from ${env.TEAM}"
executions:
  - key: train
    configuration:
      name: training
      scenario_id: small
      executable_id: small-train
      parameter_bindings:
        whole: "${env.PIN}"
        inside: "a ${env.PIN} b"
        twice: "${var.fed}"
        told: "${var.hf_token}"
        number: "${var.epochs}"
        open: "${var.plain}"
        written: hello
schedules:
  - {name: weekly, execution: train, cron: "0 0 * * ${env.DAY}"}
deployments:
  - key: serve
    configuration: {name: serving, scenario_id: small, executable_id: small-serve}
    ttl: "${env.TTL}"
    smoke_test:
      path: "/v1/${env.FOLDER}"
      json: {question: ["${env.PIN}", open]}
      headers: {X-Key: "${env.PIN}", Accept: text/plain}
      expect: {contains: "${env.FED}"}
"""
ENV = {"TEAM": "tm", "FED": "fd", "FOLDER": "fo", "PIN": "1", "DAY": "0", "TTL": "24h"}


def load(tmp_path: Path, variables: dict[str, str] | None = None, **env: str) -> Stage:
    (tmp_path / "stages").mkdir(exist_ok=True)
    (tmp_path / "stages/dev.yaml").write_text(STAGE, encoding="utf-8")
    return load_stage(
        "dev",
        Surroundings(
            root=tmp_path,
            env={**ENV, **env},
            variables=variables or {},
            dialects=DIALECTS,
            git=GitFacts("0" * 40, "main"),
        ),
    )


def resource(stage: Stage, kind: str) -> Resource:
    return next(item for item in stage.resources if item.key.kind == kind)


PLACES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "a label": ("resource_group", ("labels", "ext.ai.sap.com/team"), "tm"),
    "an address": ("artifact", ("url",), "ai://default/fo"),
    "a description": ("artifact", ("description",), "from tm"),
    "a parameter": ("configuration", ("parameter_bindings", "whole"), "1"),
    "a longer text": ("configuration", ("parameter_bindings", "inside"), "a 1 b"),
    "through a variable": ("configuration", ("parameter_bindings", "twice"), "fd"),
    "a time": ("schedule", ("cron",), "0 0 * * 0"),
    "how long it lives": ("deployment", ("ttl",), "24h"),
}


@pytest.mark.parametrize(("kind", "path", "text"), PLACES.values(), ids=PLACES)
def test_a_value_of_the_environment_is_hidden_where_it_ends_up(
    tmp_path: Path, kind: str, path: tuple[str, ...], text: str
) -> None:
    value: Any = resource(load(tmp_path), kind).spec
    for step in path:
        value = value[step]
    assert isinstance(value, Hidden) and value.reveal() == text and str(value) == "***"


@pytest.mark.parametrize("name", ["open", "written", "number", "told"])
def test_what_the_file_says_openly_is_not_hidden(tmp_path: Path, name: str) -> None:
    spec = resource(load(tmp_path), "configuration").spec
    assert not isinstance(spec["parameter_bindings"][name], Hidden)


@pytest.mark.parametrize(
    ("variable", "parameter", "is_hidden"),
    [("hf_token", "told", True), ("plain", "open", False), ("epochs", "number", False)],
)
def test_a_variable_of_the_command_line_is_hidden_when_it_is_called_like_a_secret(
    tmp_path: Path, variable: str, parameter: str, is_hidden: bool
) -> None:
    stage = load(tmp_path, {variable: "7"})
    value = resource(stage, "configuration").spec["parameter_bindings"][parameter]
    assert isinstance(value, Hidden) is is_hidden
    assert (value.reveal() if isinstance(value, Hidden) else value) == "7"


def test_a_smoke_test_is_hidden_leaf_by_leaf(tmp_path: Path) -> None:
    test = resource(load(tmp_path), "deployment").options.smoke_test
    assert test
    assert str(test.path) == str(test.expect_contains) == "***"
    assert [str(item) for item in test.json["question"]] == ["***", "open"]
    assert {name: str(value) for name, value in test.headers.items()} == {
        "X-Key": "***",
        "Accept": "text/plain",
    }


def test_digests_tell_a_change_and_cannot_be_guessed_quickly(tmp_path: Path) -> None:
    one, same, other = load(tmp_path), load(tmp_path), load(tmp_path, PIN="2")
    inputs = [resource(stage, "execution").spec["inputs"] for stage in (one, same, other)]
    assert inputs[0] == inputs[1] != inputs[2]
    assert one.digest == same.digest != other.digest
    spec = dict(resource(one, "configuration").spec)
    opened = {
        name: value.reveal() if isinstance(value, Hidden) else value
        for name, value in spec["parameter_bindings"].items()
    }
    guess = [{**spec, "parameter_bindings": opened}, "", ""]
    quick = hashlib.sha256(json.dumps(guess, sort_keys=True).encode()).hexdigest()
    assert quick != inputs[0]


def test_two_stages_have_no_digest_of_one_value_in_common(tmp_path: Path) -> None:
    one = load(tmp_path)
    (tmp_path / "stages/tst.yaml").write_text(STAGE, encoding="utf-8")
    facts = GitFacts("0" * 40, "main")
    other = load_stage(
        "tst", Surroundings(root=tmp_path, env=ENV, variables={}, dialects=DIALECTS, git=facts)
    )
    specs = [
        next(item for item in stage.resources if item.key == Key("execution", "train")).spec
        for stage in (one, other)
    ]
    assert specs[0]["inputs"] != specs[1]["inputs"]


def test_a_hidden_text_equals_what_a_platform_reads_back() -> None:
    secret = Hidden("x")
    assert secret == "x" and secret == "x" and secret == Hidden("x") and secret != "y"
    assert {secret, "x"} == {"x"} and {"a": secret} == {"a": "x"}
    assert f"{secret} {[secret]} {secret!r} %s" % secret == "*** [***] *** ***"


WRONG: dict[str, tuple[str, str, str]] = {
    "too short a time": ("TTL", "5m", "5m"),
    "no such time": ("DAY", "9", "0 0 * * 9"),
    "no url": ("FOLDER", "x/", "ai://default/x/"),
}


@pytest.mark.parametrize(("name", "value", "whole"), WRONG.values(), ids=WRONG)
def test_a_finding_quotes_what_the_file_has_and_not_the_environment(
    tmp_path: Path, name: str, value: str, whole: str
) -> None:
    load(tmp_path)
    problems = check_stage(
        "dev",
        Surroundings(
            root=tmp_path,
            env={**ENV, name: value},
            variables={},
            dialects=DIALECTS,
            git=GitFacts("0" * 40, "main"),
        ),
    )
    (found,) = [problem.message for problem in problems if f"${{env.{name}}}" in problem.message]
    assert f'"{whole}"' not in found
