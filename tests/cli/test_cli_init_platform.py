"""``cicd init --platform``: each platform asks its own questions and writes its own files.

The toy's project lies in ``tests/scaffold/toy``, beside its platform.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cicd.errors import Usage
from cicd.platforms import registry
from cicd.scaffold import Markers, Question
from cicd.version import __version__
from tests.acceptance.conftest import REPOSITORY, clean_environment

PROGRAM = """
from cicd.platforms import registry
registry.PLATFORMS |= dict.fromkeys(("toy", "bare"), "tests.platforms.toy.adapter")
from cicd.cli.root import run
run()
"""
CICD = (sys.executable, "-c", PROGRAM)


def environment(root: Path) -> dict[str, str]:
    return {**clean_environment(), "HOME": str(root), "PYTHONPATH": str(REPOSITORY)}


def cicd(root: Path, *arguments: str, code: int = 0) -> str:
    """All that a command says."""
    done = subprocess.run(
        [*CICD, *arguments],
        cwd=root,
        env=environment(root),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def files_in(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_platform_writes_its_own_project_and_it_works_at_once(tmp_path: Path) -> None:
    shown = cicd(tmp_path, "init", "new", "--platform", "toy", "--yes")
    new = tmp_path / "new"
    stages = {f"stages/{name}.yaml" for name in ("dev", "tst", "prd")}
    written = {"README.md", "lines.txt", "look.py", ".github/workflows/deploy.yml"}
    assert files_in(new) == {*stages, *written, "config.schema.json"}
    assert "wrote 8 files to new\n" in shown
    assert "its name is score; another one: cicd init new --platform toy --name NAME" in shown
    assert shown.endswith(
        "  git init -b main\n  cicd apply dev --yes  # score-things is there then\n"
    )
    assert (new / "look.py").read_text().endswith('print("score")\n')
    assert f"by cicd {__version__}. @UNKNOWN@ stays." in (new / "README.md").read_text()
    assert '"toy"' in (new / "config.schema.json").read_text(encoding="utf-8")
    cicd(new, "apply", "dev", "--yes")
    assert len(list((new / "score-things-dev" / "job").glob("*.json"))) == 1
    assert "nothing to do" in cicd(new, "init", "--platform", "toy", "--yes")


def test_answers_fill_the_files_of_a_platform(tmp_path: Path) -> None:
    answers = ("--name", "Wörter", "--box", "attic", "--image", "h:5000/o/r@sha256:0a")
    cicd(tmp_path, "init", "--platform", "toy", *answers, "--stages", "prd tst")
    assert {name for name in files_in(tmp_path) if name.startswith("stages")} == {
        "stages/tst.yaml",
        "stages/prd.yaml",
    }
    stage = (tmp_path / "stages/prd.yaml").read_text(encoding="utf-8")
    assert "box: attic-prd" in stage
    assert 'key: worter, script: lines.txt, knobs: {TITLE: "Wörter", IMAGE: "h:5000/o/r"}' in stage
    assert "Stages: `tst`, `prd` (`tst` is tst, `prd` is prd)" in (
        tmp_path / "README.md"
    ).read_text(encoding="utf-8")
    assert "environment: tst\n" in (tmp_path / ".github/workflows/deploy.yml").read_text()
    assert "valid" in cicd(tmp_path, "validate", "--all")


def test_in_a_folder_of_a_repository_the_workflows_of_a_platform_are_at_its_top(
    tmp_path: Path,
) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    shown = cicd(tmp_path, "init", "words", "--platform", "toy")
    assert "wrote 7 files to words and 1 file to .github/workflows\n" in shown
    workflow = (tmp_path / ".github/workflows/deploy-words.yml").read_text()
    assert 'name: "deploy words"' in workflow
    assert "environment: words-dev\n" in workflow
    assert "box: words-things-dev" in (tmp_path / "words/stages/dev.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--platform", "aicor"), 'there is no platform "aicor" (did you mean "aicore"?)'),
        (("--platform", "tyo"), 'there is no platform "tyo" (did you mean "toy"?)'),
        (("--platform", "kubeflow"), 'no platform "kubeflow" (there are: aicore, '),
        (("--platform", ""), 'there is no platform ""'),
        (("--platform", "bare"), "the platform bare has no project to begin with"),
        (("--platform", "bare"), "there is one for: aicore"),
        (
            ("--platform", "toy", "--resource-group", "g"),
            "on toy has no --resource-group",
        ),
        (("--platform", "toy", "--repository", ""), "it has: --name, --box, --image, --stages"),
        (("--box", "b"), "a project on aicore has no --box"),
        (("--platform", "toy", "--box", "a/b"), "a/b is no box (a folder's name)"),
        (("--platform", "toy", "--name", "a1"), "\"a1\", made from the name 'a1', cannot be a job"),
    ],
)
def test_wrong_words_are_told_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert said in cicd(tmp_path, "init", *arguments, code=64)
    assert files_in(tmp_path) == set()


def test_help_has_the_questions_of_every_platform_once(tmp_path: Path) -> None:
    shown = cicd(tmp_path, "init", "--help")
    for option in ("--platform NAME", "--resource-group PREFIX", "--box BOX", "Folder of all."):
        assert option in shown
    assert shown.count("--image ") == 1
    assert shown.index("--resource-group") < shown.index("--box") < shown.index("--stages")


def test_without_a_platform_it_is_that_of_stage_files_which_name_none(tmp_path: Path) -> None:
    cicd(tmp_path, "init", "a")
    cicd(tmp_path, "init", "b", "--platform", "aicore")
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")
    for name in files_in(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_on_a_terminal_a_platform_asks_its_own_questions(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*CICD, "init", "--platform", "toy"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, b"words\na/b\nattic\ndev\n")
    screen = b""
    try:
        while chunk := os.read(ours, 4096):
            screen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0, screen.decode()
    for said in (
        "Name [score]: ",
        "Box [words-things]: ",
        "a/b is no box",
        "Stages [dev tst prd]: ",
    ):
        assert said in screen.decode()
    assert "box: attic-dev" in (tmp_path / "stages/dev.yaml").read_text()


def fill(text: str) -> Markers:
    if not text.isalpha():
        raise Usage("letters")
    return {"IT": text}


@pytest.mark.parametrize(
    ("defaults", "known", "default"),
    [
        (("@A@", "b"), {"A": "a"}, "a"),
        (("@A@", "b"), {"A": ""}, "b"),
        (("@A@", "b"), {}, "b"),
        (("@A@", "b"), {"A": "1"}, "b"),
        (("x@A@", "@B@", "c"), {"A": "", "B": "b"}, "b"),
        (("@A@", "1"), {"A": "2"}, "1"),
        (("@A@@B@",), {"A": "a", "B": "b"}, "ab"),
    ],
)
def test_the_first_default_that_will_do_is_taken_else_the_last(
    defaults: tuple[str, ...], known: Markers, default: str
) -> None:
    assert Question("it", fill, defaults).default(known) == default


@pytest.mark.parametrize("name", registry.PLATFORMS)
def test_a_scaffold_asks_nothing_twice_every_marker_has_its_text_and_all_stages_are_valid(
    name: str, tmp_path: Path
) -> None:
    scaffold = registry.scaffold_of(name)
    if scaffold is None:
        return
    names = [question.name for question in scaffold.QUESTIONS]
    assert len({*names, "stages", "folder", "platform", "yes", "keep", "force"}) == len(names) + 6
    cicd(tmp_path, "init", "--platform", name)
    for file in files_in(tmp_path):
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert not [word for word in ("@NAME@", "@TITLE@", "@STAGE@", "@VERSION@") if word in text]
    assert "valid" in cicd(tmp_path, "validate", "--all")
