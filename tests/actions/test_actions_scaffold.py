"""The workflows that ``cicd init`` writes, run step by step with the real cicd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import REPOSITORY, Project
from tests.actions.action_runner import Runner, load
from tests.actions.conftest import Installed, Recorder
from tests.forges.github_server import NOT_ACCESSIBLE, TOKEN, GitHub, Reply, running

pytestmark = pytest.mark.slow

SCAFFOLD = REPOSITORY / "cicd/scaffold/aicore/.github/workflows"
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
COMPARE = "Compare with the plan that was reviewed"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running() as server:
        yield server


@pytest.fixture
def tenant(small: Project) -> dict[str, str]:
    """What the secrets of the repository would hold: a login, here of the emulator."""
    assert small.cicd("emulator", "start").returncode == 0
    return small.emulator_environment()


def job(
    installed: Installed,
    small: Project,
    temp: Path,
    event_name: str,
    github: GitHub,
    secrets: dict[str, str],
    head: str = "org/repo",
) -> Runner:
    api_url = github.url + github.prefix
    runner = installed.job(small, temp, event_name, head=head, api_url=api_url)
    runner.contexts["github"]["token"] = TOKEN
    runner.contexts["secrets"] = secrets
    return runner


def test_pull_request(
    installed: Installed,
    small: Project,
    tmp_path: Path,
    github: GitHub,
    tenant: dict[str, str],
) -> None:
    runner = job(installed, small, tmp_path / "job", "pull_request", github, tenant)
    assert runner.run_job(SCAFFOLD / "plan.yml", "plan"), runner.done
    [body] = github.bodies()
    assert "dev" in body
    assert "<html" in (small.root / "plan.html").read_text().lower()
    assert runner.done[-1].inputs["name"] == "cicd-plan"


def test_pull_request_of_a_fork(
    installed: Installed, small: Project, tmp_path: Path, github: GitHub
) -> None:
    github.fail(r"(POST|PATCH) .*", *[Reply(403, NOT_ACCESSIBLE)] * 9)
    runner = job(installed, small, tmp_path / "job", "pull_request", github, {}, "someone/fork")
    assert runner.run_job(SCAFFOLD / "plan.yml", "plan"), runner.done
    assert "gets no secrets" in runner.text("Plan")
    assert "execution/train" in runner.summary


def test_missing_secrets_are_named(
    installed: Installed, small: Project, tmp_path: Path, github: GitHub
) -> None:
    runner = job(installed, small, tmp_path / "job", "pull_request", github, {})
    assert not runner.run_job(SCAFFOLD / "plan.yml", "plan")
    assert "AICORE_CLIENT_SECRET" in runner.text("Plan")
    [body] = github.bodies()
    assert "dev plan failed" in body
    assert "AICORE" in body


def test_push_plans_before_it_applies(
    installed: Installed,
    small: Project,
    tmp_path: Path,
    github: GitHub,
    tenant: dict[str, str],
) -> None:
    runner = job(installed, small, tmp_path / "job", "push", github, tenant)
    assert runner.run_job(SCAFFOLD / "deploy.yml", "plan"), runner.done
    assert runner.steps["summary"]["outputs"]["has_changes"] == "true"
    assert runner.steps.get("image") is None
    assert github.requests == []


def test_push_applies_the_plan_that_was_shown(recorder: Recorder) -> None:
    runner = recorder.job()
    image = "image=registry.example/houses@sha256:0123"
    runner.contexts["needs"] = {"plan": {"outputs": {"variables": image}}}
    assert runner.run_job(SCAFFOLD / "deploy.yml", "apply"), runner.done
    assert recorder.calls == [
        ["apply", "--plan", "reviewed/plan.json", "--summary", "report.json", "--var", image]
    ]


def test_failed_apply_fails_the_job_and_keeps_its_report(recorder: Recorder) -> None:
    runner = recorder.job({"apply": 5})
    assert not runner.run_job(SCAFFOLD / "deploy.yml", "apply")
    assert runner.done[-1].inputs["name"] == "cicd-report"


def test_drift(
    installed: Installed,
    small: Project,
    tmp_path: Path,
    github: GitHub,
    tenant: dict[str, str],
) -> None:
    runner = job(installed, small, tmp_path / "job", "schedule", github, tenant)
    runner.contexts["matrix"] = {"stage": "dev", "branch": "main"}
    assert runner.run_job(SCAFFOLD / "drift.yml", "drift"), runner.done
    [issue] = github.issues
    assert "dev" in issue["title"]


GH = """\
#!{python}
import json, pathlib, sys
answers = json.loads(pathlib.Path({answers!r}).read_text())
if sys.argv[1] == "api":
    print(answers["head"])
elif sys.argv[2] == "list":
    print(answers["run"])
elif answers["plan"] is None:
    sys.exit(1)
else:
    folder = pathlib.Path(sys.argv[sys.argv.index("--dir") + 1])
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(answers["plan"]))
"""


def put_gh(folder: Path, head: str = "abc", run: str = "12", plan: Any = None) -> None:
    """A ``gh`` that knows one merged pull request, its run, and the plan that the run saved."""
    file = folder / "answers.json"
    file.write_text(json.dumps({"head": head, "run": run, "plan": plan}))
    gh = folder / "gh"
    gh.write_text(GH.format(python=sys.executable, answers=str(file)))
    gh.chmod(0o755)


def document(**more: Any) -> dict[str, Any]:
    fields = [{"path": "commit", "before": "a", "after": more.get("commit", "b"), "reason": ""}]
    fields += more.pop("fields", [])
    change = {"key": "application/small", "action": "update", "fields": fields}
    base = {"stage": "dev", "commit": "b", "created_at": "now", "fingerprint": "f"}
    return {**base, "changes": [{**change, "reason": f"at {more.get('commit')}"}], **more}


MOVED = document(fields=[{"path": "path", "before": "x", "after": "y", "reason": ""}])


@needs_jq
@pytest.mark.parametrize("folder", [SCAFFOLD, REPOSITORY / ".github/workflows"])
@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ({"plan": document(commit="c", created_at="before", fingerprint="g")}, 0, ""),
        ({"plan": MOVED}, 5, "no longer fits"),
        ({"head": ""}, 5, "without a pull request"),
        ({"run": ""}, 5, "no plan succeeded for abc"),
        ({}, 5, "the plan of abc is gone"),
    ],
)
def test_reviewed_plan(
    recorder: Recorder, folder: Path, answers: dict[str, Any], code: int, words: str
) -> None:
    """Merging makes a new commit; anything else that differs from the reviewed plan is refused."""
    runner = recorder.job()
    put_gh(recorder.folder / "bin", **answers)
    (runner.workspace / "plan.json").write_text(json.dumps(document()))
    runner.environ["GITHUB_SHA"] = "def"
    runner.contexts["vars"] = {"CICD_REQUIRE_REVIEWED_PLAN": "true"}
    runner.contexts["steps"] = {"plan": {"outputs": {"plan_path": "plan.json"}}}
    steps = load(folder / "deploy.yml")["jobs"]["plan"]["steps"]
    runner.run_steps([step for step in steps if step.get("name") == COMPARE])
    [done] = runner.done
    assert done.code == code, done
    assert words in done.output


@needs_jq
def test_reviewed_plan_of_a_merged_pull_request(
    installed: Installed,
    small: Project,
    tmp_path: Path,
    github: GitHub,
    tenant: dict[str, str],
) -> None:
    """A merge commit with the same files fits; a stage file that changed since does not."""
    commit(small, "change")
    reviewing = job(installed, small, tmp_path / "plan", "pull_request", github, tenant)
    assert reviewing.run_job(SCAFFOLD / "plan.yml", "plan"), reviewing.done
    (tmp_path / "tools").mkdir()
    put_gh(tmp_path / "tools", plan=json.loads((small.root / "plan.json").read_text()))
    for name, is_good in (("merge", True), ("other", False)):
        if not is_good:
            small.edit("stages/dev.yaml", "min: 3", "min: 2")
        commit(small, name)
        runner = job(installed, small, tmp_path / name, "push", github, tenant)
        runner.environ["PATH"] = f"{tmp_path / 'tools'}{os.pathsep}{runner.environ['PATH']}"
        runner.environ["GITHUB_SHA"] = "def"
        runner.contexts["vars"] = {"CICD_REQUIRE_REVIEWED_PLAN": "true"}
        assert runner.run_job(SCAFFOLD / "deploy.yml", "plan") is is_good, runner.done
        assert runner.done[-1].name == COMPARE
        shutil.rmtree(small.root / "reviewed")


def commit(project: Project, message: str) -> None:
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
    for words in (("add", "stages", "templates", "src"), ("commit", "-qm", message)):
        more = ["--allow-empty"] if words[0] == "commit" else []
        subprocess.run(["git", *who, *words, *more], cwd=project.root, check=True)


DOCKER = """\
#!{python}
import json, sys
with open({log!r}, "a") as file:
    stdin = sys.stdin.read() if "--password-stdin" in sys.argv else ""
    file.write(json.dumps([*sys.argv[1:], stdin]) + "\\n")
if sys.argv[1] == "inspect":
    print("registry.example/houses@sha256:0123")
"""


@pytest.mark.parametrize("folder", [SCAFFOLD, REPOSITORY / ".github/workflows"])
def test_image_is_passed_by_digest(recorder: Recorder, folder: Path) -> None:
    runner = recorder.job()
    log = recorder.folder / "docker.jsonl"
    docker = recorder.folder / "bin" / "docker"
    docker.write_text(DOCKER.format(python=sys.executable, log=str(log)))
    docker.chmod(0o755)
    runner.environ["GITHUB_SHA"] = "def"
    runner.contexts["vars"] = {"CICD_IMAGE": "registry.example/houses"}
    runner.contexts["secrets"] = {"REGISTRY_USERNAME": "me", "REGISTRY_PASSWORD": "canary $x"}
    steps = load(folder / "deploy.yml")["jobs"]["plan"]["steps"]
    assert runner.run_steps([step for step in steps if step.get("id") == "image"]), runner.done
    outputs = runner.steps["image"]["outputs"]
    assert outputs == {"variables": "image=registry.example/houses@sha256:0123"}
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    assert calls[0] == [
        "login", "--username", "me", "--password-stdin", "registry.example", "canary $x",
    ]  # fmt: skip
    assert calls[1][:3] == ["build", "--tag", "registry.example/houses:def"]
    assert "canary" not in runner.done[0].output
