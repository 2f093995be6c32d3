"""``cicd import``: a live resource group becomes a stage file whose plan is empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from cicd.automation.importing import Imported, import_stage, shown
from cicd.automation.loading import Loader
from cicd.cli.console import (
    check_writable,
    print_note,
    print_result,
    shown_json,
    uses_colour,
    write_report,
)
from cicd.cli.help import examples
from cicd.cli.login_prompt import with_login
from cicd.cli.options import Common, common_options, output_option, parse_variables
from cicd.cli.project import loader_of
from cicd.errors import Usage
from cicd.model import Action, Change, Kind
from cicd.platforms.commands import Imports
from cicd.platforms.registry import DIALECTS, PLATFORMS, imports, kinds_on
from cicd.render.inventory import render_inventory, render_inventory_page
from cicd.words import count, singular

OUTPUTS = ("text", "json", "html")
SUFFIXES = {".json": "json", ".html": "html", ".htm": "html"}


def command() -> click.Command:
    """The command with the options of every platform."""
    words = imports()
    targets = {name: text for one in words.values() for name, text in one.target.items()}
    selects = {name: text for one in words.values() for name, text in one.select.items()}
    flags = {name: text for one in words.values() for name, text in one.flags.items()}

    @click.command(
        "import",
        epilog=examples(
            "cicd import dev --resource-group churn-dev",
            "cicd import prd --platform sagemaker --model churn --jobs",
        ),
    )
    @click.argument("stage")
    @word_options(targets)
    @click.option(
        "--platform", help=f"Of which platform it is.  [default: {next(iter(PLATFORMS))}]"
    )
    @click.option(
        "--target",
        multiple=True,
        callback=parse_variables,
        metavar="NAME=VALUE",
        help="What to import, as the platform's section of a stage file names it.",
    )
    @click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The file to write.  [default: stages/STAGE.yaml]",
    )
    @word_options(selects, multiple=True, metavar="GLOB")
    @word_options(flags, is_flag=True)
    @click.option(
        "--inventory",
        "inventories",
        multiple=True,
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Also write all that was found: as text, .json or .html.",
    )
    @output_option(
        *OUTPUTS, default=None, help="Print all that was found so, in place of the summary."
    )
    @click.option("--force", is_flag=True, help="Overwrite the file.")
    @click.option("--prompt", is_flag=True, help="Ask for a login; it is kept nowhere.")
    @common_options()
    def imported(
        stage: str,
        common: Common,
        platform: str | None,
        target: dict[str, str],
        out: Path | None,
        force: bool,
        prompt: bool,
        inventories: tuple[Path, ...],
        output: str | None,
        **given: Any,
    ) -> None:
        """Write a stage file that asks for what lives in a resource group, or another such place.

        Changes nothing there. Templates cannot be read back: with those of the group in templates/,
        the file syncs them too. Ends with 5 when the file is already there.
        """
        named = {name.removeprefix("at_"): text for name, text in given.items() if text}
        wanted = {**target, **{name: text for name, text in named.items() if name in targets}}
        select = [glob for name in selects for glob in named.get(name, ())]
        about = platform or next(iter(words))
        own = words.get(about, Imports())
        is_said = wanted or (not own.target and any(name in named for name in own.select))
        if not is_said:
            first = next(iter(own.target), "")
            part = next(iter(own.select), "")
            hint = f"add {spelled(first or part)} NAME" if first or part else targets_of(about)
            hint += f"; {spelled(part)} '*' for all" if part and not first else ""
            raise Usage("nothing says what to import", hint=hint)
        for path in inventories:
            check_writable(path)
        loader = loader_of(common)
        if prompt:
            loader = with_login(loader, platform)
        found = import_stage(
            loader,
            stage,
            wanted,
            platform=platform or "",
            out=out,
            select=select,
            wants=[name for name in flags if name in named],
            force=force,
            tell=print_note,
        )
        for path in inventories:
            write_report(path, as_text(found, SUFFIXES.get(path.suffix.lower(), "text")))
        if output:
            told = as_text(found, output, colour=uses_colour(common))
            print_result(told.rstrip("\n"), is_whole=output != "text")
        else:
            report(loader, found)

    return imported


def targets_of(platform: str) -> str:
    """How to say what to import, with the names that the platform has for it."""
    environment = DIALECTS[platform].ENVIRONMENT.values() if platform in DIALECTS else ()
    names = ", ".join(found.field for found in environment if found.field)
    return f"add --target NAME=VALUE{names and f'; NAME is one of {names}'}"


def word_options(texts: dict[str, str], **more: Any) -> Callable[[Callable[..., Any]], Any]:
    """Adds an option for each word of a platform, with its help; ``at_WORD`` is its value."""

    def decorate(command: Callable[..., Any]) -> Any:
        for name, text in reversed(texts.items()):
            command = click.option(spelled(name), f"at_{name}", help=text, **more)(command)
        return command

    return decorate


def spelled(name: str) -> str:
    """The option for a word."""
    return f"--{name.replace('_', '-')}"


def as_text(found: Imported, output: str, *, colour: bool = False) -> str:
    """The inventory of what was found, as text that ends in one new line."""
    if output == "json":
        return shown_json(found.inventory, indent=2) + "\n"
    if output == "html":
        return render_inventory_page(found.inventory)
    return render_inventory(found.inventory, colour=colour) + "\n"


def report(loader: Loader, imported: Imported) -> None:
    """What was written and left out, and what applying it would do."""
    from cicd.words import printable

    found, unset = imported.export, imported.unset
    counts = [count(n, singular(name)) for name, n in found.counts.items() if n]
    print_result(f"wrote {shown(loader, imported.file)}: {', '.join(counts) or 'nothing is there'}")
    for note in found.notes:
        print_note(f"not imported: {printable(note)}")
    if unset:
        print_note(f"set these variables before you plan: {', '.join(unset)}")
    kinds = kinds_on(imported.plan.platform)
    differing = [
        change
        for change in imported.plan.changes
        if is_difference(change, kinds, has_unset=bool(unset))
    ]
    print_result(f"plan: {count(len(differing), 'change')}" if differing else "plan: no changes")
    for change in differing:
        print_result(f"  {change.key}: {change.action.value}, {printable(change.reason)}")


def is_difference(change: Change, kinds: Mapping[str, Kind], *, has_unset: bool) -> bool:
    """Whether applying changes it; of a secret whose value is not at hand nobody can tell."""
    if change.action is Action.NO_OP:
        return False
    return not (has_unset and kinds[change.key.kind].is_secret)
