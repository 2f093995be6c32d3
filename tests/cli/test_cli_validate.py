"""``cicd validate`` as a command: its outputs, its exit codes, and what it must not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.config.config_sample import changed, write_repository


def validate(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cicd", "validate", *options]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_repository(tmp_path, changed(("path: /v1/health", "path: /health")))


def test_warnings_fail_only_when_strict(repo: Path) -> None:
    result = validate(repo, "dev")
    assert result.returncode == 0
    assert "[smoke-test-path]\ndev: valid, 1 warning\n" in result.stdout
    result = validate(repo, "dev", "--strict")
    assert result.returncode == 3
    assert result.stdout.endswith("1 warning in dev, and with --strict none is allowed\n")


def test_every_output_of_the_command(repo: Path) -> None:
    [finding] = json.loads(validate(repo, "dev", "--output", "json").stdout)
    assert finding["rule"] == "smoke-test-path"
    assert validate(repo, "--all", "--output", "github").stdout.startswith("::warning file=stages/")
    [run] = json.loads(validate(repo, "dev", "--output", "sarif").stdout)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["smoke-test-path"]


def test_the_rules_are_listed_with_where_they_come_from(tmp_path: Path) -> None:
    """Also where there is no stage at all."""
    result = validate(tmp_path, "--rules")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("bad-executable-id "))
    assert "Kubernetes: object names" in lines[at + 1]
    rules = json.loads(validate(tmp_path, "--rules", "--output", "json").stdout)
    assert all(rule["says"] and rule["source"] for rule in rules.values())


def test_a_stage_that_is_not_there_is_a_finding_in_sarif_too(repo: Path) -> None:
    result = validate(repo, "dve", "--output", "sarif")
    assert result.returncode == 3
    [run] = json.loads(result.stdout)["runs"]
    assert [found["ruleId"] for found in run["results"]] == ["unknown-stage"]


def test_validate_imports_nothing_that_talks_to_anyone(repo: Path) -> None:
    script = (
        "import sys\n"
        "from cicd.cli.root import execute\n"
        "assert execute(['validate', 'dev']) == 0\n"
        "bad = {'requests', 'ai_core_sdk', 'boto3', 'starlette', 'rich', 'httpx', 'deepdiff',\n"
        "       'jsonschema', 'structlog', 'urllib3'}\n"
        "assert not bad & set(sys.modules), bad & set(sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=repo, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_the_pre_commit_hook_runs_the_command() -> None:
    path = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
    [hook] = YAML(typ="safe", pure=True).load(path)
    assert hook["id"] == "cicd-validate"
    assert hook["entry"] == "cicd validate --all"
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    assert hook["files"] == "^(stages|templates)/"
