"""What one stage has tried out becomes an edit of another stage's file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cicd.automation.files import write_file
from cicd.automation.git import (
    checked_out,
    commit_file,
    describe_commit,
    fetch_branch,
    origin_url,
    project_of,
    push_branch,
    read_facts,
)
from cicd.automation.loading import Loader
from cicd.config import GitFacts, check_stage
from cicd.config.files import SUFFIXES, label
from cicd.config.inherit import Whole, inherited, read_files, read_whole
from cicd.config.load import find_stage
from cicd.config.promote import (
    Promotion,
    check_promoted,
    layout_of,
    promoted_text,
    promotion,
)
from cicd.errors import CicdError, InvalidStage, Refused, Usage
from cicd.model import identity
from cicd.platforms.registry import DIALECTS
from cicd.words import count

if TYPE_CHECKING:
    from cicd.forges.base import Proposing
    from cicd.render.dialect import Dialect


TRAILER = "Promoted-by: cicd"
"""In the message of our commits: a branch that ends with another may not be overwritten."""


@dataclass(frozen=True)
class Edit:
    """The target's file as it is and as it is to be. ``name``: how messages call it."""

    path: Path
    name: str
    before: str
    after: str
    found: Promotion

    @property
    def diff(self) -> str:
        """As a patch; empty where nothing changes."""
        before, after = (
            text.replace("\r\n", "\n").splitlines(keepends=True)
            for text in (self.before, self.after)
        )
        lines = difflib.unified_diff(before, after, f"a/{self.name}", f"b/{self.name}")
        ended = (
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )
        return "".join(ended)

    def write(self) -> None:
        """Make it. Raises CicdError."""
        write_file(self.path.resolve(), self.after)


def promote(loader: Loader, source: str, target: str, select: Sequence[str] = ()) -> Edit:
    """The edit of the stage file ``target`` that brings what ``source`` has, checked and not made.

    ``select``: only these (globs). Raises InvalidStage for what would not load, Refused for what
    cannot be edited exactly, Usage where both are one stage.
    """
    root = loader.root_of()
    paths = stage_paths(loader, root, source, target)
    return make_edit(loader, read_source(loader, root, paths[0]), paths[1], root, select)


def propose(
    loader: Loader,
    source: str,
    target: str,
    select: Sequence[str] = (),
    *,
    dry_run: bool = False,
) -> tuple[Edit, str]:
    """The same edit on the newest commit of the target's branch, and the URL of the pull request
    for it; none where nothing changes or with ``dry_run``. All that can be found missing is, before
    anything is pushed."""
    from cicd.forges import pulls
    from cicd.forges.outputs import in_repository

    root, names = loader.root_of(), (called(source), called(target))
    paths = stage_paths(loader, root, source, target)
    tree = read_source(loader, root, paths[0])
    if not origin_url(root, loader.environ):
        raise Usage("there is no remote to push to", hint="git remote add origin URL")
    base = branch_of(loader, paths[1], root)
    commit = fetch_branch(root, base, loader.environ)
    if not commit:
        raise Usage(f'origin has no branch "{base}"', hint="push it, or correct branch in TO")
    files = [label(path, root) for path in paths]
    with checked_out(root, commit, loader.environ) as there:
        if Path(files[1]).is_absolute() or not (there / files[1]).is_file():
            raise Usage(f'{files[1]} is not on the branch "{base}" of origin', hint="push it first")
        edit = make_edit(loader, tree, there / files[1], there, select)
        if dry_run or not edit.diff:
            return edit, ""
        project = project_of(root)
        branch = pulls.branch_name(*names, [in_repository(project, file) for file in files], select)
        between = (identity(project, names[0]), identity(project, names[1]))
        with closing(connect(loader, root)) as forge:
            title, body = describe(edit, *between, forge.dialect)
            pulls.check_rights(forge)
            push(loader, root, edit, branch, commit, title)
            url = pulls.sync_pull_request(forge, branch=branch, base=base, title=title, body=body)
    return edit, url


def describe(edit: Edit, source: str, target: str, dialect: Dialect) -> tuple[str, str]:
    """Title and text of the pull request; only the text in Markdown."""
    from cicd.forges import pulls

    title = f"Promote {source} to {target}: {count(len(edit.found.changes), 'change')}"
    changes = [told(change) for change in edit.found.changes]
    return title, pulls.compose(source, target, changes, edit.diff, dialect=dialect)


def called(argument: str) -> str:
    """How to speak of a stage that may be named by its file."""
    return Path(argument).stem if argument.lower().endswith(SUFFIXES) else argument


def stage_paths(loader: Loader, root: Path, source: str, target: str) -> tuple[Path, Path]:
    """The files of both. Raises Usage where they are one."""
    from_path, to_path = (find_stage(loader.find_argument(name), root) for name in (source, target))
    if from_path.resolve() == to_path.resolve():
        raise Usage("FROM and TO are the same stage file")
    return from_path, to_path


def read_source(loader: Loader, root: Path, path: Path) -> Whole:
    """What the stage says that is carried from."""
    return read_whole(path, root, DIALECTS, env=loader.environ)


def make_edit(loader: Loader, source: Whole, path: Path, root: Path, select: Sequence[str]) -> Edit:
    """The edit of the file at ``path``, checked. Raises InvalidStage for what would not load,
    Refused for what cannot be edited exactly, and Usage where it is another platform's."""
    name = label(path, root)
    before = read_text(path)
    target = read_whole(path, root, DIALECTS, env=loader.environ)
    dialect = target.dialect
    if source.dialect.NAME != dialect.NAME:
        raise Usage(
            f"FROM is a stage of {source.dialect.NAME} and TO one of {dialect.NAME}",
            hint="promote between stages of one platform",
        )
    found = promotion(source.tree, target.tree, dialect, select)
    is_json = path.suffix.lower() == ".json"
    after = promoted_text(before, found.changes, layout_of(dialect), is_json=is_json)
    if found.changes:
        plain = after.removeprefix("\ufeff").replace("\r\n", "\n")
        edited = read_whole(path, root, DIALECTS, plain, env=loader.environ).tree
        check_promoted(target.tree, edited, found.changes, dialect.identity)
        check_loads(loader, path, root, plain)
    return Edit(path, name, before, after, found)


def check_loads(loader: Loader, path: Path, root: Path, text: str) -> None:
    """Raises InvalidStage for errors that the new text has and the file has not."""
    facts = GitFacts("0" * 40, read_facts(root, loader.environ).branch or "main")

    around = loader.without_variables().surroundings(root, facts)

    def errors(changed: str | None) -> list[Any]:
        found = check_stage(str(path.resolve()), around, text=changed)
        return [problem for problem in found if problem.severity == "error"]

    known = {problem.message for problem in errors(None)}
    new = [problem for problem in errors(text) if problem.message not in known]
    if new:
        raise InvalidStage(new)


def read_text(path: Path) -> str:
    """The file letter by letter. Raises CicdError."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CicdError(f"cannot read {path}: {error.strerror}") from error


def connect(loader: Loader, root: Path) -> Proposing:
    """The forge's repository that ``origin`` is. Sends nothing. Raises Usage or Denied when
    something is missing."""
    from cicd.forges.addresses import api_url_of, repository_of
    from cicd.forges.detect import at_remote, read_run, usable, with_forge
    from cicd.forges.opening import open_proposing
    from cicd.forges.pulls import check_token
    from cicd.forges.run import GITHUB, GITHUB_API

    environ, origin = loader.environ, origin_url(root, loader.environ)
    run = read_run(environ)
    if not run.repository:
        run = at_remote(run, origin, environ)
    run = usable(run if run.forge else with_forge(run, environ, GITHUB), environ)
    if run.forge == GITHUB:
        # any server may be one of GitHub's
        host, repository = repository_of(origin)
        api_url = api_url_of(host) if host and run.api_url == GITHUB_API else run.api_url
        run = replace(run, api_url=api_url, repository=run.repository or repository)
        if not run.repository:
            hint = "set GITHUB_REPOSITORY to OWNER/NAME"
            raise Usage("origin is no repository on GitHub", hint=hint)
    check_token(run)
    return open_proposing(run)


def told(change: Any) -> str:
    """One change in a line."""
    where = f"{change.key} {change.path}".strip()
    if isinstance(change.value, dict):
        return f"{where}: new"
    return f"{where}: {change.before if change.before is not None else 'none'} → {change.value}"


def branch_of(loader: Loader, path: Path, root: Path) -> str:
    """The branch that the stage is applied from, else the one that is checked out."""
    node = inherited(read_files(path, root), "branch")
    is_plain = node is not None and isinstance(node.value, str) and "${" not in node.value
    branch = str(node.value) if node is not None and is_plain else ""
    branch = branch or read_facts(root, loader.environ).branch
    if not branch:
        raise Usage("which branch is the pull request for?", hint="set branch in TO's stage file")
    return branch


def push(loader: Loader, root: Path, edit: Edit, branch: str, base: str, title: str) -> None:
    """Commit the edit on top of ``base`` and push it, unless that is there already. Raises Refused
    where the branch has commits of somebody else."""
    tip = fetch_branch(root, branch, loader.environ)
    write_file(edit.path, edit.after)
    folder = edit.path.parent
    commit = commit_file(folder, edit.path, f"{title}\n\n{TRAILER}", loader.environ)
    if tip:
        tree, parents, message = describe_commit(root, tip, loader.environ)
        if TRAILER not in message.splitlines():
            raise Refused(
                f"the branch {branch} has a commit that is not ours: {tip[:12]}",
                hint="merge or close its pull request and delete the branch, then promote again",
            )
        if (tree, parents, message) == describe_commit(root, commit, loader.environ):
            return
    push_branch(folder, commit, branch, tip, loader.environ)
