"""What a sync accepts and refuses is what Argo accepts and refuses."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from cicd.emulator.git.syncing import located
from cicd.emulator.workflow import check
from tests.emulator.workflows import validated_calls, validated_templates, validated_values
from tests.emulator.workflows.verdicts import Verdict, leaf, spec
from tests.told import Told

TABLES = (validated_calls, validated_templates, validated_values)
VERDICTS = [case for table in TABLES for case in table.VERDICTS]
TOLD = Told(Path(__file__).with_name("told_of_workflows.json"))


@pytest.mark.parametrize("case", VERDICTS, ids=lambda case: case.name)
def test_a_sync_judges_as_argo_does(case: Verdict) -> None:
    told = check(case.document)
    found = "\n".join(told)
    assert bool(found) is bool(case.rule), found
    assert case.says in found
    assert told == TOLD.of(case.name, told)


ELSEWHERE = {
    "nothing-to-run": "at the second of two kinds, where cicd validate has it at the template",
    "missing-argument": "at the template, where the emulator has the entrypoint",
}


@pytest.mark.parametrize(
    "case",
    [x for x in (*validated_calls.VERDICTS, *validated_templates.VERDICTS) if x.rule],
    ids=lambda case: case.name,
)
def test_a_sync_names_the_rule_and_the_line(case: Verdict) -> None:
    found = list(located(check(case.document), case.text, 0))
    lines = [text for text in found if text.endswith(f"[{case.rule}, line {case.line}]")]
    rules = [text for text in found if f"[{case.rule}, line " in text]
    assert lines or (rules and case.rule in ELSEWHERE), found


def test_a_sync_names_the_line_in_the_second_document_of_a_file_and_in_json() -> None:
    case = next(case for case in VERDICTS if case.rule == "unknown-template")
    before = "# nothing\n---\nkind: x\n---\n"
    [found] = located(check(case.document), f"{before}{case.text}", 1)
    assert found.endswith(f"[unknown-template, line {case.line + before.count(chr(10))}]")
    [found] = located(check(case.document), json.dumps(case.document, indent=1), 0)
    assert re.search(r"\[unknown-template, line \d+\]$", found)


def test_what_only_the_emulator_refuses_has_a_line_and_no_rule() -> None:
    text = leaf("synchronization: {semaphore: {configMapKeyRef: {name: x, key: y}}}")
    [found] = located(check(Verdict("", "", text).document), text, 0)
    assert found.endswith(f" [line {text[: text.index('synchronization')].count(chr(10)) + 1}]")


def chain(count: int) -> str:
    """Templates of which each calls the next."""
    links = "".join(
        f"  - {{name: x{at}, steps: [[{{name: a, template: x{at + 1}}}]]}}\n" for at in range(count)
    )
    last = f"  - {{name: x{count}, suspend: {{duration: 1s}}}}"
    return spec(
        f"  templates:\n  - {{name: main, steps: [[{{name: a, template: x0}}]]}}\n{links}{last}"
    )


def test_a_chain_of_templates_may_be_longer_than_the_stack_of_python() -> None:
    case = Verdict("a chain", "", chain(sys.getrecursionlimit()))
    assert check(case.document) == []


def test_what_is_wrong_at_the_end_of_a_long_chain_is_found() -> None:
    text = chain(sys.getrecursionlimit()).replace("duration: 1s", "duration: '{{item.x}}'")
    [found] = check(Verdict("a chain", "", text).document)
    assert "{{item.x}} is not known here" in found
