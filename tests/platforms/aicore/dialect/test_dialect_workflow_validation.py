"""What ``validate`` finds in a workflow is what Argo refuses, at its line and by its rule."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cicd.config.tree import Place
from cicd.platforms.aicore.dialect.templates import read_templates
from tests.emulator.workflow.test_workflow_validation import chain
from tests.emulator.workflows import validated_calls, validated_templates, validated_values
from tests.emulator.workflows.verdicts import Verdict
from tests.told import Told

HERE = Place("stages/dev.yaml", 5, 9)

TABLES = (validated_calls, validated_templates, validated_values)
VERDICTS = [case for table in TABLES for case in table.VERDICTS]
TOLD = Told(Path(__file__).with_name("told_of_workflows.json"))


@pytest.mark.parametrize("case", VERDICTS, ids=lambda case: case.name)
def test_validate_judges_as_argo_does(tmp_path: Path, case: Verdict) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "t.yaml").write_text(case.text, encoding="utf-8")
    _, problems = read_templates(tmp_path, "templates", HERE)
    errors = [problem for problem in problems if problem.severity == "error"]
    shown = [str(problem) for problem in errors]
    assert bool(errors) is bool(case.rule), shown
    if case.rule:
        assert (case.rule, case.line) in {(p.rule, p.line) for p in errors}, shown
    told = [str(problem) for problem in problems]
    assert told == TOLD.of(case.name, told)


def test_a_chain_of_templates_may_be_longer_than_the_stack_of_python(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "t.yaml").write_text(chain(sys.getrecursionlimit()), encoding="utf-8")
    assert read_templates(tmp_path, "templates", HERE)[1] == []
