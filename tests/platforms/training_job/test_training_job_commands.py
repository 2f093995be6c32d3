"""The commands on the training-job API, which really runs: the story of the operator (C1 to C6,
C23, C24), and everything that can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cicd.cli.root import execute
from tests.emulator.training_job.training_job_client import KEYS, Service

SCRIPT = """\
import argparse, pathlib, sys
asked = argparse.ArgumentParser()
asked.add_argument("--test_data")
asked.add_argument("--fail", default="")
asked = asked.parse_args()
print("training on", pathlib.Path(asked.test_data).read_text().strip(), flush=True)
pathlib.Path("saved_model").mkdir()
pathlib.Path("saved_model/model.pb").write_text("weights")
for value in (0.5, 0.75):
    print(f"accuracy={value}", flush=True)
sys.exit(3 if asked.fail else 0)
"""
STAGE = """\
platform: training_job
jobs:
  - key: train
    script: train.py
    image: python:3.11
    completion_time: 1h
    env: {TEST_DATA: t.csv}
    data: {t.csv: data/t.csv}
    resources: {cpus: 1, gpus: 0, memory: 512}
    outputs: {saved_model: build/model}
    metrics: {accuracy: "accuracy=([0-9.]+)"}
    require: [{metric: accuracy, min: 0.7}]
"""


@dataclass
class Told:
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


@dataclass
class World:
    """A project, and the service that it goes to."""

    root: Path
    service: Service
    run: Callable[..., Told]

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str, name: str = "stages/dev.yaml") -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, before
        self.write(name, text.replace(before, after))

    def model(self) -> dict[str, str]:
        folder = self.root / "build/model"
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_text() for path in files}

    def sent(self, method: str) -> list[str]:
        """The paths of the requests so far."""
        records = self.service.world.faults.requests()
        return [record["path"] for record in records if record["method"] == method]

    def id(self) -> str:
        [row] = self.run("status", "dev", "-o", "json").json
        return str(row["id"])


@pytest.fixture
def world(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> World:
    """A project of its own, told from others by its namespace."""
    service.world.faults.clear()
    service.world.faults.forget_requests()
    for name, value in service.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> Told:
        ended = execute(list(arguments))
        said = capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{said.out}\n{said.err}"
        return Told(said.out, said.err)

    made = World(tmp_path, service, run)
    place = f"training_job: {{namespace: {tmp_path.name}}}"
    made.write("stages/dev.yaml", STAGE.replace("jobs:", f"{place}\njobs:"))
    made.write("train.py", SCRIPT)
    made.write("data/t.csv", "a,b\n")
    return made


def test_c1_c2_c4_c5_c6_c23_c24_the_story_of_the_operator(world: World) -> None:
    told = world.run("plan", "dev", "-o", "json").json
    actions = {change["key"]: change["action"] for change in told["changes"]}
    assert actions == {"dataset/data/t.csv": "create", "job/train": "run"}
    told = world.run("apply", "dev", "--yes", "--log-format", "json")
    lines = [event["event"] for event in told.events if event.get("key") == "job/train"]
    # C5, C23: its log, line by line
    assert lines.index("training on a,b") < lines.index("accuracy=0.75")
    # C24: its status in the operator's own form; at last with where the model is
    reports = [event for event in told.events if event["event"] == "training_status"]
    words = [report["status"] for report in reports]
    assert words[0] in {"PENDING", "RUNNING"} and words[-2:] == ["SUCCESSFUL"] * 2
    own = {"event", "key", "level", "timestamp"}
    assert [sorted(report.keys() - own) for report in reports[:-1]] == [KEYS] * (len(reports) - 1)
    assert sorted(reports[-1].keys() - own) == sorted([*KEYS, "saved_model"])
    assert reports[-1]["saved_model"] == "build/model"
    assert reports[-1]["finishTime"] and reports[0]["finishTime"] is None
    # C6: the model, as it was made
    assert world.model() == {"saved_model/model.pb": "weights"}
    assert not [path.name for path in (world.root / "build").iterdir() if path.name != "model"]


def test_what_there_is_to_see_afterwards(world: World) -> None:
    world.run("apply", "dev", "--yes")
    assert "no changes" in world.run("plan", "dev").out.lower()
    [row] = world.run("status", "dev", "-o", "json").json
    assert (row["key"], row["status"], row["state"]) == ("job/train", "SUCCESSFUL", "SUCCEEDED")
    assert world.run("logs", "dev", "train").out.splitlines()[-1] == "accuracy=0.75"
    metrics = world.run("metrics", "dev", "train", "-o", "json").out
    assert "0.75" in metrics and "0.5" in metrics
    [job] = world.run("list", "jobs", "dev", "-o", "json").json["jobs"]
    assert job["id"] == row["id"]
    [model] = world.run("artifacts", "dev", "-o", "json").json["artifacts"]
    assert model["url"] == f"s3://data/jobs/train-{row['id']}/"
    [content] = model["contents"]
    assert (content["name"], content["size"]) == ("saved_model/model.pb", 7)
    assert world.run("doctor", "dev").out.count("ok") >= 5
    [past] = world.run("history", "dev", "-o", "json").json["applies"]
    assert [(made["key"], made["id"]) for made in past["changes"]] == [("job/train", row["id"])]
    assert past["result"] == "applied" and past["seconds"] is not None


def test_c2_nothing_is_done_twice_and_only_what_differs_is_uploaded(world: World) -> None:
    world.run("apply", "dev", "--yes")
    world.service.world.faults.forget_requests()
    world.run("apply", "dev", "--yes")
    assert not world.sent("POST")
    world.edit("0.75", "0.8", "train.py")
    world.run("apply", "dev", "--yes")
    assert len(world.sent("POST")) == 1
    assert not [path for path in world.sent("PUT") if path.startswith("/data/datasets/")]
    comparison = world.run("compare", "dev", "train", "-o", "json").out
    assert "0.8" in comparison and "0.75" in comparison
    world.edit("0.8", "0.75", "train.py")
    assert "no changes" in world.run("plan", "dev").out.lower()


def test_a_text_of_the_environment_is_kept_nowhere_in_clear_and_known_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API has to have it; what is kept beside the job has not."""
    monkeypatch.setenv("API_PASSWORD", "grüße-vom-see")
    world.edit("asked = asked.parse_args()", "asked, _ = asked.parse_known_args()", "train.py")
    world.edit("{TEST_DATA: t.csv}", '{TEST_DATA: t.csv, API_PASSWORD: "${env.API_PASSWORD}"}')
    world.run("apply", "dev", "--yes")
    objects = world.service.s3()
    pages = objects.get_paginator("list_objects_v2").paginate(Bucket="data", Prefix="cicd/")
    names = [item["Key"] for page in pages for item in page["Contents"]]
    kept = [objects.get_object(Bucket="data", Key=name)["Body"].read().decode() for name in names]
    assert any("API_PASSWORD" in text for text in kept)
    assert not any("grüße" in text or "gr\\u00fc" in text for text in kept)
    assert "no changes" in world.run("plan", "dev").out.lower()
    world.edit("TEST_DATA: t.csv,", "TEST_DATA: t.csv, EPOCHS: 3,")
    told = world.run("plan", "dev").out
    assert "EPOCHS" in told and "API_PASSWORD" not in told
    monkeypatch.setenv("API_PASSWORD", "another-one")
    told = world.run("plan", "dev").out
    assert "API_PASSWORD changed" in told and "another-one" not in told


def test_a_run_is_repeated_when_it_is_asked_for_and_has_an_id_of_its_own(world: World) -> None:
    world.run("apply", "dev", "--yes")
    first = world.id()
    world.run("apply", "dev", "--yes", "--rerun", "job/train")
    second = world.id()
    assert first != second
    assert "no changes" in world.run("plan", "dev").out.lower()
    world.edit("    data:", "    rerun: always\n    data:")
    world.run("apply", "dev", "--yes")
    assert world.id() not in {first, second}
    world.edit("rerun: always", "rerun: never")
    world.edit("0.75", "0.8", "train.py")
    assert "no changes" in world.run("plan", "dev").out.lower()


def test_a_model_that_went_away_comes_again_without_another_run(world: World) -> None:
    world.run("apply", "dev", "--yes")
    world.write("build/model/saved_model/model.pb", "spoilt!")
    world.write("build/model/more.txt", "more")
    world.write("build/.model.0000.part/left", "of an apply that was killed")
    world.service.world.faults.forget_requests()
    world.run("apply", "dev", "--yes")
    assert world.model() == {"saved_model/model.pb": "weights"}
    assert not world.sent("POST")
    assert [path.name for path in (world.root / "build").iterdir()] == ["model"]


def test_what_is_never_repeated_stays_whatever_data_there_is(world: World) -> None:
    world.edit("    require:", "    rerun: never\n    require:")
    world.run("apply", "dev", "--yes")
    before = world.id()
    world.write("data/t.csv", "other\n")
    (world.root / "build/model/saved_model/model.pb").unlink()
    told = world.run("apply", "dev", "--yes")
    assert "Done: 1 applied" in told.out
    assert (world.id(), world.model()) == (before, {"saved_model/model.pb": "weights"})


def test_a_second_script_uses_the_model_of_the_first(world: World) -> None:
    code = "import pathlib\nprint('used', pathlib.Path('m/saved_model/model.pb').read_text())\n"
    world.write("use.py", code)
    text = (world.root / "stages/dev.yaml").read_text()
    text += """\
  - key: use
    script: use.py
    image: python:3.11
    completion_time: 1h
    resource_plan_id: basic
    data: {m: "${jobs.train.artifacts.saved_model}"}
"""
    world.write("stages/dev.yaml", text)
    world.run("apply", "dev", "--yes")
    assert "used weights" in world.run("logs", "dev", "use").out
    assert "no changes" in world.run("plan", "dev").out.lower()
    world.edit("weights", "heavier", "train.py")
    world.run("apply", "dev", "--yes")
    assert "used heavier" in world.run("logs", "dev", "use").out


def test_what_fails_leaves_the_model_as_it_was(world: World) -> None:
    world.run("apply", "dev", "--yes")
    world.edit("{TEST_DATA: t.csv}", "{TEST_DATA: t.csv, FAIL: x}")
    told = world.run("apply", "dev", "--yes", code=1)
    assert "ended as FAILED" in told.out + told.err
    assert world.model() == {"saved_model/model.pb": "weights"}
    world.edit(", FAIL: x", "")
    world.edit("min: 0.7", "min: 0.9")
    told = world.run("apply", "dev", "--yes", code=1)
    assert "accuracy 0.75 < 0.9" in told.out + told.err


def test_it_is_stopped_and_destroyed(world: World) -> None:
    world.write("train.py", "import time\nprint('begun', flush=True)\ntime.sleep(600)\n")
    world.run("apply", "dev", "--yes", "--no-wait")
    world.run("stop", "dev", "train", "--yes")
    [row] = world.run("status", "dev", "-o", "json").json
    assert row["state"] == "STOPPED"
    world.write("train.py", SCRIPT)
    world.run("apply", "dev", "--yes")
    world.run("destroy", "dev", "--yes", "--stage-name", "dev")
    assert world.run("list", "jobs", "dev", "-o", "json").json["jobs"] == []
    actions = world.run("plan", "dev", "-o", "json").json["summary"]
    assert actions["run"] == 1
    world.run("apply", "dev", "--yes")
    assert world.model() == {"saved_model/model.pb": "weights"}


def test_one_apply_at_a_time(world: World) -> None:
    from cicd import Project

    project = Project(world.root, dict(world.service.variables))
    seen: list[str] = []

    def look(event: object) -> None:
        if type(event).__name__ == "Began" and not seen:
            seen.append(world.run("apply", "dev", "--yes", code=5).err)

    with project.stage("dev") as stage:
        stage.apply(on_event=look).raise_for_failure()
    assert "is locked by" in seen[0]
    world.run("apply", "dev", "--yes")


def test_c23_a_log_moves_no_cursor(world: World) -> None:
    world.write("train.py", SCRIPT.replace('"training on"', r'"\x1b[2J\x07training on"'))
    told = world.run("apply", "dev", "--yes")
    assert "training on a,b" in told.err and "\x1b" not in told.err and "\x07" not in told.err


def test_a_submission_whose_answer_is_lost_is_one_job(world: World) -> None:
    world.service.fault(operation="training_job.job.create", times=1, lost="reset")
    world.run("apply", "dev", "--yes")
    assert len(world.run("list", "jobs", "dev", "-o", "json").json["jobs"]) == 1


def test_a_token_that_ends_in_the_middle_is_renewed(world: World) -> None:
    world.service.fault(operation="training_job.job.*", after=2, times=1, tokens="expired")
    world.run("apply", "dev", "--yes")
    assert world.model() == {"saved_model/model.pb": "weights"}


def test_what_is_there_is_imported(world: World) -> None:
    world.run("apply", "dev", "--yes")
    (world.root / "stages/dev.yaml").unlink()
    url = world.service.variables["TRAINING_JOB_API_URL"]
    place = ("--target", f"api_url={url}", "--target", f"namespace={world.root.name}")
    world.run("import", "dev", "--platform", "training_job", *place)
    text = (world.root / "stages/dev.yaml").read_text()
    assert "script: train.py" in text and "t.csv: " in text
    assert "no changes" in world.run("plan", "dev").out.lower()


def test_what_is_tried_on_one_stage_is_carried_to_the_next(world: World) -> None:
    text = (world.root / "stages/dev.yaml").read_text()
    world.write("stages/tst.yaml", text)
    world.edit("completion_time: 1h", "completion_time: 2h")
    world.edit("{TEST_DATA: t.csv}", "{TEST_DATA: t.csv, EPOCHS: 20}")
    world.run("promote", "dev", "tst", "--yes")
    carried = (world.root / "stages/tst.yaml").read_text()
    assert "completion_time: 2h" in carried and "EPOCHS: 20" in carried


def fault(**rule: Any) -> Callable[[World], None]:
    return lambda world: world.service.fault(**rule)


def stage(before: str, after: str) -> Callable[[World], None]:
    return lambda world: world.edit(before, after)


def environ(name: str, value: str | None) -> Callable[[World], None]:
    def change(world: World) -> None:
        import os

        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value

    return change


def script(text: str) -> Callable[[World], None]:
    return lambda world: world.write("train.py", text)


def loop(name: str) -> Callable[[World], None]:
    """A file that is there, and that nobody can read, not even root."""

    def change(world: World) -> None:
        path = world.root / name
        path.unlink()
        path.symlink_to(path.name)

    return change


def refused_bucket(world: World) -> None:
    world.edit("namespace:", "bucket: not-there, namespace:")
    world.service.fault(method="PUT", path="/not-there", status=403)


SECRET, TOKENS = "TRAINING_JOB_CLIENT_SECRET", "TRAINING_JOB_TOKEN_URL"
NOWHERE = "http://127.0.0.1:9/oauth/token"
GONE = fault(operation="training_job.job.get", after=5, times=1, vanish=True)
PYTHON_4 = "    python_major_version: 4\n    data:"
BAD = {
    "no token url": (environ(TOKENS, None), 3, "no token_url: set"),
    "no secret": (environ(SECRET, None), 4, "TRAINING_JOB_CLIENT_SECRET not set"),
    "wrong secret": (environ(SECRET, "wrong-one"), 4, "TRAINING_JOB_CLIENT_SECRET"),
    "nobody there": (environ(TOKENS, NOWHERE), 4, "cannot reach"),
    "no script": (stage("script: train.py", "script: none.py"), 3, '"none.py" is not there'),
    "no data": (stage("data/t.csv", "data/none.csv"), 3, '"data/none.csv" is not there'),
    "script unreadable": (loop("train.py"), 3, '"train.py" cannot be read'),
    "script is a folder": (stage("script: train.py", "script: data"), 3, "is a folder"),
    "data unreadable": (loop("data/t.csv"), 3, '"data/t.csv" cannot be read'),
    "data is a folder": (stage("t.csv: data/t.csv", "t.csv: data"), 3, "is a folder"),
    "storage unreachable": (fault(path="/data*", reset=True), 4, "cannot be reached"),
    "no bucket, and none may be made": (refused_bucket, 4, "refused bucket not-there"),
    "no integers": (stage("cpus: 1", 'cpus: "1"'), 3, "cpus must be a whole number"),
    "python 4": (stage("    data:", PYTHON_4), 3, "must be at most 3"),
    "unknown image": (stage("python:3.11", "no/such:image"), 1, "no/such:image"),
    "job vanishes": (GONE, 1, "is no more"),
    "model empty": (script("print('accuracy=0.75')\n"), 1, "the saved model is empty"),
    "ends badly": (script("raise SystemExit(3)\n"), 1, "ended as FAILED"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_has_one_clear_message_and_its_exit_code(
    name: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in world.service.variables:  # what a case changes is put back
        monkeypatch.setenv(variable, world.service.variables[variable])
    spoil, code, said = BAD[name]
    if name == "job vanishes":
        world.write("train.py", "import time\ntime.sleep(60)\n")
    spoil(world)
    told = world.run("apply", "dev", "--yes", code=code)
    everything = told.out + told.err
    assert said in everything
    assert "Traceback" not in everything and "wrong-one" not in everything
    if code in {3, 4}:
        lines = [line for line in told.err.splitlines() if line and "1 problem" not in line]
        assert len(lines) == 1, lines
    assert not world.model()


def test_a_word_that_nobody_knows_is_no_success(world: World) -> None:
    world.edit("    data:", "    timeout: 2s\n    data:")
    world.service.fault(operation="training_job.job.*", **{"status-word": "Levitating"})
    told = world.run("apply", "dev", "--yes", code=6)
    assert "training_job.statuses" in told.out + told.err
    assert not world.model()
    world.service.world.faults.clear()
    world.edit("namespace:", "statuses: {Levitating: SUCCEEDED}, namespace:")
    world.service.fault(operation="training_job.job.*", **{"status-word": "Levitating"})
    world.run("apply", "dev", "--yes")
    assert world.model()


def test_a_model_that_is_no_folder_of_files_is_not_fetched(world: World) -> None:
    world.run("apply", "dev", "--yes")
    s3 = world.service.s3()
    world.write("build/model/old", "of before")
    for name, said in {
        "../escaped": "would leave its folder",
        "saved_model": "'saved_model' as a file and as a folder",
        "saved_model/model.pb/a/b": "'saved_model/model.pb' as a file and as a folder",
    }.items():
        key = f"jobs/train-{world.id()}/{name}"
        s3.put_object(Bucket="data", Key=key, Body=b"x")
        told = world.run("apply", "dev", "--yes", code=1)
        assert said in told.out + told.err
        s3.delete_object(Bucket="data", Key=key)
    assert world.model() == {"saved_model/model.pb": "weights", "old": "of before"}
    assert not list(world.root.rglob("escaped"))


@pytest.mark.parametrize("effect", [{"status": 503}, {"reset": True}])
def test_a_storage_that_fails_in_the_middle_leaves_the_folder_as_it_was(
    effect: dict[str, Any], world: World
) -> None:
    world.run("apply", "dev", "--yes")
    world.write("build/model/old", "of before")
    world.service.fault(path=f"/data/jobs/train-{world.id()}/saved_model/*", **effect)
    world.run("apply", "dev", "--yes", code=4)
    assert world.model()["old"] == "of before"
    world.service.world.faults.clear()
    world.run("apply", "dev", "--yes")
    assert world.model() == {"saved_model/model.pb": "weights"}


def test_a_storage_that_nobody_reaches_is_told(world: World) -> None:
    world.service.fault(path="/data*", status=503)
    told = world.run("plan", "dev", code=4)
    assert "storage" in told.err
