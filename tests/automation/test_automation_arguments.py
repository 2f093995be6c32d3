"""What programs hand in and what they pass on to other processes: keys, names, texts, events."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cicd import Project
from cicd.automation import StageSession, events
from cicd.automation.loading import Loader
from cicd.errors import InvalidStage, Problem, Usage
from cicd.masking import Mask
from cicd.model import Key, Plan
from tests.automation.conftest import TRAIN_ONLY, Desk

TRAIN = Key("execution", "train")


def keys(plan: Plan) -> list[str]:
    return [str(change.key) for change in plan.changes]


@pytest.mark.parametrize("given", ["execution/train", "execution/*", TRAIN])
def test_one_key_by_itself_is_as_good_as_a_list_of_it(desk: Desk, given: str | Key) -> None:
    dev = desk.project.stage("dev")
    alone: Any = [given] if isinstance(given, Key) else given
    assert keys(dev.plan(select=alone)) == keys(dev.plan(select=["execution/train"]))
    assert "deployment/serve" not in keys(dev.plan(select=alone))
    assert "execution/train" not in keys(dev.plan(exclude=(given, "deployment/*", "destination/*")))


def test_the_key_of_an_outcome_is_a_key_for_every_method(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY)
    with desk.project.stage("dev") as dev:
        [key] = [one.key for one in dev.apply().outcomes if one.key == TRAIN]
        assert len(list(dev.logs(key))) == 3
        assert dev.metrics(key).points == ()
        assert dev.explain(key)["status"] == "COMPLETED"
        assert dev.compare(key, metrics="none").runs
        assert dev.stop(key).exit_code == 0
        assert len(dev.list("executions", statuses="completed")) == 1


@pytest.mark.parametrize("made", [bytes, bytearray, memoryview])
def test_a_saved_plan_is_any_bytes(desk: Desk, made: Callable[[bytes], bytes]) -> None:
    desk.stage(TRAIN_ONLY)
    dev = desk.project.stage("dev")
    dev.apply(made(dev.save(dev.plan()))).raise_for_failure()
    assert desk.world.number("executions") == 1


@pytest.mark.parametrize("name", [Path("stages/dev.yaml"), "stages/dev.yaml", "dev"])
def test_a_stage_is_named_by_its_file_as_a_path_too(desk: Desk, name: Path | str) -> None:
    assert desk.project.check(name) == []
    assert desk.project.stage(name).plan().stage == "dev"
    assert desk.project.offline_plan(name).stage == "dev"


@pytest.mark.parametrize("value", [7, True, None, 0.1])
def test_a_variable_that_is_no_text_is_told_by_its_name(desk: Desk, value: Any) -> None:
    for ask in (desk.project.stage, desk.project.check):
        with pytest.raises(Usage, match=r"variable epochs is .*: variables are texts"):
            ask("dev", variables={"epochs": value})


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"no such folder: .*größe"):
        Project(tmp_path / "größe", environ={})


def test_nobody_has_the_lock_of_a_stage_whose_place_is_not_there_yet(desk: Desk) -> None:
    dev: StageSession = desk.project.stage("dev")
    assert dev.holder() is None
    assert desk.world.changes() == []


def test_counts_of_a_plan_are_plain_data(desk: Desk) -> None:
    summary = desk.project.offline_plan("dev").summary
    assert {type(word) for word in summary} == {str}
    assert "<" not in repr(summary)


def test_what_reads_stages_shows_nothing_of_what_it_was_handed() -> None:
    environ, given = {"TOKEN": "canary-1"}, {"password": "canary-2"}
    assert "canary" not in repr(Loader(Path("/"), environ, Mask(), given))


def test_events_and_results_without_a_secret_go_to_another_process(desk: Desk) -> None:
    desk.stage(TRAIN_ONLY.replace("mode: complete", "mode: fail"))
    told: list[events.Event] = []
    result = desk.project.stage("dev").apply(on_event=told.append)
    for event in told:
        content = pickle.dumps(event)
        assert type(pickle.loads(content)) is type(event)
        assert b"canary" not in content
    assert pickle.loads(pickle.dumps(result)).summary == result.summary
    [failed] = [one for one in result.summary["outcomes"] if one["result"] == "failed"]
    assert failed["more"] == "cicd explain execution/train " + failed["more"].split()[-1]


def test_the_error_of_a_stage_file_comes_out_of_another_process_with_every_problem() -> None:
    problems = [Problem("stages/dev.yaml", 3, 1, "no"), Problem("stages/ü.yaml", 0, 0, "nö")]
    error = InvalidStage(problems)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), repr(again)) == (str(error), repr(error))
    assert again.problems == error.problems
