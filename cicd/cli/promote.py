"""``cicd promote``: what one stage has tried out becomes an edit of the next stage's file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd.automation.environment import Environment
from cicd.automation.git import (
    checked_out,
    commit_file,
    describe_commit,
    fetch_branch,
    find_root,
    origin_url,
    project_of,
    push_branch,
    read_facts,
)
from cicd.cli.completion import complete_stage
from cicd.cli.console import (
    confirms,
    is_interactive,
    print_json,
    print_note,
    print_result,
    uses_colour,
    write_file,
)
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, consent_option, output_option
from cicd.config import GitFacts, check_stage
from cicd.config.files import SUFFIXES, label
from cicd.config.inherit import read_stage_tree
from cicd.config.load import find_stage
from cicd.config.promote import Promotion, check_promoted, promoted_text, promotion
from cicd.config.tree import Node
from cicd.errors import CicdError, InvalidStage, Refused, Usage
from cicd.model import identity
from cicd.render.findings import count

if TYPE_CHECKING:
    from cicd.github.client import Client

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


@click.command(
    "promote",
    epilog=examples(
        "cicd promote dev tst --dry-run",
        "cicd promote tst prd --select execution/train --pull-request",
    ),
)
@click.argument("source", metavar="FROM", shell_complete=complete_stage)
@click.argument("target", metavar="TO", shell_complete=complete_stage)
@click.option(
    "--select",
    "keys",  # common_options would take "select" for its own
    multiple=True,
    metavar="KEY",
    help="Only these (globs): execution/train, variable/image, git; also what TO lacks.",
)
@click.option("--dry-run", is_flag=True, help="Show the diff and change nothing.")
@consent_option()
@click.option(
    "--pull-request",
    is_flag=True,
    help="Leave the files here alone: push a branch and open or update its pull request.",
)
@output_option("text", "json")
@common_options(stage=False)
def command(
    source: str,
    target: str,
    keys: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    pull_request: bool,
    output: str,
    common: Common,
) -> None:
    """Carry configuration from the stage FROM to the stage TO.

    Edits TO's own file and nothing else of it: parameters, inputs, executables, artifacts,
    schedules, the Git revision and the variables these use. What makes TO that stage stays as it
    is: resource group, branch, limits, protection, destinations, ttl, secrets.
    """
    root = find_root(Path.cwd())
    names = _stage_name(source), _stage_name(target)
    show = _shower(*names, output, common)
    from_path, to_path = find_stage(source, root), find_stage(target, root)
    if from_path.resolve() == to_path.resolve():
        raise Usage("FROM and TO are the same stage file")
    from_tree, _ = read_stage_tree(from_path, root, env=os.environ)
    if pull_request:
        propose(root, names, from_tree, (from_path, to_path), keys, show, dry_run=dry_run)
        return
    edit = make_edit(from_tree, to_path, root, keys)
    if dry_run or not edit.diff:
        show(edit, False, "")
        return
    if output == "text":
        show(edit, False, "")
    if not yes:
        ask(edit)
    write_file(edit.path.resolve(), edit.after)
    if output == "json":
        show(edit, True, "")
    else:
        print_result(f"changed {edit.name}")


def _stage_name(argument: str) -> str:
    """How to speak of a stage that may be named by its file."""
    return Path(argument).stem if argument.lower().endswith(SUFFIXES) else argument


def make_edit(source: Node, path: Path, root: Path, select: Sequence[str]) -> Edit:
    """The edit of the file at ``path``, checked. Raises InvalidStage for what would not load and
    Refused for what cannot be edited exactly."""
    name = label(path, root)
    before = read_text(path)
    target, _ = read_stage_tree(path, root, env=os.environ)
    found = promotion(source, target, select)
    after = promoted_text(before, found.changes, is_json=path.suffix.lower() == ".json")
    if found.changes:
        plain = after.removeprefix("\ufeff").replace("\r\n", "\n")
        check_promoted(target, read_stage_tree(path, root, plain, env=os.environ)[0], found.changes)
        check_loads(path, root, plain)
    return Edit(path, name, before, after, found)


def check_loads(path: Path, root: Path, text: str) -> None:
    """Raises InvalidStage for errors that the new text has and the file has not."""
    facts = GitFacts("0" * 40, read_facts(root, os.environ).branch or "main")

    def errors(changed: str | None) -> list[Any]:
        found = check_stage(
            str(path.resolve()), root=root, env=Environment(), variables={}, git=facts, text=changed
        )
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


def ask(edit: Edit) -> None:
    """Get a person's consent. Raises Refused without one."""
    if not is_interactive():
        raise Refused("nobody is there to say yes", hint="add --yes, or --dry-run to only look")
    if not confirms(f"Change {edit.name}?"):
        raise Refused("not changed: consent was not given")


Show = Callable[[Edit, bool, str], None]


def _shower(source: str, target: str, output: str, common: Common) -> Show:
    """What shows an edit, whether it was made, and the URL of its pull request."""

    def show(edit: Edit, is_done: bool, url: str) -> None:
        if output == "json":
            print_json(as_json(source, target, edit, is_done=is_done, url=url))
        else:
            print_edit(source, target, edit, uses_colour(common))
            if url:
                print_result(f"pull request: {url}")

    return show


def as_json(source: str, target: str, edit: Edit, *, is_done: bool, url: str) -> dict[str, Any]:
    """The edit as plain data."""
    return {
        "from": source,
        "to": target,
        "file": edit.name,
        "changes": [
            {"key": c.key, "path": c.path, "before": c.before, "after": c.value}
            for c in edit.found.changes
        ],
        "only_in_from": list(edit.found.only_in_source),
        "only_in_to": list(edit.found.only_in_target),
        "notes": list(edit.found.notes),
        "diff": edit.diff,
        "changed": is_done,
        "pull_request": url,
    }


def print_edit(source: str, target: str, edit: Edit, colour: bool) -> None:
    """The diff on standard output, what is left out on standard error."""
    from cicd.render.printable import printable

    found = edit.found
    for key in found.only_in_source:
        print_note(f"only in {source}: {printable(key)} (--select {printable(key)} adds it)")
    for key in found.only_in_target:
        print_note(f"only in {target}, left as it is: {printable(key)}")
    for note in found.notes:
        print_note(f"note: {printable(note)}")
    if not edit.diff:
        print_result(f"nothing to promote: {target} has what {source} has")
        return
    for line in edit.diff.splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1]) if colour else None
        text = printable(line)
        print_result(click.style(text, fg=style) if style else text, is_whole=True)
    print_result(count(len(found.changes), "change"))


def propose(
    root: Path,
    names: tuple[str, str],
    source: Node,
    paths: tuple[Path, Path],
    select: Sequence[str],
    show: Show,
    *,
    dry_run: bool,
) -> None:
    """The same edit on the newest commit of TO's branch, as a pull request. All that can be found
    missing is, before anything is pushed."""
    from cicd.github import pulls
    from cicd.github.outputs import in_repository

    if not origin_url(root):
        raise Usage("there is no remote to push to", hint="git remote add origin URL")
    base = branch_of(paths[1], root)
    commit = fetch_branch(root, base)
    if not commit:
        raise Usage(f'origin has no branch "{base}"', hint="push it, or correct branch in TO")
    files = [label(path, root) for path in paths]
    with checked_out(root, commit) as there:
        if Path(files[1]).is_absolute() or not (there / files[1]).is_file():
            raise Usage(f'{files[1]} is not on the branch "{base}" of origin', hint="push it first")
        edit = make_edit(source, there / files[1], there, select)
        if dry_run or not edit.diff:
            show(edit, False, "")
            return
        project = project_of(root)
        branch = pulls.branch_name(*names, [in_repository(project, file) for file in files], select)
        called = identity(project, names[0]), identity(project, names[1])
        title = f"Promote {called[0]} to {called[1]}: {count(len(edit.found.changes), 'change')}"
        body = pulls.compose(*called, [told(c) for c in edit.found.changes], edit.diff)
        with closing(connect(root)) as client:
            pulls.check_rights(client)
            push(root, edit, branch, commit, title)
            url = pulls.sync_pull_request(client, branch=branch, base=base, title=title, body=body)
    show(edit, True, url)


def connect(root: Path) -> Client:
    """A client for the repository that ``origin`` is. Raises Usage or Denied when something is
    missing."""
    from cicd.github import pulls
    from cicd.github.client import Client
    from cicd.github.context import API_URL, read_context

    context = read_context(os.environ)
    host, repository = pulls.repository_of(origin_url(root))
    repository = context.repository or repository
    if not repository:
        raise Usage("origin is no repository on GitHub", hint="set GITHUB_REPOSITORY to OWNER/NAME")
    token = pulls.needed_token(context.token)
    api_url = pulls.api_url_of(host) if host and context.api_url == API_URL else context.api_url
    return Client(api_url, token, repository)


def told(change: Any) -> str:
    """One change in a line."""
    where = f"{change.key} {change.path}".strip()
    if isinstance(change.value, dict):
        return f"{where}: new"
    return f"{where}: {change.before if change.before is not None else 'none'} → {change.value}"


def branch_of(path: Path, root: Path) -> str:
    """The branch that the stage is applied from, else the one that is checked out."""
    node = read_stage_tree(path, root)[0].get("branch")
    is_plain = node is not None and isinstance(node.value, str) and "${" not in node.value
    branch = str(node.value) if node is not None and is_plain else ""
    branch = branch or read_facts(root, os.environ).branch
    if not branch:
        raise Usage("which branch is the pull request for?", hint="set branch in TO's stage file")
    return branch


def push(root: Path, edit: Edit, branch: str, base: str, title: str) -> None:
    """Commit the edit on top of ``base`` and push it, unless that is there already. Raises Refused
    where the branch has commits of somebody else."""
    tip = fetch_branch(root, branch)
    write_file(edit.path, edit.after)
    folder = edit.path.parent
    commit = commit_file(folder, edit.path, f"{title}\n\n{TRAILER}")
    if tip:
        tree, parents, message = describe_commit(root, tip)
        if TRAILER not in message.splitlines():
            raise Refused(
                f"the branch {branch} has a commit that is not ours: {tip[:12]}",
                hint="merge or close its pull request and delete the branch, then promote again",
            )
        if (tree, parents, message) == describe_commit(root, commit):
            return
    push_branch(folder, commit, branch, tip)
