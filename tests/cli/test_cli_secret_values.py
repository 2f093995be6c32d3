"""Values of the environment and the command line that are odd: too long, of many lines, wrong."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from cicd.automation.environment import Environment
from cicd.cli import root
from cicd.cli.redaction import MASK
from cicd.masking import Mask
from tests.acceptance.conftest import Project

STAGE = {
    "aicore": {"resource_group": "group"},
    "variables": {"pin_token": 1, "model": "gpt-4o"},
    "deployments": [
        {
            "key": "chat",
            "configuration": {
                "name": "chat",
                "scenario_id": "foundation-models",
                "executable_id": "azure-openai",
                "parameter_bindings": {"modelName": "${var.model}", "modelVersion": "latest"},
            },
            "smoke_test": {"path": "/x", "headers": {"X-Token": "token"}},
        }
    ],
}
PEM = "-----BEGIN KEY-----\nMIIfinch1234\n  MIIfinch5678==\n-----END KEY-----\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stages").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(folder: Path, capsys: pytest.CaptureFixture[str], stage: object, *line: str) -> str:
    """All that a command says, and writes as its plan."""
    (folder / "stages/dev.json").write_text(json.dumps(stage), encoding="utf-8")
    code = root.execute([*line])
    assert code != root.BUG
    text = "".join(capsys.readouterr())
    return text + "".join(path.read_text("utf-8") for path in folder.glob("*.json"))


def at(path: str, text: str) -> object:
    """The stage with this text at a place."""
    stage = json.loads(json.dumps(STAGE))
    *way, last = path.split("/")
    node = stage
    for step in way:
        node = node.setdefault(step, {}) if isinstance(node, dict) else node[int(step)]
    node[last] = text
    return stage


@pytest.mark.parametrize("value", ["q7Z\n", "q7Z \x1b!", "q7Z " * 1000, "q7Z/" * 1000, "q7Zü\r\n"])
@pytest.mark.parametrize(
    "path",
    [
        "git/path",
        "deployments/0/smoke_test/headers/X-Token",
        "deployments/0/smoke_test/path",
        "deployments/0/configuration/executable_id",
        "deployments/0/ttl",
        "local/artifacts/x",
    ],
)
def test_no_message_quotes_a_wrong_value_of_the_environment(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    value: str,
) -> None:
    monkeypatch.setenv("ODD", value)
    stage = at(path, "${env.ODD}")
    for line in ("validate dev", "validate dev -o json", "plan dev --offline -v --out p.json"):
        assert "q7Z" not in said(folder, capsys, stage, *line.split()), line


@pytest.mark.parametrize("value", ["finch\n", " finch", "fin\r\nch", "finch€"])
def test_what_no_header_can_be_is_told_before_anything_is_sent(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    monkeypatch.setenv("TOKEN", value)
    stage = at("deployments/0/smoke_test/headers/X-Token", "${env.TOKEN}")
    text = said(folder, capsys, stage, "validate", "dev")
    assert '"${env.TOKEN}", must be one line' in text and "finch" not in text


@pytest.mark.parametrize("line", ["tok-finch-1", "=tok-finch-1", "hf_token:tok-finch-1"])
def test_an_option_that_lacks_its_name_is_not_quoted(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    text = said(folder, capsys, STAGE, "plan", "dev", "--var", "model=x", "--var", line)
    assert "number 2 is not NAME=VALUE" in text and "finch" not in text


@pytest.mark.parametrize("output", ["text", "json", "markdown", "html"])
def test_a_number_that_is_called_a_secret_is_one(
    folder: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    name = "deployments/0/configuration/parameter_bindings/modelName"
    line = f"plan dev --offline -v --var pin_token=4711 -o {output}"
    text = said(folder, capsys, at(name, "${var.pin_token}"), *line.split())
    assert "4711" not in re.sub(r"[0-9a-f]{12,}", "", text) and "***" in text.replace("\\", "")


@pytest.mark.parametrize("line", ["MIIfinch1234", "{}  MIIfinch5678==", "got MIIfinch1234, no"])
def test_each_line_of_a_secret_is_hidden_by_itself(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("PRIVATE", PEM)
    MASK.clear()
    assert Environment(os.environ, MASK)["PRIVATE"] == PEM
    assert "finch" not in MASK.hide(line) and "***" in MASK.hide(line)


@pytest.mark.parametrize("name", ["HF_TOKEN", "DB_PASSWORD", "OPENAI_API_KEY", "clientSecret"])
def test_what_is_called_a_secret_is_hidden_though_no_stage_names_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "tok-finch-1\n")
    line = ("plan", "dev", "--offline", "-v", "--var", "model=tok-finch-1")
    assert "finch" not in said(folder, capsys, STAGE, *line)
    assert "finch" not in said(folder, capsys, STAGE, "metrics", "dev", "tok-finch-1")


def test_a_word_that_is_called_a_secret_stays_readable_where_no_stage_names_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "deployment")
    assert "deployment/chat" in said(folder, capsys, STAGE, "plan", "dev", "--offline")


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("CI_COMMIT_REF_NAME", "release-candidate", False),
        ("CHANGE_BRANCH", "release-candidate", False),
        ("BUILD_SOURCEBRANCH", "refs/heads/release", False),
        ("CI_REPOSITORY_URL", "https://gitlab-ci-token:glcbt-finch1@gitlab.com/g/p.git", True),
        ("GIT_URL", "https://finch-user:finch-word@git.example.com/g/p.git", True),
        ("CI_JOB_TOKEN", "glcbt-finch-token", True),
        ("SYSTEM_ACCESSTOKEN", "finch-access-token", True),
        ("OWN_NAME", "finch-of-our-own", True),
    ],
)
def test_facts_of_any_ci_system_are_shown_and_logins_among_them_are_not(
    name: str, value: str, hidden: bool
) -> None:
    mask = Mask()
    assert Environment({name: value}, mask)[name] == value
    assert ("finch" in mask.hide(f"it is {value}!")) is False
    assert (value not in mask.hide(f"it is {value}!")) is hidden


def test_the_login_of_the_emulator_is_told_also_where_it_is_in_use(small: Project) -> None:
    assert small.cicd("emulator", "start").returncode == 0
    first = small.cicd("emulator", "env")
    small.environ |= dict(line.split("=", 1) for line in first.stdout.splitlines())
    assert small.cicd("emulator", "env").stdout == first.stdout
    assert "***" not in first.stdout


@pytest.mark.slow
def test_a_training_that_prints_a_key_shows_no_line_of_it(small: Project) -> None:
    small.edit("stages/dev.yaml", '"${var.word}"', '"${env.PRIVATE}"')
    small.edit("src/train.py", 'print("training on"', 'print("training on\\n"')
    small.environ["PRIVATE"] = PEM
    done = small.cicd("apply", "dev", "--local", "--yes", "-v")
    shown = small.cicd("logs", "dev", "train", "--local")
    assert shown.returncode == 0 and "***" in shown.stdout, shown
    assert "finch" not in done.stdout + done.stderr + shown.stdout + shown.stderr
