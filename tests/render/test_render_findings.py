"""Findings in all formats, and the ``cicd validate`` that prints them."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.errors import Problem
from cicd.platforms.registry import every_rule
from cicd.render.findings import as_annotations, as_data, as_sarif, as_text

ERROR = Problem("stages/dev.yaml", 14, 7, 'unknown key "x"', "unknown-key")
WARNING = Problem("templates/a b.yaml", 3, 0, "mind\nthis, 100%", "bad-predictor", "warning")
WHOLE = Problem("stages/ä.yaml", 0, 0, "the file is empty: fill it", "empty-file")


def test_text_names_place_message_and_rule() -> None:
    assert as_text([ERROR, WHOLE], ["dev", "tst"]).splitlines() == [
        'stages/dev.yaml:14:7: unknown key "x" [unknown-key]',
        "stages/ä.yaml: the file is empty: fill it [empty-file]",
        "2 problems in dev, tst",
    ]


@pytest.mark.parametrize(
    ("problems", "is_strict", "verdict"),
    [
        ([], False, "dev: valid"),
        ([], True, "dev: valid"),
        ([ERROR], False, "1 problem in dev"),
        ([ERROR, WARNING], True, "1 problem and 1 warning in dev"),
        ([WARNING], False, "dev: valid, 1 warning"),
        ([WARNING], True, "1 warning in dev, and with --strict none is allowed"),
    ],
)
def test_the_last_line_is_the_verdict(
    problems: list[Problem], is_strict: bool, verdict: str
) -> None:
    assert as_text(problems, ["dev"], is_strict=is_strict).splitlines()[-1] == verdict


def test_json_has_every_field() -> None:
    assert as_data([ERROR]) == [
        {
            "file": "stages/dev.yaml",
            "line": 14,
            "column": 7,
            "message": 'unknown key "x"',
            "rule": "unknown-key",
            "severity": "error",
        }
    ]


def test_annotations_are_escaped_and_errors_come_first() -> None:
    assert list(map(str, as_annotations([WARNING, ERROR]))) == [
        '::error file=stages/dev.yaml,line=14,col=7,title=unknown-key::unknown key "x"',
        "::warning file=templates/a b.yaml,line=3,col=1,title=bad-predictor::mind%0Athis, 100%25",
    ]
    assert as_annotations([]) == []
    odd = Problem("a:b,c%.yaml", 1, 1, "x", "y")
    assert "file=a%3Ab%2Cc%25.yaml," in str(as_annotations([odd])[0])


def test_annotations_beyond_ten_become_one_that_counts_them() -> None:
    ten = [Problem("a.yaml", line, 1, "x", "y") for line in range(1, 11)]
    assert len(as_annotations(ten)) == 10
    lines = list(map(str, as_annotations([*ten, WARNING, WHOLE])))
    assert len(lines) == 11
    says = "2 more findings in 2 files: `cicd validate` shows all"
    assert lines[-1] == f"::notice title=cicd validate::{says}"
    assert lines[-2].startswith("::error ")


RULES = every_rule()
SAYS = {name: rule.says for name, rule in RULES.items()}


def sarif(problems: list[Problem]) -> dict[str, Any]:
    return as_sarif(problems, SAYS, "1.2.3")


def test_sarif_has_what_the_standard_requires() -> None:
    log = sarif([ERROR, WARNING, WHOLE])
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("cicd", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == list(RULES)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in {"error", "warning"}
    regions = [r["locations"][0]["physicalLocation"] for r in run["results"]]
    assert regions == [
        {
            "artifactLocation": {"uri": "stages/dev.yaml"},
            "region": {"startLine": 14, "startColumn": 7},
        },
        {"artifactLocation": {"uri": "templates/a%20b.yaml"}, "region": {"startLine": 3}},
        {"artifactLocation": {"uri": "stages/%C3%A4.yaml"}},
    ]


def test_sarif_without_a_finding_is_a_run_with_no_results() -> None:
    [run] = sarif([])["runs"]
    assert run["results"] == []
    assert run["tool"]["driver"]["name"] == "cicd"
