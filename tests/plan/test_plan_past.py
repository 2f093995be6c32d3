"""What several remember of the same applies, put together, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cicd.model import Applied, Made
from cicd.plan.past import grouped, put_together, seconds

START = datetime(2026, 11, 30, 12, tzinfo=UTC)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def thing(key: str, minutes: float, commit: str = "", **more: object) -> Made:
    return Made(key, "run", f"{key}@{minutes}", "DONE", at(minutes), commit=commit, **more)  # type: ignore[arg-type]


def keys(applies: list[Applied]) -> list[list[str]]:
    return [[made.key for made in one.made] for one in applies]


@pytest.mark.parametrize(
    ("things", "groups"),
    [
        ([], []),
        ([thing("job/a", 0, "c1"), thing("job/b", 1, "c1")], [["job/a", "job/b"]]),
        ([thing("job/a", 0, "c1"), thing("job/b", 1, "c2")], [["job/a"], ["job/b"]]),
        ([thing("job/a", 0, "c1"), thing("job/a", 1, "c1")], [["job/a"], ["job/a"]]),
        ([thing("job/a", 0, "c1"), thing("service/s", 1)], [["job/a", "service/s"]]),
        ([thing("job/a", 0, "c1"), thing("service/s", 60)], [["job/a"], ["service/s"]]),
        # what comes an hour after a run began comes right after it has ended
        ([thing("job/a", 0, "c1", ended=at(59)), thing("service/s", 60)], [["job/a", "service/s"]]),
        ([thing("a", 0), thing("b", 1, "c1"), thing("c", 2, "c2")], [["a", "b"], ["c"]]),
    ],
)
def test_things_that_one_apply_has_made_are_one_line(
    things: list[Made], groups: list[list[str]]
) -> None:
    assert [[one.key for one in group] for group in grouped(things)] == groups


def test_the_newest_comes_first_and_no_more_than_were_asked_for() -> None:
    things = [thing("job/a", 60 * hour, f"c{hour}") for hour in range(9)]
    found = put_together([], things, 3)
    assert [one.commit for one in found] == ["c8", "c7", "c6"]
    assert put_together([], []) == []


@pytest.mark.parametrize(
    ("made", "result", "took"),
    [
        ({"ended": at(5)}, "applied", 300.0),
        ({"is_bad": True, "ended": at(5)}, "failed", 300.0),
        ({"is_under_way": True}, "running", None),
        ({}, "applied", None),
    ],
)
def test_how_it_ended_is_read_from_its_things(
    made: dict[str, object], result: str, took: float | None
) -> None:
    [found] = put_together([], [thing("job/a", 0, "c1", **made)])
    assert (found.result, found.seconds, found.sources) == (result, took, ("platform",))


LEDGER = Applied(
    at(0), "c0ffee1" + "0" * 33, "bob@desk", result="applied", seconds=120, sources=("ledger",)
)
FORGE = Applied(
    at(-1), "c0ffee1" + "0" * 33, "alice", approved_by="carol", link="https://x/1", sources=("F",)
)


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (FORGE, 1),
        (replace(FORGE, commit="c0ffee1"), 1),
        (replace(FORGE, commit=""), 1),
        (replace(FORGE, commit="badc0de"), 2),
        (replace(FORGE, at=at(-60)), 2),
        (replace(FORGE, at=at(60)), 2),
        (replace(FORGE, sources=("ledger",)), 2),
    ],
)
def test_one_apply_that_two_remember_is_one(other: Applied, count: int) -> None:
    found = put_together([LEDGER, other], [])
    assert len(found) == count
    if count == 1:
        assert (found[0].approved_by, found[0].link) == ("carol", "https://x/1")
        assert found[0].by == "alice" and found[0].result == "applied"


def test_things_belong_to_the_apply_in_whose_time_they_were_made() -> None:
    known = replace(LEDGER, made=(Made("job/a", "run"), Made("service/s", "update")))
    things = [
        thing("job/a", 1, LEDGER.commit),
        thing("service/s", 1.5),
        thing("service/s", -30),
        thing("job/b", 30, "other"),
    ]
    found = put_together([known], things)
    assert keys(found) == [["job/b"], ["job/a", "service/s"], ["service/s"]]
    assert found[1].sources == ("ledger", "platform")
    assert [made.what for made in found[1].made] == ["run", "update"]
    assert all(made.id for made in found[1].made)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "0"])
def test_a_time_that_nobody_can_read_breaks_nothing(text: str) -> None:
    assert seconds(text) is None
    found = put_together([Applied(text, sources=("x",))], [Made("a", "run", at=text)])
    assert len(found) == 2
