"""Asks the ``git`` program what is checked out here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cicd.config import GitFacts
from cicd.errors import CicdError


def git(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run git and give back what it prints, stripped. Raises CicdError with git's own words."""
    program = shutil.which("git")
    if program is None:
        raise CicdError("git is not installed", hint="install git and try again")
    # variables of a surrounding hook would point git at another repository
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    result = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env={**clean, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(env or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode:
        words = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise CicdError(f"git: {words[-1].removeprefix('fatal: ')}")
    return result.stdout.strip()


def find_root(start: Path) -> Path:
    """The project around ``start``: the nearest folder with ``stages``, at most as far up as the
    top of the repository, which it is without one; ``start`` itself where there is no repository.
    """
    start = start.resolve()
    try:
        top = Path(git("rev-parse", "--show-toplevel", cwd=start)).resolve()
    except CicdError:
        return start
    inside = [folder for folder in (start, *start.parents) if folder.is_relative_to(top)]
    return next((folder for folder in inside if (folder / "stages").is_dir()), top)


def read_facts(root: Path, environ: Mapping[str, str]) -> GitFacts:
    """The commit and branch that are being deployed; empty text where unknown.

    A pull request counts as the branch that it goes into (GITHUB_BASE_REF).
    """
    branch = environ.get("GITHUB_BASE_REF") or environ.get("GITHUB_REF_NAME")
    return GitFacts(
        commit=_quietly(root, "rev-parse", "HEAD") or environ.get("GITHUB_SHA", ""),
        branch=branch or _quietly(root, "symbolic-ref", "--short", "HEAD"),
    )


def _quietly(root: Path, *arguments: str) -> str:
    try:
        return git(*arguments, cwd=root)
    except CicdError:
        return ""
