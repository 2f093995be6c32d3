"""Every command for a platform that ``cicd`` has never heard of: one folder in ``tests`` and one
line in the registry."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import forked

TOY = {"toy": "tests.platforms.toy.adapter"}
STAGE = """
platform: toy
toy: {box: things}
prune: none
limits: {max_delete_percent: 100}
variables: {rate: "1", wish: hello}
jobs:
  - key: train
    script: train.txt
    knobs: {rate: "${var.rate}", SECONDS: 0}
    require: [{metric: accuracy, min: 0.5}]
services:
  - key: web
    serves: "${var.wish} ${env.NAME}"
    smoke_test: {method: POST, json: {x: 1}, expect: {contains: you}, timeout: 1s}
  - {key: model, serves: "${jobs.train.result}"}
"""
SCRIPT = "rate $rate\nmetric accuracy 0.75\ndone\n"


class Project:
    """A repository with one stage of the toy."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "stages").mkdir()
        self.write(STAGE)
        (root / "train.txt").write_text(SCRIPT, encoding="utf-8")
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
        for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "first"]):
            subprocess.run([*git, *arguments], cwd=root, check=True)

    def write(self, text: str, name: str = "dev") -> None:
        (self.root / f"stages/{name}.yaml").write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str) -> None:
        file = self.root / "stages/dev.yaml"
        text = file.read_text(encoding="utf-8")
        assert before in text
        self.write(text.replace(before, after))

    @property
    def environ(self) -> dict[str, str]:
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**environ, "NAME": "you"}

    def start(self, *arguments: str) -> forked.Started:
        return forked.Started(arguments, self.root, self.environ, TOY)

    def run(self, *arguments: str, code: int = 0) -> str:
        """What a command prints; all of it where it ends otherwise than it should."""
        done = forked.run(arguments, cwd=self.root, env=self.environ, platforms=TOY)
        out, err = done.stdout, done.stderr
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{out}\n{err}"
        return out + err if code else out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--output", "json"))

    def actions(self, *arguments: str) -> dict[str, str]:
        document = self.json("plan", "dev", *arguments)
        return {item["key"]: item["action"] for item in document["changes"]}

    def things(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Id -> what is kept of it."""
        return {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((self.root / "things" / kind).glob("*.json"))
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def applied(project: Project) -> Project:
    project.run("apply", "dev", "--yes")
    return project


def test_a_stage_is_checked_planned_and_applied_once(project: Project) -> None:
    assert "valid" in project.run("validate", "dev")
    assert project.actions() == {
        "job/train": "run",
        "release/model": "create",
        "release/web": "create",
        "service/model": "create",
        "service/web": "create",
    }
    assert not (project.root / "things").exists(), "a plan changes nothing"
    project.run("apply", "dev", "--yes")
    assert set(project.actions().values()) == {"no_op"}
    (model,) = (one for one in project.things("release").values() if one["spec"]["name"] == "model")
    assert model["spec"]["serves"].startswith("file:///")


def test_everything_is_marked_when_it_is_made(applied: Project) -> None:
    for kind, name in (("job", "train"), ("release", "web"), ("service", "web")):
        tags = [thing["tags"] for thing in applied.things(kind).values()]
        marked = [tag for tag in tags if tag["cicd.key"] == f"{kind}/{name}"]
        assert marked and marked[0]["cicd.stage"] == "dev" and len(marked[0]["cicd.commit"]) == 40


def test_a_wrong_key_of_the_platform_is_found_with_its_place(project: Project) -> None:
    project.edit("script: train.txt", "script: trian.txt")
    says = 'job/train takes in "trian.txt", which is not there (did you mean "train.txt"?)'
    assert f"stages/dev.yaml:9:13: {says}" in project.run("validate", "dev", code=3)
    project.edit("services:", "servces:")
    assert 'unknown key "servces" (did you mean "services"?)' in project.run(
        "validate", "dev", code=3
    )


def test_what_differs_runs_again_or_is_made_anew(applied: Project) -> None:
    assert applied.actions("--var", "rate=2") == {
        "job/train": "run",
        "release/model": "create",
        "release/web": "no_op",
        "service/model": "update",
        "service/web": "no_op",
    }
    plan = applied.run("plan", "dev", "--var", "wish=bye")
    assert "service/web: takes" in plan and "the same URL goes on answering" in plan


def test_an_update_keeps_one_release_to_go_back_to_and_prunes_older_ones(applied: Project) -> None:
    applied.edit("prune: none", "prune: stage")
    for wish in ("bye", "ciao", "servus"):
        applied.run("apply", "dev", "--yes", "--var", f"wish={wish}")
    texts = [one["spec"]["serves"] for one in applied.things("release").values()]
    # the one of before was in use until now, one is kept, the oldest is gone
    assert sorted(text for text in texts if text.endswith("you")) == [
        "bye you",
        "ciao you",
        "servus you",
    ]


def test_a_service_is_rolled_back_and_the_next_plan_says_so(applied: Project) -> None:
    applied.run("apply", "dev", "--yes", "--var", "wish=bye")
    old, new = applied.json("rollback", "dev", "web", "--list")[::-1]
    assert (old["running"], new["running"]) == (False, True)
    said = applied.run("rollback", "dev", "web", "--yes", "--var", "wish=bye")
    assert f"service/web runs release {old['id']} now" in said
    assert applied.things("service")["web"]["spec"]["release"] == old["id"]
    plan = applied.run("plan", "dev", "--var", "wish=bye")
    assert f"undoes the rollback to {old['id'][:8]}" in plan


def test_a_failed_smoke_test_goes_back_by_itself(applied: Project) -> None:
    before = applied.things("service")["web"]["spec"]["release"]
    applied.edit("contains: you", "contains: never said")
    said = applied.run("apply", "dev", "--yes", "--var", "wish=bye", code=1)
    assert "rolled back to release" in said
    assert applied.things("service")["web"]["spec"]["release"] == before


def test_a_smoke_test_sends_any_body_and_needs_no_path(applied: Project) -> None:
    applied.edit("json: {x: 1}", 'body: "1,2", content_type: text/csv')
    applied.edit("contains: you", 'contains: "you 1,2"')
    applied.run("apply", "dev", "--yes")
    applied.edit('contains: "you 1,2"', 'contains: "[1, 2]"')
    assert "smoke test invoke got 200" in applied.run("apply", "dev", "--yes", code=1)


def test_a_service_of_another_size_is_deleted_first_as_its_name_is_taken(applied: Project) -> None:
    made = applied.things("service")["web"]["at"]
    applied.edit("key: web", "key: web\n    size: 2")
    plan = applied.run("plan", "dev")
    assert "is deleted and made anew under its name" in plan and "no answer" in plan
    shown = applied.run("plan", "dev", "-o", "markdown")
    assert "1 service replaced (same URL, without an answer meanwhile)" in shown
    applied.run("apply", "dev", "--yes")
    web = applied.things("service")["web"]
    assert web["at"] > made and web["spec"]["size"] == 2


def test_logs_are_followed_to_the_end_of_a_run(project: Project) -> None:
    project.edit("SECONDS: 0", "SECONDS: 2")
    apply = project.start("apply", "dev", "--yes")
    while not project.things("job"):
        time.sleep(0.05)
    assert project.run("logs", "dev", "train", "--follow").splitlines()[-3:] == [
        "rate 1",
        "metric accuracy 0.75",
        "done",
    ]
    assert apply.communicate(timeout=60) and apply.returncode == 0
    assert project.run("logs", "dev", "train").splitlines() == [
        "rate 1",
        "metric accuracy 0.75",
        "done",
    ]


def test_a_run_is_stopped_and_a_service_is_not(project: Project) -> None:
    project.edit("SECONDS: 0", "SECONDS: 3600")
    project.run("apply", "dev", "--yes", "--no-wait")
    refused = project.run("stop", "dev", "web", "--yes", code=64)
    assert "service/web cannot be stopped, only deleted" in refused
    project.run("stop", "dev", "train", "--yes")
    (job,) = project.json("status", "dev")[:1]
    assert (job["key"], job["status"]) == ("job/train", "stopped")
    assert project.actions()["job/train"] == "run"


def test_status_metrics_lists_and_comparisons_speak_the_words_of_the_platform(
    applied: Project,
) -> None:
    rows = {row["key"]: row for row in applied.json("status", "dev")}
    assert list(rows) == ["job/train", "service/web", "service/model"]
    assert rows["service/web"]["release"].startswith("web-")
    assert not {"configuration", "executable"} & rows["job/train"].keys()
    assert applied.json("metrics", "dev", "train")["metrics"]
    assert {one["key"] for one in applied.json("list", "services", "dev")["services"]} == {
        "service/web",
        "service/model",
    }
    releases = applied.json("list", "releases", "dev")["releases"]
    assert sorted(one["key"] for one in releases) == ["release/model", "release/web"]
    applied.run("apply", "dev", "--yes", "--var", "rate=2")
    (now, before) = applied.json("compare", "dev", "train")["runs"]
    assert now["parameters"] != before["parameters"]
    assert now["metrics"] == {"accuracy": 0.75}
    assert "it has: job" in applied.run("list", "executions", "dev", code=64).lower()


def test_what_no_stage_names_is_told_as_unmanaged(applied: Project) -> None:
    folder = applied.root / "things/service"
    document = json.loads((folder / "web.json").read_text(encoding="utf-8"))
    document["spec"]["name"], document["tags"] = "other", {}
    (folder / "other.json").write_text(json.dumps(document), encoding="utf-8")
    rows = applied.json("list", "services", "dev", "--unmanaged")["services"]
    assert [row["id"] for row in rows] == ["other"]
    assert "1 running service that no stage names" in applied.run("plan", "dev")


def test_pruning_takes_what_this_stage_made_and_names_no_more(applied: Project) -> None:
    applied.write(STAGE[: STAGE.index("services:")].replace("prune: none", "prune: stage"))
    assert applied.actions()["service/web"] == "delete"
    applied.run("apply", "dev", "--yes")
    assert applied.things("service") == {}


def test_an_emptied_stage_file_is_refused(applied: Project) -> None:
    applied.write(STAGE[: STAGE.index("jobs:")].replace("prune: none", "prune: everything"))
    refused = applied.run("apply", "dev", "--yes", code=5)
    assert "declares no jobs or services, and prune: everything would delete" in refused


def test_destroying_takes_all_down_services_first(applied: Project) -> None:
    said = applied.run("destroy", "dev", "--yes", "--stage-name", "dev")
    order = [said.index(f"- {kind}/") for kind in ("service", "release", "job")]
    assert order == sorted(order)
    assert not any(applied.things(kind) for kind in ("job", "release", "service"))


def test_a_run_whose_create_was_lost_is_found_by_its_token(project: Project) -> None:
    """The first apply is killed right after the job was made, before anybody heard of it."""
    project.edit("SECONDS: 0", "SECONDS: 30")
    process = project.start("apply", "dev", "--yes")
    while not project.things("job"):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    (first,) = project.things("job")
    job = project.root / f"things/job/{first}.json"
    kept = job.read_text(encoding="utf-8")
    job.rename(job.with_suffix(".unseen"))  # lists lag: the next plan does not see it
    document = project.json("plan", "dev")
    assert document["changes"][0]["action"] == "run"
    process = project.start("apply", "dev", "--yes")
    while not project.things("job"):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert [*project.things("job")] == [first], "the second try goes by the same token"
    assert json.loads(kept)["spec"] == project.things("job")[first]["spec"]


def test_a_run_that_is_wanted_at_every_apply_is_another_one_each_time(applied: Project) -> None:
    applied.edit("require:", "rerun: always\n    require:")
    for count in (2, 3):
        applied.run("apply", "dev", "--yes", "--select", "job/*")
        assert len(applied.things("job")) == count


def test_what_is_live_becomes_a_stage_file_whose_plan_is_empty(project: Project) -> None:
    project.edit('"${var.wish} ${env.NAME}"', "hello you")
    project.run("apply", "dev", "--yes")
    place = "box=things"
    said = project.run("import", "other", "--platform", "toy", "--target", place)
    assert "wrote stages/other.yaml: 1 job, 2 services" in said
    written = (project.root / "stages/other.yaml").read_text(encoding="utf-8")
    assert "platform: toy" in written and "hello you" in written
    document = project.json("plan", "other")
    assert {change["action"] for change in document["changes"]} == {"no_op"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (
            ("--platform", "toy", "--target", "box=/not/there"),
            1,
            "there is no folder /not/there",
        ),
        (("--platform", "toy", "--target", "box"), 64, "NAME=VALUE"),
        (("--platform", "nothing", "--target", "folder=x"), 64, 'there is no platform "nothing"'),
        ((), 64, "nothing says what to import"),
    ],
)
def test_an_import_from_nowhere_says_what_is_wrong(
    project: Project, arguments: tuple[str, ...], code: int, told: str
) -> None:
    assert told in project.run("import", "other", *arguments, code=code)
    assert not (project.root / "stages/other.yaml").exists()


def test_what_promoting_carries_is_what_the_dialect_says(applied: Project) -> None:
    applied.write(STAGE.replace("wish: hello", "wish: servus"), "prd")
    applied.edit('"${var.wish} ${env.NAME}"', '"good day ${env.NAME}"')
    assert "1 change" in applied.run("promote", "dev", "prd", "--yes")
    assert "good day" in (applied.root / "stages/prd.yaml").read_text(encoding="utf-8")
