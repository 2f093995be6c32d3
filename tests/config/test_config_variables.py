"""``${…}`` in stage files: what it becomes, and every way to get it wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.config import variables
from cicd.config.files import yaml_trees
from cicd.config.tree import plain
from cicd.config.variables import Context, GitFacts, replace_variables
from cicd.errors import InvalidStage
from cicd.model import Key, Ref, Secret
from cicd.platforms.aicore import dialect
from tests.config.config_sample import ENV, changed, findings, load, resource, write_repository

CONTEXT = Context("dev", {"HOME_URL": "http://x", "EMPTY": ""}, {}, GitFacts("c0ffee", "main"))


def replaced(text: str, context: Context = CONTEXT) -> tuple[object, list[str]]:
    [tree] = yaml_trees(text, "f")
    result, problems = replace_variables(tree, context, dialect.SECRETS, dialect.REFERENCES)
    return plain(result), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: ${stage}", "dev"),
        ("a: x-${stage}-${git.branch}", "x-dev-main"),
        ("a: ${git.commit}", "c0ffee"),
        ("a: ${ env.HOME_URL }/y", "http://x/y"),
        ("a: ${env.EMPTY}", ""),
        ("variables: {n: 3}\na: ${var.n}", 3),
        ("variables: {n: 3}\na: '${var.n}0'", "30"),
        ("variables: {n: 1.10}\na: v${var.n}", "v1.10"),
        ("variables: {n: '${var.m}', m: '${stage}'}\na: ${var.n}", "dev"),
        ("a: $${stage}", "${stage}"),
        ("a: $$${stage}", "$${stage}"),
        ("a: costs $5 {x}", "costs $5 {x}"),
        ("a: ${executions.train.artifacts.m-1}", Ref(Key("execution", "train"), "artifacts.m-1")),
        ("a: ${deployments.serve.url}", Ref(Key("deployment", "serve"), "url")),
    ],
)
def test_values(text: str, value: object) -> None:
    data, problems = replaced(text)
    assert problems == []
    assert isinstance(data, dict)
    assert data["a"] == value
    assert type(data["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "variables: {image_tag: 1}\na: ${var.imge_tag}",
            'f:2:4: ${var.imge_tag} is not among the variables (did you mean "image_tag"?)',
        ),
        ("a: ${env.HOME_URI}", "f:1:4: the environment variable HOME_URI is not set (did you mean"),
        ("a: ${foo}", "f:1:4: ${foo} is unknown (there are: var.NAME"),
        ("a: ${git.comit}", '${git.comit} is unknown (did you mean "git.commit"?)'),
        ("a: ${}", "${} is unknown"),
        ("a: ${foo}", "stage, executions.KEY.artifacts.NAME, deployments.KEY.url)"),
        (
            "a: ${execution.train.artifacts.model}",
            'is unknown (did you mean "${executions.train.artifacts.model}"?)',
        ),
        (
            "a: ${executions.train.model}",
            'is unknown (did you mean "${executions.train.artifacts.model}"?)',
        ),
        ("a: ${deployment.serve.url}", '(did you mean "${deployments.serve.url}"?)'),
        ("a: ${deployments.serve.URL}", '(did you mean "${deployments.serve.url}"?)'),
        ("a: ${execution}", '(did you mean "${executions.KEY.artifacts.NAME}"?)'),
        ("stage: ${var.x}", 'f:1:8: stage is "${var.x}", but it must be plain'),
        ("a: ${stage", "f:1:4: ${ without its closing }"),
        ("variables: {a: '${var.b}', b: '${var.a}'}\nc: ${var.a}", "in a circle: a -> b -> a"),
        ("variables: {a: '${var.a}'}", "f:1:16: variables go in a circle: a -> a"),
        ("variables: {a: '${var.x}'}", "f:1:16: ${var.x} is not among the variables"),
        ("a: x${deployments.serve.url}", "so it must stand alone"),
        ("git: {password: secret}", "f:1:17: a credential is written as ${env.NAME}"),
        ("git: {username: me}", "f:1:17: a credential is written as ${env.NAME}"),
        ("secrets: {generic: [{data: {k: v}}]}", "f:1:32: a credential is written as ${env.NAME}"),
        ("git: {password: '${env.EMPTY}'}", "f:1:17: ${env.EMPTY} is empty"),
        ("git: {password: '${env.NONE}'}", "the environment variable NONE is not set"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    _, problems = replaced(text)
    assert len(problems) == 1
    assert message in problems[0]


def test_the_same_repository_has_another_commit_checked_out() -> None:
    facts = GitFacts("a", "main", "sub", ("https://h/r",), {"lib": "s1"}, {"v1": "t1"})
    assert facts.at("b", "dev") == GitFacts(
        "b", "dev", "sub", ("https://h/r",), {"lib": "s1"}, {"v1": "t1"}
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("''", ""),
        ("'${env.HOME_URL}'", "http://x"),
        ("'a ${env.HOME_URL}'", "a http://x"),
    ],
)
def test_a_credential_is_what_the_environment_says_or_left_out(text: str, value: object) -> None:
    [tree] = yaml_trees(f"git: {{password: {text}}}", "f")
    found, problems = replace_variables(tree, CONTEXT, dialect.SECRETS, dialect.REFERENCES)
    node = found.get("git", "password")
    assert node is not None
    told = node.value.reveal() if isinstance(node.value, Secret) else node.value
    assert (told, isinstance(node.value, Secret)) == (value, value is not None)
    assert bool(problems) is (value == "")


def test_all_mistakes_are_found_at_once() -> None:
    _, problems = replaced("a: ${x}\nb: ['${y}', '${z']")
    assert len(problems) == 3


def test_an_unknown_commit_is_a_problem() -> None:
    context = Context("dev", {}, {}, GitFacts())
    _, problems = replaced("a: ${git.commit}", context)
    assert problems == ["f:1:4: ${git.commit} is not known: no Git commit here"]


@pytest.mark.parametrize(
    ("leniency", "expected"),
    [({}, "error"), ({"is_lenient": True}, ""), ({"is_lenient": True, "is_told": True}, "warning")],
)
def test_a_credential_that_is_not_set_is_an_error_or_nothing_or_said(
    leniency: dict[str, Any], expected: str
) -> None:
    context = Context("dev", {}, {}, GitFacts(), **leniency)
    [tree] = yaml_trees("secrets: {generic: [{name: n, data: {k: '${env.NONE}'}}]}", "f")
    _, problems = replace_variables(tree, context, dialect.SECRETS, dialect.REFERENCES)
    assert [problem.severity for problem in problems] == ([expected] if expected else [])


def test_credentials_become_secrets_directly_and_through_variables() -> None:
    git = "{username: 'u-${env.HOME_URL}', password: '${var.t}'}"
    text = f"variables: {{t: '${{env.HOME_URL}}'}}\ngit: {git}"
    data, problems = replaced(text)
    assert problems == []
    assert isinstance(data, dict)
    assert data["git"] == {"username": Secret("u-http://x"), "password": Secret("http://x")}


def test_an_unused_variable_needs_no_environment() -> None:
    assert replaced("variables: {a: '${env.NONE}'}\nb: 1")[1] == []


def test_options_override_and_keep_the_type(tmp_path: Path) -> None:
    top = 'branch: main\nvariables: {n: 5, tag: a}\nlimits: {max_delete: "${var.n}"}\n'
    edits = (("branch: main\n", top), ("epochs: 3", 'epochs: "${var.tag}"'))
    repo = write_repository(tmp_path, changed(*edits))
    stage = load(repo, n="7", tag="010")
    assert stage.limits.max_delete == 7
    assert resource(stage, "configuration/train").spec["parameter_bindings"] == {"epochs": "010"}
    wrong = 'limits.max_delete must be a whole number, not the text "many"'
    assert findings(repo, n="many") == [f"stages/dev.yaml:3:22: {wrong}"]
    assert findings(repo, tga="1") == ['--var tga: no such variable (did you mean "tag"?)']


def test_an_option_may_bring_a_variable_that_the_file_only_uses(tmp_path: Path) -> None:
    repo = write_repository(tmp_path, changed(("epochs: 3", 'epochs: "${var.fresh}"')))
    assert findings(repo, fresh="1") == []
    assert "is not among the variables" in findings(repo)[0]


def test_what_the_environment_holds_is_not_quoted_in_messages(tmp_path: Path) -> None:
    repo = write_repository(tmp_path, changed(("ttl: 24h", 'ttl: "${env.GIT_TOKEN}"')))
    with pytest.raises(InvalidStage) as caught:
        load(repo, env=ENV)
    assert "${env.GIT_TOKEN}" in str(caught.value)
    assert ENV["GIT_TOKEN"] not in str(caught.value)


@pytest.mark.parametrize("seed", ["x" * 10, "''"])
def test_variables_that_double_each_other_end(seed: str, mocker: MockerFixture) -> None:
    mocker.patch.object(variables, "MAX_EXPANDED", 200_000)
    chain = "".join(f"  v{n}: '${{var.v{n - 1}}}${{var.v{n - 1}}}'\n" for n in range(1, 60))
    _, problems = replaced(f"variables:\n  v0: {seed}\n{chain}a: ${{var.v59}}\nb: ${{var.v58}}")
    assert len(problems) == 1
    assert "come to more than" in problems[0]
