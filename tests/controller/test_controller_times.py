"""Windows by the clocks of their zone, pauses between tries, and loops of healing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cicd.controller.retries import PROBE, Healed, is_looping, pause
from cicd.controller.windows import is_open, opens_at
from cicd.model import Retry, Window

NIGHT = Window("allow", "0 1 * * *", 3 * 3600, "Europe/Berlin")
WEEKDAYS = Window("allow", "0 8 * * 1-5", 10 * 3600)
FREEZE = Window("deny", "0 0 24 12 *", 3 * 86400)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "moment", "wanted"),
    [
        ([], "2026-06-01T12:00", True),
        ([WEEKDAYS], "2026-06-01T08:00", True),  # a Monday, at its very beginning
        ([WEEKDAYS], "2026-06-01T17:59", True),
        ([WEEKDAYS], "2026-06-01T18:00", False),
        ([WEEKDAYS], "2026-06-06T12:00", False),
        ([FREEZE], "2026-12-23T23:59", True),
        ([FREEZE], "2026-12-26T12:00", False),
        ([FREEZE, WEEKDAYS], "2026-12-24T12:00", False),  # a Thursday: what denies wins
        ([WEEKDAYS, NIGHT], "2026-06-06T23:30", True),
        # the clocks go back at 01:00 UTC: three hours stay three hours
        ([NIGHT], "2026-10-24T23:00", True),
        ([NIGHT], "2026-10-25T01:59", True),
        ([NIGHT], "2026-10-25T02:00", False),
        # they go forward at 01:00 UTC
        ([NIGHT], "2026-03-29T02:59", True),
        ([NIGHT], "2026-03-29T03:00", False),
        ([Window("allow", "30 2 * * *", 3600, "Europe/Berlin")], "2026-03-29T01:00", True),
    ],
)
def test_what_is_open_when(windows: list[Window], moment: str, wanted: bool) -> None:
    assert is_open(windows, at(moment)) is wanted


@pytest.mark.parametrize(
    ("windows", "moment", "opens"),
    [
        ([WEEKDAYS], "2026-06-05T18:00", "2026-06-08T08:00"),
        ([FREEZE], "2026-12-25T12:00", "2026-12-27T00:00"),
        ([FREEZE, WEEKDAYS], "2026-12-24T12:00", "2026-12-28T08:00"),
        ([WEEKDAYS], "2026-06-01T12:00", "2026-06-01T12:00"),
        ([NIGHT], "2026-10-24T12:00", "2026-10-24T23:00"),
    ],
)
def test_when_it_opens_next(windows: list[Window], moment: str, opens: str) -> None:
    assert opens_at(windows, at(moment)) == at(opens)


def test_windows_that_deny_all_of_what_is_allowed_never_open() -> None:
    always = Window("deny", "0 0 * * *", 2 * 86400)
    assert opens_at([WEEKDAYS, always], at("2026-06-01T12:00")) is None


def test_pauses_grow_to_a_bound_however_often_it_fails() -> None:
    assert [pause(Retry(), tries) for tries in (1, 2, 3, 6, 10**6)] == [30, 60, 120, 600, 600]
    assert pause(PROBE, 1, chance=0) == 4 and pause(PROBE, 1, chance=1) == 6
    assert pause(Retry(first=60, most=10), 1) == 10


FIELD = frozenset({"service/ride size"})


@pytest.mark.parametrize(
    ("times", "now", "wanted"),
    [
        ([], 0, False),
        ([0, 300], 400, False),
        ([0, 300, 600], 700, True),
        ([0, 300, 600], 600 + 3600, False),  # an hour later it is tried again
        ([0, 300, 600, 4300], 4400, True),  # once
        ([0, 300, 600, 4300, 8000], 8100, True),
        ([0, 300, 600, 10000], 10100, False),  # it held for two hours
        ([0, 2000, 4000], 4100, False),
    ],
)
def test_healing_the_same_again_and_again_stops_for_an_hour(
    times: list[float], now: float, wanted: bool
) -> None:
    healed = [Healed(time, FIELD) for time in times]
    assert is_looping(healed, FIELD, now) is wanted
    assert not is_looping(healed, {"service/ride serves"}, now)
