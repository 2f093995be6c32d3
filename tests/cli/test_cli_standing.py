"""The run that a stage stands for is shown: the one that planning takes, not the newest."""

from __future__ import annotations

import json

import pytest

from tests.cli.operated import STAGE, Cicd, Operated, cicd, operated

__all__ = ["cicd", "operated"]

KEY = "execution/train"


def stage_of(operated: Operated, name: str, *edits: tuple[str, str], **parameters: str) -> str:
    """A stage file beside dev whose training has these parameters."""
    bound = ", ".join(f'{key}: "{value}"' for key, value in parameters.items())
    text = STAGE.replace("{mode: complete}", f"{{{bound}}}", 1)
    for before, after in edits:
        text = text.replace(before, after)
    (operated.root / f"stages/{name}.yaml").write_text(f"stage: {name}\n{text}", encoding="utf-8")
    return name


def status_of(cicd: Cicd, stage: str, key: str = KEY) -> dict[str, object]:
    (row,) = [row for row in cicd.json("status", stage) if row["key"] == key]
    return dict(row)


@pytest.mark.parametrize(
    ("run", "parameters", "newer"),
    [
        ("dead", {"mode": "fail"}, "best"),
        ("good", {"mode": "complete", "rounds": "3"}, "best"),
        ("best", {"mode": "complete", "rounds": "5"}, ""),
    ],
)
def test_every_command_shows_the_run_that_has_what_the_stage_asks_for(
    cicd: Cicd, operated: Operated, run: str, parameters: dict[str, str], newer: str
) -> None:
    stage, id = stage_of(operated, "standing", **parameters), operated.ids[run]
    row = status_of(cicd, stage)
    assert row["id"] == id
    notes = [f"a newer run with other inputs: {operated.ids[newer]}"] if newer else []
    assert row["notes"] == notes
    assert cicd.json("metrics", stage, "train")["id"] == id
    assert cicd.json("explain", "train", stage)["id"] == id
    compared = cicd.json("compare", stage, "train")["runs"]
    assert compared[0]["id"] == id
    assert {found["id"] for found in compared} == {
        operated.ids[n] for n in ("dead", "good", "best")
    }
    (change,) = [c for c in cicd.json("plan", stage)["changes"] if c["key"] == KEY]
    assert change["id"] == id


def test_a_stage_whose_inputs_nothing_has_run_with_shows_the_newest_and_says_so(
    cicd: Cicd, operated: Operated
) -> None:
    stage = stage_of(operated, "unrun", mode="complete", rounds="99")
    row = status_of(cicd, stage)
    assert row["id"] == operated.ids["best"]
    note = "it ran with other inputs than the stage asks for now: cicd plan tells which"
    assert row["notes"] == [note]
    assert f"note: {note}" in cicd("status", stage)


def test_a_run_with_the_same_parameters_and_other_data_is_not_it(
    cicd: Cicd, operated: Operated
) -> None:
    other = ("ai://default/d", "ai://default/other")
    stage = stage_of(operated, "moved", other, mode="complete", rounds="3")
    row = status_of(cicd, stage)
    assert row["id"] == operated.ids["best"]
    assert "other inputs than the stage asks for now" in str(row["notes"])


def test_a_run_with_other_code_is_not_it(cicd: Cicd, operated: Operated) -> None:
    watched = operated.root / "train.py"
    watched.write_text("one\n", encoding="utf-8")
    edit = ("    require:", "    watch: [train.py]\n    require:")
    stage = stage_of(operated, "coded", edit, mode="complete", rounds="3")
    id = operated.ids["good"]
    operated.track(id, {}, cicd_inputs="0" * 64)
    assert status_of(cicd, stage)["id"] == operated.ids["best"]
    change = next(c for c in cicd.json("plan", stage)["changes"] if c["key"] == KEY)
    assert change["action"] == "run"


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("{metric: odd, max: 1.5}", "odd 2 > 1.5"),
        ("{metric: accuracy, min: 0.99}", "accuracy 0.95 < 0.99"),
        ("{metric: recall, min: 0.1}", "recall was not recorded"),
    ],
)
def test_status_tells_that_a_gate_is_not_met(
    cicd: Cicd, operated: Operated, gate: str, told: str
) -> None:
    edit = ("{metric: odd, max: 5}", gate)
    stage = stage_of(operated, "gated", edit, mode="complete", rounds="5")
    row = status_of(cicd, stage)
    assert row["status"] == "COMPLETED"
    assert str(row["message"]).startswith(f"its gate is not met: {told}")
    assert told in json.dumps(row["unmet"])
    text = cicd("status", stage)
    assert "COMPLETED, gate not met" in text
    assert f"its gate is not met: {told}" in text
    assert f"more: cicd explain {KEY} {stage}" in text


@pytest.mark.parametrize("gate", ["{metric: odd, max: 2}", "{metric: accuracy, min: 0.95}"])
def test_status_says_nothing_of_a_gate_that_is_met(
    cicd: Cicd, operated: Operated, gate: str
) -> None:
    edit = ("{metric: odd, max: 5}", gate)
    stage = stage_of(operated, "met", edit, mode="complete", rounds="5")
    assert "unmet" not in status_of(cicd, stage)
    assert "gate" not in cicd("status", stage)
