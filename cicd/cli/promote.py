"""``cicd promote``: what one stage has tried out becomes an edit of the next stage's file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd.automation.git import (
    checked_out,
    fetch_branch,
    find_root,
    origin_url,
    project_of,
)
from cicd.automation.promotion import (
    Edit,
    branch_of,
    connect,
    make_edit,
    push,
    told,
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
from cicd.config.files import SUFFIXES, label
from cicd.config.inherit import Whole, read_whole
from cicd.config.load import find_stage
from cicd.errors import Refused, Usage
from cicd.model import identity
from cicd.platforms.registry import DIALECTS
from cicd.render.findings import count

if TYPE_CHECKING:
    pass


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
    whole = read_whole(from_path, root, DIALECTS, env=os.environ)
    if pull_request:
        propose(root, names, whole, (from_path, to_path), keys, show, dry_run=dry_run)
        return
    edit = make_edit(whole, to_path, root, keys)
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
    source: Whole,
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
