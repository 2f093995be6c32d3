"""What a sync accepts and refuses is what Argo accepts and refuses."""

from __future__ import annotations

import pytest

from cicd.emulator.workflow import check
from tests.emulator.workflows import validated_calls, validated_templates
from tests.emulator.workflows.verdicts import Verdict

VERDICTS = [*validated_calls.VERDICTS, *validated_templates.VERDICTS]


@pytest.mark.parametrize("case", VERDICTS, ids=lambda case: case.name)
def test_a_sync_judges_as_argo_does(case: Verdict) -> None:
    found = "\n".join(check(case.document))
    assert bool(found) is bool(case.rule), found
    assert case.says in found
