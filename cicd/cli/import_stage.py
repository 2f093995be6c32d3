"""``cicd import``: a live resource group becomes a stage file whose plan is empty."""

from __future__ import annotations

from pathlib import Path

import click

from cicd.automation.importing import Imported, import_stage, shown
from cicd.automation.loading import Loader
from cicd.cli.console import print_note, print_result
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, parse_variables
from cicd.cli.project import loader_of
from cicd.errors import Usage
from cicd.model import Action, Change
from cicd.platforms.registry import every_kind
from cicd.words import count


@click.command(
    "import",
    epilog=examples(
        "cicd import dev --resource-group churn-dev",
        "cicd import prd --resource-group churn --scenario 'churn*' --out stages/prd.yaml",
    ),
)
@click.argument("stage")
@click.option("--resource-group", "group", help="What to import from AI Core.")
@click.option("--platform", help="Of which platform it is.  [default: that of most stages]")
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
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="GLOB",
    help="Only what belongs to these scenarios.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@common_options()
def command(
    stage: str,
    common: Common,
    group: str | None,
    platform: str | None,
    target: dict[str, str],
    out: Path | None,
    scenarios: tuple[str, ...],
    force: bool,
) -> None:
    """Write a stage file that asks for what lives in a resource group, or another such place.

    Changes nothing there. Templates cannot be read back: with those of the group in templates/, the
    file syncs them too. Ends with 5 when the file is already there.
    """
    wanted = {**target, **({"resource_group": group} if group else {})}
    if not wanted:
        raise Usage("nothing says what to import", hint="add --resource-group NAME")
    loader = loader_of(common)
    found = import_stage(
        loader,
        stage,
        wanted,
        platform=platform or "",
        out=out,
        select=scenarios,
        force=force,
        tell=print_note,
    )
    report(loader, found)


def report(loader: Loader, imported: Imported) -> None:
    """What was written and left out, and what applying it would do."""
    from cicd.words import printable

    found, unset = imported.export, imported.unset
    counts = [count(n, name.removesuffix("s")) for name, n in found.counts.items() if n]
    print_result(
        f"wrote {shown(loader, imported.file)}: {', '.join(counts) or 'the group is empty'}"
    )
    for note in found.notes:
        print_note(f"not imported: {printable(note)}")
    if unset:
        print_note(f"set these variables before you plan: {', '.join(unset)}")
    differing = [
        change for change in imported.plan.changes if is_difference(change, has_unset=bool(unset))
    ]
    print_result(f"plan: {count(len(differing), 'change')}" if differing else "plan: no changes")
    for change in differing:
        print_result(f"  {change.key}: {change.action.value}, {printable(change.reason)}")


def is_difference(change: Change, *, has_unset: bool) -> bool:
    """Whether applying changes it; of a secret whose value is not at hand nobody can tell."""
    if change.action is Action.NO_OP:
        return False
    return not (has_unset and every_kind()[change.key.kind].is_secret)
