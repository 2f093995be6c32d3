"""``cicd apply``: plan, ask, do, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cicd.automation.git import check_merged
from cicd.automation.result import Result
from cicd.automation.saved import read_saved
from cicd.cli.completion import complete_stage
from cicd.cli.console import EventLog, check_writable, write_json
from cicd.cli.help import examples
from cicd.cli.lock import lock_option
from cicd.cli.operate import Record, ask, operate
from cicd.cli.options import Common, common_options, consent_option
from cicd.cli.permissions import permission_options, permitted
from cicd.cli.progress import can_draw
from cicd.cli.project import in_order, loader_of, open_session
from cicd.errors import CicdError, InvalidStage, Usage
from cicd.model import Plan


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

    Several stages are applied in order, once all are valid; the first that fails ends it. One apply
    of a stage at a time: another one that is under way anywhere is waited for, or ends this with 5.
    """
    if saved and len(stages) > 1:
        raise Usage("--plan belongs to one stage", hint="name one stage")
    agreed = read_saved(saved) if saved else None
    if agreed:
        common = with_saved_options(common, agreed.document)
    permissions = permitted(common, over_limits=over_limits, other_stages=other_stages, force=force)
    names: Sequence[str | None] = stages or ([agreed.stage] if agreed else [None])
    if None in names and not common.local:
        check_merged(os.environ)
    if summary:
        check_writable(summary)
    results: list[Mapping[str, Any]] = []

    def record(result: Mapping[str, Any]) -> None:
        results.append(result)
        if summary:
            # several stages: a list of what a single one gives
            write_json(summary, results if len(names) > 1 else result)

    def apply(name: str | None) -> Result:
        with open_session(name, common) as session:
            operation = session.applying(
                agreed,
                approve=None if yes or agreed else agree_to_apply,
                wait=not no_wait,
                over_limits=permissions.over_limits,
                other_stages=permissions.other_stages,
                lock_timeout=lock_timeout,
                workers=workers,
                measures=can_draw(common),
                **({} if agreed else common.choice.options()),
            )
            operate(operation, common, record=record)
            assert operation.result is not None
            return operation.result

    check_all(names, common, record)
    return apply_in_order(names, apply, common, record)


def check_all(names: Sequence[str | None], common: Common, record: Record) -> None:
    """Raise InvalidStage for all that is wrong with any of several stages, before anything of the
    first is sent."""
    loader, wrong = loader_of(common), dict[str | None, InvalidStage]()
    for name in names if len(names) > 1 else ():
        try:
            loader.load(name)
        except InvalidStage as error:
            wrong[name] = error
    for name in names if wrong else ():
        if name not in wrong:
            leave(name, "skipped", f"is skipped: {next(iter(wrong))} is not valid", common, record)
    if wrong:
        problems = (problem for error in wrong.values() for problem in error.problems)
        raise InvalidStage(list(dict.fromkeys(problems)))


def apply_in_order(
    names: Sequence[str | None],
    apply: Callable[[str | None], Result],
    common: Common,
    record: Record,
) -> int:
    """Apply stages one after the other; the exit code. The first that fails ends it, and what takes
    something from one that nobody waits for is left to the next time."""
    takes, going = in_order(names), list[str | None]()
    for position, name in enumerate(names):
        if awaited := [other for other in takes.get(name or "", ()) if other in going]:
            leave(name, "deferred", f"waits for {awaited[0]}: apply both again", common, record)
            going.append(name)
            continue
        code = CicdError.exit_code
        try:
            result = apply(name)
            code = result.exit_code
        finally:
            for other in names[position + 1 :] if code else ():
                leave(other, "skipped", f"is skipped: {name} was not applied", common, record)
        if code:
            return code
        going += [name] if result.goes_on else []
    return 0


def leave(name: str | None, result: str, why: str, common: Common, record: Record) -> None:
    """Say that a stage is left as it is, and why."""
    EventLog(common).write(f"warning: {name} {why}")
    record({"stage": name, "result": result, "seconds": 0.0, "outcomes": []})


def agree_to_apply(plan: Plan) -> bool:
    """Whether a person agrees to a plan."""
    return ask(f"Apply this to {plan.stage}?")


def with_saved_options(common: Common, document: Mapping[str, Any]) -> Common:
    """The options that the saved plan was made with. Raises Usage for others beside them."""
    from cicd.plan.bound import saved_options

    saved = saved_options(document)
    for name, given in common.choice.options().items():
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
