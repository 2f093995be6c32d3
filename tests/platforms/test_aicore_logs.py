"""Log pages: no line lost, none doubled, whatever their times and however the pages are cut."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.model import LogEntry
from cicd.platforms.aicore.logs import Cursor, next_page, read_cursor
from cicd.platforms.aicore.times import moment, rfc3339

SECOND = 10**9
START = 1_763_000_000 * SECOND


def line(time: int, text: str) -> dict[str, Any]:
    return {"timestamp": rfc3339(START + time), "msg": text}


def follow(lines: list[dict[str, Any]], top: int, seen_at: list[int] | None = None) -> list[str]:
    """All lines, read page by page from a server that has them; ``seen_at``: how many it has by
    then, one number per request."""
    cursor, texts = "", []
    available = iter(seen_at or [])
    for _ in range(500):
        has = next(available, len(lines))
        at = read_cursor(cursor, START)
        there = [item for item in lines[:has] if (moment(item["timestamp"]) or 0) >= at.start]
        ordered = sorted(there, key=lambda item: moment(item["timestamp"]) or 0)
        page = next_page(ordered[:top], at, top)
        texts += [entry.text for entry in page.entries]
        cursor = page.cursor
        if page.is_last and has == len(lines):
            return texts
    raise AssertionError("it never ends")


@pytest.mark.parametrize("cap", [100, 101, 1000])
@pytest.mark.parametrize("distance", [0, 1000, SECOND // 400, SECOND], ids=str)
def test_a_gateway_that_cuts_pages_loses_no_line(cap: int, distance: int) -> None:
    """It gives fewer lines than were asked for, so the last page is not known by its length."""
    # more lines of one and the same moment than a page holds cannot be told
    count = 2501 if distance else cap
    lines = [line(n * distance, f"line {n}") for n in range(count)]
    cursor, texts = "", []
    for _ in range(10_000):
        at = read_cursor(cursor, START)
        page = next_page([i for i in lines if (moment(i["timestamp"]) or 0) >= at.start][:cap], at)
        texts += [entry.text for entry in page.entries]
        has_moved, cursor = page.cursor != cursor, page.cursor
        # as a run that has ended is read: to an empty page
        if not has_moved or (page.is_last and not page.entries):
            break
    assert texts == [f"line {n}" for n in range(count)]


LINES = {
    "none": [],
    "one": [line(0, "a")],
    "same words": [line(n, "tick") for n in range(20)],
    "same time": [line(5, f"line {n}") for n in range(9)],
    "same time and words": [line(5, "again") for n in range(9)],
    "many in one second": [line(n * 1000, f"line {n}") for n in range(300)],
    "bursts": [line(n // 7 * SECOND, f"line {n}") for n in range(100)],
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("top", [10, 13, 5000])
def test_every_line_comes_once(name: str, top: int) -> None:
    lines = LINES[name]
    assert sorted(follow(lines, top)) == sorted(item["msg"] for item in lines)


def test_lines_that_grow_between_requests_come_once() -> None:
    lines = LINES["same time and words"] + LINES["many in one second"]
    assert len(follow(lines, 50, [1, 3, 3, 9, 10, 40, 41, 200])) == len(lines)


def test_a_line_that_comes_late_is_not_lost() -> None:
    lines = [line(0, "a"), line(SECOND, "c"), line(SECOND // 2, "late")]
    assert follow(lines, 10, [2, 2]) == ["a", "c", "late"]


def test_more_lines_in_one_nanosecond_than_a_page_holds_do_not_hang() -> None:
    lines = [line(5, f"line {n}") for n in range(9)] + [line(6, "after")]
    assert follow(lines, 4)[-1] == "after"


def test_a_full_page_says_that_there_is_more() -> None:
    items = [line(n, "x") for n in range(3)]
    assert next_page(items, Cursor(START), top=3).is_last is False
    assert next_page(items, Cursor(START), top=4).is_last is True


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("hello\n", "hello"),
        ("hello\r\n", "hello"),
        ("2021-11-22T06:52:27.831955906Z stderr F hello", "hello"),
        ("2021-11-22T06:52:27.831955906+00:00 stdout P hello\n", "hello"),
        ("  indented", "  indented"),
        ("grüße ✓", "grüße ✓"),
        ("", ""),
        (None, ""),
    ],
)
def test_lines_are_as_the_program_wrote_them(message: str | None, text: str) -> None:
    page = next_page([{"timestamp": rfc3339(START + 7), "msg": message}], Cursor(START))
    assert page.entries == (LogEntry(START + 7, text),)


def test_lines_of_the_platform_are_left_out() -> None:
    items = [
        line(1, 'time="2026-01-01T00:00:00Z" level=info msg="capturing logs"'),
        line(2, "mine"),
    ]
    assert [entry.text for entry in next_page(items, Cursor(START)).entries] == ["mine"]


def test_a_line_without_a_time_has_that_of_the_one_before() -> None:
    page = next_page([line(3, "a"), {"msg": "b", "timestamp": "Unknown"}], Cursor(START))
    assert [entry.time for entry in page.entries] == [START + 3] * 2


def test_the_cursor_stays_small() -> None:
    items = [line(n, f"line {n}") for n in range(4999)]
    page = next_page(items, Cursor(START))
    assert len(read_cursor(page.cursor, 0).seen) == 1
    some = next_page(items[:99], Cursor(START))
    assert len(read_cursor(some.cursor, 0).seen) == 99
