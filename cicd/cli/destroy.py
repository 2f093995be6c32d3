"""``cicd destroy``: a plan of deletes, agreed to by the name of the stage."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from cicd.cli.completion import complete_stage
from cicd.cli.console import answer_to, check_writable, is_interactive, write_json
from cicd.cli.help import examples
from cicd.cli.lock import lock_option
from cicd.cli.operate import operate
from cicd.cli.options import Common, common_options, consent_option
from cicd.cli.permissions import permission_options, permitted
from cicd.cli.progress import can_draw
from cicd.cli.project import open_session
from cicd.errors import Refused
from cicd.model import Plan


@click.command(
    "destroy",
    epilog=examples("cicd destroy dev --local", "cicd destroy dev --yes --stage-name dev"),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@consent_option(help="Do not ask; needs --stage-name.")
@click.option("--stage-name", metavar="NAME", help="The name of the stage that is to go.")
@lock_option
@permission_options
@click.option(
    "--summary", type=click.Path(dir_okay=False, path_type=Path), help="Write the result as JSON."
)
def command(
    stage: str | None,
    common: Common,
    yes: bool,
    stage_name: str | None,
    lock_timeout: int,
    over_limits: bool,
    other_stages: bool,
    force: bool,
    summary: Path | None,
) -> int:
    """Take down what a stage has put up.

    Everything that the stage file names is deleted, what depends on others first; what serves the
    whole tenant with a warning. The resource group goes last, with the artifacts and configurations
    in it, if this stage made it and nothing of anybody else is left there. Else it is kept, the
    plan says why, and artifacts and configurations stay for ever.

    Who destroys a stage says its name: typed, or as --stage-name beside --yes. Limits do
    not hold then, and what is protected is never deleted.
    """
    if summary:
        check_writable(summary)
    permissions = permitted(common, over_limits=over_limits, other_stages=other_stages, force=force)
    with open_session(stage, common, needs_secrets=False) as session:
        _check_name(session.stage.name, stage_name)
        # scripts of old say --force and no name
        is_agreed = yes and (bool(stage_name) or force)
        operation = session.destroying(
            approve=None if is_agreed else _refuse_without_name if yes else agree_by_name,
            other_stages=permissions.other_stages,
            lock_timeout=lock_timeout,
            measures=can_draw(common),
        )
        record = partial(write_json, summary) if summary else lambda _: None
        return operate(operation, common, record=record)


def agree_by_name(plan: Plan) -> bool:
    """Let a person type the name of what is to go. Raises Refused for anything else."""
    if not is_interactive():
        hint = f"add --yes --stage-name {plan.stage}"
        raise Refused("nobody is there to say yes", hint=hint)
    typed = answer_to(f"Type {plan.stage} to destroy it")
    if typed.strip() != plan.stage:
        raise Refused("not destroyed: that is not its name")
    return True


def _refuse_without_name(plan: Plan) -> bool:
    hint = f"add --stage-name {plan.stage}"
    raise Refused(f"--yes alone does not destroy {plan.stage}", hint=hint)


def _check_name(name: str, given: str | None) -> None:
    if given is not None and given != name:
        raise Refused(f'--stage-name "{given}" is not "{name}", which would be destroyed')
