"""Tables, status, metrics and times as text."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from cicd.model import MetricPoint, Track
from cicd.render import moments
from cicd.render.listing import COLUMNS, how_many_more, render_listing
from cicd.render.metrics import point_line, render_track, series_name, track_document
from cicd.render.status import render_status, status_line
from cicd.render.table import cell_width, cut, table

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def test_columns_line_up_also_with_wide_and_combining_characters() -> None:
    lines = table(["NAME", "N", "GONE"], [["模型", "1", ""], ["e\u0301a", "22", ""]], numbers={"N"})
    assert lines == ["NAME   N", "模型   1", "e\u0301a    22".replace("    ", "    ")]
    assert {cell_width(line) for line in lines} == {8}


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("👩‍💻", 2),  # two people's pictures and what joins them
        ("👍🏽", 2),  # a picture and its colour
        ("🇩🇪", 2),
        ("❤️", 2),  # drawn as a picture, as the character after it says
        ("模型", 4),
        ("e\u0301", 1),
        ("a\u200bb", 2),
    ],
)
def test_a_text_takes_as_many_cells_as_a_terminal_draws(text: str, cells: int) -> None:
    assert cell_width(text) == cells
    lines = table(["NAME", "N"], [[text, "1"], ["abcdef", "2"]])
    assert len({cell_width(line) for line in lines}) == 1  # also where a part is shown as a code


def test_a_terminal_cuts_the_widest_and_a_pipe_nothing() -> None:
    rows = [["e123456789", "x" * 50, "y" * 30]]
    head = ["ID", "A", "B"]
    assert table(head, rows)[1] == f"e123456789  {'x' * 50}  {'y' * 30}"
    line = table(head, rows, width=40, whole={"ID"})[1]
    assert line.startswith("e123456789  ")
    assert len(line) == 40
    assert line.count("…") == 2
    assert len(table(head, rows, width=5, whole={"ID"})[1]) == 10 + 2 + 8 + 2 + 8


@pytest.mark.parametrize(
    ("text", "width", "expected"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("模型模", 4, "模…")]
)
def test_cut(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected


def test_control_characters_stay_harmless() -> None:
    rows = [{"key": "deployment/x\ny", "status": "\x1b[2J", "id": "d1", "message": "a\nb"}]
    text = render_status(rows)
    assert "deployment/x\\ny" in text
    assert "\x1b" not in text
    assert text.splitlines()[-1] == "    a\\nb"
    assert "\n" not in status_line(rows[0])


def test_status_is_a_table_with_remarks_below() -> None:
    rows: list[dict[str, Any]] = [
        {"key": "execution/train", "status": "COMPLETED", "id": "e1", "age": "3d"},
        {
            "key": "deployment/serve",
            "status": "RUNNING",
            "id": "d1",
            "configuration_name": "serving",
            "facts": {"model": "gpt-4o 2024-08-06", "completed_at": "x"},
            "url": "https://host/d1",
            "link": "https://launchpad/d1",
            "notes": ["deprecated"],
        },
    ]
    text = render_status(rows, remarks=["stages/dev.yaml:3: soon retired"])
    assert text == (
        """\
KEY               STATUS     ID  AGE  CONFIGURATION  DETAILS                  URL
execution/train   COMPLETED  e1  3d   -              -                        -
deployment/serve  RUNNING    d1  -    serving        model gpt-4o 2024-08-06  https://host/d1
    note: deprecated
    https://launchpad/d1
warning: stages/dev.yaml:3: soon retired"""
    )
    narrow = render_status(rows, width=70).splitlines()
    assert "    https://host/d1" in narrow
    assert max(map(len, narrow)) <= 70
    coloured = render_status(rows, colour=True, remarks=["stages/dev.yaml:3: soon retired"])
    assert re.sub(r"\x1b\[\d+m", "", coloured) == text


@pytest.mark.parametrize("rows", [[], [{}], [{"key": ""}]])
def test_no_status(rows: list[dict[str, str]]) -> None:
    assert render_status(rows) == "Nothing is there yet."


def test_listing() -> None:
    assert render_listing(COLUMNS, []) == "Nothing fits."
    assert render_listing(COLUMNS, [{"id": "e1", "age": None}]) == "ID\ne1"
    assert how_many_more(2, 2, "x") == ""


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-01-09T23:59:20Z", "40s"),
        ("2026-01-09T23:00:00+00:00", "1h"),
        ("2026-01-07T00:00:00", "3d"),
        ("2027-01-01T00:00:00Z", "0s"),
        ("yesterday", ""),
    ],
)
def test_age(created: str, expected: str) -> None:
    assert moments.age(created, NOW) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, ""),
        (0, "0s"),
        (59.6, "1m"),
        (200, "3m 20s"),
        (3605, "1h"),
        (3900, "1h 5m"),
        (97200, "1d 3h"),
    ],
)
def test_duration(seconds: float | None, expected: str) -> None:
    assert moments.duration(seconds) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (0, ""),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (10**18, "2001-09-09T01:46:40Z"),
        (10**30, ""),
    ],
)
def test_stamp(time: int, expected: str) -> None:
    assert moments.stamp(time) == expected


def test_metrics_with_labels_are_series_of_their_own() -> None:
    label = {"metrics.ai.sap.com/Artifact.name": "model"}
    points = (
        MetricPoint("a", 1.0, 0, 1, label),
        MetricPoint("a", 2.0, 1, 2),
        MetricPoint("b", math.nan, 1, 2),
        MetricPoint("b", math.inf, 2, 3),
    )
    assert series_name(points[0]) == "a{Artifact.name=model}"
    document = track_document(Track(points))
    assert [item["series"] for item in document["metrics"]] == ["a", "a{Artifact.name=model}", "b"]
    assert document["metrics"][2]["value"] == "Infinity"
    assert document["metrics"][2]["min"] == "NaN"
    text = render_track("run", Track(points))
    assert [line.split()[1] for line in text.splitlines()[2:]] == ["2", "1", "inf"]
    assert point_line(points[1]) == "1970-01-01T00:00:00.000000002Z a=2 step 1"
