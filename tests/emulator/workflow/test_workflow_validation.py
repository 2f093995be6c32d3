"""What a sync accepts and refuses is what Argo accepts and refuses."""

from __future__ import annotations

import sys

import pytest

from cicd.emulator.workflow import check
from tests.emulator.workflows import validated_calls, validated_templates, validated_values
from tests.emulator.workflows.verdicts import Verdict, spec

TABLES = (validated_calls, validated_templates, validated_values)
VERDICTS = [case for table in TABLES for case in table.VERDICTS]


@pytest.mark.parametrize("case", VERDICTS, ids=lambda case: case.name)
def test_a_sync_judges_as_argo_does(case: Verdict) -> None:
    found = "\n".join(check(case.document))
    assert bool(found) is bool(case.rule), found
    assert case.says in found


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
