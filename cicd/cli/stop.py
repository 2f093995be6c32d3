"""``cicd stop``: runs and deployments end now; nothing is deleted."""

from __future__ import annotations

import click

from cicd.cli.completion import complete_run, complete_stage
from cicd.cli.console import print_result
from cicd.cli.help import examples
from cicd.cli.operate import ask, operate
from cicd.cli.options import Common, common_options, consent_option
from cicd.cli.plan import print_plan
from cicd.cli.project import open_session
from cicd.cli.words import stage_first
from cicd.model import Action, Plan
from cicd.words import printable


@click.command(
    "stop",
    epilog=examples(
        "cicd stop dev deployment/serve", "cicd stop dev 'execution/*' --no-wait --yes"
    ),
)
@click.argument("stage", shell_complete=complete_stage)
@click.argument("keys", nargs=-1, required=True, metavar="KEY...", shell_complete=complete_run)
@common_options()
@consent_option()
@click.option("--no-wait", is_flag=True, help="Ask them to stop and go.")
def command(stage: str, keys: tuple[str, ...], common: Common, yes: bool, no_wait: bool) -> int:
    """Stop runs and deployments.

    KEY is execution/train, just train, or a glob (execution/*). What has ended already is fine.
    Nothing that was stopped can be resumed: the next apply starts a new one.
    """
    stage, keys = stage_first(stage, keys)
    with open_session(stage, common, needs_secrets=False) as session:
        operation = session.stopping(*keys, approve=None if yes else agree, wait=not no_wait)
        return operate(
            operation,
            common,
            title="stop",
            hint="what was asked to stop does so",
            show_plan=show_plan,
            is_terminable=False,
        )


def agree(plan: Plan) -> bool:
    """Whether a person agrees."""
    return ask(f"Stop this in {plan.stage}?", hint="add --yes")


def show_plan(plan: Plan, common: Common) -> None:
    """What there is nothing to stop of, and what stops."""
    for change in plan.changes:
        if change.action is Action.NO_OP:
            print_result(printable(f"{change.key}: nothing to stop, {change.reason}"))
    if plan.has_changes:
        print_plan(plan, common)
