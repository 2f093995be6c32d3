"""Asks the ``git`` program what is checked out here, and lets it carry a change elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cicd.cli.redaction import without_logins
from cicd.config import GitFacts
from cicd.errors import CicdError


def git(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run git and give back what it prints, stripped. Raises CicdError with git's own words, or
    after ``timeout`` seconds."""
    program = shutil.which("git")
    if program is None:
        raise CicdError("git is not installed", hint="install git and try again")
    # variables of a surrounding hook would point git at another repository
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
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
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise CicdError(f"git: no answer within {timeout:g} s") from None
    if result.returncode:
        words = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        told = without_logins(words[-1].removeprefix("fatal: "))
        raise CicdError(f"git: {told}")
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


def origin_url(root: Path) -> str:
    """Where the repository is pushed to, without any login; empty where there is no ``origin``."""
    return without_logins(_quietly(root, "remote", "get-url", "origin"))


@contextmanager
def checked_out(root: Path, commit: str) -> Iterator[Path]:
    """A second working tree at ``commit``, gone at the end; yields what ``root`` is in there.

    Nothing of the user's own working tree, index or branches is touched.
    """
    top = Path(git("rev-parse", "--show-toplevel", cwd=root)).resolve()
    with tempfile.TemporaryDirectory(prefix="cicd-") as folder:
        tree = Path(folder) / "tree"
        quiet = {"GIT_LFS_SKIP_SMUDGE": "1"}
        no_hooks = ("-c", f"core.hooksPath={folder}")
        arguments = ("worktree", "add", "--quiet", "--detach", str(tree), commit)
        git(*no_hooks, *arguments, cwd=root, env=quiet)
        try:
            yield tree / root.resolve().relative_to(top)
        finally:
            git("worktree", "remove", "--force", str(tree), cwd=root)


def fetch_branch(root: Path, branch: str) -> str:
    """The newest commit of a branch of ``origin``, with all that is in it; empty where there is no
    such branch. Raises CicdError where there is no origin or it cannot be reached."""
    found = git("ls-remote", "origin", f"refs/heads/{branch}", cwd=root)
    if not found:
        return ""
    git("fetch", "--quiet", "--no-tags", "origin", f"refs/heads/{branch}", cwd=root)
    return found.split()[0]


def commit_file(tree: Path, file: Path, message: str) -> str:
    """Commit one file of a second working tree, hooks left out; the id of the commit."""
    name, mail = _quietly(tree, "config", "user.name"), _quietly(tree, "config", "user.email")
    author = ("-c", f"user.name={name or 'cicd'}", "-c", f"user.email={mail or 'cicd@localhost'}")
    git("--literal-pathspecs", "add", "--force", "--", str(file), cwd=tree)
    git(*author, "commit", "--quiet", "--no-verify", "--message", message, cwd=tree)
    return git("rev-parse", "HEAD", cwd=tree)


def push_branch(tree: Path, commit: str, branch: str, before: str) -> None:
    """Make ``branch`` of ``origin`` this commit, if it is still at ``before`` (empty: not there).

    Raises CicdError when that is refused.
    """
    lease = f"--force-with-lease=refs/heads/{branch}:{before}"
    where = ("origin", f"{commit}:refs/heads/{branch}")
    try:
        git("push", "--quiet", "--no-verify", lease, *where, cwd=tree)
    except CicdError as error:
        raise CicdError(
            f"{branch} was not pushed: {error.message}",
            hint="the login that git has for origin must be allowed to push",
        ) from None


def describe_commit(root: Path, commit: str) -> tuple[str, str, str]:
    """(tree, parents, message) of a commit."""
    tree, parents, message = git("show", "-s", "--format=%T%n%P%n%B", commit, cwd=root).split(
        "\n", 2
    )
    return tree, parents, message
