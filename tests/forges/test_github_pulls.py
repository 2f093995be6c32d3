"""``cicd promote --pull-request`` against a GitHub on loopback and a bare repository as origin."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cicd.cli import root
from cicd.errors import Denied
from cicd.forges.addresses import repository_of
from cicd.forges.github import Client
from cicd.forges.pulls import branch_name, check_rights, compose, sync_pull_request
from cicd.render.sections import LIMIT
from tests.forges.github_server import NOT_ACCESSIBLE, TOKEN, GitHub, Reply

TRAIN = """\
  - key: train
    configuration:
      name: T
      scenario_id: scenario
      executable_id: training
      parameter_bindings: {epochs: "%s"}
"""
DEV = "branch: main\naicore: {resource_group: dev-group}\nexecutions:\n" + TRAIN % 20
PRD = "# ours\nbranch: prd\naicore: {resource_group: prd-group}\nexecutions:\n" + TRAIN % 5
ARGUMENTS = ["promote", "dev", "prd", "--pull-request"]


def git(cwd: Path, *arguments: str) -> str:
    login = ("-c", "user.name=Me", "-c", "user.email=me@example.com")
    command = ["git", *login, *arguments]
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with a branch for each of two stages; the working tree has changes of its own."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    folder = tmp_path / "work"
    git(tmp_path, "clone", "-q", "origin.git", "work")
    git(folder, "checkout", "-q", "-b", "main")
    (folder / "stages").mkdir()
    (folder / "stages/dev.yaml").write_text(DEV)
    (folder / "stages/prd.yaml").write_text(PRD)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "start")
    git(folder, "push", "-q", "origin", "main", "main:prd")
    (folder / "stages/prd.yaml").write_text("branch: prd\nnot: finished\n")
    (folder / "new.txt").write_text("mine")
    monkeypatch.chdir(folder)
    for name in ("GITHUB_BASE_REF", "GITHUB_REF_NAME", "GH_TOKEN", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", f"{github.url}/api/v3")
    monkeypatch.setenv("GITHUB_REPOSITORY", "org/repo")
    return folder


def branches(project: Path) -> dict[str, str]:
    lines = git(project, "ls-remote", "--heads", "origin").splitlines()
    pairs = [line.split("\trefs/heads/") for line in lines]
    return {name: commit for commit, name in pairs}


def test_a_pull_request_is_opened_and_then_updated(
    project: Path, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git(project, "status", "--porcelain"), git(project, "branch", "--list")
    assert root.execute(ARGUMENTS) == 0
    printed = capsys.readouterr()
    assert f"pull request: {github.url}/org/repo/pull/40" in printed.out
    [branch] = branches(project).keys() - {"main", "prd"}
    assert branch.startswith("cicd/promote-dev-to-prd-")
    text = git(project.parent / "origin.git", "show", f"{branch}:stages/prd.yaml")
    assert text == (PRD.replace('"5"', '"20"')).strip()
    changed = git(project.parent / "origin.git", "diff", "--stat", "prd", branch)
    assert "1 file changed, 1 insertion(+), 1 deletion(-)" in changed
    [pull] = github.pulls
    assert (pull["title"], pull["base"]["ref"]) == ("Promote dev to prd: 1 change", "prd")
    assert '-      parameter_bindings: {epochs: "5"}' in pull["body"]
    assert (git(project, "status", "--porcelain"), git(project, "branch", "--list")) == before
    assert len(git(project, "worktree", "list").splitlines()) == 1

    there = branches(project)
    assert root.execute(ARGUMENTS) == 0
    assert branches(project) == there, "the same edit is not pushed again"
    assert len(github.pulls) == 1
    assert not github.sent("PATCH .*")

    (project / "stages/dev.yaml").write_text(DEV.replace("20", "30"))
    assert root.execute(ARGUMENTS) == 0
    assert branches(project).keys() == there.keys()
    [pull] = github.pulls
    assert '{epochs: "30"}' in pull["body"]


def test_what_is_missing_is_said_before_anything_is_pushed(
    project: Path,
    github: GitHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = branches(project)
    github.permissions = {"pull": True, "push": False}
    assert root.execute(ARGUMENTS) == 4
    assert "may not push to org/repo" in capsys.readouterr().err
    monkeypatch.setenv("GITHUB_REPOSITORY", "org/other")
    assert root.execute(ARGUMENTS) == 4
    assert "cannot see org/other" in capsys.readouterr().err
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert root.execute(ARGUMENTS) == 64
    assert "set GITHUB_REPOSITORY" in capsys.readouterr().err
    monkeypatch.setenv("GITHUB_REPOSITORY", "org/repo")
    monkeypatch.delenv("GITHUB_TOKEN")
    assert root.execute(ARGUMENTS) == 4
    assert "set GITHUB_TOKEN" in capsys.readouterr().err
    git(project, "remote", "remove", "origin")
    assert root.execute(ARGUMENTS) == 64
    assert "no remote" in capsys.readouterr().err
    git(project, "remote", "add", "origin", "../origin.git")
    assert branches(project) == there
    assert not github.pulls


def test_commits_of_others_on_the_branch_are_kept(
    project: Path, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["stages/dev.yaml", "stages/prd.yaml"]
    git(project, "push", "-q", "origin", f"main:{branch_name('dev', 'prd', files, ())}")
    there = branches(project)
    assert root.execute(ARGUMENTS) == 5
    assert "has a commit that is not ours" in capsys.readouterr().err
    assert branches(project) == there


def test_a_stage_that_its_branch_does_not_have(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "stages/new.yaml").write_text(PRD)
    assert root.execute(["promote", "dev", "new", "--pull-request"]) == 64
    assert 'stages/new.yaml is not on the branch "prd" of origin' in capsys.readouterr().err
    (project / "stages/new.yaml").write_text(PRD.replace("prd", "none"))
    assert root.execute(["promote", "dev", "new", "--pull-request"]) == 64
    assert 'origin has no branch "none"' in capsys.readouterr().err


def test_a_lost_answer_makes_no_second_pull_request(client: Client, github: GitHub) -> None:
    github.fail("POST .*/pulls", Reply(drop=True, done=True))
    text = {"title": "t", "body": "b"}
    first = sync_pull_request(client, branch="b", base="prd", **text)
    assert first == sync_pull_request(client, branch="b", base="prd", **text)
    assert len(github.pulls) == 1


def test_a_token_without_rights_for_pull_requests(client: Client, github: GitHub) -> None:
    github.permissions = None
    check_rights(client)
    github.fail("POST .*/pulls", Reply(403, NOT_ACCESSIBLE))
    with pytest.raises(Denied):
        sync_pull_request(client, branch="b", base="prd", title="t", body="b")


def test_text_of_the_pull_request_is_escaped_and_short_enough() -> None:
    body = compose("dev", "<b>@prd", ["execution/x: a → @you"], "+```\n+`````\n")
    assert "<b>" not in body
    assert "@you" not in body
    assert "\n``````diff\n" in body
    assert len(compose("a", "b", ["x" * 500] * 500, "+line\n" * 50_000)) <= LIMIT


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://github.com/org/repo.git", ("github.com", "org/repo")),
        ("https://me:secret@github.com/org/repo", ("github.com", "org/repo")),
        ("git@github.example:org/repo.git", ("github.example", "org/repo")),
        ("ssh://git@github.example:22/org/repo", ("github.example", "org/repo")),
        ("/srv/git/repo.git", ("", "")),
        ("file:///srv/git/repo.git", ("", "")),
        ("https://host/a/b/c", ("", "")),
        ("", ("", "")),
    ],
)
def test_repository_that_a_remote_leads_to(url: str, wanted: tuple[str, str]) -> None:
    assert repository_of(url) == wanted


def test_projects_of_one_repository_have_a_branch_each(
    project: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("churn", "my models/fraud"):
        (project / folder / "stages").mkdir(parents=True)
        (project / folder / "stages/dev.yaml").write_text(DEV)
        (project / folder / "stages/prd.yaml").write_text(PRD)
    git(project, "add", "churn", "my models")
    git(project, "commit", "-q", "-m", "more projects")
    git(project, "push", "-q", "origin", "main", "main:prd")
    for folder in ("churn", "my models/fraud", "."):
        monkeypatch.chdir(project / folder)
        assert root.execute(ARGUMENTS) == 0
    assert [pull["title"] for pull in github.pulls] == [
        "Promote churn/dev to churn/prd: 1 change",
        "Promote my models/fraud/dev to my models/fraud/prd: 1 change",
        "Promote dev to prd: 1 change",
    ]
    made = {pull["head"]["ref"] for pull in github.pulls}
    assert len(made) == 3
    assert branch_name("dev", "prd", ["stages/dev.yaml", "stages/prd.yaml"], []) in made
    changed = {git(project, "show", "--name-only", "--format=", f"origin/{name}") for name in made}
    assert changed == {f"{folder}stages/prd.yaml" for folder in ("", "churn/", "my models/fraud/")}
