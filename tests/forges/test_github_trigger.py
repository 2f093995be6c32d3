"""What each event of GitHub asks for: the mode, the branch whose stage is meant, the commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cicd.forges.trigger import Trigger, read_trigger
from tests.acceptance.conftest import Project, make_project

SHA, HEAD = "5" * 40, "a" * 40
QUEUE = f"gh-readonly-queue/main/pr-12-{SHA}"
PULL = {"pull_request": {"head": {"ref": "change", "sha": HEAD}, "base": {"ref": "prd"}}}


def on(name: str, ref: str, **more: str) -> dict[str, str]:
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/")
    return {
        "GITHUB_EVENT_NAME": name,
        "GITHUB_REF": ref,
        "GITHUB_REF_NAME": short,
        "GITHUB_REF_TYPE": kind,
        "GITHUB_SHA": SHA,
        **more,
    }


PULL_REQUEST = on("pull_request", "refs/pull/7/merge", GITHUB_BASE_REF="prd")
TABLE: list[tuple[str, dict[str, str], Any, Trigger]] = [
    ("nothing known", {}, {}, Trigger()),
    ("push", on("push", "refs/heads/main"), {}, Trigger("apply", "main")),
    ("push of a branch with slashes", on("push", "refs/heads/a/b"), {}, Trigger("apply", "a/b")),
    ("push of a tag", on("push", "refs/tags/main"), {}, Trigger("apply", tag="main")),
    ("release", on("release", "refs/tags/v1.0"), {}, Trigger("apply", tag="v1.0")),
    ("schedule", on("schedule", "refs/heads/main"), {}, Trigger("apply", "main")),
    ("dispatch", on("workflow_dispatch", "refs/heads/tst"), {}, Trigger("apply", "tst")),
    ("dispatch on a tag", on("workflow_dispatch", "refs/tags/x"), {}, Trigger("apply", tag="x")),
    ("dispatch from outside", on("repository_dispatch", "refs/heads/main"), {},
     Trigger("apply", "main")),
    ("call from a push", on("push", "refs/heads/main", GITHUB_JOB="called"), {},
     Trigger("apply", "main")),
    ("re-run", on("push", "refs/heads/main", GITHUB_RUN_ATTEMPT="3"), {}, Trigger("apply", "main")),
    ("talk on a pull request", on("issue_comment", "refs/heads/main"),
     {"issue": {"number": 7, "pull_request": {}}}, Trigger("apply", "main")),
    ("pull request", PULL_REQUEST, PULL, Trigger("plan", "prd", HEAD)),
    ("pull request without its event", PULL_REQUEST, {}, Trigger("plan", "prd")),
    ("call from a pull request", {**PULL_REQUEST, "GITHUB_JOB": "called"}, PULL,
     Trigger("plan", "prd", HEAD)),
    ("review", on("pull_request_review", "refs/pull/7/merge"), PULL, Trigger("plan", "prd", HEAD)),
    ("review without its event", on("pull_request_review", "refs/pull/7/merge"), {},
     Trigger("plan")),
    ("target", on("pull_request_target", "refs/heads/main", GITHUB_BASE_REF="main"), PULL,
     Trigger("refuse")),
    ("queue", on("merge_group", f"refs/heads/{QUEUE}"),
     {"merge_group": {"base_ref": "refs/heads/main"}}, Trigger("plan", "main")),
    ("queue without its event", on("merge_group", f"refs/heads/{QUEUE}"), [],
     Trigger("plan", "main")),
    ("queue of a branch with slashes",
     on("merge_group", f"refs/heads/gh-readonly-queue/release/1.0/pr-3-{SHA}"), {},
     Trigger("plan", "release/1.0")),
    ("push of a queue's branch", on("push", f"refs/heads/{QUEUE}"), {}, Trigger("plan", "main")),
    ("a branch that looks like a queue's", on("push", "refs/heads/gh-readonly-queue/main"), {},
     Trigger("apply", "gh-readonly-queue/main")),
    ("after the run of a pull request", on("workflow_run", "refs/heads/main"),
     {"workflow_run": {"event": "pull_request", "head_branch": "main"}}, Trigger("refuse")),
    ("after that of a target", on("workflow_run", "refs/heads/main"),
     {"workflow_run": {"event": "pull_request_target"}}, Trigger("refuse")),
    ("after another run", on("workflow_run", "refs/heads/main"),
     {"workflow_run": {"event": "push", "head_branch": "prd", "head_sha": HEAD}},
     Trigger("apply", "main")),
    ("after a run that does not say of what", on("workflow_run", "refs/heads/main"),
     {"workflow_run": None}, Trigger("apply", "main")),
    ("an event of another shape", PULL_REQUEST, {"pull_request": {"head": "x"}},
     Trigger("plan", "prd")),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "event", "wanted"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_an_event_says_what_it_asks_for(
    environ: dict[str, str], event: Any, wanted: Trigger
) -> None:
    assert read_trigger(environ, event if isinstance(event, dict) else {}) == wanted


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A stage of ``main``, and one of a tag's name that no branch has; HEAD is detached."""
    (tmp_path / "project").mkdir()
    project = make_project(tmp_path / "project")
    for stage, branch in (("dev", "main"), ("prd", "prd")):
        project.write(
            f"stages/{stage}.yaml",
            f"""\
            branch: {branch}
            aicore: {{resource_group: {stage}-group}}
            artifacts: [{{key: d, name: d, kind: dataset, url: "ai://x/x", scenario_id: s123}}]
            """,
        )
    return project


def run(
    project: Project, environ: dict[str, str], event: object, *arguments: str
) -> tuple[int, str, str]:
    file = project.root.parent / "event.json"
    file.write_text(json.dumps(event), encoding="utf-8")
    env = {"GITHUB_ACTIONS": "true", **environ, "GITHUB_EVENT_PATH": str(file)}
    done = project.cicd(*arguments, env=env)
    return done.returncode, done.stdout, done.stderr


def planned(project: Project, environ: dict[str, str], event: object) -> dict[str, Any]:
    code, out, err = run(project, environ, event, "plan", "--offline", "--output", "json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_merge_queue_plans_the_stage_that_it_leads_to(project: Project) -> None:
    event = {"merge_group": {"base_ref": "refs/heads/main", "head_sha": SHA}}
    found = planned(project, on("merge_group", f"refs/heads/{QUEUE}"), event)
    assert found["stage"] == "dev"
    code, _, err = run(
        project, on("merge_group", f"refs/heads/{QUEUE}"), event, "apply", "--auto-approve"
    )
    assert (code, "has not been merged" in err) == (5, True), err


def test_a_pull_request_is_named_by_the_commit_that_its_author_knows(project: Project) -> None:
    """GitHub checks out a merge that it made up; whoever checks out something else means that."""
    merge = commit(project)
    assert planned(project, {**PULL_REQUEST, "GITHUB_SHA": merge}, PULL)["commit"] == HEAD
    assert planned(project, PULL_REQUEST, PULL)["commit"] == merge
    assert planned(project, {**PULL_REQUEST, "GITHUB_SHA": merge}, {})["commit"] == merge


def test_a_shallow_detached_checkout_knows_its_commit_and_its_branch(project: Project) -> None:
    commit(project)
    last = commit(project)
    clone = Project(project.root.parent / "clone", project.environ)
    url = project.root.as_uri()
    git(project.root.parent, "clone", "-q", "--depth", "1", url, str(clone.root))
    git(clone.root, "checkout", "-q", "--detach")
    found = planned(clone, on("push", "refs/heads/main"), {})
    assert (found["stage"], found["commit"]) == ("dev", last)
    code, _, err = run(clone, {}, {}, "plan", "--offline")
    assert (code, "no branch is checked out" in err) == (64, True), err


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, text=True, capture_output=True
    )
    return done.stdout.strip()


def commit(project: Project) -> str:
    git(project.root, "add", "stages")
    git(project.root, "commit", "-q", "--allow-empty", "-m", "change")
    return git(project.root, "rev-parse", "HEAD")


def test_pull_request_target_is_refused_before_anything_is_read(project: Project) -> None:
    environ = on("pull_request_target", "refs/heads/main", GITHUB_BASE_REF="main")
    for command in (
        ["plan", "--offline"],
        ["plan", "dev"],
        ["apply", "dev", "--auto-approve"],
        ["validate"],
    ):
        code, _, err = run(project, environ, PULL, *command)
        assert code == 5, command
        assert "secrets" in err
        assert "on: pull_request" in err


def test_a_tag_belongs_to_no_branch(project: Project) -> None:
    environ = on("push", "refs/tags/main")
    code, _, err = run(project, environ, {}, "plan", "--offline")
    assert code == 64
    assert 'the tag "main" belongs to no branch' in err
    assert "name a stage: dev, prd" in err
    assert run(project, environ, {}, "plan", "prd", "--offline")[0] == 0


RUN_OF_PRD = {"event": "push", "head_branch": "prd"}


def test_after_another_run_the_commit_that_is_checked_out_tells_the_branch(
    project: Project,
) -> None:
    """The run itself is on the default branch; who deploys after it checks out its commit."""
    first = commit(project)
    second = commit(project)
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=project.root, check=True)
    for head, told, stage in (
        (second, first, "prd"),
        (first, second, "dev"),  # the default: the newest of the default branch
        (second, second, "dev"),  # a branch that was made right there
    ):
        event = {"workflow_run": {**RUN_OF_PRD, "head_sha": head}}
        found = planned(project, on("workflow_run", "refs/heads/main", GITHUB_SHA=told), event)
        assert found["stage"] == stage


@pytest.mark.parametrize("command", [["plan", "--offline"], ["apply", "--auto-approve"]])
def test_files_of_a_pull_request_are_not_read_with_secrets(
    project: Project, command: list[str]
) -> None:
    event = {"workflow_run": {"event": "pull_request", "head_sha": commit(project)}}
    code, _, err = run(project, on("workflow_run", "refs/heads/main"), event, *command)
    assert code == 5, err
    assert err.startswith("error: workflow_run runs with this repository's secrets")


def test_another_branch_that_is_checked_out_needs_to_be_meant(project: Project) -> None:
    """The stage of the run's own branch would be made from its files."""
    told = commit(project)
    subprocess.run(["git", "checkout", "-q", "-b", "prd"], cwd=project.root, check=True)
    commit(project)
    for name, ref in (
        ("workflow_dispatch", "refs/heads/main"),
        ("schedule", "refs/heads/main"),
        ("issue_comment", "refs/heads/main"),
    ):
        environ = on(name, ref, GITHUB_SHA=told)
        code, _, err = run(project, environ, {}, "plan", "--offline")
        assert (code, "prd is checked out (name a stage, or set CICD_BRANCH=prd" in err) == (
            64,
            True,
        )
        for chosen in ("prd", "refs/heads/prd"):
            assert planned(project, {**environ, "CICD_BRANCH": chosen}, {})["stage"] == "prd"
        code, _, err = run(project, environ, {}, "plan", "dev", "--offline")
        assert code == 0, err


def test_a_step_may_commit_to_the_branch_or_name_its_commit_otherwise(project: Project) -> None:
    told = commit(project)
    environ = on("push", "refs/heads/main", GITHUB_SHA=told)
    commit(project)
    assert planned(project, environ, {})["stage"] == "dev"
    subprocess.run(["git", "checkout", "-q", "-b", "work", told], cwd=project.root, check=True)
    assert planned(project, environ, {})["stage"] == "dev"


@pytest.mark.parametrize("name", ["x" * 300, f"{'y' * 300}.yaml", f"stages/{'z' * 300}.yml"])
def test_a_name_that_no_file_can_have_is_no_stage(project: Project, name: str) -> None:
    for command in (["plan", name, "--offline"], ["validate", name]):
        code, out, err = run(project, {}, {}, *command)
        assert code == 3, out + err
