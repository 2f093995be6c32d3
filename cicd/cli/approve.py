"""``cicd approve``: somebody approves what a stage waits with, or refuses it."""

from __future__ import annotations

import click

from cicd.cli.completion import complete_stage
from cicd.cli.console import print_result
from cicd.cli.help import examples
from cicd.cli.operate import ask
from cicd.cli.options import Common, common_options, consent_option
from cicd.cli.plan import print_plan
from cicd.cli.project import open_session
from cicd.model import Plan


@click.command(
    "approve",
    epilog=examples("cicd approve prd", 'cicd approve prd --reject --reason "no test data"'),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@click.option("--reject", is_flag=True, help="Refuse it.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the decision.")
@consent_option()
def command(stage: str | None, common: Common, reject: bool, reason: str, yes: bool) -> int:
    """Approve what a stage waits with, by the means that its file names.

    The approval is bound to what is to serve: when that changes another one is needed. A file has
    to be committed and pushed to the branch of the stage; with --local it counts as it is.
    """

    def agree(plan: Plan) -> bool:
        print_plan(plan, common)
        question = f"{'Reject' if reject else 'Approve'} this for {plan.stage}?"
        return yes or ask(question, hint="add --yes")

    with open_session(stage, common) as session:
        plan, given = session.approve(reject=reject, reason=reason, agree=agree)
        if given is None:
            print_plan(plan, common)
            print_result("nothing waits for an approval")
            return 0
        mark = plan.lifecycle.fingerprint[:12] if plan.lifecycle else ""
        by = f" by {given.by}" if given.by else ""
        print_result(f"{plan.stage}: {given.state.value}{by} ({mark})")
        for line in filter(None, [given.note, given.link]):
            print_result(line)
        return 0
