"""What a stage is and what comes next: each row of the table, and what holds whatever happens."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from cicd.controller.deciding import Decision, Facts, StageState, Step, decide
from cicd.model import Sync

A, B, C = "a" * 40, "b" * 40, "c" * 40
MANUAL = Facts(head=B, applied=A)
AUTO = replace(MANUAL, sync=Sync(auto=True))
HEAL = replace(MANUAL, sync=Sync(heal=True))
BOTH = replace(MANUAL, sync=Sync(auto=True, heal=True))


@pytest.mark.parametrize(
    ("facts", "changed", "state", "step", "says"),
    [
        (BOTH, {"head": A}, "Synced", "wait", ""),
        (BOTH, {"wanted": 0}, "Synced", "wait", ""),
        (BOTH, {"is_running": True, "wanted": 2}, "Progressing", "follow", "under way"),
        (BOTH, {"unreachable": "no route", "wanted": 2}, "Unknown", "probe", "no route"),
        (BOTH, {"applied": "", "problem": "dev.yaml:3:1: x"}, "Degraded", "wait", "dev.yaml:3:1"),
        (AUTO, {"applied": "", "wanted": 3}, "OutOfSync", "upgrade", "bbbbbbb"),
        (AUTO, {"wanted": 2}, "OutOfSync", "upgrade", "bbbbbbb"),
        (MANUAL, {"wanted": 2}, "OutOfSync", "wait", "wait for somebody"),
        (MANUAL, {"wanted": 2, "is_asked": True}, "OutOfSync", "upgrade", "bbbbbbb"),
        (HEAL, {"wanted": 3, "drift": 1}, "OutOfSync", "heal", "aaaaaaa is put back"),
        (HEAL, {"wanted": 3}, "OutOfSync", "wait", "wait for somebody"),
        (AUTO, {"head": A, "wanted": 1, "drift": 1}, "OutOfSync", "wait", "does not heal"),
        (AUTO, {"wanted": 1, "drift": 1}, "OutOfSync", "upgrade", "bbbbbbb"),
        (HEAL, {"problem": "dev.yaml:3:1: x", "drift": 1}, "Degraded", "heal", "aaaaaaa"),
        (HEAL, {"problem": "dev.yaml:3:1: x"}, "Degraded", "wait", "last good commit stays"),
        (BOTH, {"wanted": 2, "approval": "needed"}, "Waiting", "wait", "approval"),
        (BOTH, {"wanted": 2, "drift": 1, "approval": "needed"}, "Waiting", "heal", "approval"),
        (BOTH, {"wanted": 2, "approval": "expired"}, "Waiting", "wait", "has moved"),
        (BOTH, {"wanted": 2, "approval": "rejected"}, "OutOfSync", "wait", "rejected"),
        (BOTH, {"wanted": 2, "approval": "given"}, "OutOfSync", "upgrade", "bbbbbbb"),
        (AUTO, {"wanted": 2, "refusal": "9 deletes"}, "Degraded", "wait", "9 deletes"),
        (BOTH, {"wanted": 2, "drift": 1, "refusal": "9 deletes"}, "Degraded", "heal", "9 deletes"),
        (AUTO, {"wanted": 2, "is_open": False, "opens_in": 10800}, "OutOfSync", "wait", "in 3 h"),
        (HEAL, {"drift": 1, "is_open": False}, "OutOfSync", "wait", "window"),
        (BOTH, {"wanted": 2, "is_open": False, "is_asked": True}, "OutOfSync", "upgrade", "bbb"),
        (AUTO, {"wanted": 2, "tried": B, "error": "gate"}, "OutOfSync", "wait", "gate"),
        (AUTO, {"wanted": 2, "tried": B, "is_asked": True}, "OutOfSync", "upgrade", "bbb"),
        (AUTO, {"wanted": 2, "held": B}, "OutOfSync", "wait", "rolled back from bbbbbbb"),
        (AUTO, {"wanted": 2, "held": B, "head": C}, "OutOfSync", "upgrade", "ccccccc"),
        (AUTO, {"wanted": 2, "tries": 2, "next_try": 90, "now": 30}, "Degraded", "wait", "1 min"),
        (AUTO, {"wanted": 2, "tries": 2, "next_try": 90, "now": 90}, "OutOfSync", "upgrade", "bbb"),
        (BOTH, {"no_repository": "gone", "head": ""}, "Unknown", "wait", "gone"),
        (BOTH, {"no_repository": "gone", "head": "", "drift": 1}, "OutOfSync", "heal", "aaaaaaa"),
        (HEAL, {"drift": 1, "is_looping": True}, "Degraded", "wait", "keeps changing"),
        (MANUAL, {"head": A, "drift": 1, "is_asked": True}, "OutOfSync", "heal", "aaaaaaa"),
        (MANUAL, {"head": A, "drift": 1}, "OutOfSync", "wait", "does not heal"),
    ],
)
def test_each_row_of_the_table(
    facts: Facts, changed: dict[str, Any], state: str, step: str, says: str
) -> None:
    decision = decide(replace(facts, **changed))
    assert (decision.state, decision.step) == (state, step)
    assert says in decision.reason


def test_a_suspended_stage_is_only_looked_at_unless_somebody_asks() -> None:
    facts = replace(BOTH, sync=replace(BOTH.sync, suspended=True, why="incident 42"), wanted=2)
    assert decide(facts) == Decision(StageState.SUSPENDED, "suspended: incident 42", Step.PLAN)
    assert decide(replace(facts, is_asked=True)).step is Step.UPGRADE


CHOICES: dict[str, tuple[Any, ...]] = {
    "sync": tuple(
        Sync(auto=auto, heal=heal, suspended=suspended)
        for auto, heal, suspended in itertools.product((False, True), repeat=3)
    ),
    "head": (A, B),
    "tried": ("", B),
    "held": ("", B),
    "problem": ("", "dev.yaml:1:1: wrong"),
    "wanted": (0, 2),
    "drift": (0, 2),
    "refusal": ("", "9 deletes"),
    "approval": ("none", "needed", "given", "rejected", "expired"),
    "is_open": (True, False),
    "is_asked": (True, False),
    "is_looping": (True, False),
}
CHANGES = {Step.UPGRADE, Step.HEAL}


def test_what_holds_whatever_happens() -> None:
    seen: set[Step] = set()
    for values in itertools.product(*CHOICES.values()):
        facts = Facts(applied=A, **dict(zip(CHOICES, values, strict=True)))
        decision = decide(facts)
        sync, step = facts.sync, decision.step
        seen.add(step)
        if step in CHANGES:
            assert facts.is_asked or (facts.is_open and not sync.suspended), facts
        if step is Step.UPGRADE:
            assert facts.is_asked or (sync.auto and B not in {facts.tried, facts.held}), facts
            assert facts.head == B and facts.wanted and not (facts.problem or facts.refusal), facts
            assert facts.approval in {"none", "given"}, facts
        if step is Step.HEAL:
            assert (facts.is_asked or sync.heal) and facts.drift and not facts.is_looping, facts
        if decision.state is StageState.SYNCED:
            assert not facts.drift and not facts.has_news and not facts.problem, facts
        assert bool(decision.reason) is (decision.state is not StageState.SYNCED), facts
    assert seen == {Step.WAIT, Step.PLAN, *CHANGES}
