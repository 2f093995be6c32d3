"""Workflows of which Argo's own tests and examples say how they end, run for real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.runner import LocalRunner, Settings, create
from cicd.emulator.workflow import check
from tests.emulator.runner_journal import ENVIRON, MemoryJournal, execution, workflow
from tests.emulator.workflows import programs
from tests.emulator.workflows.programs import Program


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def runner(journal: MemoryJournal) -> Iterator[LocalRunner]:
    found = create(journal, environ=ENVIRON, settings=Settings(grace=1.0))
    yield found
    found.close()


@pytest.mark.parametrize("case", programs.CASES, ids=lambda case: case.name)
def test_a_workflow_ends_as_argo_says(
    case: Program, runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner.start_execution(execution(tmp_path, case.document))
    assert journal.end("e1") == case.status, journal.message
    nodes = {node.name: node for node in journal.saved.values()}
    phases = {name: nodes[name].phase for name in case.phases or {}}
    assert phases == dict(case.phases or {})
    outputs = {name: nodes[name].outputs.get("parameters") for name in case.outputs or {}}
    assert outputs == dict(case.outputs or {})
    assert not set(case.lines) - set(journal.texts), journal.text
    assert not set(case.no_lines) & set(journal.texts)
    assert case.message in journal.message
    messages = {name: nodes[name].message for name in case.messages or {}}
    assert messages == dict(case.messages or {})


@pytest.mark.parametrize(("template", "problem"), programs.REFUSED)
def test_a_set_that_argo_refuses_is_refused(template: Mapping[str, Any], problem: str) -> None:
    assert problem in "\n".join(check(workflow(template)))
