"""What looks like a secret is found by its name or its form, and never quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.config.files import yaml_trees
from cicd.config.plain_secrets import check_plain_secrets
from cicd.masking import is_secret_name
from tests.config.config_sample import changed, findings, write_repository


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "apiKey", "api-key", "clientSecret", "token", "AWS_ACCESS_KEY"],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "key", "max_tokens", "secret_name", "tokenizer", "token_url", "passwordFile", "monkey"],
)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["secretKeyRef", "a.driver.secretKeyRef.API_TOKEN", "secret_key_ref_DB_PASSWORD"]
)
def test_a_name_that_says_where_a_secret_is_names_none(name: str) -> None:
    assert not is_secret_name(name)


# put together here, so that no scanner takes this file for a leak
FORMS = {
    "an AWS access key": "AKIA" + "A" * 16,
    "a GitHub token": "ghp_" + "a" * 36,
    "a GitLab token": "glpat-" + "a" * 20,
    "a Slack token": "xoxb-" + "1" * 12,
    "a Hugging Face token": "hf_" + "a" * 34,
    "an OpenAI or Anthropic key": "sk-" + "proj-" + "a" * 24,
    "a Google API key": "AIza" + "a" * 35,
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a JSON web token": ".".join(["eyJ" + "a" * 12, "eyJ" + "b" * 12, "c" * 12]),
    "a credential in a URL": "https://me:" + "hunter2@example.com/x",
}


@pytest.mark.parametrize("what", FORMS)
def test_forms_of_secrets(what: str) -> None:
    [tree] = yaml_trees(f'a: ["before {FORMS[what]} after"]', "f.yaml")
    [problem] = check_plain_secrets(tree, is_stage=True)
    assert problem.message == f"this looks like {what}: write it as ${{env.NAME}}"
    assert (problem.rule, problem.severity) == ("secret-in-plain-text", "error")
    assert (problem.line, problem.column) == (1, 5)


@pytest.mark.parametrize(
    "text",
    [
        "password: ${env.DB}",
        "password: '{{workflow.parameters.x}}'",
        "password: ''",
        "valueFrom: {secretKeyRef: {name: a, key: password}}",
        "url: https://example.com:8080/a@b",
        "url: https://${env.U}:${env.P}@example.com",
        "parameters: [{name: password, default: ''}]",
    ],
)
def test_what_is_no_secret_in_plain_text(text: str) -> None:
    [tree] = yaml_trees(text, "f.yaml")
    assert list(check_plain_secrets(tree)) == []


def test_a_stage_file_with_secrets_says_so_without_them(tmp_path: Path) -> None:
    edits = (
        ("branch: main\n", f"branch: main\nvariables: {{a: '{FORMS['a GitHub token']}'}}\n"),
        ("{epochs: 3}", "{epochs: 3, api_key: hunter2}"),
    )
    found = "\n".join(findings(write_repository(tmp_path, changed(*edits))))
    assert "stages/dev.yaml:2:16: this looks like a GitHub token: write it as ${env.NAME}" in found
    assert 'warning: "api_key" looks like a secret in plain text' in found
    assert "hunter2" not in found
    assert "ghp_" not in found


@pytest.mark.parametrize(
    ("bindings", "variables", "name"),
    [
        ("{epochs: 3, api_key: '${env.KEY}'}", "", "api_key"),
        ("{epochs: 3, word: 'x ${env.HF_TOKEN} y'}", "", "word"),
        ("{epochs: 3, word: '${var.db_password}'}", "{db_password: '${env.A}'}", "word"),
        ("[{key: epochs, value: '3'}, {key: token, value: '${env.A}'}]", "", "token"),
        ("{epochs: 3, word: '${env.A}'}", "", ""),
        ("{epochs: '${env.A}', token: '${var.plain}'}", "{plain: x}", ""),
    ],
)
def test_a_parameter_that_gets_a_secret_is_a_warning(
    tmp_path: Path, bindings: str, variables: str, name: str
) -> None:
    edits = [("{epochs: 3}", bindings)]
    if variables:
        edits.append(("branch: main\n", f"branch: main\nvariables: {variables}\n"))
    env = dict.fromkeys(("KEY", "HF_TOKEN", "A"), "3")
    found = findings(write_repository(tmp_path, changed(*edits)), env=env)
    told = [line for line in found if "secrets.generic" in line]
    assert len(told) == bool(name)
    assert all(f"warning: {name} holds a secret" in line for line in told)


def test_all_parameters_that_get_a_secret_are_one_warning(tmp_path: Path) -> None:
    edit = ("{epochs: 3}", "{epochs: 3, token: '${env.A}', key_secret: '${env.A}'}")
    found = findings(write_repository(tmp_path, changed(edit)), env={"A": "3"})
    (told,) = [line for line in found if "secrets.generic" in line]
    assert "token, key_secret hold a secret" in told


def test_a_warning_hides_no_error_in_the_same_place(tmp_path: Path) -> None:
    value = "x" * 5001
    found = findings(write_repository(tmp_path, changed(("{epochs: 3}", f"{{token: {value}}}"))))
    assert any("is longer than 5000" in line and "warning" not in line for line in found)
