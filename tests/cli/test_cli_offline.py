"""What a plan says of a stage that uses every section, without its credentials and its account."""

from __future__ import annotations

import os
from pathlib import Path

from cicd.automation.local import with_snapshot
from cicd.automation.project import Project
from cicd.masking import Mask
from cicd.model import Action
from cicd.render.text import render_plan
from tests.config.config_sample import load, write_repository
from tests.platforms.aicore.dialect.test_dialect_kinds import FULL, SET


def test_credentials_that_are_missing_are_said_and_an_address_for_links_is_no_place(
    tmp_path: Path,
) -> None:
    write_repository(tmp_path, FULL)
    (tmp_path / ".git").mkdir()
    plan = Project(tmp_path, environ={}).offline_plan("dev")
    says = "A, B, C are not set in the environment, so what needs them under secrets is empty"
    assert says in plan.warnings
    assert plan.summary[Action.CREATE] == len(plan.changes) - 1
    assert plan.target["launchpad_url"].startswith("https://example.com/aic/")
    assert render_plan(plan).splitlines()[0] == "stage dev · aicore · churn-dev"


def test_nothing_of_an_emulator_is_linked_to_the_launchpad(tmp_path: Path) -> None:
    stage = load(write_repository(tmp_path, FULL), env=SET)
    assert "launchpad_url" in stage.target
    assert with_snapshot(stage, tmp_path, os.environ, Mask()).target == {
        "resource_group": "churn-dev"
    }
