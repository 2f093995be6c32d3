"""Asks the ``git`` program what is checked out here, and lets it carry a change elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

from cicd.config import GitFacts, find_stage_for_branch, stage_files
from cicd.config.files import SUFFIXES, is_file
from cicd.config.remotes import absolute_url
from cicd.errors import CicdError, Refused, Usage
from cicd.forges.detect import BRANCHES, TARGETS, read_run
from cicd.forges.run import TITLES, Run
from cicd.forges.trigger import REFUSAL, REFUSAL_HINT
from cicd.masking import without_logins


def git(
    *arguments: str,
    cwd: Path,
    environ: Mapping[str, str],
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run git and give back what it prints, stripped. Raises CicdError with git's own words, or
    after ``timeout`` seconds. ``environ``: where it finds its program, settings and logins; ``env``
    is put over that."""
    import shutil
    import subprocess  # with shutil: a check of a stage asks git nothing

    # Looked up in the environment that was handed in: by itself Windows takes this process's.
    program = shutil.which("git", path=environ.get("PATH", os.defpath))
    if program is None:
        raise CicdError("git is not installed", hint="install git and try again")
    # variables of a surrounding hook would point git at another repository
    clean = {k: v for k, v in environ.items() if not k.startswith("GIT_")}
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


def find_root(start: Path, argument: str | None = None) -> Path:
    """The project around ``start``: the nearest folder with ``stages``, at most as far up as the
    top of the repository, which it is without one; ``start`` itself where there is no repository.

    ``argument``: a stage; named by a file of another project in the repository, it is that project.
    """
    start = start.resolve()
    top = find_top(start) or start
    around = start
    if argument and is_file(file := start / argument) and file.resolve().is_relative_to(top):
        around = file.resolve().parent
    for folder in dict.fromkeys([*_up(around, top), *_up(start, top)]):
        if (folder / "stages").is_dir():
            return folder
    return top


def _up(folder: Path, top: Path) -> Iterator[Path]:
    """The folder and all around it, as far as ``top``."""
    return (path for path in (folder, *folder.parents) if path.is_relative_to(top))


@lru_cache(maxsize=64)
def find_top(folder: Path) -> Path | None:
    """The top of the repository that a folder lies in; None where there is none. Known also where
    git is not there, or does not trust the owner of the folder, as in many containers."""
    marked = [path for path in (folder, *folder.parents) if (path / ".git").exists()]
    # Git goes on upwards past what is only called like a repository
    whole = (path for path in marked if _is_repository(path / ".git"))
    return next(whole, marked[0] if marked else None)


def _is_repository(mark: Path) -> bool:
    """Whether ``.git`` is a repository, or the file in a submodule or a second working tree that
    tells where theirs is."""
    if mark.is_dir():
        return (mark / "HEAD").is_file()
    try:
        there = mark.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    except (OSError, UnicodeDecodeError):
        return False
    return (mark.parent / there / "HEAD").is_file()


def project_of(root: Path) -> str:
    """The folder of a project below the top of its repository, with forward slashes; empty for the
    top itself, and where there is no repository."""
    top = find_top(root)
    folder = root.resolve().relative_to(top).as_posix() if top else ""
    return "" if folder == "." else folder


def read_facts(root: Path, environ: Mapping[str, str]) -> GitFacts:
    """What is being deployed, and where the project lies; empty where unknown.

    A pull request counts as the branch that it goes into, and by the commit that its author knows,
    not by the merge that a forge makes up for it. Raises Refused where its files must not be read.
    """
    # of all events only this one is told apart by what is checked out
    is_told = environ.get("GITHUB_EVENT_NAME") != "workflow_run"
    run = read_run(environ, "" if is_told else _head(root, environ))
    if run.mode == "refuse":
        raise Refused(REFUSAL.format(event=run.event), hint=REFUSAL_HINT)
    return _Checkout(root, run, environ)


class _Checkout(GitFacts):
    """The facts of what is checked out, each asked of git when somebody wants to know it: to check
    a stage most often none is needed, and to ask for all of them would take longer than the rest.
    """

    def __init__(self, root: Path, run: Run, environ: Mapping[str, str]) -> None:
        self.__dict__.update(_root=root, _run=run, _environ=environ)

    _root: Path
    _run: Run
    _environ: Mapping[str, str]

    @cached_property
    def commit(self) -> str:
        head, known, told = _head(self._root, self._environ), self._run.head, self._run.commit
        return known if known and head in {told, ""} else head or told

    @cached_property
    def branch(self) -> str:
        is_known = self._run.stage_branch or self._run.tag
        return self._run.stage_branch if is_known else _branch(self._root, self._environ)

    @cached_property
    def folder(self) -> str:
        return project_of(self._root)

    @cached_property
    def remotes(self) -> tuple[str, ...]:
        top = find_top(self._root)
        return _remotes(top, self._environ) if top else ()

    @cached_property
    def submodules(self) -> Mapping[str, str]:
        top = find_top(self._root)
        return _submodules(self._root, top, self._environ) if top else {}

    @cached_property
    def tags(self) -> Mapping[str, str]:
        top = find_top(self._root)
        return _tags(top, self._environ) if top else {}


def _head(root: Path, environ: Mapping[str, str]) -> str:
    return _quietly(root, environ, "rev-parse", "HEAD")


def _branch(root: Path, environ: Mapping[str, str]) -> str:
    """The branch that is checked out; empty where none is."""
    return _quietly(root, environ, "symbolic-ref", "--short", "HEAD")


def check_merged(environ: Mapping[str, str]) -> None:
    """Raise Refused where the run is about a change that is not on its branch yet."""
    if read_run(environ).mode == "plan":
        raise Refused(
            "a change that has not been merged is planned, not applied",
            hint="cicd plan shows what it would do; name a stage to apply it all the same",
        )


def stage_of_branch(root: Path, facts: GitFacts, environ: Mapping[str, str]) -> str:
    """The stage that nobody needs to name. Raises Usage where there is none."""
    check_project(root, environ)
    if facts.branch:
        _check_branch(root, facts.branch, environ)
        return find_stage_for_branch(root, facts.branch, is_wanted=True)
    run = read_run(environ)
    why = "no branch is checked out"
    if run.tag:
        why = f'the tag "{run.tag}" belongs to no branch'
    elif variable := (TARGETS if run.mode == "plan" else BRANCHES).get(run.ci):
        why += f" and {TITLES[run.ci]} names none in {variable}"
    known = ", ".join(Path(file).stem for file in stage_files(root))
    raise Usage(f"{why}, so no stage goes without saying", hint=f"name a stage: {known or 'none'}")


def _check_branch(root: Path, branch: str, environ: Mapping[str, str]) -> None:
    """Raise Usage where a run on one branch has checked out another, without saying which is meant.

    One that is only another name for the run's own commit is none.
    """
    run = read_run(environ)
    if run.mode != "apply" or not run.commit or environ.get("CICD_BRANCH"):
        return
    checked_out = _branch(root, environ)
    if checked_out in {"", branch} or _head(root, environ) == run.commit:
        return
    raise Usage(
        f"the run is about the branch {branch}, and {checked_out} is checked out",
        hint=f"name a stage, or set CICD_BRANCH={checked_out} if its stage is meant",
    )


def check_project(root: Path, environ: Mapping[str, str]) -> None:
    """Raise Usage where this is no project, but projects lie below it."""
    if (root / "stages").is_dir():
        return
    if below := projects_below(root, environ):
        raise Usage(
            f"the projects of this repository lie in {', '.join(below)}",
            hint="run it in one of these folders, or name a stage by its file",
        )


def every_stage(here: Path, environ: Mapping[str, str]) -> list[str]:
    """The stage files of the project, or else of all projects below, by their names from there."""
    if (here / "stages").is_dir():
        return stage_files(here)
    return [
        f"{below}/{file}"
        for below in projects_below(here, environ)
        for file in stage_files(here / below)
    ]


def projects_below(root: Path, environ: Mapping[str, str]) -> list[str]:
    """The folders below that hold ``stages`` with files, as far as Git does not ignore them."""
    patterns = [f":(glob)**/stages/*{suffix}" for suffix in SUFFIXES]
    which = ("-z", "-co", "--exclude-standard", "--", *patterns)
    listed = _quietly(root, environ, "ls-files", *which)
    files = [PurePosixPath(name) for name in listed.split("\0") if name]
    return sorted({str(file.parent.parent) for file in files} - {"."})


def _remotes(top: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Where the repository is, on other machines and here, without any login; empty where it is
    known nowhere else."""
    wanted = r"^remote\..*\.url$"
    lines = _quietly(top, environ, "config", "--get-regexp", wanted).splitlines()
    urls = [without_logins(line.partition(" ")[2]) for line in lines]
    return (*urls, top.as_uri()) if urls else ()


def _tags(top: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Every tag -> the commit that it is at here."""
    commit = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
    form = f"--format={commit} %(refname:strip=2)"
    lines = _quietly(top, environ, "for-each-ref", form, "refs/tags").splitlines()
    return {name: found for found, _, name in (line.partition(" ") for line in lines)}


def _submodules(root: Path, top: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The submodules in the project: folder below it -> URL."""
    if not (top / ".gitmodules").is_file():
        return {}
    found: dict[str, dict[str, str]] = {}
    wanted = r"^submodule\..*\.(path|url)$"
    which = ("-z", "-f", ".gitmodules", "--get-regexp", wanted)
    listed = _quietly(top, environ, "config", *which)
    for entry in listed.split("\0"):
        key, _, value = entry.partition("\n")
        name, _, field = key.rpartition(".")
        found.setdefault(name, {})[field] = value
    modules = {top / item["path"]: item.get("url", "") for item in found.values() if "path" in item}
    origin = origin_url(top, environ)
    return {
        path.relative_to(root).as_posix(): absolute_url(without_logins(url), origin)
        for path, url in modules.items()
        if path.is_relative_to(root)
    }


def _quietly(root: Path, environ: Mapping[str, str], *arguments: str) -> str:
    try:
        return git(*arguments, cwd=root, environ=environ)
    except CicdError:
        return ""


def origin_url(root: Path, environ: Mapping[str, str]) -> str:
    """Where the repository is pushed to, without any login; empty where there is no ``origin``."""
    return without_logins(_quietly(root, environ, "remote", "get-url", "origin"))


@contextmanager
def checked_out(root: Path, commit: str, environ: Mapping[str, str]) -> Iterator[Path]:
    """A second working tree at ``commit``, gone at the end; yields what ``root`` is in there.

    Nothing of the user's own working tree, index or branches is touched.
    """
    top = Path(git("rev-parse", "--show-toplevel", cwd=root, environ=environ)).resolve()
    import tempfile

    with tempfile.TemporaryDirectory(prefix="cicd-") as folder:
        tree = Path(folder) / "tree"
        quiet = {"GIT_LFS_SKIP_SMUDGE": "1"}
        # Reading an old commit must not run programs of the repository, which may belong to a pull
        # request; large files are no part of what a stage needs.
        no_hooks = ("-c", f"core.hooksPath={folder}")
        arguments = ("worktree", "add", "--quiet", "--detach", str(tree), commit)
        git(*no_hooks, *arguments, cwd=root, environ=environ, env=quiet)
        try:
            yield tree / root.resolve().relative_to(top)
        finally:
            git("worktree", "remove", "--force", str(tree), cwd=root, environ=environ)


def fetch_branch(root: Path, branch: str, environ: Mapping[str, str]) -> str:
    """The newest commit of a branch of ``origin``, with all that is in it; empty where there is no
    such branch. Raises CicdError where there is no origin or it cannot be reached."""
    name = f"refs/heads/{branch}"
    # CI mostly checks out one commit and no branch, so the branch may be unknown here.
    found = git("ls-remote", "origin", name, cwd=root, environ=environ)
    if not found:
        return ""
    git("fetch", "--quiet", "--no-tags", "origin", name, cwd=root, environ=environ)
    return found.split()[0]


def commit_file(tree: Path, file: Path, message: str, environ: Mapping[str, str]) -> str:
    """Commit one file of a second working tree, hooks left out; the id of the commit."""
    name = _quietly(tree, environ, "config", "user.name")
    mail = _quietly(tree, environ, "config", "user.email")
    author = ("-c", f"user.name={name or 'cicd'}", "-c", f"user.email={mail or 'cicd@localhost'}")
    # A stage file may be called like a pattern, or lie in a folder that is ignored.
    added = ("--literal-pathspecs", "add", "--force", "--", str(file))
    git(*added, cwd=tree, environ=environ)
    made = ("commit", "--quiet", "--no-verify", "--message", message)
    git(*author, *made, cwd=tree, environ=environ)
    return git("rev-parse", "HEAD", cwd=tree, environ=environ)


def push_branch(
    tree: Path, commit: str, branch: str, before: str, environ: Mapping[str, str]
) -> None:
    """Make ``branch`` of ``origin`` this commit, if it is still at ``before`` (empty: not there).

    Raises CicdError when that is refused.
    """
    # With this the server refuses the push when somebody else has pushed since we looked; without
    # it the branch of an earlier proposal could not be replaced at all.
    lease = f"--force-with-lease=refs/heads/{branch}:{before}"
    where = ("origin", f"{commit}:refs/heads/{branch}")
    try:
        git("push", "--quiet", "--no-verify", lease, *where, cwd=tree, environ=environ)
    except CicdError as error:
        raise CicdError(
            f"{branch} was not pushed: {error.message}",
            hint="the login that git has for origin must be allowed to push",
        ) from None


def describe_commit(root: Path, commit: str, environ: Mapping[str, str]) -> tuple[str, str, str]:
    """(tree, parents, message) of a commit."""
    told = git("show", "-s", "--format=%T%n%P%n%B", commit, cwd=root, environ=environ)
    tree, parents, message = told.split("\n", 2)
    return tree, parents, message


def author_of(root: Path, commit: str, environ: Mapping[str, str]) -> str:
    """Who has written a commit; empty where it is not known here."""
    id = commit.partition(" ")[0]  # a mark may follow
    return _quietly(root, environ, "show", "-s", "--format=%an", id, "--") if id else ""


def commits_of(
    root: Path, commits: Sequence[str], environ: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Who wrote each of these commits and what it is about, of those that Git knows here."""
    asked = [id for id in commits if re.fullmatch("[0-9a-f]{7,64}", id)]
    if not asked:
        return {}
    form = ("log", "--no-walk=unsorted", "--ignore-missing", "--format=%H%x00%an%x00%s")
    lines = _quietly(root, environ, *form, *asked, "--").splitlines()
    found = [line.split("\0", 2) for line in lines if line.count("\0") >= 2]
    return {
        id: (author, subject)
        for whole, author, subject in found
        for id in asked
        if whole.startswith(id)
    }
