"""What a plan says of a stage that uses every section, without its credentials and its account."""

from __future__ import annotations

from pathlib import Path

import pytest

from cicd.automation.local import with_snapshot
from cicd.automation.session import offline_plan
from cicd.cli.options import Common
from cicd.model import Action
from cicd.render.text import render_plan
from tests.config.config_sample import load, write_repository
from tests.platforms.aicore.dialect.test_dialect_kinds import FULL, SET


def test_credentials_that_are_missing_are_said_and_an_address_for_links_is_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_repository(tmp_path, FULL))
    (tmp_path / ".git").mkdir()
    for name in SET:
        monkeypatch.delenv(name, raising=False)
    plan = offline_plan("dev", Common())
    says = "A, B, C are not set in the environment, so what needs them under secrets is empty"
    assert says in plan.warnings
    assert plan.summary[Action.CREATE] == len(plan.changes) - 1
    assert plan.target["launchpad_url"].startswith("https://example.com/aic/")
    assert render_plan(plan).splitlines()[0] == "stage dev · aicore · churn-dev"


def test_nothing_of_an_emulator_is_linked_to_the_launchpad(tmp_path: Path) -> None:
    stage = load(write_repository(tmp_path, FULL), env=SET)
    assert "launchpad_url" in stage.target
    assert with_snapshot(stage, tmp_path).target == {"resource_group": "churn-dev"}
