"""``cicd init``: what it writes works at once, and it never takes anything away."""

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

from cicd.automation.new_project import project_files, write_project
from cicd.cli.init import fill
from cicd.config import GitFacts, Surroundings, check_stage
from cicd.errors import Refused, Usage
from cicd.platforms.registry import DIALECTS
from cicd.scaffold import aicore
from cicd.scaffold.answers import fill_image
from cicd.scaffold.facts import ALL, STAGES, fill_stages, markers_of, stages_in
from tests.acceptance.conftest import CICD, REPOSITORY, Project, clean_environment

APPLY = ("apply", "dev", "--local", "--auto-approve")


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """An empty folder that is in no Git repository."""
    root, home = tmp_path / "empty", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    own = {"HOME": str(home), "PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"}
    return Project(root, {**clean_environment(), **own})


@pytest.fixture
def made(empty: Project) -> Iterator[Project]:
    """The folder that ``cicd init made`` writes."""
    project = Project(empty.root / "made", empty.environ)
    yield project
    if project.root.exists():
        project.stop()


def texts_in(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def written(root: Path) -> list[Path]:
    """What init wrote, without what apply left behind."""
    files = (path for path in root.rglob("*") if path.is_file())
    return [path for path in files if not {".cicd", "__pycache__"} & set(path.parts)]


def init(project: Project, *arguments: str, code: int = 0) -> str:
    """Standard output and error of ``cicd init``."""
    result = project.cicd("init", *arguments)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def test_the_example_of_this_repository_is_what_init_writes(empty: Project) -> None:
    init(empty, "new")
    for folder in ("stages", "templates"):
        assert texts_in(empty.root / "new" / folder) == texts_in(REPOSITORY / folder)
    schema = "config.schema.json"
    assert (empty.root / "new" / schema).read_bytes() == (REPOSITORY / schema).read_bytes()


@pytest.mark.parametrize(
    ("folder", "said", "again"),
    [
        (".", "wrote 18 files to .\n", "cicd init --name NAME --force"),
        ("new", "wrote 18 files to new\n", "cicd init new --name NAME --force"),
        ("a b", "wrote 18 files to a b\n", "cicd init 'a b' --name NAME --force"),
    ],
)
def test_init_says_what_it_wrote_and_how_to_name_it(
    empty: Project, folder: str, said: str, again: str
) -> None:
    shown = init(empty, folder)
    assert said in shown
    assert f"its name is house-prices; another one: {again}\n" in shown
    assert "its name is" not in init(empty, folder, "--name", "churn", "--force")


@pytest.mark.parametrize("folder", ["ml/churn", "größe"])
def test_init_in_a_subfolder_says_which_files_are_at_the_top(empty: Project, folder: str) -> None:
    git(empty.root, "init", "-b", "main")
    shown = init(empty, folder)
    assert f"wrote 14 files to {folder} and 3 files to .github/workflows\n" in shown
    assert len([*empty.root.glob(".github/workflows/*")]) == 3
    assert len(written(empty.root / folder)) == 14


def test_every_file_of_the_scaffold_goes_into_the_wheel() -> None:
    """The globs in pyproject.toml find every file but in folders with a dot; .github is named."""
    folders = {
        part
        for path in (REPOSITORY / "cicd/scaffold").rglob("*")
        for part in path.relative_to(REPOSITORY / "cicd/scaffold").parts[:-1]
    }
    assert {folder for folder in folders if folder.startswith(".")} <= {".github"}


def test_a_new_project_works_at_once(empty: Project, made: Project) -> None:
    shown = init(empty, "made")
    assert "cd made\n" in shown
    result = made.cicd(*APPLY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "destination/HOUSE_PRICES_dev" in result.stdout


def test_a_new_project_of_another_name_works_at_once(empty: Project, made: Project) -> None:
    options = ("--name", "Häuser & Höfe: 2", "--image", "ghcr.io/team/houses:1")
    init(empty, "made", *options, "--resource-group", "Team.7", "--repository", "git@x.de:a/b.git")
    result = made.cicd(*APPLY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "destination/HAUSER_HOFE_2_dev" in result.stdout
    assert "resource_group/Team.7-dev" in result.stdout
    assert 'name: "Häuser & Höfe: 2"' in made.root.joinpath("templates/train.yaml").read_text(
        encoding="utf-8"
    )
    assert "https://x.de/a/b.git" in made.root.joinpath("stages/base.yaml").read_text()
    texts = "".join(path.read_text(encoding="utf-8") for path in written(made.root))
    assert not re.findall("house-prices|HOUSE_PRICES|your-org", texts)


@pytest.mark.parametrize(
    "name", ["abcd", "a" * 50, "Zähler – Straße 7", "家价", "yes, it's: #1 - really?", "a-b_c"]
)
def test_every_name_that_is_taken_makes_valid_files(name: str, tmp_path: Path) -> None:
    given = {
        "name": name,
        "repository": "https://h/o/r",
        "image": "r.io/o/i",
        "resource_group": "0" + "." * 248,
    }
    known, _ = fill((*aicore.QUESTIONS, STAGES), given, markers_of("", ""), asks=False)
    files = project_files(aicore, known, ALL)
    write_project(tmp_path, files, keep=False, force=False)
    for stage in ALL:
        problems = check_stage(
            stage,
            Surroundings(root=tmp_path, env={}, variables={}, dialects=DIALECTS, git=GitFacts()),
        )
        assert problems == []
    assert not [path for path, text in files.items() if re.search(r"@[A-Z_]+@", text)]


def test_a_title_is_kept_and_a_name_made_from_it() -> None:
    for text, title, name in (
        ("house-prices", "House prices", "house-prices"),
        (" Café  Größe ", "Café Größe", "cafe-groe"),
        ("家价", "家价", "project-[0-9a-f]{8}"),
    ):
        found = aicore.fill_name(text)
        assert found["TITLE"] == title
        assert re.fullmatch(name, found["NAME"])


@pytest.mark.parametrize(
    "name",
    ["", " ", "abc", "1234", "a" * 51, "true", "a\x00bcd", "{{x}} abcd", "${env.X}", '"abcd"'],
)
def test_a_name_that_the_platform_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(Usage) as caught:
        aicore.fill_name(name)
    assert caught.value.hint


def test_other_answers_are_checked() -> None:
    assert aicore.fill_repository("ssh://git@h.com:22/o/r.git") == {
        "REPOSITORY": "https://h.com/o/r.git"
    }
    assert aicore.fill_repository("https://h.com:8443/o/r") == {
        "REPOSITORY": "https://h.com:8443/o/r"
    }
    image = "localhost:5000/a/b@sha256:0a"
    assert fill_image(image) == {"IMAGE": image, "IMAGE_NAME": "localhost:5000/a/b"}
    assert stages_in("prd, dev") == ("dev", "prd")
    for check, text in (
        (aicore.fill_repository, "github.com/o/r"),
        (aicore.fill_repository, "https://h/o r"),
        (aicore.fill_repository, "https://h/${env.X}"),
        (fill_image, "12:30"),
        (fill_image, "r.io/a: b"),
        (aicore.fill_group, ""),
        (aicore.fill_group, "-a"),
        (aicore.fill_group, "a b"),
        (aicore.fill_group, "a" * 250),
        (fill_stages, "dev qa"),
        (fill_stages, ""),
    ):
        with pytest.raises(Usage):
            check(text)


def test_a_credential_in_a_url_is_refused_and_not_repeated(empty: Project) -> None:
    shown = init(empty, "--repository", "https://me:hunter2@h.com/o/r", code=64)
    assert "credential" in shown
    assert "hunter2" not in shown
    assert texts_in(empty.root) == {}


def test_the_second_time_there_is_nothing_to_do(empty: Project) -> None:
    init(empty)
    before = texts_in(empty.root)
    assert "nothing to do" in init(empty)
    assert texts_in(empty.root) == before


def test_a_folder_written_in_part_is_completed(empty: Project) -> None:
    init(empty)
    whole = texts_in(empty.root)
    (empty.root / "stages/tst.yaml").unlink()
    shutil.rmtree(empty.root / "templates")
    init(empty)
    assert texts_in(empty.root) == whole


def test_what_differs_is_listed_and_nothing_is_written(empty: Project) -> None:
    mine = empty.write("README.md", "mine\n")
    empty.root.joinpath("stages").mkdir()
    empty.root.joinpath("stages/dev.yaml").symlink_to("nowhere")
    shown = init(empty, code=5)
    assert "README.md, stages/dev.yaml" in shown
    assert list(texts_in(empty.root)) == ["README.md"]

    empty.root.joinpath("stages/dev.yaml").unlink()
    init(empty, "--keep")
    assert mine.read_text() == "mine\n"
    assert (empty.root / "templates/train.yaml").exists()
    init(empty, "--force")
    assert mine.read_text() != "mine\n"
    assert "nothing to do" in init(empty)


def test_only_some_stages(empty: Project) -> None:
    init(empty, "--stages", "dev,prd")
    names = sorted(path.name for path in (empty.root / "stages").iterdir())
    assert names == ["base.yaml", "dev.yaml", "prd.yaml"]
    assert "`tst`" not in (empty.root / "README.md").read_text(encoding="utf-8")


def test_in_a_clone_its_repository_is_the_default(empty: Project) -> None:
    git(empty.root, "init", "-q", "-b", "main")
    git(empty.root, "remote", "add", "origin", "https://me:hunter2@h.com/o/r.git")
    shown = init(empty)
    assert "git init" not in shown
    base = (empty.root / "stages/base.yaml").read_text(encoding="utf-8")
    assert "repository: https://h.com/o/r.git\n" in base
    assert b"hunter2" not in b"".join(texts_in(empty.root / "stages").values())


def test_inside_another_repository(empty: Project) -> None:
    git(empty.root, "init", "-q", "-b", "main")
    shown = init(empty, "a b/inner")
    assert f"# a part of {empty.root}: its workflows are there" in shown
    assert "\n  git init" not in shown  # pasted, it would tear them apart
    inner = Project(empty.root / "a b/inner", empty.environ)
    git(inner.root, "init", "-q", "-b", "main")
    result = inner.cicd("validate", "--all")
    assert result.returncode == 0, result.stdout


def test_two_projects_of_one_repository_make_nothing_of_one_name(empty: Project) -> None:
    """With every default taken: groups, applications, scenarios, destinations, images."""
    git(empty.root, "init", "-q", "-b", "main")
    folders = ["churn", "fraud", "ml/churn", "a b", "données", "1", "true", "x" * 60]
    found = []
    for folder in folders:
        init(empty, folder)
        inner = Project(empty.root / folder, empty.environ)
        assert inner.cicd("validate", "--all").returncode == 0
        planned = inner.cicd("plan", "dev", "--offline", "--output", "json")
        assert planned.returncode == 0, planned.stderr
        plan = json.loads(planned.stdout)
        names = {
            f"{change['kind']} {change['name']}"
            for change in plan["changes"]
            if change["kind"] in {"resource_group", "application", "destination"}
        }
        found.append(names | {plan["target"]["resource_group"]})
    assert all(names for names in found)
    assert len(set.union(*found)) == sum(map(len, found))


def test_no_place_to_write_to(empty: Project) -> None:
    empty.write("file", "")
    assert "file" in init(empty, "file", code=64)
    shown = init(empty, "file/below", code=1)
    assert "cannot make" in shown
    assert len(shown.strip().splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder(empty: Project) -> None:
    empty.root.chmod(0o555)
    assert "Permission denied" in init(empty, code=1)
    empty.root.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_a_full_disk_leaves_no_half_file_and_can_be_gone_on_from(empty: Project) -> None:
    limited = "import os, resource as r, sys; r.setrlimit(r.RLIMIT_FSIZE, (4096, 4096)); "
    limited += "os.execv(sys.argv[1], sys.argv[1:])"
    full = subprocess.run(
        [sys.executable, "-c", limited, *CICD, "init"],
        cwd=empty.root,
        env={**empty.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 1, full.stderr
    assert "cannot write " in full.stderr
    assert "Run it again" in full.stderr
    assert not [path for path in empty.root.rglob("*") if path.suffix == ".part"]
    init(empty)
    other = Project(empty.root.with_name("other"), empty.environ)
    other.root.mkdir()
    init(other)
    assert texts_in(empty.root) == texts_in(other.root)


def on_terminal(project: Project, typed: str, *arguments: str) -> tuple[int, str]:
    """``cicd init`` where a person sits; its exit code and the screen."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*CICD, "init", *arguments],
        cwd=project.root,
        env=project.environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    screen = b""
    try:
        while chunk := os.read(ours, 4096):
            screen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return process.wait(60), screen.decode()


def test_on_a_terminal_enter_is_enough(empty: Project) -> None:
    code, screen = on_terminal(empty, "\n\n\n\n")
    assert code == 0, screen
    assert "Name of the project [house-prices]" in screen
    assert texts_in(empty.root / "stages") == texts_in(REPOSITORY / "stages")


def test_on_a_terminal_a_wrong_answer_is_asked_again(empty: Project) -> None:
    code, screen = on_terminal(empty, "no\nChurn\n\nteam\ndev\n")
    assert code == 0, screen
    assert "cannot be a scenario id" in screen
    stage = (empty.root / "stages/dev.yaml").read_text(encoding="utf-8")
    assert "resource_group: team-dev" in stage
    assert not (empty.root / "stages/tst.yaml").exists()


def test_on_a_terminal_yes_asks_nothing(empty: Project) -> None:
    code, screen = on_terminal(empty, "", "--yes", "--name", "churn")
    assert code == 0, screen
    assert "[" not in screen


def test_keep_and_force_exclude_each_other(empty: Project) -> None:
    init(empty, "--keep", "--force", code=64)


def test_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(Refused, match="b"):
        write_project(tmp_path, {"a": "1", "b": "2"}, keep=False, force=False)
    assert not (tmp_path / "a").exists()
