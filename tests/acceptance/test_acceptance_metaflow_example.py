"""examples/metaflow from a copy of its own, just as its README says, block by block."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import REPOSITORY, Project, clean_environment

CHAPTER = (
    (REPOSITORY / "README.md")
    .read_text("utf-8")
    .partition("## Metaflow flows\n")[2]
    .split("\n## ")[0]
)
EXAMPLE = REPOSITORY / "examples" / "metaflow"
BLOCKS = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text("utf-8"), re.DOTALL)
WHO = {f"GIT_{who}_{what}": "me" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Project]:
    """A copy outside the repository, for somebody who has nothing but Python, git and cicd."""
    root = tmp_path / "copy"
    kept = shutil.ignore_patterns(".cicd", ".metaflow", "templates", "__pycache__")
    shutil.copytree(EXAMPLE, root, ignore=kept)
    (tmp_path / "home").mkdir()
    known = {
        name: text
        for name, text in clean_environment().items()
        if not name.startswith(("AWS_", "METAFLOW_"))
    }
    programs = f"{Path(sys.executable).parent}{os.pathsep}{known['PATH']}"
    own = {"PATH": programs, "HOME": str(tmp_path / "home"), "USER": "me", "PYTHONUTF8": "1"}
    project = Project(root, {**known, **own, **WHO})
    yield project
    project.stop()


def need_bubblewrap() -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("without bubblewrap Metaflow's own path /mnt/out cannot be redirected")


def in_shell(project: Project, block: str) -> subprocess.CompletedProcess[str]:
    """Run commands as somebody would type them; all of them must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=project.root,
        env=project.environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=800,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_chapter_of_the_readme_works_in_an_empty_folder(copy: Project) -> None:
    """With the code in the image, as it stands there; fetched from the bucket: see the example."""
    need_bubblewrap()
    shutil.rmtree(copy.root)
    [flow], [stage], [commands] = (
        re.findall(rf"```{language}\n(.*?)```", CHAPTER, re.DOTALL)
        for language in ("python", "yaml", "sh")
    )
    copy.write("flows/trainflow.py", flow)
    copy.write("stages/dev.yaml", stage)
    said = in_shell(copy, commands).stdout
    assert re.search(r" model  model  execution/train ", said), said
    [model] = [*(copy.root / ".cicd/emulator/objectstore").glob("*/default/*/model")]
    assert model.read_text(encoding="utf-8") == "trained for 5"
    # as the data scientist runs it, where nothing is at /home/user
    in_shell(copy, "python flows/trainflow.py run")
    assert (copy.root / "model.txt").read_text(encoding="utf-8") == "trained for 3"


@pytest.mark.slow
@pytest.mark.timeout(900)  # six steps, of which each takes a while under load
def test_the_metaflow_example_works_as_its_readme_says(copy: Project) -> None:
    need_bubblewrap()
    assert len(BLOCKS) == 3
    for number, block in enumerate(BLOCKS):
        done = in_shell(copy, block)
        is_downloaded = "Code package downloaded." in done.stdout + done.stderr
        assert is_downloaded == (number > 0)
        models = [*(copy.root / ".cicd/emulator/objectstore").glob("*/default/*/model")]
        assert len(models) == number + 1
    model = json.loads(models[0].read_text(encoding="utf-8"))
    assert model["slope"] == pytest.approx(3, abs=0.1)


def test_the_example_lacks_nothing_but_what_is_built_and_its_repository(copy: Project) -> None:
    """Which its first block does."""
    found = copy.cicd("validate", "dev")
    assert found.returncode == 3
    assert "templates/trainflow.yaml is not there: run cicd template build" in found.stdout
    rules = re.findall(r"\[([a-z-]+)\]$", found.stdout, re.MULTILINE)
    # and the repository's name is for the reader to fill in
    assert sorted(rules) == ["no-template", "placeholder-left", "template-folder"]
