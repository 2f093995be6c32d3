"""``cicd comment`` as a workflow step runs it: real processes, real files, a GitHub on loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cicd.render.sections import parse
from tests import forked
from tests.acceptance.conftest import REPOSITORY, Project, make_project, small  # noqa: F401
from tests.forges.github_server import NOT_ACCESSIBLE, TOKEN, GitHub, Reply
from tests.forges.plan_documents import big, change, plan, typical
from tests.forges.test_github_outputs import event_file, pull_request, read_outputs


@dataclass
class Step:
    """One step of a workflow: its folder, its environment, what it left behind."""

    root: Path
    environ: dict[str, str]

    def comment(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        environ = {**self.environ, **env}
        result = forked.run(["comment", *arguments], cwd=self.root, env=environ)
        files = [path.read_text(encoding="utf-8") for path in self.files() if path.exists()]
        assert TOKEN not in "".join([result.stdout, result.stderr, *files])
        assert "Traceback" not in result.stderr
        assert "this is a bug" not in result.stderr
        return result

    def files(self) -> Iterable[Path]:
        return (self.root.parent / name for name in ("summary.md", "output.txt"))

    @property
    def summary(self) -> str:
        return (self.root.parent / "summary.md").read_text(encoding="utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        return read_outputs((self.root.parent / "output.txt").read_text(encoding="utf-8"))

    def save(self, name: str, document: object) -> str:
        (self.root / name).write_text(json.dumps(document), encoding="utf-8")
        return name


def step_in(project: Project, github: GitHub, event: object) -> Step:
    files = project.root.parent
    return Step(
        project.root,
        {
            **project.environ,
            **event_file(files, event),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"{github.url}/api/v3",
            "GITHUB_OUTPUT": str(files / "output.txt"),
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": github.url,
            "GITHUB_STEP_SUMMARY": str(files / "summary.md"),
            "GITHUB_TOKEN": TOKEN,
        },
    )


@pytest.fixture
def step(tmp_path: Path, github: GitHub) -> Step:
    """A step on pull request 7 of this repository."""
    (tmp_path / "project").mkdir()
    project = make_project(tmp_path / "project")
    project.write("stages/dev.yaml", "platform: aicore\n")
    return step_in(project, github, pull_request(7, "org/repo"))


def test_a_saved_plan_reaches_comment_summary_outputs_and_files(step: Step, github: GitHub) -> None:
    result = step.comment(step.save("plan.json", typical()))
    assert result.returncode == 0, result.stderr
    assert f"pull request 7: {github.url}/org/repo/pull/7#issuecomment-1000" in result.stdout
    assert "::warning file=stages/dev.yaml,line=1,col=1::model gpt-4 is retired" in result.stdout
    assert list(parse(github.bodies()[0])) == ["dev"]
    assert "Deletes 1" in step.summary
    assert step.outputs["has_changes"] == "true"
    assert step.outputs["plan_path"] == "plan.json"
    assert step.outputs["fingerprint"] == "f" * 64


def test_two_stages_in_two_runs_and_a_second_push(step: Step, github: GitHub) -> None:
    step.comment(step.save("dev.json", typical("dev")))
    step.comment(step.save("tst.json", typical("tst")), GITHUB_RUN_ID="43")
    step.comment(step.save("dev.json", plan("dev")), GITHUB_RUN_ID="44")
    assert len(github.bodies()) == 1
    found = parse(github.bodies()[0])
    assert list(found) == ["dev", "tst"]
    assert str(found["dev"].facts["run"]).endswith("/runs/44")
    assert found["dev"].facts["summary"] == {}


def test_five_thousand_changes(step: Step, github: GitHub) -> None:
    result = step.comment(step.save("plan.json", big()))
    assert result.returncode == 0, result.stderr
    assert f"[summary of the run]({github.url}/org/repo/actions/runs/42)" in github.bodies()[0]
    assert step.summary.count("artifact/data") == 5000
    assert "left out" not in step.summary


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (Reply(403, NOT_ACCESSIBLE), "give the job the permission 'pull-requests: write'"),
        (Reply(404, {"message": "Not Found"}), "give the job the permission"),
        (Reply(401, {"message": "Bad credentials"}), "renew the token"),
    ],
)
def test_a_missing_permission_is_a_warning(
    step: Step, github: GitHub, reply: Reply, advice: str
) -> None:
    github.fail("POST /repos/.*", reply)
    result = step.comment(step.save("plan.json", typical()))
    assert result.returncode == 0
    assert advice in result.stderr
    assert result.stderr.startswith("warning: nothing written to GitHub: GitHub answers")
    assert len(result.stderr.splitlines()) == 1
    assert "::warning file=.github" in result.stdout
    assert "Deletes 1" in step.summary
    assert step.outputs["delete"] == "1"


@pytest.mark.parametrize("token", [TOKEN, ""])
def test_a_forks_pull_request_is_a_warning(step: Step, github: GitHub, token: str) -> None:
    fork = event_file(step.root.parent, pull_request(7, "mallory/repo"))
    github.fail("POST /repos/.*", Reply(403, NOT_ACCESSIBLE))
    result = step.comment(step.save("plan.json", typical()), **fork, GITHUB_TOKEN=token)
    assert result.returncode == 0
    assert "a fork's pull request" in result.stderr
    assert "pull-requests: write" in result.stderr
    assert "Deletes 1" in step.summary


def test_not_on_a_pull_request(step: Step, github: GitHub) -> None:
    push = event_file(step.root.parent, {"ref": "refs/heads/main"})
    result = step.comment(step.save("plan.json", typical()), **push, GITHUB_TOKEN="")
    assert result.returncode == 0
    assert "not on a pull request" in result.stdout
    assert step.outputs["create"] == "1"
    assert "Deletes 1" in step.summary
    assert not github.requests


def test_by_hand(step: Step, github: GitHub) -> None:
    for name in [name for name in step.environ if name.startswith("GITHUB_")]:
        if name != "GITHUB_API_URL":
            del step.environ[name]
    saved = step.save("plan.json", typical())
    target = ["--repository", "org/repo", "--pull-request", "7"]
    without = step.comment(saved, *target)
    assert without.returncode == 64
    assert without.stderr == "error: no token for GitHub (set GITHUB_TOKEN or GH_TOKEN)\n"
    assert step.comment(saved, *target[2:], GH_TOKEN=TOKEN).returncode == 64
    done = step.comment(saved, *target, GH_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert "::" not in done.stdout
    assert len(github.bodies()) == 1


def test_the_server_is_down_and_the_summary_is_written(step: Step, github: GitHub) -> None:
    github.fail("GET /user", *[Reply(400, {"message": "no"})])
    result = step.comment(step.save("plan.json", typical()))
    assert result.returncode == 1
    assert result.stderr.startswith("error: GitHub answers 400 to GET /api/v3/user: no")
    assert "Deletes 1" in step.summary


def test_a_limit_is_waited_out(step: Step, github: GitHub) -> None:
    github.fail("POST /repos/.*", Reply(429, {"message": "slow down"}, {"Retry-After": "0"}))
    github.fail("GET /repos/.*", Reply(502), Reply(drop=True))
    assert step.comment(step.save("plan.json", typical())).returncode == 0
    assert len(github.bodies()) == 1


def test_the_drift_issue(step: Step, github: GitHub) -> None:
    saved = step.save("plan.json", typical())
    opened = step.comment(saved, "--drift-issue")
    assert opened.stdout.endswith(f"stage dev: {github.url}/org/repo/issues/20\n")
    clean = plan("dev", change("artifact/houses", "no_op"))
    assert step.comment(step.save("plan.json", clean), "--drift-issue").returncode == 0
    assert github.issues[0]["state"] == "closed"
    assert not github.bodies()
    github.fail("POST /repos/.*", Reply(403, NOT_ACCESSIBLE))
    step.save("plan.json", typical())
    denied = step.comment(saved, "--drift-issue")
    assert denied.returncode == 0
    assert "permission 'issues: write'" in denied.stderr


@pytest.mark.parametrize(
    ("text", "code"), [("nonsense", 3), ("[]", 3), ('{"schema_version": 1}', 3), (None, 64)]
)
def test_no_plan(step: Step, github: GitHub, text: str | None, code: int) -> None:
    if text is not None:
        (step.root / "plan.json").write_text(text, encoding="utf-8")
    result = step.comment("plan.json")
    assert result.returncode == code
    assert "plan.json" in result.stderr
    assert not github.requests


def test_files_and_stages_do_not_go_together(step: Step) -> None:
    assert step.comment("plan.json", "--stage", "dev").returncode == 64


def test_a_stage_is_planned_and_changes_nothing(
    small: Project,  # noqa: F811
    github: GitHub,
) -> None:
    step = step_in(small, github, pull_request(7, "org/repo"))
    result = step.comment("--stage", "dev", "--local", GITHUB_BASE_REF="main")
    assert result.returncode == 0, result.stderr
    found = parse(github.bodies()[0])["dev"]
    assert "deployment/serve" in found.text
    assert step.outputs["run"] == "1"
    assert step.outputs["plan_path"] == ""
    again = step.comment("--local", GITHUB_BASE_REF="main")  # the stage of the branch
    assert again.returncode == 0, again.stderr
    assert len(github.bodies()) == 1
    assert len(github.sent("PATCH .*")) == 0
