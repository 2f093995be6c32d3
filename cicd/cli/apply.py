"""``cicd apply``: plan, ask, do, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd.automation.applied import Record
from cicd.automation.arrival import check_arrival
from cicd.automation.cut_short import Standing
from cicd.automation.git import check_merged
from cicd.automation.lock import StageLock, lock_option, locked
from cicd.automation.result import exit_code, hidden, summary_of
from cicd.automation.saved import check_place, check_saved, read_saved
from cicd.automation.session import Session, chosen, open_session
from cicd.cli.completion import complete_stage
from cicd.cli.console import (
    check_writable,
    confirms,
    is_interactive,
    print_result,
    uses_colour,
    write_json,
)
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, consent_option
from cicd.cli.permissions import permission_options, permitted
from cicd.cli.plan import print_plan
from cicd.cli.progress import follow, has_tree
from cicd.errors import Refused, Usage
from cicd.model import Action, Outcome, Plan, Result

if TYPE_CHECKING:
    from cicd.plan import Permissions

ADDS = {Action.CREATE, Action.UPDATE, Action.REPLACE}
AGAIN = "look at a new plan"


@click.command(
    "apply",
    epilog=examples(
        "cicd apply dev --local", "cicd apply prd --plan plan.json --summary summary.json"
    ),
)
@click.argument("stages", nargs=-1, metavar="[STAGE]...", shell_complete=complete_stage)
@common_options(choice=True)
@click.option(
    "--plan",
    "saved",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Apply just this saved plan; refused when anything has moved since.",
)
@consent_option()
@lock_option
@click.option("--no-wait", is_flag=True, help="Start what can start; the next apply goes on.")
@permission_options
@click.option(
    "--workers", type=click.IntRange(1, 64), default=10, show_default=True, help="Calls at once."
)
@click.option(
    "--summary", type=click.Path(dir_okay=False, path_type=Path), help="Write the result as JSON."
)
def command(
    stages: tuple[str, ...],
    common: Common,
    saved: Path | None,
    yes: bool,
    lock_timeout: int,
    no_wait: bool,
    over_limits: bool,
    other_stages: bool,
    force: bool,
    workers: int,
    summary: Path | None,
) -> int:
    """Make the stage so.

    Several stages are applied in order; the first that fails ends it. One apply of a stage at a
    time: another one that is under way anywhere is waited for, or ends this with 5.
    """
    import cicd.apply
    import cicd.plan  # noqa: F401 both before the lock is taken: others wait for it

    if saved and len(stages) > 1:
        raise Usage("--plan belongs to one stage", hint="name one stage")
    document = read_saved(saved) if saved else None
    if document:
        common = with_saved_options(common, document)
    permissions = permitted(common, over_limits=over_limits, other_stages=other_stages, force=force)
    names: Sequence[str | None] = stages or ([str(document["stage"])] if document else [None])
    if None in names and not common.local:
        check_merged(os.environ)
    if summary:
        check_writable(summary)
    results: list[dict[str, Any]] = []

    def record(result: dict[str, Any]) -> None:
        results.append(result)
        if summary:
            # several stages: a list of what a single one gives
            write_json(summary, results if len(names) > 1 else result)

    for name in names:
        with (
            open_session(name, common) as session,
            locked(session, "apply", lock_timeout) as lock,
        ):
            if document and saved:
                check_place(document, session.stage, saved)
            plan = session.plan()
            if document and saved:
                check_saved(document, plan, saved, Record(session.platform, document).last())
            code = carry_out(
                session,
                plan,
                lock,
                yes=yes,
                wait=not no_wait,
                permissions=permissions,
                workers=workers,
                record=record,
                saved=Record(session.platform, document) if document else None,
            )
        if code:
            return code
    return 0


def agree_to_apply(plan: Plan) -> None:
    """Get a person's consent to a plan. Raises Refused without one."""
    ask(f"Apply this to {plan.stage}?")


def carry_out(
    session: Session,
    plan: Plan,
    lock: StageLock,
    *,
    yes: bool,
    wait: bool,
    permissions: Permissions,
    workers: int,
    record: Callable[[dict[str, Any]], None],
    saved: Record | None = None,
    agree: Callable[[Plan], None] = agree_to_apply,
) -> int:
    """Show a plan, ask, apply it, report; the exit code.

    Without changes there is nothing to ask, but smoke tests are passed again: an apply that was
    killed before its test has left a deployment that nobody has tried. ``saved``: somebody has
    agreed to just this plan, and what becomes of it is written there. ``agree`` raises Refused
    without consent. ``record`` gets the summary, also of what was cut short.
    """
    print_plan(plan, session.common)
    session.check(plan, permissions)
    if not session.common.local:  # the emulator syncs what is published below
        check_arrival(session.root, plan)
    if plan.has_changes:
        if not (yes or saved):
            agree(plan)
        session.publish()
    session.remember()
    if saved and plan.has_changes:
        saved.begin()
    standing = Standing()
    try:
        ground, rest = break_ground(session, plan, lock, standing, workers=workers)
        if rest is not plan:
            if (saved or not yes) and (more := beyond(plan, rest)):
                raise Refused(
                    f"somebody else has applied {plan.stage} meanwhile: {more}", hint=AGAIN
                )
            session.check(rest, permissions)
        lock.expect(rest)
        outcomes = run_plan(session, rest, lock, standing, wait=wait, workers=workers)
    except KeyboardInterrupt:
        stands = hidden(standing.outcomes(plan))
        record(summary_of(plan, stands, session.explain_command) | {"result": "interrupted"})
        raise
    done = {outcome.key for outcome in ground}
    code, result = report(
        session, plan, [*ground, *(one for one in outcomes if one.key not in done)]
    )
    record(result)
    if saved:
        saved.end(has_failed=bool(code))
    return code


def break_ground(
    session: Session, plan: Plan, lock: StageLock, standing: Standing, *, workers: int
) -> tuple[list[Outcome], Plan]:
    """Make the container where that is what the lock has to wait for, and lock the stage.

    The outcomes so far, and the plan of what is to be done then: made anew, as until now somebody
    else may have done it all. Nothing of that when the stage is locked or cannot be.
    """
    kinds = session.platform.kinds
    groups = tuple(c for c in plan.changes if kinds[c.key.kind].contains and c.action in ADDS)
    if lock.is_held or not plan.has_changes:
        return [], plan
    if not groups:
        # another apply may have made it after we asked for the lock and before we planned
        lock.take()
        lock.warn()
        return [], session.plan() if lock.is_held else plan
    first = replace(plan, changes=groups)
    outcomes = run_plan(session, first, lock, standing, wait=True, workers=workers)
    if exit_code(outcomes):
        lock.halt(f"{groups[0].key} failed")
        return outcomes, plan
    lock.take()
    again = session.plan()
    lock.warn()
    return outcomes, again


def beyond(agreed: Plan, plan: Plan) -> str:
    """What a plan does that somebody who agreed to another has not agreed to; empty for nothing."""
    known = {(change.key, change.action) for change in agreed.changes}
    more = [
        f"{change.key} ({change.action.value})"
        for change in plan.changes
        if change.action is not Action.NO_OP and (change.key, change.action) not in known
    ]
    return ", ".join(more)


def report(session: Session, plan: Plan, outcomes: Sequence[Outcome]) -> tuple[int, dict[str, Any]]:
    """Print what became of a plan, remember what failed its test; the exit code and the summary."""
    from cicd.automation.failed import remember_tests
    from cicd.render.text import render_outcomes

    code = exit_code(outcomes)
    masked = hidden(outcomes)
    if plan.has_changes or code:
        colour = uses_colour(session.common)
        # the plan has named what a destroy leaves alone, and some of it has gone with its group
        shown = [
            outcome
            for outcome in masked
            if not plan.is_destroy or outcome.result is not Result.UNCHANGED
        ]
        print_result(render_outcomes(shown, colour=colour, more=session.explain_command))
    remember_tests(session, plan, masked)
    return code, summary_of(plan, masked, session.explain_command)


def run_plan(
    session: Session,
    plan: Plan,
    lock: StageLock,
    standing: Standing | None = None,
    *,
    wait: bool,
    workers: int = 10,
) -> list[Outcome]:
    """Apply a plan while showing what happens; ``standing``: what was done for it already."""
    from cicd.apply import execute

    events = execute(
        plan,
        session.platform,
        workers=workers,
        wait=wait,
        known={live.id for live in session.live},
        halted=lock.problem,
        measures=has_tree(plan, session.common),
    )
    hint = "what was started goes on; give the same command again to follow it to the end"
    title = f"apply {plan.stage}"
    return follow(session.common, plan, events, title=title, hint=hint, standing=standing)


def ask(question: str, *, hint: str = "add --yes, or apply a saved --plan") -> None:
    """Get a person's consent. Raises Refused without one."""
    if not is_interactive():
        raise Refused("nobody is there to say yes", hint=hint)
    if not confirms(question):
        raise Refused("nothing was done: consent was not given")


def with_saved_options(common: Common, document: Mapping[str, Any]) -> Common:
    """The options that the saved plan was made with. Raises Usage for others beside them."""
    from cicd.plan.bound import saved_options

    saved = saved_options(document)
    for name, given in chosen(common).items():
        if given and _words(given) != _words(saved[name]):
            option = f"--{name.replace('_', '-')}"
            wish = " ".join([option, *([", ".join(given)] if given is not True else [])])
            made_with = ", ".join(_words(saved[name])) or "none"
            raise Usage(
                f"{wish} is not what the plan was made with ({made_with})",
                hint=f"leave out {option}: a saved plan brings its own, or plan again",
            )
    return replace(common, **saved)  # type: ignore[arg-type]


def _words(given: bool | tuple[str, ...]) -> list[str]:
    """What an option says, to be compared and shown; a flag that is not there says nothing."""
    if isinstance(given, bool):
        return ["yes"] if given else []
    return sorted(set(given))
