"""C21, C22: fields of one run that the command line says otherwise, as the operator's port did."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from tests.platforms.training_job.samples import PLACE, TEXT, project

Run = Callable[..., str]
SECOND = """\
  - {key: other.one, script: train.py, image: python:3, completion_time: 1h, resourcePlanId: x}
"""


@pytest.fixture
def plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> str:
        ended = execute(["plan", "dev", "--offline", *arguments])
        told = capsys.readouterr()
        assert ended == code, (arguments, told)
        return told.err if code else told.out

    return run


def spec(text: str, key: str = "job/train") -> dict[str, Any]:
    document = json.loads(text)
    [change] = [one for one in document["changes"] if one["key"] == key]
    fields: dict[str, Any] = {field["path"]: field["after"] for field in change["fields"]}
    return fields


@pytest.mark.parametrize(
    ("said", "path", "value"),
    [
        ("completion_time=2h", "completion_time", "2h"),
        ("completionTime=7200", "completion_time", "7200"),
        ("jobName=other", "name", "other"),
        ("train.image=python:3", "image", "python:3"),
        ("pythonMajorVersion=2", "python_major_version", 2),
        ("env.EPOCHS=20", "env.EPOCHS", "20"),
        ("train.env.EPOCHS=a=b", "env.EPOCHS", "a=b"),
        ("resources.cpus=4", "resources.cpus", 4),
        ('env=[{"name": "A", "value": "b c"}]', "env.A", "b c"),
        ('requirements=["numpy"]', "requirements", ["numpy"]),
        ("requirements=", "requirements", None),
    ],
)
def test_c21_a_field_of_one_run_is_said_otherwise_and_shown(
    said: str, path: str, value: Any, plan: Run
) -> None:
    told = plan("--set", said, "-o", "json")
    assert spec(told).get(path) == value
    [warning] = [one for one in json.loads(told)["warnings"] if "--set" in one]
    assert "job/train: " in warning


def test_c21_headers_override_fields_of_the_same_name(plan: Run, tmp_path: Path) -> None:
    headers = {"jobName": "theirs", "env": '[{"name": "A", "value": "b"}]', "completionTime": 9}
    (tmp_path / "headers.json").write_text(json.dumps(headers), encoding="utf-8")
    fields = spec(plan("--headers", "headers.json", "--set", "name=mine", "-o", "json"))
    assert (fields["name"], fields["env.A"], fields["completion_time"]) == ("mine", "b", "9")
    assert "env.TEST_DATA" not in fields


def test_c21_null_takes_a_field_back(plan: Run, tmp_path: Path) -> None:
    headers = {"jobName": None, "resources": None, "resourcePlanId": "basic"}
    (tmp_path / "headers.json").write_text(json.dumps(headers), encoding="utf-8")
    fields = spec(plan("--headers", "headers.json", "-o", "json"))
    assert (fields["name"], fields["resource_plan_id"]) == ("train", "basic")
    assert "resources.cpus" not in fields


def test_c22_a_file_is_added_from_anywhere(
    plan: Run, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "more.csv"
    outside.write_text("1,2\n", encoding="utf-8")
    (tmp_path / "u.v.csv").write_text("3\n", encoding="utf-8")
    told = plan("--data", f"more.csv={outside}", "--data", "u.v.csv=u.v.csv", "-o", "json")
    keys = [change["key"] for change in json.loads(told)["changes"]]
    wanted = {f"dataset/{outside}", "dataset/data/t.csv", "dataset/u.v.csv", "job/train"}
    assert set(keys) == wanted
    assert {"data.more.csv", "data.u.v.csv", "data.t.csv"} <= set(spec(told))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--set", "lr=1"), 64, "there is no field lr (there are: name, script"),
        (("--set", "imgae=x"), 64, 'did you mean "image"'),
        (("--set", "key=x"), 64, "there is no field key"),
        (("--set", "nobody.image=x"), 64, "there is no field nobody"),
        (("--set", "image"), 64, "--set is not FIELD=VALUE"),
        (("--data", "=x"), 64, "--data is not NAME=FILE"),
        (("--headers", "none.json"), 64, "cannot be read"),
        (("--headers", "train.py"), 64, "is no JSON"),
        (("--headers", "list.json"), 64, "is no map"),
        (("--headers", "null.json"), 3, "jobs[0].image must be text, not null"),
        (("--set", "python_major_version=4"), 3, "must be at most 3"),
        (("--set", "resources.cpus=one"), 3, "must be a whole number"),
        (("--set", "script=none.py"), 3, 'script "none.py" is not there'),
        (("--data", "x.csv=none.csv"), 3, "is not there"),
        (("--data", "../x.csv=train.py"), 3, "leads out of the project"),
    ],
)
def test_c21_what_cannot_be_said_is_refused(
    arguments: tuple[str, ...], code: int, said: str, plan: Run, tmp_path: Path
) -> None:
    (tmp_path / "list.json").write_text("[1]", encoding="utf-8")
    (tmp_path / "null.json").write_text('{"image": null}', encoding="utf-8")
    assert said in plan(*arguments, code=code)


def test_of_several_runs_the_named_or_the_selected_one_is_meant(plan: Run, tmp_path: Path) -> None:
    (tmp_path / "stages/dev.yaml").write_text(TEXT + SECOND, encoding="utf-8")
    told = plan("--set", "image=x", code=64)
    assert "of which job?" in told and "train.image or other.one.image" in told
    fields = spec(plan("--set", "other.one.image=x", "-o", "json"), "job/other.one")
    assert fields["image"] == "x"
    for glob in ("train", "job/train", "tr*"):
        fields = spec(
            plan("--set", "image=x", "--select", f"job/{glob.removeprefix('job/')}", "-o", "json")
        )
        assert fields["image"] == "x"


def test_a_secret_that_is_said_shows_nowhere(plan: Run) -> None:
    told = plan("--set", "env.API_TOKEN=say-it-to-nobody", "-o", "json")
    assert "say-it-to-nobody" not in told
    assert spec(told)["env.API_TOKEN"] == "***"


def test_a_platform_without_such_fields_says_so(plan: Run, tmp_path: Path) -> None:
    text = "platform: aicore\naicore: {resource_group: some-group}\n"
    (tmp_path / "stages/dev.yaml").write_text(text, encoding="utf-8")
    for option in (("--set", "image=x"), ("--data", "a=b")):
        assert "aicore has no fields to override" in plan(*option, code=64)


def test_a_stage_without_jobs_has_nothing_to_say_otherwise(plan: Run, tmp_path: Path) -> None:
    (tmp_path / "stages/dev.yaml").write_text(PLACE, encoding="utf-8")
    assert "no job" in plan("--set", "image=x", code=64)
