"""``cicd promote`` as a command: it shows, asks, writes one file, and says what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cicd.cli import root

RUN = """\
executions:
  - key: train
    configuration:
      name: T
      scenario_id: scenario
      executable_id: training
      parameter_bindings: {epochs: "%s"} # how long
"""
DEV = "branch: main\naicore: {resource_group: dev-group}\n" + RUN % 20
PRD = "branch: prd\r\naicore: {resource_group: prd-group}\r\n" + (RUN % 5).replace("\n", "\r\n")
LATER = """\
deployments:
  - {key: old, configuration: {name: S, scenario_id: scenario, executable_id: serving}}
"""


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stages"
    folder.mkdir()
    (folder / "dev.yaml").write_text(DEV)
    (folder / "prd.yaml").write_bytes(b"\xef\xbb\xbf" + PRD.encode())
    monkeypatch.chdir(tmp_path)
    return folder


def promote(*arguments: str) -> int:
    return root.execute(["promote", "dev", "prd", *arguments])


def test_the_diff_is_shown_and_written_only_with_consent(
    stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (stages / "prd.yaml").read_bytes()
    assert promote() == 5
    assert "add --yes, or --dry-run" in capsys.readouterr().err
    assert promote("--dry-run") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("--- a/stages/prd.yaml\n+++ b/stages/prd.yaml\n")
    assert '-      parameter_bindings: {epochs: "5"} # how long\n' in printed
    assert printed.endswith("\n1 change\n")
    assert (stages / "prd.yaml").read_bytes() == before
    assert promote("--yes") == 0
    assert capsys.readouterr().out == f"{printed}changed stages/prd.yaml\n"
    assert (stages / "prd.yaml").read_bytes() == before.replace(b'"5"', b'"20"')
    assert promote() == 0
    assert capsys.readouterr().out == "nothing to promote: prd has what dev has\n"


def test_output_for_programs(stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (stages / "dev.yaml").write_text(DEV + LATER)
    assert promote("--output", "json", "--yes") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["changes"] == [
        {
            "key": "execution/train",
            "path": "configuration.parameter_bindings.epochs",
            "before": "5",
            "after": "20",
        }
    ]
    assert shown["only_in_from"] == ["deployment/old"]
    assert (shown["file"], shown["changed"]) == ("stages/prd.yaml", True)


def test_what_would_not_load_is_refused(stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = DEV.replace('{epochs: "20"}', '{epochs: "${executions.first.artifacts.m}"}')
    (stages / "dev.yaml").write_text(text)
    before = (stages / "prd.yaml").read_bytes()
    assert promote("--yes") == 3
    printed = capsys.readouterr()
    assert "stages/prd.yaml:9:36: execution/train refers to execution/first" in printed.err
    assert (stages / "prd.yaml").read_bytes() == before


def test_wrong_use(stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert root.execute(["promote", "dev", "stages/dev.yaml"]) == 64
    assert "the same stage file" in capsys.readouterr().err
    assert promote("--select", "execution/trian") == 64
    assert "there are: execution/train, git" in capsys.readouterr().err
    assert root.execute(["promote", "dve", "prd"]) == 3
    assert promote("--pull-request") == 64
    assert "no remote to push to" in capsys.readouterr().err
