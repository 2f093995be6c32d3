"""What a command must not import, nor ask others: nothing heavy where it is not needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.validate import write_project
from cicd.platforms.registry import PLATFORMS

ROOT = Path(__file__).parents[2]
PROGRAM = """
import contextlib, io, json, sys

from cicd.cli.root import execute

found = {}
for arguments in (["--version"], ["--help"], ["validate", "dev"], ["plan", "dev", "--offline"]):
    with contextlib.redirect_stdout(io.StringIO()):
        assert execute(list(arguments)) == 0, arguments
    found[arguments[0]] = sorted({name for name in sys.modules})
print(json.dumps(found))
"""
NEVER = {
    "ai_core_sdk",
    "ai_api_client_sdk",
    "boto3",
    "botocore",
    "starlette",
    "uvicorn",
    "deepdiff",
}
NEVER |= {
    "matplotlib",
    "numpy",
    "cronsim",
    "jinja2",
    "requests",
    "urllib3",
    "sqlite3",
    "asyncio",
    "rich.live",
}
NEVER |= {"rich.markdown", "rich.syntax", "rich.progress", "cicd.emulator"}
FOR_A_CHECK = {"cicd.model", "cicd.platforms.base", "cicd.platforms.aicore.adapter"}
FOR_A_CHECK |= {"subprocess", "cicd.platforms.aicore.dialect.building"}
FOR_A_CHECK |= {"cicd.platforms.aicore.dialect.flows.declared", "jsonschema", "rich"}
"""What validate does without: all but a few nouns of the model, and programs."""
AT_ALL = {"msgspec", "yaml", "rich", "cicd.config", "jsonschema", "structlog", "cicd.automation"}
"""What not even help or the version need."""


def test_heavy_libraries_are_left_alone(tmp_path: Path) -> None:
    for folder in ("templates", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {command: set(names) for command, names in json.loads(done.stdout).items()}
    assert not found["validate"] & (NEVER | FOR_A_CHECK)
    assert not found["plan"] & NEVER
    assert not (found["--version"] | found["--help"]) & (NEVER | AT_ALL | FOR_A_CHECK)
    assert not platforms_in(found["--version"])
    assert platforms_in(found["--help"]) <= {"registry", "commands"}, "no kinds, no dialects"


def platforms_in(modules: set[str]) -> set[str]:
    """What is loaded of platforms: names of modules, whosever they are, and no folders."""
    names = {name.removeprefix("cicd.platforms.") for name in modules if "cicd.platforms." in name}
    return {name.rpartition(".")[2] for name in names} - PLATFORMS.keys()


GIT = """#!/bin/sh
echo "$1" >> '{log}'
exec '{git}' "$@"
"""


@pytest.mark.parametrize(
    ("change", "arguments", "asked"),
    [
        ("", ["dev"], []),
        ("variables: {revision: abc}", ["dev"], []),
        ("variables: {revision: '${git.branch}'}", ["dev"], ["symbolic-ref"]),
        ("variables: {revision: '${git.commit}'}", ["dev"], ["rev-parse"]),
        ("variables: {a: '${git.branch}', b: '${git.branch}'}", ["dev"], ["symbolic-ref"]),
        ("", [], ["symbolic-ref"]),
        ("", ["--all"], []),
    ],
)
def test_git_is_asked_what_a_stage_needs_and_nothing_else(
    tmp_path: Path, change: str, arguments: list[str], asked: list[str]
) -> None:
    """A process takes as long as a tenth of a check, and all that git knows took four of them."""
    root, log, tools = tmp_path / "project", tmp_path / "log", tmp_path / "tools"
    root.mkdir()
    write_project(root, 3, 1)
    with (root / "stages" / "dev.yaml").open("a", encoding="utf-8") as file:
        file.write(f"{change}\n")
    tools.mkdir()
    (tools / "git").write_text(GIT.format(log=log, git=shutil.which("git")), encoding="utf-8")
    (tools / "git").chmod(0o755)
    outside = {name: text for name, text in os.environ.items() if not name.startswith("GITHUB_")}
    done = subprocess.run(
        [sys.executable, "-m", "cicd", "validate", *arguments],
        cwd=root,
        env={**outside, "PYTHONPATH": str(ROOT), "PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = log.read_text(encoding="utf-8").split() if log.exists() else []
    assert told == asked, done.stdout + done.stderr
