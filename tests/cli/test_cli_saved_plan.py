"""The options that a saved plan brings along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from cicd.automation import saved
from cicd.automation.saved import read_document, read_saved
from cicd.cli.apply import with_saved_options
from cicd.cli.options import Common
from cicd.errors import InvalidStage, Usage

SAVED = {"bound": {"options": {"select": ["execution/*"], "refresh_secrets": True}}}


@pytest.mark.parametrize(
    "given", [Common(), Common(refresh_secrets=True), Common(select=("execution/*",))]
)
def test_a_saved_plan_brings_its_options(given: Common) -> None:
    common = with_saved_options(given, SAVED)
    assert (common.select, common.refresh_secrets, common.rerun) == (("execution/*",), True, ())


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Common(rerun=("a", "b")), r"--rerun a, b is not what the plan was made with \(none\)"),
        (Common(select=("a",)), r"--select a is not what .* made with \(execution/\*\)"),
    ],
)
def test_other_options_beside_it_are_wrong_usage(given: Common, text: str) -> None:
    with pytest.raises(Usage, match=text):
        with_saved_options(given, SAVED)


def test_a_flag_that_the_plan_was_made_without_is_wrong_usage() -> None:
    with pytest.raises(Usage, match="--refresh-secrets is not what the plan was made with"):
        with_saved_options(Common(refresh_secrets=True), {"bound": {"options": {}}})


def test_a_plan_without_an_end_is_refused(mocker: MockerFixture) -> None:
    mocker.patch.object(saved, "MAX_PLAN", 1000)
    with pytest.raises(InvalidStage, match="/dev/zero: not a plan: it is larger than 1,000 bytes"):
        read_saved(Path("/dev/zero"))


@pytest.mark.parametrize("stage", [None, 5, ["dev"], "a\0b", "a\nb"])
def test_a_saved_plan_whose_stage_is_no_name_is_no_plan(tmp_path: Path, stage: object) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"schema_version": 1, "stage": stage}), encoding="utf-8")
    with pytest.raises(InvalidStage, match="its stage is no name"):
        read_document(path)


def test_a_saved_plan_may_have_passed_through_a_windows_editor(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    document = {"schema_version": 1, "tool_version": "0.1.0", "stage": "dev"}
    text = json.dumps(document, indent=2).replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_document(path) == document
