"""A stage that takes from another one what runs there have made: planned, applied, and gone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.automation.project import Project
from cicd.cli.root import execute
from cicd.errors import Refused
from cicd.model import Action
from cicd.platforms import registry
from tests.polling import look_quickly

TRAIN = """\
platform: toy
toy: {box: box/train}
variables: {turns: "3"}
jobs:
  - key: fit
    script: fit.txt
    knobs: {TURNS: "${var.turns}"}
    require: [{metric: r2, min: 0.5}]
"""
SERVE = """\
platform: toy
toy: {box: box/serve}
services:
  - key: web
    serves: "${stages.train.jobs.fit.result}"
    smoke_test: {json: {x: 1}, expect: {contains: file}}
"""
SCRIPT = "turned $TURNS\nmetric r2 0.75\n"
KNOWN_LATER = "stages.train.job/fit.result (known after apply)"
FIRST = "first: cicd apply train serve"

Run = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Path:
    """A project of two stages, of which one serves what a job of the other makes."""
    mocker.patch.dict(registry.PLATFORMS, {"toy": "tests.platforms.toy.adapter"})
    write(tmp_path, "stages/train.yaml", TRAIN)
    write(tmp_path, "stages/serve.yaml", SERVE)
    write(tmp_path, "fit.txt", SCRIPT)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    look_quickly(monkeypatch)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def cicd(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        ended = execute(list(arguments))
        told = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{told.out}\n{told.err}"
        return told.out + told.err if arguments[0] not in {"status", "plan"} or code else told.out

    return run


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def edit(root: Path, name: str, before: str, after: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert before in text
    write(root, name, text.replace(before, after))


def actions(text: str) -> dict[str, str]:
    document: dict[str, Any] = json.loads(text)
    return {change["key"]: change["action"] for change in document["changes"]}


def third() -> str:
    """A stage that serves what another one serves, which has it of a third one."""
    text = SERVE.replace("box/serve", "box/third").replace("contains: file", 'contains: ""')
    return text.replace("train.jobs.fit.result", "serve.services.web.id")


def served(root: Path) -> str:
    """What is served now."""
    releases = sorted(
        (root / "box/serve/release").glob("*.json"), key=lambda path: path.stat().st_mtime_ns
    )
    return str(json.loads(releases[-1].read_text())["spec"]["serves"]) if releases else ""


def test_one_command_runs_the_first_and_serves_what_it_has_made(cicd: Run, root: Path) -> None:
    planned = cicd("plan", "train", "serve", "-v")
    assert "job/fit: runs for the first time" in planned and KNOWN_LATER in planned
    cicd("apply", "train", "serve", "--yes")
    assert "/box/train/job/" in served(root)
    assert cicd("plan", "train", "serve").count("No changes") == 2
    assert "No changes" in cicd("plan", "serve")
    assert cicd("apply", "train", "serve", "--yes").count("No changes") == 2


def test_what_is_not_applied_yet_is_refused_with_the_command_that_cures_it(
    cicd: Run, root: Path
) -> None:
    planned = cicd("plan", "serve", "-v", code=5)
    assert KNOWN_LATER in planned
    assert "job/fit of stage train is not as it should be: first run" in planned
    assert FIRST in planned
    assert FIRST in cicd("apply", "serve", "--yes", code=5)
    assert served(root) == ""
    [row] = json.loads(cicd("status", "serve", "--output", "json"))
    assert row["status"] == "missing"
    assert KNOWN_LATER in cicd("plan", "serve", "--offline", "-v")


def test_a_new_run_is_new_content_and_the_service_follows(cicd: Run, root: Path) -> None:
    cicd("apply", "train", "serve", "--yes")
    before = served(root)
    write(root, "fit.txt", SCRIPT.replace("0.75", "0.8"))
    assert KNOWN_LATER in cicd("plan", "train", "serve", "-v")
    assert "inputs changed" in cicd("plan", "serve", code=5), "what is there is of other inputs"
    assert FIRST in cicd("apply", "serve", "--yes", code=5)
    cicd("apply", "train", "--yes")
    assert actions(cicd("plan", "serve", "--output", "json"))["service/web"] == "update"
    cicd("apply", "serve", "--yes")
    assert served(root) != before


def test_a_failed_stage_ends_it_and_what_comes_after_is_said_to_be_skipped(
    cicd: Run, root: Path
) -> None:
    cicd("apply", "train", "serve", "--yes")
    before = served(root)
    write(root, "fit.txt", SCRIPT.replace("0.75", "0.1"))
    told = cicd("apply", "train", "serve", "--yes", "--summary", "sum.json", code=1)
    assert "serve is skipped: train was not applied" in told
    results = [one["result"] for one in json.loads(Path("sum.json").read_text())]
    assert results == ["failed", "skipped"]
    refused = cicd("apply", "serve", "--yes", code=5)
    assert "job/fit of stage train is not as it should be: last run missed r2 >= 0.5" in refused
    assert served(root) == before


def test_an_invalid_stage_ends_it_too(cicd: Run, root: Path) -> None:
    write(root, "stages/train.yaml", TRAIN.replace("script: fit.txt", "scribt: fit.txt"))
    told = cicd("apply", "train", "serve", "--yes", code=3)
    assert "serve is skipped" in told and 'did you mean "script"' in told
    assert "stages/train.yaml:6:5" in cicd("plan", "serve", code=3)
    [row] = json.loads(cicd("status", "serve", "--output", "json"))
    assert row["key"] == "service/web", "what only looks needs nothing of it"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("serve", SERVE.replace("services:", "servises:")),
        ("serve", SERVE.replace("result", "resutl")),
        ("last", "platform: toy\ntoy: {box: box/last}\nservices: [{key: web, serves: ${var.x}}]\n"),
        ("last", "services: ["),
    ],
)
def test_what_is_wrong_with_a_later_stage_is_told_before_anything_is_sent(
    cicd: Run, root: Path, name: str, text: str
) -> None:
    write(root, f"stages/{name}.yaml", text)
    told = cicd("apply", "train", name, "--yes", "--summary", "sum.json", code=3)
    assert f"train is skipped: {name} is not valid" in told and "nothing was sent" in told
    assert f"stages/{name}.yaml:" in told
    assert not (root / "box").exists()
    [result] = json.loads(Path("sum.json").read_text())
    assert (result["stage"], result["result"]) == ("train", "skipped")


def test_what_is_wrong_with_several_stages_is_told_at_once(cicd: Run, root: Path) -> None:
    write(root, "stages/train.yaml", TRAIN.replace("script: fit.txt", "scribt: fit.txt"))
    write(root, "stages/serve.yaml", SERVE.replace("smoke_test", "smoke_tset"))
    told = cicd("apply", "train", "serve", "--yes", code=3)
    assert 'did you mean "script"' in told and 'did you mean "smoke_test"' in told


def test_a_saved_plan_is_refused_when_the_other_stage_has_moved(cicd: Run, root: Path) -> None:
    cicd("apply", "train", "--yes")
    cicd("plan", "serve", "--out", "plan.json")
    taken = json.loads(Path("plan.json").read_text())["bound"]["taken"]
    assert list(taken) == ["stages.train.job/fit.id", "stages.train.job/fit.result"]
    assert "box/train" not in json.dumps(taken)
    cicd("apply", "train", "--yes", "--rerun", "job/fit")
    told = cicd("apply", "--plan", "plan.json", code=5)
    assert "stages.train.job/fit.result changed" in told
    cicd("plan", "serve", "--out", "plan.json")
    cicd("apply", "--plan", "plan.json")
    assert served(root)


def test_a_plan_that_was_made_too_early_cannot_be_applied(cicd: Run, root: Path) -> None:
    cicd("plan", "serve", "--out", "plan.json", code=5)
    assert FIRST in cicd("apply", "--plan", "plan.json", code=5)
    cicd("apply", "train", "--yes")
    told = cicd("apply", "--plan", "plan.json", code=5)
    assert "stages.train.job/fit.result is new" in told


def test_a_run_that_every_apply_starts_again_counts_as_it_ran_last(cicd: Run, root: Path) -> None:
    edit(root, "stages/train.yaml", "script: fit.txt", "script: fit.txt\n    rerun: always")
    cicd("apply", "train", "serve", "--yes")
    before = served(root)
    assert "No changes" in cicd("plan", "serve")
    cicd("apply", "train", "serve", "--yes")
    assert served(root) != before


def test_stages_are_named_in_an_order_that_can_be(cicd: Run, root: Path) -> None:
    for command in ("plan", "apply"):
        told = cicd(command, "serve", "train", code=64)
        assert "serve takes something from train, which comes after it" in told
        assert "name train before serve" in told


def test_variables_reach_those_that_have_them(cicd: Run, root: Path) -> None:
    cicd("apply", "train", "--yes", "--var", "turns=4")
    write(root, "stages/serve.yaml", f"variables: {{turns: '3'}}\n{SERVE}")
    assert "inputs changed" in cicd("plan", "serve", code=5)
    assert "No changes" not in cicd("plan", "serve", "--var", "turns=4")


@pytest.mark.parametrize("stages", [("train", "serve"), ("train", "serve", "third")])
def test_a_variable_of_one_stage_may_be_given_to_all_that_have_to_do_with_it(
    cicd: Run, root: Path, stages: tuple[str, ...]
) -> None:
    write(root, "stages/third.yaml", third())
    given = ("--var", "turns=4")
    cicd("apply", *stages, "--yes", *given)
    last = stages[-1]
    assert "No changes" in cicd("plan", last, *given), "each is asked with what was given"
    assert "inputs changed" in cicd("plan", "serve", code=5)
    assert cicd("validate", *stages, *given)
    write(root, "stages/alone.yaml", TRAIN.replace("turns", "rounds"))
    for name in ("alone", *stages):
        told = cicd("validate", name, "--var", "truns=4", code=3)
        assert "--var truns: no such variable" in told
    assert "--var turns: no such variable" in cicd("validate", "alone", *given, code=3)


def test_a_variable_of_the_stage_that_takes_may_be_given_too(cicd: Run, root: Path) -> None:
    write(root, "stages/serve.yaml", f"variables: {{look: file}}\n{SERVE}")
    cicd("apply", "train", "serve", "--yes", "--var", "look=file", "--var", "turns=5")
    assert "No changes" in cicd("plan", "train", "--var", "turns=5")


def test_the_command_that_cures_it_names_all_stages_that_have_to_be_first(
    cicd: Run, root: Path
) -> None:
    write(root, "stages/third.yaml", third())
    assert "first: cicd apply train serve third)" in cicd("plan", "third", code=5)
    cicd("apply", "train", "--yes")
    assert "first: cicd apply serve third)" in cicd("plan", "third", code=5)


@pytest.mark.parametrize("stage", ["train", "serve", "empty"])
def test_an_apply_of_nothing_at_all_is_an_apply_without_changes(
    cicd: Run, root: Path, stage: str
) -> None:
    write(root, "stages/empty.yaml", "platform: toy\ntoy: {box: box/empty}\njobs: []\n")
    choice = () if stage == "empty" else ("--exclude", "*")
    assert "No changes" in cicd("apply", stage, "--yes", *choice)


@pytest.mark.parametrize("kind", ["service", "job"])
def test_what_is_listed_is_claimed_by_no_stage_of_another_platform(
    cicd: Run, root: Path, kind: str
) -> None:
    cicd("apply", "train", "serve", "--yes")
    text = "platform: sagemaker\nsagemaker: {region: eu-central-1, bucket: models, "
    text += "role: 'arn:aws:iam::123456789012:role/ML'}\ntraining_jobs:\n  - {key: web, image: i, "
    write(root, "stages/cloud.yaml", text + "instance: {type: ml.m5.large}}\n")
    cicd("validate", "cloud")
    stage = "serve" if kind == "service" else "train"
    assert f"{kind}/" in cicd("list", kind, stage)


def test_a_sentence_tells_of_which_stage_the_new_thing_is(cicd: Run, root: Path) -> None:
    cicd("apply", "train", "serve", "--yes")
    write(root, "fit.txt", SCRIPT.replace("0.75", "0.8"))
    told = cicd("plan", "train", "serve")
    assert "from fit of stage train" in told
    assert "from fit of stage train" in cicd("plan", "train", "serve", "--output", "markdown")


def test_a_stage_goes_away_also_where_nothing_is_left_of_the_other(cicd: Run, root: Path) -> None:
    cicd("apply", "train", "serve", "--yes")
    told = cicd("destroy", "train", "--yes", "--stage-name", "train")
    assert "serve takes something from this stage" in told
    told = cicd("destroy", "serve", "--yes", "--stage-name", "serve")
    assert "service/web" in told
    [row] = json.loads(cicd("status", "serve", "--output", "json"))
    assert row["status"] == "missing"


def test_who_does_not_wait_is_told_what_goes_on(cicd: Run, root: Path) -> None:
    edit(root, "stages/train.yaml", 'TURNS: "${var.turns}"', 'TURNS: "1", SECONDS: 600')
    told = cicd("apply", "train", "serve", "--yes", "--no-wait", "--summary", "sum.json")
    assert "serve waits for train: apply both again" in told
    results = [one["result"] for one in json.loads(Path("sum.json").read_text())]
    assert results == ["applied", "deferred"]
    told = cicd("apply", "serve", "--yes", code=5)
    assert "job/fit of stage train is not as it should be: still running: follow it" in told
    assert served(root) == ""


def test_status_and_logs_of_one_ask_nothing_of_the_user(cicd: Run, root: Path) -> None:
    cicd("apply", "train", "serve", "--yes")
    [row] = json.loads(cicd("status", "serve", "--output", "json"))
    assert (row["key"], row["status"]) == ("service/web", "up")
    assert "notes" in row and row["notes"] == []
    assert "it is up" in cicd("logs", "serve", "web")


def test_programs_see_the_same(cicd: Run, root: Path) -> None:
    project = Project(root, {})
    with project.stage("serve") as stage:
        plan = stage.plan()
        assert FIRST in plan.refusal
        with pytest.raises(Refused, match="is not as it should be"):
            stage.apply().raise_for_failure()
    project.stage("train").apply().raise_for_failure()
    plan = project.stage("serve").plan()
    assert plan.refusal == "" and {one.action for one in plan.changes} == {Action.CREATE}


def test_two_stages_of_one_and_one_of_two(cicd: Run, root: Path) -> None:
    """Three in a row: what the last takes, the one before it serves."""
    write(root, "stages/third.yaml", third())
    assert cicd("plan", "train", "serve", "third", "-v").count("(known after apply)") >= 2
    cicd("apply", "train", "serve", "third", "--yes")
    assert cicd("plan", "third").startswith("stage third")
    assert "No changes" in cicd("plan", "third")


def test_what_goes_back_needs_nothing_of_the_other_stage(cicd: Run, root: Path) -> None:
    cicd("apply", "train", "serve", "--yes")
    first = served(root)
    write(root, "fit.txt", SCRIPT.replace("0.75", "0.8"))
    cicd("apply", "train", "serve", "--yes")
    write(root, "fit.txt", SCRIPT.replace("0.75", "0.9"))
    cicd("rollback", "serve", "web", "--yes")
    [service] = (root / "box/serve/service").glob("*.json")
    release = json.loads(service.read_text())["spec"]["release"]
    back = json.loads((root / f"box/serve/release/{release}.json").read_text())
    assert back["spec"]["serves"] == first


def test_what_is_not_selected_need_not_be_there(cicd: Run, root: Path) -> None:
    more = "  - {key: plain, serves: hello}\n"
    write(root, "stages/serve.yaml", SERVE + more)
    cicd("apply", "serve", "--yes", "--select", "service/plain")
    assert FIRST in cicd("apply", "serve", "--yes", "--select", "service/web", code=5)
    assert served(root) == "hello"
