"""The action as GitHub runs it: installed, against the emulator, with a server that acts GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Project
from tests.actions.action_runner import Runner
from tests.actions.conftest import Installed
from tests.forges.github_server import NOT_ACCESSIBLE, TOKEN, GitHub, Reply, running

LOCAL = {"local": "true", "github-token": TOKEN}


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running() as server:
        yield server


def run(installed: Installed, runner: Runner, **inputs: str) -> dict[str, str]:
    """Run the action in a job; its outputs."""
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    runner.run(installed.action, {**LOCAL, **given}, skip=("install",))
    assert TOKEN not in "".join(done.output for done in runner.done)
    return runner.outputs(installed.action)


def test_install(installed: Installed) -> None:
    """cicd is on the PATH of the steps that follow, from the folder of the action."""
    assert not installed.runner.failed, installed.runner.done
    uses = [done for done in installed.runner.done if done.inputs]
    assert [done.inputs for done in uses] == [{"python-version": "3.13"}]
    python = Path(installed.runner.steps["install"]["outputs"]["python"])
    assert (python.parent / "cicd").is_file()
    assert installed.runner.environ["PATH"].startswith(f"{python.parent}:")


def test_push_applies_and_then_has_nothing_to_do(
    installed: Installed, small: Project, tmp_path: Path
) -> None:
    push = installed.job(small, tmp_path / "push", "push")
    outputs = run(installed, push, command="apply", artifact_name="report")
    assert outputs["exit_code"] == "0", push.done
    assert not push.failed
    report = json.loads(Path(outputs["results"], "report.json").read_text())
    assert report["result"] == "applied"
    assert "    Done: " in push.summary
    assert push.done[-2].inputs["path"] == outputs["results"]

    again = installed.job(small, tmp_path / "again", "push")
    outputs = run(installed, again, command="plan", stages="dev")
    assert not again.failed, again.done
    assert outputs["exit_code"] == "0"
    assert outputs["has_changes"] == "false"


def test_pull_request_gets_its_comment(
    installed: Installed, small: Project, tmp_path: Path, github: GitHub
) -> None:
    runner = installed.job(
        small, tmp_path / "job", "pull_request", api_url=github.url + github.prefix
    )
    outputs = run(installed, runner, command="plan", variables='word=it\'s $(a) "word"')
    assert not runner.failed, runner.done
    assert outputs["exit_code"] == "2"
    assert outputs["has_changes"] == "true"
    assert outputs["run"] == "1"
    plan = json.loads(Path(outputs["plan_path"]).read_text())
    assert outputs["fingerprint"] == plan["fingerprint"]
    assert outputs["create"] == str(plan["summary"]["create"])
    assert "<html" in Path(outputs["results"], "plan.html").read_text().lower()
    [body] = github.bodies()
    assert "dev" in body
    assert "execution/train" in runner.summary


def test_comment_can_be_left_out(
    installed: Installed, small: Project, tmp_path: Path, github: GitHub
) -> None:
    runner = installed.job(
        small, tmp_path / "job", "pull_request", api_url=github.url + github.prefix
    )
    outputs = run(installed, runner, command="plan", comment="false")
    assert not runner.failed, runner.done
    assert outputs["has_changes"] == "true"
    assert runner.summary
    assert github.requests == []


def test_pull_request_of_a_fork_needs_no_secret(
    installed: Installed, small: Project, tmp_path: Path, github: GitHub
) -> None:
    """No login, a token that may only read: planned offline, told in the summary, and green."""
    github.fail(r"(POST|PATCH) .*", *[Reply(403, NOT_ACCESSIBLE)] * 9)
    runner = installed.job(
        small,
        tmp_path / "job",
        "pull_request",
        head="someone/fork",
        api_url=github.url + github.prefix,
    )
    outputs = run(installed, runner, command="plan", local="false")
    assert not runner.failed, runner.done
    assert outputs["has_changes"] == "true"
    assert "::notice title=cicd::this pull request gets no secrets" in runner.text("Run cicd")
    assert "pull-requests: write" in runner.text("Report")
    assert "execution/train" in runner.summary
    assert github.bodies() == []


def test_wrong_stage_file_is_annotated_and_fails(
    installed: Installed, small: Project, tmp_path: Path
) -> None:
    small.edit("stages/dev.yaml", "scenario_id: small", "scenario_idd: small")
    runner = installed.job(small, tmp_path / "job", "pull_request", head="someone/fork")
    outputs = run(installed, runner, command="validate")
    assert runner.failed
    assert outputs["exit_code"] == "3"
    assert "::error file=stages/dev.yaml,line=" in runner.text("Run cicd")


def test_drift_opens_an_issue(
    installed: Installed, small: Project, tmp_path: Path, github: GitHub
) -> None:
    runner = installed.job(small, tmp_path / "job", "schedule", api_url=github.url + github.prefix)
    outputs = run(installed, runner, command="drift", stages="dev", branch="main")
    assert not runner.failed, runner.done
    assert outputs["has_changes"] == "true"
    [issue] = github.issues
    assert "dev" in issue["title"]


def test_saved_plan_is_refused_when_something_moved(
    installed: Installed, small: Project, tmp_path: Path
) -> None:
    planned = run(installed, installed.job(small, tmp_path / "plan", "push"), command="plan")
    small.edit("stages/dev.yaml", "word: hello", "word: other")
    runner = installed.job(small, tmp_path / "apply", "push")
    outputs = run(installed, runner, command="apply", plan=planned["plan_path"])
    assert runner.failed
    assert outputs["exit_code"] == "5"
    assert "no longer fits" in runner.text("Run cicd")
    assert "::error title=cicd apply::refused" in runner.text("Result")
