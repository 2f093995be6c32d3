"""What waits for a commit that cannot come any more is refused before anything is sent."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from cicd.apply import execute
from tests.acceptance.operations_world import APPLY, QUICK, STAGE, World

NUMBERS = itertools.count(1)
AUTHOR = ("-c", "user.name=x", "-c", "user.email=x@example.com")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *AUTHOR, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def next_commit(remote: Path, parent: str) -> str:
    return git(remote, "commit-tree", f"{parent}^{{tree}}", "-p", parent, "-m", "next")


def moves_on(remote: Path) -> None:
    head = git(remote, "rev-parse", "main")
    git(remote, "update-ref", "refs/heads/main", next_commit(remote, head))


def is_rewritten(remote: Path) -> None:
    other = git(remote, "commit-tree", "main^{tree}", "-m", "another history")
    git(remote, "update-ref", "refs/heads/main", other)


def is_deleted(remote: Path) -> None:
    git(remote, "update-ref", "refs/heads/other", "main")
    git(remote, "update-ref", "-d", "refs/heads/main")


def hides_behind_a_longer_name(remote: Path) -> None:
    git(remote, "update-ref", "refs/heads/team/main", "main")
    git(remote, "update-ref", "-d", "refs/heads/main")


@pytest.fixture
def remote(world: World, tmp_path: Path) -> Path:
    """What AI Core is to sync from: a bare copy of the project, as yet where the project is."""
    number = next(NUMBERS)
    bare = tmp_path / f"remote-{number}.git"
    git(world.folder, "clone", "-q", "--bare", str(world.folder), str(bare))
    source = f"application: arrival-{number}, repository: {bare.as_uri()}"
    world.stage(STAGE.replace("application: ops", source))
    return bare


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (moves_on, "main of file://"),
        (is_rewritten, "it has moved on since, or the commit is not pushed"),
        (is_deleted, "and there is no main of file://"),
        (hides_behind_a_longer_name, "and there is no main of file://"),
    ],
)
def test_a_commit_that_the_branch_is_not_at_any_more_is_refused_at_once(
    world: World, remote: Path, happens: Callable[[Path], None], words: str
) -> None:
    assert world.cicd("plan", "dev", "--out", "plan.json").code == 0
    happens(remote)
    for command in (("apply", "--plan", "plan.json"), APPLY):
        said = world.cicd(*command)
        assert said.code == 5, said.all
        assert "would wait for commit" in said.error and words in said.error
    assert not world.changes()


@pytest.mark.parametrize(
    ("tag", "revision", "options"),
    [
        ("v1", "v1", ()),
        ("v1.0/rc-1", "refs/tags/v1.0/rc-1", ()),
        ("annotated", "annotated", ("-a", "-m", "x")),
    ],
)
def test_a_tag_that_is_not_where_it_was_when_it_was_planned_is_refused_at_once(
    world: World, remote: Path, tag: str, revision: str, options: tuple[str, ...]
) -> None:
    """Also where a branch is checked out: what is planned is what the tag is at here."""
    file = world.folder / "stages" / "dev.yaml"
    file.write_text(file.read_text().replace("revision: main", f"revision: {revision}"))
    git(world.folder, "tag", *options, tag)
    git(world.folder, "push", "-q", str(remote), f"refs/tags/{tag}")
    try:
        said = world.cicd("plan", "dev", "--out", "plan.json")
        assert said.code == 0, said.all
        head = git(world.folder, "rev-parse", "HEAD")
        git(remote, "tag", "-f", *options, tag, next_commit(remote, head))
        for command in (("apply", "--plan", "plan.json"), APPLY):
            said = world.cicd(*command)
            assert said.code == 5, said.all
            assert f"would wait for commit {head[:12]}, and {revision} of" in said.error
        assert not world.changes()
        # fetched, it is another plan
        git(world.folder, "fetch", "-q", "--tags", "--force", str(remote))
        said = world.cicd("apply", "--plan", "plan.json")
        assert said.code == 5 and "no longer fits" in said.error, said.all
    finally:
        git(world.folder, "tag", "-d", tag)


def test_a_commit_that_is_not_pushed_is_refused_at_once(world: World, remote: Path) -> None:
    before = git(world.folder, "rev-parse", "HEAD")
    git(world.folder, "commit", "-q", "--allow-empty", "-m", "mine alone")
    try:
        said = world.cicd(*APPLY)
        assert said.code == 5 and ": the commit is not pushed (nothing was sent" in said.error
        assert not world.changes()
    finally:
        git(world.folder, "reset", "-q", "--hard", before)


def test_a_repository_that_cannot_be_asked_from_here_is_left_to_the_platform(
    world: World, remote: Path, mocker: MockerFixture
) -> None:
    """AI Core may have a login that nobody has here."""
    remote.rename(remote.with_name("elsewhere.git"))
    hours = partial(execute, polling=QUICK, clock=lambda: time.monotonic() * 3_000)
    mocker.patch("cicd.apply.execute", hours)
    mocker.patch("cicd.platforms.aicore.sync.GRACE", 0.0)  # seconds of the real clock
    said = world.cicd(*APPLY)
    assert said.code == 6, said.all
    assert "may the repository be read?" in said.all and world.changes()


def test_a_commit_that_has_arrived_waits_for_nothing(world: World, remote: Path) -> None:
    assert world.cicd(*APPLY, "--select", "application/*").code == 0
    moves_on(remote)
    said = world.cicd(*APPLY, "--select", "artifact/*")
    assert said.code == 0, said.all
