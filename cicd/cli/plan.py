"""``cicd plan``: what apply would change; changes nothing anywhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click

from cicd.automation.offline import offline_plan
from cicd.automation.session import document_of
from cicd.cli.completion import complete_stage
from cicd.cli.console import (
    EventLog,
    print_json,
    print_note,
    print_result,
    uses_colour,
    write_json,
)
from cicd.cli.failure import failure_saved
from cicd.cli.help import examples
from cicd.cli.notified import write_notified
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import in_order, loader_of, open_session
from cicd.cli.redaction import MASK
from cicd.cli.signals import terminable
from cicd.errors import Refused, Usage
from cicd.forges.detect import read_run
from cicd.model import Plan

PENDING = 2


@click.command("plan", epilog=examples("cicd plan dev", "cicd plan dev tst --output markdown"))
@click.argument("stages", nargs=-1, metavar="[STAGE]...", shell_complete=complete_stage)
@common_options(choice=True)
@click.option(
    "--offline", is_flag=True, help="Plan against nothing: no login, no network, all is new."
)
@click.option(
    "--drift", is_flag=True, help="Tell those whom notify names whether live differs from the file."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan.")
@output_option("text", "json", "markdown", "html", help="How the plan is written.")
@click.option(
    "--detailed-exitcode", is_flag=True, help="End with 2 when there is something to change."
)
def command(
    stages: tuple[str, ...],
    common: Common,
    offline: bool,
    drift: bool,
    out: Path | None,
    output: str,
    detailed_exitcode: bool,
) -> int:
    """Show what apply would change.

    STAGE is a name (dev: stages/dev.yaml), a file, or nothing: the stage whose branch is checked
    out. Ends with 5 when a limit or a protection stands against it. What --out saves when there is
    no plan says why: `cicd comment` shows it.
    """
    if drift and offline:
        raise Usage("--drift looks at what is live", hint="leave out --offline")
    if out and len(stages) > 1:
        raise Usage("--out saves one plan", hint="name one stage")
    names: Sequence[str | None] = stages or (None,)
    with terminable() if out else nullcontext(), failure_saved(out, names[0]):
        in_order(names)
        ahead: dict[Path, Plan] = {}
        planned = [
            plan_one(name, common, offline=offline, ahead=ahead, drift=drift) for name in names
        ]
    print_plans([plan for plan, _ in planned], output, common)
    if out:
        # in ASCII, so that no console or file encoding can break it
        write_json(out, document_of(planned[0][0], MASK), is_ascii=True)
    for _, refusal in planned:
        if refusal:
            raise refusal
    return PENDING if detailed_exitcode and any(plan.has_changes for plan, _ in planned) else 0


def plan_one(
    argument: str | None,
    common: Common,
    *,
    offline: bool,
    ahead: dict[Path, Plan],
    drift: bool = False,
) -> tuple[Plan, Refused | None]:
    """The plan of one stage, and why it would be refused, if it would. ``ahead``: stage files ->
    the plans that the same command has made before, which say what it can take from them.
    ``drift``: those whom the stage names are told of it. The plan of a fork is made offline: what
    strangers wrote must not meet our secrets."""
    if not offline and read_run(os.environ).is_foreign:
        print_note("warning: the change comes from a fork, so it is planned offline")
        offline = True
    if offline:
        return offline_plan(loader_of(common), argument, common.choice), None
    with open_session(argument, common) as session:
        session.ahead = dict(ahead)
        if drift:
            log = EventLog(common)
            plan, refusal = session.drift(lambda told: write_notified(log, told), common.choice)
        else:
            plan, refusal = session.reviewed_plan(common.choice)
        ahead[session.file] = plan
        return plan, refusal


def print_plans(plans: Sequence[Plan], output: str, common: Common) -> None:
    """The plans on standard output, as ``output`` says."""
    documents = [document_of(plan, MASK) for plan in plans]
    if output == "json":
        print_json(documents[0] if len(documents) == 1 else documents)
    elif output == "markdown":
        from cicd.render.dialect import DIALECTS, GITHUB
        from cicd.render.markdown import render_section

        dialect = DIALECTS.get(read_run(os.environ).forge, GITHUB)
        texts = [render_section(document, dialect=dialect) for document in documents]
        print_result("\n".join(texts).rstrip("\n"), is_whole=True)
    elif output == "html":
        from cicd.render.html import render_page

        print_result(render_page(documents).rstrip("\n"), is_whole=True)
    else:
        for plan in plans:
            print_plan(plan, common)


def print_plan(plan: Plan, common: Common) -> None:
    """The plan as text, on standard output."""
    from cicd.render.text import render_plan

    colour, verbose = uses_colour(common), common.verbosity > 0
    print_result(render_plan(plan, colour=colour, verbose=verbose))
