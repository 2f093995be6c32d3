"""The corpus: every construct of workflows, each with what must come of it; nothing is run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.emulator.workflows import branches, gathering, groups, handlers, repetition, values
from tests.emulator.workflows.cases import Case
from tests.emulator.workflows.play import RUN, play

CASES = [
    *groups.CASES,
    *repetition.CASES,
    *values.CASES,
    *handlers.CASES,
    *gathering.CASES,
    *branches.CASES,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_goes_as_argo_documents(case: Case) -> None:
    run = replace(RUN, inputs=case.inputs, parameters=case.parameters)
    played = play(case.document, case.answers, run)
    found = {
        "phase": played.progress.phase,
        "message": played.progress.message,
        "phases": played.phases,
        "args": played.args,
        "rounds": played.rounds,
        "seconds": played.seconds,
        "published": [item.global_name for item in played.progress.publications],
        "messages": {key: played.messages.get(key) for key in case.messages or {}},
        "groups": {name: played.node(name).phase for name in case.groups or {}},
        "outputs": {
            name: played.node(name).outputs.get("parameters") for name in case.outputs or {}
        },
    }
    expected = {key: getattr(case, key) for key in found if getattr(case, key) is not None}
    assert {key: found[key] for key in expected} == expected
    is_open = [node.name for node in played.nodes.values() if node.phase in ("Running", "Pending")]
    assert not is_open


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 100
