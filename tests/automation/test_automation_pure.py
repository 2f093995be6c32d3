"""The Python API takes nothing from its process but what is handed in, and costs nothing unused."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cicd.automation.bounds import BOUNDS, told_by
from cicd.automation.git import find_root, find_top, project_of, read_facts
from cicd.automation.lock import is_unable
from cicd.automation.project import Project
from cicd.cli.emulator_bounds import Gib
from cicd.errors import (
    Conflict,
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
    Usage,
)

ROOM = Path(__file__).parents[2] / "cicd" / "automation"
FORBIDDEN_CALLS = {
    *("print", "input", "breakpoint", "open_session"),
    *("os.getenv", "os.getenvb", "os.getcwd", "os.getcwdb", "os.chdir", "os.putenv"),
    *("os._exit", "os.abort", "sys.exit", "exit", "quit"),
    *("Path.cwd", "pathlib.Path.cwd", "Path.home", "os.path.expanduser", "os.path.expandvars"),
    *("getpass.getuser", "getpass.getpass", "atexit.register"),
}
FORBIDDEN_NAMES = {"os.environ", "os.environb", "sys.stdout", "sys.stderr", "sys.stdin", "sys.argv"}
FORBIDDEN_MODULES = {"signal", "click", "rich", "structlog", "logging", "warnings", "getpass"}


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_asks_its_process_for_nothing(path: Path) -> None:
    assert not asked(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "line",
    [
        "print(1)",
        "x = os.environ['A']",
        "from os import environ",
        "os.path.expanduser('~')",
        "here = Path.cwd()",
        "import signal",
        "def f():\n    from click import echo",
        "sys.stdout.write('x')",
    ],
)
def test_what_is_asked_of_a_process_is_found(line: str) -> None:
    assert asked(line)


def asked(text: str) -> set[str]:
    """What a module takes from its process, or gives it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS:
            found.add(ast.unparse(node.func))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in FORBIDDEN_NAMES:
            found.add(ast.unparse(node))
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            found |= names & FORBIDDEN_MODULES
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & (FORBIDDEN_NAMES | FORBIDDEN_CALLS)
            found |= {node.module.split(".")[0]} & FORBIDDEN_MODULES
            found |= {name for name in names if name.startswith("cicd.cli")}
    return found


def test_the_package_imports_nothing_until_the_project_is_asked_for() -> None:
    program = (
        "import sys, cicd\n"
        "assert cicd.__version__\n"
        "early = {name for name in sys.modules if name.startswith('cicd.')}\n"
        "assert early == {'cicd.version'}, early\n"
        "from cicd import Project\n"
        "from cicd.automation import Operation, Result, StageSession\n"
        "late = set(sys.modules)\n"
        "assert not {'click', 'requests', 'deepdiff', 'ai_core_sdk', 'cicd.cli'} & late\n"
        "try:\n    from cicd import Projekt\n"
        "except ImportError as error:\n    assert 'Projekt' in str(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
@pytest.mark.parametrize(
    "text", ["1", " 4 ", "0", "-3", "1.5", "abc", "nan", "inf", "1e3", "1048577", "", "٣", "+2"]
)
def test_a_bound_of_the_environment_is_read_as_the_option_is(bound: object, text: str) -> None:
    """The option is click's, which the Python API does without."""
    [known] = [one for one in BOUNDS if one == bound]
    kind: click.ParamType[float] = click.IntRange(1) if known.is_whole else Gib()
    environ = {known.variable: text}
    try:
        wanted = kind.convert(text.strip(), None, None) if text.strip() else None
    except click.BadParameter as error:
        with pytest.raises(Usage) as said:
            told_by(environ)
        assert said.value.message == f"{known.variable}: {error.message}"
    else:
        assert told_by(environ)[known.name] == wanted


def git(folder: Path, *words: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    protocol = ("-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *author, *protocol, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "ml" / "stages").mkdir(parents=True)
    (root / "ml" / "stages" / "dev.yaml").write_text("branch: main\n", encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    return root


def test_the_top_of_a_repository_is_found_without_git(repository: Path) -> None:
    """As git says it: in a clone, a second working tree, a submodule and below each of them."""
    tree = repository.parent / "tree"
    git(repository, "worktree", "add", "-q", "--detach", str(tree))
    outer = repository.parent / "outer"
    git(repository.parent, "init", "-q", str(outer))
    git(outer, "submodule", "--quiet", "add", str(repository), "inner")
    for folder in (repository, tree, outer, outer / "inner", outer / "inner" / "ml"):
        assert find_top(folder) == Path(git(folder, "rev-parse", "--show-toplevel"))


@pytest.mark.parametrize("content", ["empty folder", "empty file", "a file that leads nowhere"])
def test_what_is_only_called_like_a_repository_is_passed_over(
    repository: Path, content: str
) -> None:
    folder = repository / "odd"
    folder.mkdir()
    mark = folder / ".git"
    if content == "empty folder":
        mark.mkdir()
    else:
        mark.write_text("gitdir: ../nowhere\n" if "leads" in content else "", encoding="utf-8")
    assert find_top(folder) == repository
    lonely = repository.parent / "lonely"
    shutil.copytree(folder, lonely)
    assert find_top(lonely) == lonely
    assert find_top(repository.parent / "nothing") is None


def test_facts_are_those_of_the_environment_that_is_handed_in(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, head = find_root(repository / "ml"), git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GITHUB_SHA", "0" * 40)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    facts = read_facts(root, {"PATH": os.environ["PATH"]})
    assert facts.commit == head
    assert (facts.branch, facts.folder, project_of(root)) == ("main", "ml", "ml")
    assert read_facts(root, {"PATH": "/nowhere"}).commit == ""  # there is no git


def test_a_project_is_found_from_any_folder_of_it_and_its_files_by_their_names_from_there(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(repository.parent)
    relative = Project("repository/ml/stages")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "dev.yaml").write_text("nobody: reads this\n", encoding="utf-8")
    for project in (relative, Project(repository / "ml"), Project(str(repository / "ml"))):
        assert project.root == repository / "ml"
        assert project.stages == ["stages/dev.yaml"]
    whole = Project(repository, environ=dict(os.environ))
    assert whole.stages == ["ml/stages/dev.yaml"]
    for name in ("ml/stages/dev.yaml", str(repository / "ml/stages/dev.yaml")):
        found = whole.check(name)
        assert {problem.file for problem in found} <= {"stages/dev.yaml"}
    assert Project(repository / "ml").check("dev") == whole.check("ml/stages/dev.yaml")


def test_a_file_that_only_the_working_directory_has_is_no_stage(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text("branch: main\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    [problem] = Project(repository / "ml").check("mine.yaml")
    assert "no such stage file" in problem.message


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (PlatformError("there is no such group", status=400), True),
        (NotFound("no bucket", status=404), True),
        (Denied("no right", status=403), True),
        (PlatformError("not implemented", status=501), True),
        (Throttled("Rate exceeded", status=400), False),
        (Conflict("somebody has it", status=400), False),
        (LostAnswer("who knows", status=400), False),
        (ConnectionFailed("not this API", status=404), False),
        (Denied("the token has expired", status=400), False),
        (Denied("who are you", status=401), False),
        (PlatformError("it has failed", status=500), False),
    ],
)
def test_what_passes_and_a_login_that_fails_do_not_mean_that_nothing_can_be_locked(
    error: PlatformError, is_it: bool
) -> None:
    assert is_unable(error) == is_it
