"""``cicd rollback``: a deployment goes back to a configuration that it had before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cicd.automation.failed import failed_tests
from cicd.automation.lock import StageLock, lock_option, locked
from cicd.automation.rollback import explain_next, read_versions, row
from cicd.automation.rolled_back import remember_rollback
from cicd.automation.session import Session, now, open_session
from cicd.cli.apply import ask, report, run_plan
from cicd.cli.completion import complete_replace, complete_stage
from cicd.cli.console import print_json, print_result, terminal_width, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, consent_option, output_option
from cicd.cli.plan import print_plan
from cicd.cli.words import stage_first
from cicd.errors import Usage
from cicd.model import Change, LiveResource

if TYPE_CHECKING:
    from cicd.plan.history import Version


@click.command(
    "rollback",
    epilog=examples("cicd rollback prd serve --list", "cicd rollback prd deployment/serve --yes"),
)
@click.argument("stage", shell_complete=complete_stage)
@click.argument("key", shell_complete=complete_replace)
@common_options()
@click.option("--to", "wanted", metavar="ID", help="This configuration, by its id or its start.")
@click.option("--list", "is_listing", is_flag=True, help="Show what it can go back to.")
@output_option("text", "json", help="Of --list.")
@consent_option()
@lock_option
def command(
    stage: str,
    key: str,
    common: Common,
    wanted: str | None,
    is_listing: bool,
    output: str,
    yes: bool,
    lock_timeout: int,
) -> int:
    """Give deployment KEY the configuration that it had before.

    Nothing else changes, and the stage file stays as it is: revert it in Git too, or the next apply
    brings the present configuration back.
    """
    from cicd.plan.history import choose_version

    stage, (key,) = stage_first(stage, [key])
    if output == "json" and not is_listing:
        raise Usage("--output json is for --list", hint="add --list")
    with open_session(stage, common, needs_secrets=False) as session:
        if is_listing:
            change, history = read_versions(session, key)
            version = session.platform.kinds[change.key.kind].version
            word = version[1].replace("_", " ") if version else "version"
            print_history(history, word, failed_tests(session), output, common)
            return 0
        with locked(session, "rollback", lock_timeout) as lock:
            change, history = read_versions(session, key)
            if wanted is None:  # what failed is gone back to only by its id
                failed = failed_tests(session)
                history = [
                    item for item in history if item.is_running or item.content.id not in failed
                ]
            target = choose_version(change.key, history, wanted, session.platform.kinds)
            return go_back(session, change, target, lock, yes=yes)


def go_back(
    session: Session,
    change: Change,
    target: LiveResource,
    lock: StageLock,
    *,
    yes: bool,
) -> int:
    """Show, ask, do, report; the exit code."""
    from cicd.plan.history import make_rollback_plan, version_field

    platform = session.platform
    desired = platform.complete(session.stage.resources)
    plan = make_rollback_plan(
        session.stage, desired, session.live, platform.kinds, change, target, created_at=now()
    )
    print_plan(plan, session.common)
    session.check(plan)
    if not yes:
        ask(f"Roll {change.key} back?", hint="add --yes")
    lock.warn()
    code, _ = report(session, plan, run_plan(session, plan, lock, wait=True))
    if code == 0:
        remember_rollback(platform, change, target.id)
        print_result(
            explain_next(change, target, session.stage.file, version_field(change, platform.kinds))
        )
    return code


def print_history(
    history: Sequence[Version],
    word: str,
    failed: Mapping[str, str],
    output: str,
    common: Common,
) -> None:
    """The versions, newest first, on standard output; ``word``: what one is called, ``failed``: why
    one did not pass."""
    from cicd.render.history import render_history

    rows = [row(version, failed) for version in history]
    if output == "json":
        print_json(rows)
        return
    moment, colour = datetime.now(UTC), uses_colour(common)
    print_result(render_history(rows, moment, word=word, colour=colour, width=terminal_width()))
