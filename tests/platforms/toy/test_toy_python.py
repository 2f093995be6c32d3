"""The same platform through the Python API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cicd import Project
from cicd.apply.events import LogLine
from cicd.automation import events
from tests.platforms.toy.test_toy_commands import STAGE, toy  # noqa: F401 fixture


def test_a_stage_of_it_is_planned_applied_looked_at_and_taken_down(
    toy: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = Project(toy, environ={"PATH": os.environ["PATH"]})
    assert project.check("dev") == []
    told: list[events.Event] = []
    with project.stage("dev") as dev:
        result = dev.apply(dev.save(dev.plan()), approve=lambda plan: True, on_event=told.append)
        result.raise_for_failure()
        assert result["service/ride"].status
        assert not dev.plan().has_changes
        lines = [entry.text for _, entry in dev.logs("job/wind")]
        assert lines and any(isinstance(event, LogLine) for event in told)
        assert {row["key"] for row in dev.status()} == {"job/wind", "service/ride"}
        assert [row["key"] for row in dev.list("services")] == ["service/ride"]
    (toy / "stages/dev.yaml").write_text(STAGE.replace("TURNS: 3", "TURNS: 4"), encoding="utf-8")
    with project.stage("dev") as dev:
        dev.apply().raise_for_failure()
        back = dev.rollback("ride")
        back.raise_for_failure()
        assert "stages/dev.yaml still asks for" in back.remarks[0]
        dev.destroy(approve=lambda plan: plan.is_destroy).raise_for_failure()
        assert dev.plan().summary["create"]
    assert capsys.readouterr() == ("", "")
