"""The copy of a repository: its login is seen by Git alone, and nothing of it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cicd.controller.mirror import Mirror, checked_url
from cicd.errors import CicdError, Refused

TOKEN = "tok3n-of-the-repository"


def repository(folder: Path) -> Path:
    """With one commit."""
    folder.mkdir()
    (folder / "a.txt").write_text("a\n", encoding="utf-8")
    for command in ("init -q -b main", "add -A", "-c user.name=a -c user.email=a@b commit -qm a"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    return folder


def commit(folder: Path) -> None:
    for command in ("add -A", "-c user.name=a -c user.email=a@b commit -qm more"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)


def test_the_login_is_in_no_argument_no_file_and_no_message(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    asked = tmp_path / "asked"
    real = shutil.which("git")
    program = programs / "git"
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nenv >> {asked}.env\nexec {real} "$@"\n')
    program.chmod(0o755)
    environ = {"PATH": f"{programs}:{os.environ['PATH']}", "CICD_GIT_TOKEN": TOKEN}
    mirror = Mirror("https://127.0.0.1:1/acme/ml.git", tmp_path / "mirror", environ)
    with pytest.raises(CicdError) as caught:
        mirror.fetch("main")
    assert "fetch" in asked.read_text() and TOKEN not in asked.read_text()
    assert "extraHeader" in Path(f"{asked}.env").read_text()
    kept = [path.read_text("utf-8", "replace") for path in mirror_files(tmp_path)]
    assert kept and TOKEN not in "".join([*kept, str(caught.value)])


def mirror_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "mirror").rglob("*") if path.is_file()]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../..", "deep/../../../x"])
def test_a_link_out_of_the_repository_is_refused(tmp_path: Path, target: str) -> None:
    origin = repository(tmp_path / "origin")
    (origin / "inner").symlink_to("a.txt")
    commit(origin)
    mirror = Mirror(str(origin), tmp_path / "mirror", {"PATH": os.environ["PATH"]})
    with mirror.tree(mirror.fetch("main")) as tree:
        assert (tree / "inner").read_text() == "a\n"
    (origin / "outer").symlink_to(target)
    commit(origin)
    with (
        pytest.raises(Refused, match="outer is a link that leads out"),
        mirror.tree(mirror.fetch("main")),
    ):
        raise AssertionError


def test_no_hook_of_anybody_runs_and_a_branch_that_is_gone_is_an_error(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    mirror = Mirror(str(origin), tmp_path / "mirror", {"PATH": os.environ["PATH"]})
    assert mirror.main_branch() == "main"
    head = mirror.fetch("main")
    hook = tmp_path / "mirror/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    with mirror.tree(head) as tree:
        assert (tree / "a.txt").is_file()
    assert not tree.exists() and not (tmp_path / "ran").exists()
    with pytest.raises(CicdError, match="couldn't find remote ref"):
        mirror.fetch("gone")
    assert mirror.has(head) and not mirror.has("0" * 40)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/ml.git",
        "git@github.com:acme/ml.git",
        "ssh://git@host:22/x.git",
        "http://127.0.0.1:8080/x.git",
        "/srv/git/ml.git",
    ],
)
def test_addresses_that_are_fetched_from(url: str) -> None:
    assert checked_url(url) == url
