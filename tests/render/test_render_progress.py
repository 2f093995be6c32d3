"""The rows of the live tree: what is told, in what order, and what is left out if narrow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cicd.model import Count, Key, MetricPoint
from cicd.render.progress import Row, draw, visible
from cicd.render.table import cell_width

TRAIN = Key("execution", "train")
SERVE = Key("deployment", "serve")


def a_row(name: str = "execution/train", **changes: Any) -> Row:
    row = Row(Key(*name.split("/")), "doing", "RUNNING", began=0.0, timeout=1800.0)
    return replace(row, **changes)


def text_of(*rows: Row, now: float = 80.0, width: int = 114, place: int = 0) -> str:
    return draw(rows, now, width=width, most=20)[place].text


def test_a_run_tells_its_status_its_time_and_its_bound() -> None:
    assert text_of(a_row()) == "RUNNING · 1m 20s of 30m"
    assert text_of(a_row(timeout=None)) == "RUNNING · 1m 20s"
    assert text_of(a_row(timeout=36000.0), now=3700.0) == "RUNNING · 1h 1m of 10h"


def test_time_goes_by_without_an_event() -> None:
    row = a_row()
    assert text_of(row, now=1.0).startswith("RUNNING · 1s of")
    assert text_of(row, now=59.0).startswith("RUNNING · 59s of")


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (MetricPoint("loss", 0.123456, 12), "loss 0.1235 (step 12)"),
        (MetricPoint("accuracy", 1.0), "accuracy 1"),
        (MetricPoint("loss", float("nan"), 3), "loss nan (step 3)"),
        (MetricPoint("模型", 1e-9, 3), "模型 1e-09 (step 3)"),
    ],
)
def test_the_last_metric_is_told(point: MetricPoint, expected: str) -> None:
    assert text_of(a_row(point=point)) == f"RUNNING · 1m 20s of 30m · {expected}"


@pytest.mark.parametrize(
    ("counts", "words", "short"),
    [
        ((), "", ""),
        ([Count("tasks", 0, 4)], " · 0/4 tasks", " 0/4"),
        ([Count("stages", 2, 5), Count("tasks", 7, 400)], " · 2/5 stages, 7/400 tasks", " 7/400"),
        ([Count("épochs", 10**6, 10**7)], " · 1000000/10000000 épochs", " 1000000/10000000"),
    ],
)
def test_how_far_a_run_has_come_is_told(counts: list[Count], words: str, short: str) -> None:
    row = a_row(counts=counts)
    full = f"RUNNING · 1m 20s of 30m{words}"
    assert text_of(row) == full
    narrow = len("execution/train") + 2 + len(full) - 1
    assert text_of(row, width=narrow) == f"RUNNING 1m 20s/30m{short}"


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (frozenset(), "next"),
        (frozenset({TRAIN}), "waits for execution/train"),
        (frozenset({TRAIN, Key("execution", "tune")}), "waits for execution/train and 1 more"),
        (frozenset({Key("artifact", "done")}), "next"),
    ],
)
def test_what_has_not_begun_says_what_it_waits_for(needs: frozenset[Key], expected: str) -> None:
    rows = [
        a_row(),
        a_row("execution/tune", stand="waiting"),
        a_row("artifact/done", stand="done"),
        Row(SERVE, needs=needs),
    ]
    assert text_of(*rows, place=3) == expected


def test_the_queue_of_the_platform_is_counted() -> None:
    rows = [
        a_row(f"execution/t{number}", text="PENDING", began=float(number), is_pending=True)
        for number in range(3)
    ]
    told = [text_of(*rows, place=place) for place in range(3)]
    assert [text.rsplit(" · ", 1)[1] for text in told] == [
        "1 of 3 in the queue",
        "2 of 3 in the queue",
        "3 of 3 in the queue",
    ]
    assert "queue" not in text_of(rows[0])


FULL = a_row(point=MetricPoint("loss", 0.0833333, 11), message="all replicas are up and answer")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (120, "RUNNING · 1m 20s of 30m · loss 0.08333 (step 11) · all replicas are up and answer"),
        (80, "RUNNING · 1m 20s of 30m · loss 0.08333 (step 11)"),
        (60, "RUNNING 1m 20s/30m loss 0.08333"),
        (45, "RUNNING 1m 20s/30m"),
        (20, "RUNNING"),
    ],
)
def test_a_narrow_terminal_shortens_and_then_leaves_out_the_least(
    columns: int, expected: str
) -> None:
    assert text_of(FULL, width=columns - 6) == expected


@pytest.mark.parametrize("columns", [20, 40, 60, 79, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    rows = [
        FULL,
        a_row(f"execution/{'x' * 90}", text="PENDING", is_pending=True),
        a_row("execution/模型模型模型模型模型模型", message="y" * 300),
        a_row("deployment/serve", stand="failed", text="failed after 3 s: " + "z" * 300),
        Row(SERVE, needs=frozenset({TRAIN})),
    ]
    for line in draw(rows, 80.0, width=columns - 6, most=20):
        assert cell_width(line.name) + 2 + cell_width(line.text) <= max(columns - 6, 16)


def test_control_characters_of_others_stay_harmless() -> None:
    row = a_row(message="\x1b[2J\n", point=MetricPoint("a\rb", 1.0))
    assert "\x1b" not in text_of(row)
    assert "\r" not in text_of(row)


def test_what_goes_on_is_shown_before_what_is_done() -> None:
    rows = [a_row(f"artifact/a{number}", stand="done") for number in range(30)]
    rows += [a_row(), a_row("execution/tune", stand="failed"), Row(SERVE)]
    shown = visible(rows, 4)
    assert [str(row.key) for row in shown] == [
        *("artifact/a0", "execution/train", "execution/tune", "deployment/serve")
    ]
    lines = draw(rows, 0.0, width=100, most=5)
    assert len(lines) == 5
    assert lines[-1].text == "… and 29 more"
