"""Runs side by side: which is best, what differs, and the page."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cicd.cli.picture import write_picture
from cicd.model import Gate, MetricPoint, State, Track
from cicd.render.compare import render_comparison
from cicd.render.compare_html import render_comparison_page
from cicd.render.comparison import (
    Compared,
    Comparison,
    compare,
    comparison_document,
    direction_of,
    directions,
)


def run(label: str, parameters: dict[str, str] | None = None, **metrics: list[float]) -> Compared:
    points = [
        MetricPoint(name, value, step, step + 1)
        for name, values in metrics.items()
        for step, value in enumerate(values)
    ]
    state = State.SUCCEEDED
    return Compared(
        label,
        f"e-{label}",
        "COMPLETED",
        state,
        parameters=parameters or {},
        track=Track(tuple(points)),
    )


def best(*runs: Compared, gates: tuple[Gate, ...] = ()) -> dict[str, list[int]]:
    return {metric.name: sorted(metric.best) for metric in compare("dev", runs, gates).metrics}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val_loss", "lower"),
        ("valLoss", "lower"),
        ("RMSE", "lower"),
        ("P95 latency", "lower"),
        ("test/accuracy", "higher"),
        ("ROC-AUC", "higher"),
        ("f1_score", "higher"),
        ("r2", "higher"),
        ("R2", "higher"),
        ("precision_at_5", "higher"),
        ("accuracy_loss", None),
        ("glossary", None),
        ("epochs", None),
        ("größe", None),
        ("", None),
    ],
)
def test_well_known_words_tell_which_way_is_better(name: str, expected: str | None) -> None:
    assert direction_of(name, {}) == expected


def test_the_stage_knows_better() -> None:
    gates = [Gate("loss", minimum=1), Gate("x", maximum=2), Gate("y", 1, 2), Gate("z")]
    assert directions(gates) == {"loss": "higher", "x": "lower"}
    assert direction_of("loss", directions(gates)) == "higher"


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ([0.1, 0.2], [1]),
        ([0.2, 0.2], []),
        ([0.2, 0.2, 0.1], [0, 1]),
        ([math.nan, 0.2], [1]),
        ([math.inf, 0.2], [1]),
        ([math.nan, math.nan], []),
        ([0.1], []),
    ],
)
def test_the_best_last_value_is_marked(last: list[float], expected: list[int]) -> None:
    runs = [run(str(i), accuracy=[9.0, value]) for i, value in enumerate(last)]
    assert best(*runs) == {"accuracy": expected}


def test_text_folds_what_is_equal() -> None:
    one = run("train", {"epochs": "5", "rate": "0.1"}, accuracy=[0.5, 0.9])
    two = run("train~1", {"epochs": "9", "rate": "0.1"}, loss=[0.1])
    text = render_comparison(compare("dev", [one, two]))
    assert text == (
        """\
            train      train~1
  id        e-train    e-train~1
  status    COMPLETED  COMPLETED
PARAMETERS
  epochs    5          9
  equal: rate=0.1
METRICS
  accuracy  0.9        -
  loss      -          0.1"""
    )


def test_runs_that_do_not_fit_follow_below() -> None:
    runs = [run(f"train~{n}", {"note": "x" * 100}, accuracy=[n / 10]) for n in range(6)]
    lines = render_comparison(compare("dev", runs), width=60).splitlines()
    assert max(map(len, lines)) <= 60
    heads = [name for line in lines if line.strip().startswith("train~") for name in line.split()]
    assert heads == [f"train~{n}" for n in range(6)]
    wide = render_comparison(compare("dev", runs))
    assert wide.splitlines()[0].split() == [f"train~{n}" for n in range(6)]
    assert "x" * 100 in wide


def test_colour_only_paints() -> None:
    found = compare("dev", [run("a", accuracy=[1.0]), run("b", accuracy=[2.0])])
    coloured = render_comparison(found, colour=True)
    assert coloured != render_comparison(found)
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render_comparison(found)


def test_json_has_no_word_that_json_lacks() -> None:
    document = comparison_document(
        compare("dev", [run("a", x=[math.nan]), run("b", x=[-math.inf])])
    )
    assert [r["metrics"] for r in document["runs"]] == [{"x": "NaN"}, {"x": "-Infinity"}]


class Page(HTMLParser):
    """Counts what a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def awkward() -> Comparison:
    evil = "<script>alert(1)</script>\" onload='x'"
    courses = {evil: [1.0, 2.0], "größe": [1.0, math.nan, math.inf, 2.0], "einer": [1.0]}
    one = run(evil, {evil: evil, "日本": "1"}, **courses)
    two = run("b", {"日本": "2"}, größe=[1e300, 1.0], none=[math.nan])
    return compare("dev", [one, two, run("without")])


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    text = render_comparison_page(awkward())
    page = Page(text)
    assert "script" not in page.tags
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert page.tags.count("figure") == 2
    assert not re.search(r'(?:href|src)="http', text)


def test_fifty_runs_of_a_thousand_steps_stay_a_page() -> None:
    course = [math.sin(n / 50) for n in range(1000)]
    runs = [run(f"train~{n}", loss=[n + value for value in course]) for n in range(50)]
    text = render_comparison_page(compare("dev", runs))
    assert len(text) < 600_000
    assert text.count('<ul class="legend">') == 1


@pytest.mark.parametrize("runs", [[run("a")], [run("a", x=[1.0])], [run("a", x=[1.0, 2.0])]])
def test_a_single_run(runs: list[Compared]) -> None:
    found = compare("dev", runs)
    assert "e-a" in render_comparison_page(found)
    assert "e-a" in render_comparison(found)


def test_a_picture_of_awkward_runs(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_picture(awkward(), tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 5000
