"""``cicd unlock``: takes the lock of a stage away from whoever has it."""

from __future__ import annotations

import click

from cicd.automation.holder import is_gone
from cicd.cli.completion import complete_stage
from cicd.cli.console import print_result
from cicd.cli.help import examples
from cicd.cli.operate import ask
from cicd.cli.options import Common, common_options, consent_option
from cicd.cli.project import open_session
from cicd.errors import Refused

AGAIN = "run it again if that one is to go too"


@click.command("unlock", epilog=examples("cicd unlock dev", "cicd unlock dev --yes"))
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@consent_option("--force")
def command(stage: str | None, common: Common, yes: bool) -> None:
    """Take the lock of a stage away from whoever has it.

    An apply that still runs notices, begins nothing more and fails. A lock expires by itself two
    minutes after its holder has died, so this is for those who cannot wait.
    """
    from cicd.apply.lease import RENEWAL
    from cicd.render.lock import render_holder

    with open_session(stage, common, needs_secrets=False) as session:
        holder, name = session.holder(), session.stage.name
        if not holder:
            print_result(f"{name} is not locked")
            return
        is_dead = is_gone(holder)
        died = "; that process has ended" if is_dead else ""
        print_result(f"{name} is locked by {render_holder(holder)}{died}")
        if not yes:
            agree(name)
        session.unlock(holder)
        alive = not is_dead and not holder.has_expired
        wait = f"; wait {RENEWAL:g} s: if that one still runs, it notices by then" if alive else ""
        print_result(f"unlocked {name}{wait}")


def agree(name: str) -> None:
    """Get a person's consent. Raises Refused without it."""
    if not ask(f"Unlock {name}?", hint="add --yes"):
        raise Refused("nothing was done: consent was not given")
