"""``cicd unlock``: takes the lock of a stage away from whoever has it."""

from __future__ import annotations

import click

from cicd.automation.holder import is_gone
from cicd.automation.lock import stage_lock
from cicd.automation.session import open_session
from cicd.cli.apply import ask
from cicd.cli.completion import complete_stage
from cicd.cli.console import print_result
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, consent_option
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
        lock, name = stage_lock(session), session.stage.name
        holder = lock.look() if lock else None
        if not lock or not holder:
            print_result(f"{name} is not locked")
            return
        is_dead = is_gone(holder)
        died = "; that process has ended" if is_dead else ""
        print_result(f"{name} is locked by {render_holder(holder)}{died}")
        if not yes:
            ask(f"Unlock {name}?", hint="add --yes")
        now = lock.look()
        if now and now.run != holder.run:
            raise Refused(
                f"{name} has another lock now, by {render_holder(now)}", hint="look again"
            )
        lock.drop()
        alive = not is_dead and not holder.has_expired
        wait = f"; wait {RENEWAL:g} s: if that one still runs, it notices by then" if alive else ""
        print_result(f"unlocked {name}{wait}")
