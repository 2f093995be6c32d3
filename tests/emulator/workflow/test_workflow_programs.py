"""Workflows of which Argo's own tests and examples say how they end, run for real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.settings import Settings
from cicd.emulator.workflow import check
from tests.emulator.runner.runner_journal import ENVIRON, MemoryJournal, execution, workflow
from tests.emulator.runner.test_runner_execution import MODES
from tests.emulator.workflows import endings, passing, programs
from tests.emulator.workflows.programs import Program


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(params=MODES[:1])
def runner(request: pytest.FixtureRequest, journal: MemoryJournal) -> Iterator[LocalRunner]:
    settings = Settings(sandbox=request.param, grace=1.0)
    found = create(journal, environ=ENVIRON, settings=settings)
    yield found
    found.close()


@pytest.mark.parametrize(
    "case", [*programs.CASES, *endings.CASES, *passing.CASES], ids=lambda case: case.name
)
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


@pytest.mark.parametrize(("limits", "of_template"), programs.LIMITS)
def test_what_waits_because_of_parallelism_is_pending_and_says_so(
    limits: Mapping[str, Any],
    of_template: Mapping[str, Any],
    runner: LocalRunner,
    journal: MemoryJournal,
    tmp_path: Path,
) -> None:
    document = programs.three(of_template, **limits)
    runner.start_execution(execution(tmp_path, document))
    assert journal.end("e1") == "COMPLETED"
    waited = [node for node in journal.history if node.message == "Max parallelism reached"]
    assert {node.phase for node in waited} == {"Pending"}
    assert {node.name for node in waited} == {"e1[0].b", "e1[0].c"}
    assert {node.phase for node in journal.saved.values()} == {"Succeeded"}


def test_what_never_began_because_of_parallelism_is_no_node_in_the_end(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    document = programs.three({"parallelism": 1, "failFast": True}, "false")
    runner.start_execution(execution(tmp_path, document))
    assert journal.end("e1") == "DEAD"
    assert {node.name for node in journal.history} >= {"e1[0].b", "e1[0].c"}
    assert {node.name for node in journal.saved.values()} == {"e1", "e1[0]", "e1[0].a"}
    assert journal.message == "template has failed or errored children and failFast enabled"


def test_labels_and_annotations_of_a_template_may_have_tags(
    runner: LocalRunner, journal: MemoryJournal, tmp_path: Path
) -> None:
    runner.start_execution(execution(tmp_path, programs.LABELLED))
    assert journal.end("e1") == "COMPLETED", journal.message
    assert "blue e1 {{other}}" in journal.texts
