"""``cicd promote``: what one stage has tried out becomes an edit of the next stage's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from cicd.automation.promotion import Edit, called, promote, propose
from cicd.cli.completion import complete_stage
from cicd.cli.console import (
    confirms,
    is_interactive,
    print_json,
    print_note,
    print_result,
    uses_colour,
)
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, consent_option, output_option
from cicd.cli.project import loader_of
from cicd.errors import Refused
from cicd.words import count


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
    loader = loader_of(common)
    show = _shower(called(source), called(target), output, common)
    if pull_request:
        edit, url = propose(loader, source, target, keys, dry_run=dry_run)
        show(edit, bool(url), url)
        return
    edit = promote(loader, source, target, keys)
    if dry_run or not edit.diff:
        show(edit, False, "")
        return
    if output == "text":
        show(edit, False, "")
    if not yes:
        ask(edit)
    edit.write()
    if output == "json":
        show(edit, True, "")
    else:
        print_result(f"changed {edit.name}")


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
    from cicd.words import printable

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
