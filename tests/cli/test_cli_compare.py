"""``cicd compare``: runs side by side, in every form."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from tests.cli.operated import Cicd, Operated, cicd, operated

__all__ = ["cicd", "operated"]


def test_the_last_runs_of_a_key(cicd: Cicd, operated: Operated) -> None:
    found = cicd.json("compare", "dev", "train")
    assert [run["id"] for run in found["runs"]] == [
        operated.ids[n] for n in ("best", "good", "dead")
    ]
    assert [run["key"] for run in found["runs"]] == ["train", "train~1", "train~2"]
    assert found["differing"] == {"parameters": ["mode", "rounds"], "inputs": []}
    best = {m["name"]: (m["direction"], m["best"]) for m in found["metrics"]}
    assert best["accuracy"] == ("higher", [operated.ids["best"]])
    assert best["loss"] == ("lower", [operated.ids["good"]])
    assert best["odd"] == ("lower", [operated.ids["good"]])  # as the stage's bound says
    assert found["runs"][0]["seconds"] == 600
    assert found["runs"][0]["commit"] == "b" * 40
    assert found["runs"][0]["inputs"]["data"].startswith("Churn data (")


def test_as_text(cicd: Cicd) -> None:
    lines = cicd("compare", "dev", "train", "--last", "2").splitlines()
    assert lines[0].split() == ["train", "train~1"]
    assert [line.split() for line in lines if line.startswith("  accuracy")] == [
        ["accuracy", "0.95", "*", "0.9"]
    ]
    assert any(line.startswith("  equal: mode=complete") for line in lines)
    assert any(line.split() == ["duration", "10m", "10m"] for line in lines)


def test_by_id_and_by_metric(cicd: Cicd, operated: Operated) -> None:
    found = cicd.json("compare", "dev", operated.ids["other"], "train~1", "--metric", "acc*")
    assert [run["key"] for run in found["runs"]] == [operated.ids["other"], "train~1"]
    assert [metric["name"] for metric in found["metrics"]] == ["accuracy"]
    wrong = cicd.both("compare", "dev", "train", "--metric", "nope", code=64)[1]
    assert "none of these runs has a metric like nope" in wrong


def test_runs_without_metrics(cicd: Cicd, operated: Operated) -> None:
    assert "no metrics" in cicd("compare", "dev", "train~2", operated.ids["other"])


def test_files(cicd: Cicd, tmp_path: Path) -> None:
    page, picture = tmp_path / "r.html", tmp_path / "r.png"
    assert cicd("compare", "dev", "train", "--out", str(page)) == ""
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    pytest.importorskip("matplotlib")
    cicd("compare", "dev", "train", "--out", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_picture_needs_a_file_and_matplotlib(
    cicd: Cicd, tmp_path: Path, mocker: MockerFixture
) -> None:
    assert "--out report.png" in cicd.both("compare", "dev", "train", "--output", "png", code=64)[1]
    missing = str(tmp_path / "none" / "x.png")
    assert "does not exist" in cicd.both("compare", "dev", "train", "--out", missing, code=1)[1]
    mocker.patch("cicd.cli.picture.importlib.util.find_spec", lambda name: None)
    said = cicd.both("compare", "dev", "train", "--out", str(tmp_path / "x.png"), code=1)[1]
    assert "pip install 'aicore-cicd[reports]'" in said
