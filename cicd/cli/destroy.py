"""``cicd destroy``: a plan of deletes, with the same guards and the same consent as apply."""

from __future__ import annotations

from pathlib import Path

import click

from cicd.cli.apply import carry_out, write_json
from cicd.cli.completion import complete_stage
from cicd.cli.console import check_writable
from cicd.cli.help import examples
from cicd.cli.lock import lock_option, locked
from cicd.cli.options import Common, common_options, consent_option
from cicd.cli.session import open_session


@click.command(
    "destroy",
    epilog=examples("cicd destroy dev --local", "cicd destroy dev --summary summary.json"),
)
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@consent_option()
@lock_option
@click.option(
    "--force", is_flag=True, help="Go over limits and other stages; never over protection."
)
@click.option(
    "--summary", type=click.Path(dir_okay=False, path_type=Path), help="Write the result as JSON."
)
def command(
    stage: str | None,
    common: Common,
    yes: bool,
    lock_timeout: int,
    force: bool,
    summary: Path | None,
) -> int:
    """Take down what a stage has put up.

    Everything that the stage file names is deleted, what depends on others first; what serves the
    whole tenant with a warning. The resource group goes last, with the artifacts and configurations
    in it, if this stage made it and nothing of anybody else is left there. Else it is kept, the
    plan says why, and artifacts and configurations stay for ever.
    """
    if summary:
        check_writable(summary)
    with (
        open_session(stage, common, needs_secrets=False) as session,
        locked(session, "destroy", lock_timeout) as lock,
    ):
        code, result = carry_out(
            session,
            session.destroy_plan(),
            lock,
            yes=yes,
            wait=True,
            force=force,
            workers=10,
        )
    if summary:
        write_json(summary, result)
    return code
