"""The stage as its file was when it was last applied: what no platform keeps, Git does.

Which commit that was the platform tells: what its application has synced, else the tag of the
newest run; with neither it is the branch that a pull request goes into. With ``--local`` each apply
keeps the files in the shadow repository.
"""

from __future__ import annotations

import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath

from cicd.automation import local
from cicd.automation.git import git, read_facts
from cicd.config import Surroundings, load_former
from cicd.errors import CicdError
from cicd.forges.detect import read_run
from cicd.model import LiveResource, Stage

SUFFIXES = (".yaml", ".yml", ".json")
MOST = 1_000
"""Files that are taken from a commit at most."""
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
Git = Callable[..., str]
"""The git program in one repository, asked by the words of its command line."""
UNKNOWN = (
    "gates, smoke tests, timeouts, limits and templates are not compared with before: "
    "commit {commit}, which was applied last, is not in this checkout"
)


def former_stage(
    stage: Stage,
    around: Surroundings,
    live: Iterable[LiveResource],
    environ: Mapping[str, str],
    *,
    is_local: bool,
) -> tuple[Stage | None, str]:
    """The stage as it was last applied, None where nobody knows; and a remark where somebody
    should know that. ``around``: what it is read in now; ``environ``: what Git is asked with."""
    root = around.root
    ask = partial(git, cwd=root, environ=environ)
    if is_local:
        ask = partial(ask, env={"GIT_DIR": str(local.shadow(root))})
        commit = _quietly(ask, "rev-parse", "--verify", "-q", local.applied(stage.name))
    else:
        found = _applied_commits(stage, live)
        commit = next(filter(None, (_available(ask, one) for one in found)), "")
        # A former file that is older than what is live would tell of changes that are none.
        if found and not commit:
            return None, UNKNOWN.format(commit=found[0][:12])
        commit = commit or _base(ask, environ)
    if not commit:
        return None, ""
    with tempfile.TemporaryDirectory(prefix="cicd-former-") as folder:
        try:
            _unpack(ask, root, commit, stage, Path(folder))
            facts = read_facts(root, environ).at(commit, stage.branch or "")
            file = os.path.relpath(stage_path(stage, root), root)
            former = load_former(
                str(Path(folder) / file),
                replace(around, root=Path(folder), git=facts, application=None),
            )
        except (CicdError, OSError, tarfile.TarError):
            return None, ""  # it was not there yet, or it is of a form that is not read any more
    # what it was on another platform says nothing of what it is on this one
    return (former if former.platform == stage.platform else None), ""


def stage_path(stage: Stage, root: Path) -> Path:
    """Where its file is."""
    path = Path(stage.file)
    return path if path.is_absolute() else root / path


def _applied_commits(stage: Stage, live: Iterable[LiveResource]) -> list[str]:
    """Which commit was applied last, as far as the platform tells, the surest first: what has been
    synced, which may be of another repository, and the tag of the newest run."""
    names = {resource.spec.get("name") for resource in stage.resources}
    synced, tagged = [], []
    for item in live:
        commit = str(item.spec.get("commit") or "")
        if item.spec.get("name") in names and _SHA.fullmatch(commit):
            synced.append(commit)
        commit = str(item.facts.get("commit") or "")
        if item.owner == stage.identity and _SHA.fullmatch(commit):
            tagged.append((item.created_at, commit))
    return list(dict.fromkeys([*synced[:1], *(commit for _, commit in sorted(tagged)[-1:])]))


def _available(ask: Git, commit: str) -> str:
    """The commit where Git has it; a shallow checkout, as CI makes, fetches just this one."""
    name = ("rev-parse", "--verify", "-q", f"{commit}^{{commit}}")
    if found := _quietly(ask, *name):
        return found
    if _quietly(ask, "rev-parse", "--is-shallow-repository") != "true":
        return ""
    _quietly(ask, "fetch", "--quiet", "--no-tags", "--depth=1", "origin", commit)
    return _quietly(ask, *name)


def _base(ask: Git, environ: Mapping[str, str]) -> str:
    """The tip of the branch that a pull request or a queue goes into; empty anywhere else."""
    branch = read_run(environ).target
    if not branch:
        return ""
    # where a merge that a forge made up is checked out, its first parent is that tip
    is_merge = _quietly(ask, "rev-parse", "--verify", "-q", "HEAD^2")
    for name in (f"refs/remotes/origin/{branch}", *(["HEAD^1"] if is_merge else [])):
        if found := _quietly(ask, "rev-parse", "--verify", "-q", f"{name}^{{commit}}"):
            return found
    return ""


def _unpack(ask: Git, root: Path, commit: str, stage: Stage, folder: Path) -> None:
    """The stage files of a commit and the programs beside them, as files below ``folder``."""
    parts = files_of(stage, root)
    listed = ask("ls-tree", "--name-only", "-z", commit).split("\0")
    listed += ask("ls-tree", "-r", "--name-only", "-z", commit, "--", *parts).split("\0")
    ends = {PurePath(program.file).suffix for program in stage.programs} - {""}
    names = [name for name in dict.fromkeys(listed) if name.endswith((*SUFFIXES, *ends))][:MOST]
    if not names:
        raise CicdError(f"there are no stage files in {commit}")
    archive = folder / ".files.tar"
    ask("archive", "--format=tar", "-o", str(archive), commit, "--", *names)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def files_of(stage: Stage, root: Path) -> list[str]:
    """The folders, below the root, of the stage file and of the programs."""
    paths = [stage_path(stage, root), *(root / program.file for program in stage.programs)]
    found = {os.path.relpath(path.parent, root) for path in paths}
    return sorted(folder for folder in found if not folder.startswith(".."))


def _quietly(ask: Git, *arguments: str) -> str:
    try:
        return ask(*arguments)
    except CicdError:
        return ""
