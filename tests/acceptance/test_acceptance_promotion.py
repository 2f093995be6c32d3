"""From test to production on AI Core's emulator: the example, line by line as its README says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import REPOSITORY, Project, make_project

EXAMPLE = REPOSITORY / "examples/promotion"
BLOCKS = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A copy of the example that is a repository with nothing committed yet."""
    root = tmp_path / "promotion"
    kept = shutil.ignore_patterns(".cicd", "__pycache__", "approvals")
    shutil.copytree(EXAMPLE, root, ignore=kept)
    found = make_project(root)
    yield found
    found.stop()


def typed(project: Project, block: str, code: int = 0) -> str:
    """All that the commands of a block say; each of them must end so."""
    told = ""
    for line in block.splitlines():
        name, *arguments = shlex.split(line)
        assert name == "cicd"
        done = project.cicd(*arguments)
        assert done.returncode == code, f"{line}\n{done.stdout}\n{done.stderr}"
        told += done.stdout + done.stderr
    return told


def summary(project: Project, code: int) -> dict[str, str]:
    """Key -> what one more apply of prd made of it."""
    done = project.cicd("apply", "prd", "--local", "--yes", "--summary", "s.json")
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads((project.root / "s.json").read_text("utf-8"))
    return {one["key"]: one["result"] for one in told["outcomes"]} | {"error": done.stdout}


def test_what_is_promoted_is_trained_and_tested_and_deployed_once_it_is_approved(
    project: Project,
) -> None:
    tried, held, approved = BLOCKS
    told = typed(project, tried)
    assert '-variables: {smoothing: "0.1"}' in told and "deployment/serve" in told

    told = typed(project, held, 5)
    assert "execution/evaluate  " in told and "execution/train  " in told
    assert re.search(r"configuration/serve +create +held", told)
    assert "@your-org/ml-approvers may approve it" in told and "cicd approve prd --local" in told

    told = typed(project, approved)
    assert "comparator: accepted: off by" in told
    assert 'GET /v1/demand -> 200 {"demand": 120.1' in told
    assert "▶ execution" not in told  # nothing is trained or tested twice

    # another model needs another approval, what serves stays, and what changed is said
    project.edit("stages/prd.yaml", '"0.5"', '"0.4"')
    found = summary(project, 5)
    assert found["execution/train"] == "applied" and found["deployment/serve"] == "held"
    assert "configuration/train: parameter_bindings.smoothing changed" in found["error"]
    # and one that does worse on the test data is none
    project.edit("compare.py", "1.1 * old", "0.5 * old")
    found = summary(project, 1)
    assert found["execution/evaluate"] == "unchanged"
    assert "the comparator rejected: off by" in found["error"]
