"""The action and the workflows as files: schemas, pins, permissions, no pasted expression."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
ACTION = REPOSITORY / "action.yml"
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
SCAFFOLD = sorted((REPOSITORY / "cicd/scaffold").glob("*/.github/workflows/*.yml"))
FILES = [ACTION, *WORKFLOWS, *SCAFFOLD]
EXTRAS = {"training_job": "[training-job]", "sagemaker": "[sagemaker]", "spark": "[spark]"}
"""What is installed with cicd for a platform."""
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")

# all that a workflow's token may do, job by job where it differs
PERMISSIONS = {
    "test": {"contents": "read"},
    "dependencies": {"contents": "read"},
    "plan": {"contents": "read", "pull-requests": "write"},
    "deploy": {"contents": "read"},
    "drift": {"contents": "read", "issues": "write"},
}
OF_PLATFORM = {"sagemaker": {"id-token": "write"}}
"""What the workflows of a platform's scaffold may do besides: AWS trusts GitHub's own token."""
JOB_PERMISSIONS = {
    ("deploy", name): {"contents": "read", "actions": "read", "pull-requests": "read"}
    for name in ("plan", "apply")
}


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def label(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def steps(path: Path) -> Iterator[dict[str, Any]]:
    document = load(path)
    if "runs" in document:
        yield from document["runs"]["steps"]
    for job in document.get("jobs", {}).values():
        yield from job["steps"]


def schema(name: str) -> Any:
    # not imported: it may want a newer click than the lowest that cicd allows
    package = find_spec("check_jsonschema")
    if package is None or package.origin is None:
        pytest.skip("check-jsonschema is not installed")
    path = Path(package.origin).parent / f"builtin_schemas/vendor/{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def check(instance: Any, name: str) -> list[str]:
    content = schema(name)
    found = validator_for(content)(content).iter_errors(instance)
    return [f"{list(error.path)}: {error.message}" for error in found]


def test_there_is_everything_that_is_promised() -> None:
    ours = ["dependencies.yml", "deploy.yml", "drift.yml", "plan.yml", "test.yml"]
    assert [path.name for path in WORKFLOWS] == ours
    for folder in {path.parent for path in SCAFFOLD}:
        names = [path.name for path in SCAFFOLD if path.parent == folder]
        assert names == ["deploy.yml", "drift.yml", "plan.yml"]


def test_action_fits_the_schema() -> None:
    assert not check(load(ACTION), "github-actions")


@pytest.mark.parametrize("path", [*WORKFLOWS, *SCAFFOLD], ids=label)
def test_workflows_fit_the_schema(path: Path) -> None:
    assert not check(load(path), "github-workflows")


def test_dependabot_fits_the_schema() -> None:
    assert not check(load(REPOSITORY / ".github/dependabot.yml"), "dependabot")


@pytest.mark.parametrize("path", FILES, ids=label)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert [name for name in used if name != "./" and not PINNED.fullmatch(name)] == []
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.search(r"uses: \w", line):
            assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_one_commit_for_an_action_wherever_it_is_used() -> None:
    lines = [line for path in FILES for line in path.read_text(encoding="utf-8").splitlines()]
    pins = {line.split("uses: ")[1] for line in lines if re.search(r"uses: \w", line)}
    assert len({pin.split("@")[0] for pin in pins}) == len(pins), sorted(pins)


@pytest.mark.parametrize("path", FILES, ids=label)
def test_no_expression_is_pasted_into_a_shell_line(path: Path) -> None:
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert [script for script in scripts if "${{" in script] == []
    long = [script for script in scripts if script.count("\n") > 3]
    assert [script for script in long if not script.startswith("set -euo pipefail\n")] == []


@pytest.mark.parametrize("path", FILES, ids=label)
def test_nothing_runs_foreign_code_with_secrets(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "pull_request_target" not in text
    assert "workflow_run" not in text
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", [*WORKFLOWS, *SCAFFOLD], ids=label)
def test_permissions_are_no_more_than_needed(path: Path) -> None:
    document, more = load(path), OF_PLATFORM.get(path.parents[2].name, {})
    assert document["permissions"] == PERMISSIONS[path.stem] | more
    for name, job in document["jobs"].items():
        expected = JOB_PERMISSIONS.get((path.stem, name))
        assert job.get("permissions") == (expected and expected | more)


@pytest.mark.parametrize(
    "path", [one for one in SCAFFOLD if one.stem == "deploy"], ids=lambda path: path.parents[2].name
)
def test_an_apply_can_ask_who_approved_by_whatever_means(path: Path) -> None:
    apply = load(path)["jobs"]["apply"]
    [checkout] = [one for one in apply["steps"] if "checkout" in one.get("uses", "")]
    assert checkout["with"]["fetch-depth"] == 0  # of a shallow clone nobody knows who committed
    [step] = [one for one in apply["steps"] if one.get("name") == "Apply"]
    assert {"GITHUB_TOKEN", "JIRA_USER", "JIRA_TOKEN"} <= step["env"].keys()


@pytest.mark.parametrize("path", FILES, ids=label)
def test_secrets_reach_only_steps_that_run_cicd_or_log_in(path: Path) -> None:
    document = load(path)
    assert "secrets." not in str(document.get("env"))
    for job in document.get("jobs", {}).values():
        assert "secrets." not in str(job.get("env"))
    for step in steps(path):
        if "secrets." in str(step):
            assert step.get("uses") == "./" or re.search(r"\bcicd |docker login", step["run"])


@pytest.mark.parametrize("path", [*WORKFLOWS, *SCAFFOLD], ids=label)
def test_stages_are_deployed_one_at_a_time_and_never_cut_off(path: Path) -> None:
    if path.stem != "deploy":
        return
    document = load(path)
    assert document["on"] == {"push": {"branches": ["main", "tst", "prd"]}}
    assert document["concurrency"]["group"].startswith("cicd-${{")
    assert document["concurrency"]["cancel-in-progress"] is False
    stage = document["concurrency"]["group"].removeprefix("cicd-")
    assert document["jobs"]["apply"]["environment"] == stage
    assert document["jobs"]["plan"]["environment"]["name"] == f"{stage}-plan"


def test_stages_and_branches_are_those_of_the_example() -> None:
    files = {path.stem: load(path) for path in (REPOSITORY / "stages").glob("*.yaml")}
    branches = {name: file["branch"] for name, file in files.items() if "branch" in file}
    for path in [*WORKFLOWS, *SCAFFOLD]:
        if path.stem == "drift":
            matrix = load(path)["jobs"]["drift"]["strategy"]["matrix"]["include"]
            assert {row["stage"]: row["branch"] for row in matrix} == branches
        if path.stem == "plan":
            assert set(load(path)["on"]["pull_request"]["branches"]) == set(branches.values())


@pytest.mark.parametrize("path", SCAFFOLD, ids=label)
def test_scaffold_installs_one_version(path: Path) -> None:
    installs = [step for step in steps(path) if "pip install" in step.get("run", "")]
    assert installs
    assert {step["run"] for step in installs} == {'python -m pip install --quiet "$CICD_INSTALL"'}
    extra = EXTRAS.get(path.parents[2].name, "")
    source = f"${{{{ vars.CICD_INSTALL || 'aicore-cicd{extra}==@VERSION@' }}}}"
    assert all(step["env"]["CICD_INSTALL"] == source for step in installs)
    assert path.read_text(encoding="utf-8").count("@VERSION@") == len(installs)


def test_own_workflows_wait_until_there_is_a_tenant() -> None:
    for path in WORKFLOWS:
        if path.stem not in ("dependencies", "test"):
            first = next(iter(load(path)["jobs"].values()))
            assert first["if"] == "vars.CICD_ENABLED == 'true'"
