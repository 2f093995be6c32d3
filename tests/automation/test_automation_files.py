"""What the Python API reads from stage files and writes into them, from whichever folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cicd import Project
from cicd.automation.saved import as_page
from cicd.errors import InvalidStage, Refused, Usage
from cicd.model import Action
from tests.automation.conftest import TRAIN_ONLY, Desk

STAGE = """\
branch: {name}
aicore: {{resource_group: g-{name}}}
executions:
  - key: train
    configuration:
      name: train
      scenario_id: churn
      executable_id: train
      parameter_bindings: {{epochs: "{epochs}"}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "project"
    (root / "stages").mkdir(parents=True)
    for name, epochs in (("dev", 20), ("tst", 10), ("same", 20)):
        text = STAGE.format(name=name, epochs=epochs)
        (root / "stages" / f"{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Project(root, environ={"PATH": "/usr/bin:/bin"})


def test_a_promotion_is_an_edit_that_is_shown_first_and_made_after(project: Project) -> None:
    file = project.root / "stages" / "tst.yaml"
    before = file.read_text(encoding="utf-8")
    edit = project.promote("dev", "tst")
    assert '-      parameter_bindings: {epochs: "10"}' in edit.diff
    assert [(c.key, c.before, c.value) for c in edit.found.changes] == [
        ("execution/train", "10", "20")
    ]
    assert file.read_text(encoding="utf-8") == before
    edit.write()
    assert file.read_text(encoding="utf-8") == before.replace('"10"', '"20"')
    assert project.promote("stages/dev.yaml", "tst").diff == ""
    assert project.promote("dev", "same").diff == ""


@pytest.mark.parametrize("target", ["dev", "stages/dev.yaml", "nope"])
def test_a_promotion_needs_two_stages_that_are_there(project: Project, target: str) -> None:
    with pytest.raises((Usage, InvalidStage)):
        project.promote("dev", target)


def test_a_pull_request_needs_a_remote(project: Project) -> None:
    with pytest.raises(Usage, match="no remote to push to"):
        project.propose("dev", "tst")


def test_a_plan_against_nothing_needs_no_login_and_saved_plans_are_a_page(
    project: Project,
) -> None:
    plan = project.offline_plan("tst")
    assert plan.summary["run"] == 1
    saved = project.stage("tst").save(plan)
    failed = json.dumps({**json.loads(saved), "failure": {"message": "no"}}).encode()
    page = as_page([saved, failed, saved])
    assert page.count("<h1>") == 1 and page.count("execution/train") >= 2


def test_without_a_name_it_is_the_stage_of_the_branch_that_the_run_is_about(
    project: Project,
) -> None:
    with pytest.raises(Usage, match="name a stage: dev, same, tst"):
        project.check()
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/tst",
        "GITHUB_REF_NAME": "tst",
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_SHA": "0" * 40,
    }
    here = Project(project.root, environ=environ)
    assert here.facts.branch == "tst"
    assert here.offline_plan().stage == "tst"
    assert here.check() == here.check("tst")
    forked = {**environ, "GITHUB_EVENT_NAME": "pull_request_target"}
    with pytest.raises(Refused):
        Project(project.root, environ=forked).check()


def test_what_is_live_becomes_a_stage_file_whose_plan_is_empty(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    desk.project.stage("dev").apply().raise_for_failure()
    place = {"resource_group": desk.world.group}
    found = desk.project.import_stage("live", place)
    assert found.file == desk.world.folder / "stages" / "live.yaml"
    try:
        assert found.export.counts["executions"] == 1 and not found.unset
        assert {c.action for c in found.plan.changes} <= {Action.NO_OP, Action.UPDATE}
        with pytest.raises(Refused, match="already there"):
            desk.project.import_stage("live", place)
    finally:
        found.file.unlink()
    with pytest.raises(Usage):
        desk.project.import_stage("no name!", place)
