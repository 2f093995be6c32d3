"""The stage as it was last applied comes out of Git, from the commit that the platform names."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest

from cicd.automation.former import former_stage
from cicd.config import GitFacts, Surroundings, load_stage
from cicd.model import Key, LiveResource, Stage, State, Status
from cicd.platforms.registry import DIALECTS
from tests.acceptance.conftest import SMALL

ENV = {"AICORE_RESOURCE_GROUP": "small-dev"}


def git(folder: Path, *arguments: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", *author, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The smallest project, two commits old: the second asks for less of the metric."""
    root = tmp_path / "work"
    root.mkdir()
    git(root, "init", "--quiet", "-b", "main")
    write(root)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "one")
    edit(root / "stages/dev.yaml", "min: 3", "min: 1")
    git(root, "commit", "--quiet", "-a", "-m", "two")
    return root


def write(root: Path) -> None:
    for path, text in SMALL.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(textwrap.dedent(text), encoding="utf-8")


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def around(root: Path) -> Surroundings:
    return Surroundings(root, ENV, {}, GitFacts("", "main"), DIALECTS)


def load(root: Path, name: str = "dev") -> Stage:
    return load_stage(name, around(root))


def application(commit: str, name: str = "small") -> LiveResource:
    spec = {"name": name, "commit": commit}
    return LiveResource(Key("application", name), name, spec, Status(State.SUCCEEDED, "Synced"))


def run(commit: str, owner: str = "dev", created_at: str = "2026-01-01") -> LiveResource:
    return LiveResource(
        Key("execution", "e"),
        "e",
        {},
        Status(State.SUCCEEDED, "COMPLETED"),
        created_at=created_at,
        owner=owner,
        facts={"commit": commit},
    )


def minimum(root: Path, *live: LiveResource, **environ: str) -> float | str | None:
    """What the gate of the former stage asks for; a remark where there is one."""
    stage = load(root)
    former, remark = former_stage(stage, around(root), live, {**ENV, **environ}, is_local=False)
    if former is None:
        return remark or None
    options = {str(resource.key): resource.options for resource in former.resources}
    return options["execution/train"].require[0].minimum


def test_the_commit_that_the_application_has_synced_counts(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD^")
    assert minimum(project, application(first)) == 3
    assert minimum(project, application(git(project, "rev-parse", "HEAD"))) == 1


def test_without_an_application_the_newest_run_of_this_stage_tells(project: Path) -> None:
    first, second = git(project, "rev-parse", "HEAD^"), git(project, "rev-parse", "HEAD")
    assert minimum(project, run(first)) == 3
    assert minimum(project, run(first), run(second, created_at="2026-02-01")) == 1
    assert minimum(project, run(first), run(second, "prd", "2026-02-01")) == 3


@pytest.mark.parametrize("commit", ["", "main", "abc", "HEAD"])
def test_what_is_no_commit_tells_nothing(project: Path, commit: str) -> None:
    assert minimum(project, application(commit), run(commit)) is None


def test_an_application_of_another_name_tells_nothing(project: Path) -> None:
    assert minimum(project, application(git(project, "rev-parse", "HEAD^"), "other")) is None


def test_a_commit_that_git_does_not_have_is_said(project: Path) -> None:
    told = minimum(project, application("a" * 40))
    assert "commit aaaaaaaaaaaa, which was applied last, is not in this checkout" in str(told)


def test_a_shallow_checkout_gets_just_the_one_commit(project: Path, tmp_path: Path) -> None:
    first = git(project, "rev-parse", "HEAD^")
    git(project, "config", "uploadpack.allowAnySHA1InWant", "true")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), str(clone))
    assert git(clone, "rev-list", "--count", "HEAD") == "1"
    assert minimum(clone, application(first)) == 3
    assert git(clone, "rev-list", "--count", "HEAD") == "1"


def test_with_nothing_applied_a_pull_request_is_compared_with_its_base(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD^")
    git(project, "update-ref", "refs/remotes/origin/release", first)
    assert minimum(project, GITHUB_BASE_REF="release") == 3
    assert minimum(project) is None


def test_the_commit_before_is_the_base_only_of_a_merge(project: Path) -> None:
    """Where a forge checks out the change itself, what comes before is the change's own."""
    gitlab = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    }
    assert minimum(project, **gitlab) is None
    head, first = (git(project, "rev-parse", name) for name in ("HEAD", "HEAD^"))
    tree = git(project, "rev-parse", "HEAD^{tree}")
    merge = git(project, "commit-tree", tree, "-p", first, "-p", head, "-m", "merged results")
    git(project, "checkout", "--quiet", "--detach", merge)
    assert minimum(project, **gitlab) == 3


def test_a_project_in_a_subfolder_finds_its_own_files(tmp_path: Path) -> None:
    root = tmp_path / "one" / "churn"
    root.mkdir(parents=True)
    git(tmp_path, "init", "--quiet", "-b", "main")
    write(root)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    edit(root / "stages/dev.yaml", "min: 3", "min: 1")
    assert minimum(root, application(git(tmp_path, "rev-parse", "HEAD"))) == 3


def test_a_base_file_that_is_extended_comes_along(project: Path) -> None:
    (project / "base.yaml").write_text("protect: [deployment/serve]\n", encoding="utf-8")
    file = project / "stages/dev.yaml"
    file.write_text("extends: ../base.yaml\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    git(project, "add", "-A")
    git(project, "commit", "--quiet", "-m", "base")
    (project / "base.yaml").write_text("protect: []\n", encoding="utf-8")
    live = [application(git(project, "rev-parse", "HEAD"))]
    former, _ = former_stage(load(project), around(project), live, ENV, is_local=False)
    assert former
    assert former.protect == {"deployment/serve"}


@pytest.mark.parametrize("text", ["stage: [", "unknown_key: 1\n", ""])
def test_a_file_that_cannot_be_read_any_more_is_not_compared(project: Path, text: str) -> None:
    file = project / "stages/dev.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    git(project, "commit", "--quiet", "-a", "-m", "bad")
    file.write_text(good, encoding="utf-8")
    assert minimum(project, application(git(project, "rev-parse", "HEAD"))) in {None, ""}


def test_a_stage_that_was_not_there_yet_is_not_compared(project: Path) -> None:
    (project / "stages/tst.yaml").write_text(
        (project / "stages/dev.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    live = [application(git(project, "rev-parse", "HEAD"))]
    stage = load(project, "tst")
    assert former_stage(stage, around(project), live, ENV, is_local=False) == (None, "")
