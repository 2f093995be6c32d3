"""A platform that is a folder and a line in the registry: every command works for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.automation.former import former_stage
from cicd.cli.root import execute
from cicd.config import GitFacts, Surroundings, load_stage
from cicd.model import Key, LiveResource, Stage, State, Status
from cicd.platforms import registry
from cicd.platforms.registry import DIALECTS

STAGE = """\
platform: toy
branch: main
toy: {box: box}
jobs:
  - {key: wind, script: wind.txt, knobs: {TURNS: 3}, require: [{metric: speed, min: 1}]}
services:
  - key: ride
    serves: "${jobs.wind.result}"
    smoke_test: {json: {x: 1}, expect: {contains: file}}
"""
SCRIPT = "turned $TURNS\nmetric speed 2\n"

Run = Callable[..., str]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Path:
    """A project of the toy platform, and the platform known."""
    mocker.patch.dict(registry.PLATFORMS, {"toy": "tests.platforms.toy.adapter"})
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/dev.yaml").write_text(STAGE, encoding="utf-8")
    (tmp_path / "wind.txt").write_text(SCRIPT, encoding="utf-8")
    for command in ("init -q -b main", "add .", "-c user.name=a -c user.email=a@b commit -qm a"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cicd(toy: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        ended = execute(list(arguments))
        told = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{told.out}\n{told.err}"
        return told.out

    return run


def actions(text: str) -> dict[str, str]:
    document: dict[str, Any] = json.loads(text)
    return {change["key"]: change["action"] for change in document["changes"]}


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), encoding="utf-8")


def test_plan_apply_and_what_there_is_to_see(cicd: Run, toy: Path) -> None:
    assert "valid" in cicd("validate", "dev")
    planned = actions(cicd("plan", "dev", "--output", "json"))
    assert planned == {"job/wind": "run", "release/ride": "create", "service/ride": "create"}
    assert not (toy / "box").exists()
    cicd("apply", "dev", "--yes")
    assert "turned 3" in cicd("logs", "dev", "wind")
    rows = json.loads(cicd("status", "dev", "--output", "json"))
    assert {row["key"]: row["status"] for row in rows}["service/ride"] == "up"
    assert "no changes" in cicd("plan", "dev").lower()
    assert "ride" in cicd("list", "services", "dev")
    assert "wind.txt" in cicd("explain", "wind", "dev")


def test_a_changed_script_runs_again_and_a_release_can_be_gone_back_to(
    cicd: Run, toy: Path
) -> None:
    cicd("apply", "dev", "--yes")
    first = next((toy / "box/release").glob("*.json")).name
    edit(toy / "wind.txt", "turned", "wound")
    assert actions(cicd("plan", "dev", "--output", "json"))["job/wind"] == "run"
    cicd("apply", "dev", "--yes")
    assert "wound 3" in cicd("logs", "dev", "wind")
    [service] = (toy / "box/service").glob("*.json")
    assert json.loads(service.read_text())["spec"]["release"] not in first
    cicd("rollback", "dev", "ride", "--yes")
    assert json.loads(service.read_text())["spec"]["release"] in first


def test_a_job_that_fails_leaves_what_follows_alone(cicd: Run, toy: Path) -> None:
    (toy / "wind.txt").write_text("oh no\nfail\n", encoding="utf-8")
    out = cicd("apply", "dev", "--yes", code=1)
    assert "job/wind" in out
    assert not list((toy / "box/service").glob("*.json"))


def test_a_gate_that_is_not_met_keeps_the_service_as_it_was(cicd: Run, toy: Path) -> None:
    cicd("apply", "dev", "--yes")
    [service] = (toy / "box/service").glob("*.json")
    before = json.loads(service.read_text())["spec"]
    edit(toy / "stages/dev.yaml", "min: 1", "min: 3")
    edit(toy / "wind.txt", "turned", "wound")
    cicd("apply", "dev", "--yes", code=1)
    assert json.loads(service.read_text())["spec"] == before


def test_everything_that_is_not_named_is_pruned(cicd: Run, toy: Path) -> None:
    cicd("apply", "dev", "--yes")
    text = STAGE[: STAGE.index("services:")] + "prune: everything\n"
    (toy / "stages/dev.yaml").write_text(text, encoding="utf-8")
    assert actions(cicd("plan", "dev", "-o", "json", code=5))["service/ride"] == "delete"
    cicd("apply", "dev", "--yes", "--over-limits", "--other-stages")
    assert not list((toy / "box/service").glob("*.json"))


def test_a_stage_is_destroyed(cicd: Run, toy: Path) -> None:
    cicd("apply", "dev", "--yes")
    cicd("destroy", "dev", "--yes", "--stage-name", "dev")
    assert not list((toy / "box/service").glob("*.json"))


def test_what_is_there_is_imported(cicd: Run, toy: Path) -> None:
    cicd("apply", "dev", "--yes")
    told = cicd("import", "new", "--platform", "toy", "--target", "box=box")
    assert "wrote stages/new.yaml: 1 job, 1 service" in told
    text = (toy / "stages/new.yaml").read_text(encoding="utf-8")
    assert text.startswith("platform: toy\ntoy:\n  box: box\njobs:\n")
    assert 'serves: "${jobs.wind.result}"' in text
    assert told.endswith("plan: no changes\n")


@pytest.mark.parametrize("before", ["failed", "watched other files", "no such script any more"])
def test_what_would_run_again_is_imported_so_that_it_does_not(
    cicd: Run, toy: Path, before: str
) -> None:
    job = STAGE[: STAGE.index("services:")]
    if before == "failed":
        (toy / "wind.txt").write_text("fail\n", encoding="utf-8")
    if before == "watched other files":
        job = job.replace("require:", 'watch: ["stages/*"], require:')
    (toy / "stages/dev.yaml").write_text(job, encoding="utf-8")
    cicd("apply", "dev", "--yes", code=1 if before == "failed" else 0)
    if before == "no such script any more":
        (toy / "wind.txt").unlink()
        cicd("import", "new", "--platform", "toy", "--target", "box=box", code=3)
        assert "script: wind.txt" in (toy / "stages/new.yaml").read_text(encoding="utf-8")
        return
    told = cicd("import", "new", "--platform", "toy", "--target", "box=box")
    text = (toy / "stages/new.yaml").read_text(encoding="utf-8")
    assert "    # with on_change it would run again: " in text and "rerun: never" in text
    assert told.endswith("plan: no changes\n")


def test_a_place_is_named_in_the_words_of_its_platform(cicd: Run, toy: Path) -> None:
    cicd("import", "new", "--platform", "toy", code=64)
    cicd("import", "new", "--platform", "toi", "--target", "box=box", code=64)
    cicd("import", "new", "--target", "box", code=64)
    cicd("import", "new", "--platform", "toy", "--target", "bx=box", code=64)


def test_what_a_stage_was_on_another_platform_is_not_what_it_is_compared_with(toy: Path) -> None:
    def commit(text: str) -> str:
        (toy / "stages/dev.yaml").write_text(text, encoding="utf-8")
        for command in ("add .", "-c user.name=a -c user.email=a@b commit -qm b"):
            subprocess.run(["git", *command.split()], cwd=toy, check=True)
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=toy, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def former_of(commit: str) -> Stage | None:
        job = LiveResource(
            Key("job", "wind"), "1", {}, Status(State.SUCCEEDED, "done"), owner="dev"
        )
        live = replace(job, facts={"commit": commit})
        return former_stage(stage, around, [live], {}, is_local=False)[0]

    other = commit("aicore: {resource_group: rg-dev}\n")
    same = commit(STAGE + "limits: {max_delete: 3}\n")
    around = Surroundings(toy, {}, {}, GitFacts(same, "main"), DIALECTS)
    stage = load_stage("dev", around)
    found = former_of(same)
    assert found and found.limits.max_delete == 3
    assert former_of(other) is None
