"""``cicd validate`` as a command: its outputs, its exit codes, and what it must not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cicd.config import GitFacts, GitOverride, Surroundings, load_stage
from cicd.platforms.registry import DIALECTS
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


HEAD = "branch: {branch}\naicore: {{resource_group: rg-{name}}}\n"


@pytest.mark.parametrize("branch", ["main", "release/1.0", '"on"'])
def test_a_branch_that_two_stages_have_is_an_error_at_the_second(repo: Path, branch: str) -> None:
    for file in (repo / "stages").iterdir():
        file.unlink()
    for name in ("dev", "tst"):
        text = HEAD.format(branch=branch, name=name)
        (repo / f"stages/{name}.yaml").write_text(text, encoding="utf-8")
    result = validate(repo, "--all")
    assert result.returncode == 3, result.stdout
    said = f'the branch "{branch.strip(chr(34))}" belongs to stages/dev.yaml already'
    assert f"stages/tst.yaml:1:9: {said}" in result.stdout
    assert validate(repo, "tst").returncode == 0


@pytest.mark.parametrize("number", [4, 6, 12])
def test_the_last_line_counts_many_stages_instead_of_naming_them(repo: Path, number: int) -> None:
    for file in (repo / "stages").iterdir():
        file.unlink()
    for n in range(number):
        text = HEAD.format(branch=f"b{n}", name=n)
        (repo / f"stages/s{n}.yaml").write_text(text, encoding="utf-8")
    assert validate(repo, "--all").stdout.endswith(f"{number} stages: valid\n")
    (repo / "stages/s1.yaml").write_text("brnch: x\n" + HEAD.format(branch="b1", name=1))
    last = validate(repo, "--all").stdout.splitlines()[-1]
    assert last == f"1 problem in {number} stages"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/your-org/your-repo",
        "https://git.example.com/your_company/x.git",
        "https://github.com/your-name/models",
    ],
)
def test_a_repository_of_an_example_is_told_by_validate_and_by_plan(repo: Path, url: str) -> None:
    file = next((repo / "stages").glob("dev.*"))
    (repo / "templates").mkdir(exist_ok=True)
    text = "branch: main\naicore: {resource_group: rg-dev}\ngit: {application: app, "
    text += f"path: templates, repository: {url}}}\n"
    file.write_text(text, encoding="utf-8")
    told = "was to be replaced by something of yours"
    assert told in validate(repo, "dev").stdout
    stage = load_stage(
        "dev",
        Surroundings(
            root=repo,
            env={},
            variables={},
            dialects=DIALECTS,
            git=GitFacts(commit="a" * 40, branch="main"),
        ),
    )
    assert any(told in remark and remark.startswith("stages/dev") for remark in stage.remarks)
    local = GitOverride(url, "HEAD", "")
    stage = load_stage(
        "dev",
        Surroundings(
            root=repo, env={}, variables={}, dialects=DIALECTS, git=GitFacts(), application=local
        ),
    )
    assert not any(told in remark for remark in stage.remarks)
