"""Commits that are written without git are those that git itself would write."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cicd.automation.objects import write_commit

FIXED = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {
        "NAME": "cicd",
        "EMAIL": "cicd@localhost",
        "DATE": "2000-01-01T00:00:00Z",
    }.items()
}
SETS: dict[str, Mapping[str, bytes]] = {
    "none": {},
    "one": {"train.yaml": b"a: 1\r\n"},
    "a folder among files that sort around it": {
        "a": b"1",
        "b/x.yaml": b"2",
        "b.yaml": b"3",
        "b0": b"4",
        "b-": b"5",
        "c/d/e/f.yml": b"",
    },
    "no ASCII, and no text": {"vorlagen/größe.yaml": "ü".encode(), "日本.json": b"\xff\0\n"},
    "the same content twice": {"a/x": b"same", "b/x": b"same"},
}


def ask(folder: Path, *arguments: str, work: Path | None = None) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    here = {"GIT_DIR": str(folder), "GIT_WORK_TREE": str(work or folder)}
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=work or folder, env={**kept, **FIXED, **here}, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository") / "it.git"
    command = ["git", "init", "-q", "--bare", f"--object-format={request.param}", str(folder)]
    subprocess.run(command, check=True)
    return folder


@pytest.mark.parametrize("name", SETS)
def test_a_commit_is_the_one_that_git_would_make(
    repository: Path, tmp_path: Path, name: str
) -> None:
    files = {tuple(map(os.fsencode, Path(file).parts)): text for file, text in SETS[name].items()}
    made = write_commit(repository, files, "working tree")
    ask(repository, "fsck", "--strict", made)
    for file, text in SETS[name].items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(text)
        assert ask(repository, "rev-parse", f"{made}:{file}")
    ask(repository, "read-tree", "--empty")
    ask(repository, "add", "-A", work=tmp_path)
    tree = ask(repository, "write-tree")
    assert made == ask(repository, "commit-tree", tree, "-m", "working tree")
    assert write_commit(repository, files, "working tree") == made
    assert not list(repository.rglob("tmp_obj_*"))
