"""What became of an operation: exit code, summary, and what is raised for it."""

from __future__ import annotations

import pytest

from cicd.automation import Result
from cicd.errors import (
    Cancelled,
    CicdError,
    ConnectionFailed,
    Failed,
    Refused,
    TimedOut,
)
from cicd.model import Action, Key, Outcome
from cicd.model import Result as Ending
from tests.apply.fake_apply_platform import change, plan

DATA, RUN = Key("artifact", "data"), Key("execution", "train")
PLAN = plan(change("artifact/data"), change("execution/train", Action.RUN))


def ended(result: Ending, code: int = 0, key: Key = RUN) -> Outcome:
    return Outcome(key, Action.RUN, result, id="e1", error="why" if code else "", exit_code=code)


WELL = ended(Ending.APPLIED, key=DATA)


@pytest.mark.parametrize(
    ("outcomes", "word"),
    [
        ((WELL,), "applied"),
        ((WELL, ended(Ending.UNCHANGED)), "applied"),
        ((WELL, ended(Ending.DEFERRED)), "deferred"),
        ((), "applied"),
    ],
)
def test_what_went_well_raises_nothing(outcomes: tuple[Outcome, ...], word: str) -> None:
    result = Result("dev", PLAN, outcomes)
    result.raise_for_failure()
    assert (result.exit_code, result.has_failed, result.summary["result"]) == (0, False, word)
    assert len(result) == len(outcomes)


@pytest.mark.parametrize(
    ("outcomes", "error", "word"),
    [
        ((WELL, ended(Ending.FAILED, 1)), Failed, "failed"),
        ((WELL, ended(Ending.SKIPPED)), Failed, "failed"),
        ((WELL, ended(Ending.TIMED_OUT, 6)), TimedOut, "timed_out"),
        ((WELL, ended(Ending.FAILED, 4)), ConnectionFailed, "not_connected"),
        ((ended(Ending.TIMED_OUT, 6, DATA), ended(Ending.FAILED, 4)), Failed, "failed"),
        ((ended(Ending.TIMED_OUT, 6, DATA), ended(Ending.SKIPPED)), TimedOut, "timed_out"),
        ((ended(Ending.FAILED, 5),), Failed, "failed"),
    ],
)
def test_what_did_not_raises_an_error_with_the_code_of_the_command_line(
    outcomes: tuple[Outcome, ...], error: type[CicdError], word: str
) -> None:
    result = Result("dev", PLAN, outcomes)
    assert result.summary["result"] == word and result.has_failed
    with pytest.raises(CicdError) as raised:
        result.raise_for_failure()
    assert type(raised.value) is error
    assert raised.value.exit_code == result.exit_code == error.exit_code
    bad = [outcome for outcome in outcomes if outcome is not WELL]
    assert all(str(outcome.key) in str(raised.value) for outcome in bad)
    assert str(DATA) not in str(raised.value) or bad[0].key == DATA


@pytest.mark.parametrize("made", [PLAN, None])
def test_a_refusal_is_raised_as_it_was_made_and_counts_before_all_else(made: object) -> None:
    refusal = Refused("too many deletes", hint="add --over-limits")
    result = Result("dev", PLAN if made else None, refusal=refusal)
    with pytest.raises(Refused) as raised:
        result.raise_for_failure()
    assert raised.value is refusal and result.exit_code == 5
    assert result.summary == {
        "stage": "dev",
        "result": "refused",
        "seconds": 0.0,
        "outcomes": [],
        "error": "too many deletes (add --over-limits)",
    }


def test_what_was_cut_short_says_how_far_it_came() -> None:
    result = Result("dev", PLAN, (WELL, ended(Ending.DEFERRED)), is_cancelled=True)
    with pytest.raises(Cancelled):
        result.raise_for_failure()
    assert result.exit_code == 130 and result.summary["result"] == "interrupted"
    assert [one["result"] for one in result.summary["outcomes"]] == ["applied", "deferred"]
    early = Result("", is_cancelled=True)
    assert early.summary == {"stage": "", "result": "interrupted", "seconds": 0.0, "outcomes": []}


def test_keys_are_found_by_their_text_and_by_themselves() -> None:
    result = Result("dev", PLAN, (WELL, ended(Ending.UNCHANGED)))
    assert result["execution/train"] is result[RUN]
    assert list(result) == ["artifact/data", "execution/train"]
    assert result.get("execution/other") is None
    with pytest.raises(KeyError):
        result["train"]
