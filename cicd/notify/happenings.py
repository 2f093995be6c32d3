"""What happened to a stage that people may want to hear of, read from plans and outcomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cicd.model import (
    Action,
    ApprovalState,
    Happening,
    Kind,
    LifecycleStatus,
    Outcome,
    Plan,
    Result,
    Step,
)
from cicd.words import one_line, some

BAD = {Result.FAILED, Result.TIMED_OUT}
TELLABLE = 4
"""Keys that are named; the others are counted."""
LONGEST = 1000
"""Characters of a reason."""
LINES = 20
"""Lines of a log that go along."""


@dataclass(frozen=True)
class Told:
    """One thing that happened. ``key``: of what, empty for the stage as a whole; ``log``: the last
    lines of its log; ``link``: a page about it; ``command``: what to do next."""

    on: Happening
    reason: str
    key: str = ""
    log: tuple[str, ...] = ()
    link: str = ""
    command: str = ""


def of_outcomes(
    plan: Plan,
    outcomes: Sequence[Outcome],
    kinds: Mapping[str, Kind],
    argument: str,
    lifecycle: LifecycleStatus | None = None,
) -> list[Told]:
    """What an apply has come to: that it failed, that something waits for an approval, or that it
    deployed something. ``argument``: how a command line finds the stage; ``lifecycle``: how far it
    was at the end."""
    failed = [outcome for outcome in outcomes if outcome.result in BAD]
    held = [outcome for outcome in outcomes if outcome.result is Result.HELD]
    found = [_failed(failed, argument)] if failed else []
    if held and lifecycle:
        services = [outcome for outcome in held if kinds[outcome.key.kind].is_service]
        # of those that wait one says why, and the others that they wait with it
        reason = max((outcome.error for outcome in held), key=len)
        key = [*services, *held][0].key
        found += [_waiting(str(key), one_line(reason, LONGEST), lifecycle, argument)]
    if found or any(o.exit_code or o.result is Result.DEFERRED for o in outcomes):
        return found  # what was skipped was not what failed, and what goes on has not ended
    return _deployed(plan, outcomes, kinds, argument)


def of_error(error: str, argument: str, command: str = "apply") -> Told:
    """That nothing could be done at all."""
    return Told("failed", one_line(error, LONGEST), command=f"cicd {command} {argument}")


def of_difference(plan: Plan, argument: str) -> list[Told]:
    """That what is live is not as the stage file says."""
    keys = [str(change.key) for change in plan.changes if change.action is not Action.NO_OP]
    if not keys:
        return []
    first = next(change for change in plan.changes if str(change.key) == keys[0])
    reason = f"{first.key} would {_verb(first.action)}: {first.reason}"
    if len(keys) > 1:
        reason = f"{some(keys, TELLABLE)} differ; {reason}"
    return [Told("drifted", one_line(reason, LONGEST), keys[0], command=f"cicd plan {argument}")]


def of_retiring(messages: Sequence[str], argument: str) -> list[Told]:
    """That the platform will take away something that the stage uses."""
    if not messages:
        return []
    reason = one_line("; ".join(messages), LONGEST)
    return [Told("retiring", reason, command=f"cicd plan {argument}")]


def recovered(before: Sequence[Happening], key: str, argument: str) -> Told:
    """That it is well again. ``before``: what was told that is over now; ``key``: of what."""
    words = {"failed": "it had failed", "drifted": "it had drifted"}
    was = " and ".join(words.get(on, on) for on in before)
    return Told(
        "recovered", f"all is as the stage file says; {was}", key, command=_status(argument)
    )


def _waiting(key: str, reason: str, lifecycle: LifecycleStatus, argument: str) -> Told:
    """Why something is held: only who has not decided yet can be asked to."""
    given = lifecycle.approval if lifecycle.step is Step.APPROVAL else None
    if given and given.state is not ApprovalState.REJECTED:
        command = f"cicd approve {argument}"
        return Told("approval_needed", reason, key, link=given.link, command=command)
    return Told("failed", reason, key, command=f"cicd plan {argument}")


def _failed(failed: Sequence[Outcome], argument: str) -> Told:
    first = failed[0]
    error = one_line(first.error or first.status or first.word, LONGEST)
    reason = error if first.result is Result.FAILED else f"timed out: {error}"
    if others := [str(outcome.key) for outcome in failed[1:]]:
        reason += f"; {some(others, TELLABLE)} failed too"
    log = tuple(one_line(line, LONGEST) for line in first.log[-LINES:])
    command = f"cicd explain {first.key} {argument}" if first.id else f"cicd plan {argument}"
    return Told("failed", reason, str(first.key), log, first.url, command)


def _deployed(
    plan: Plan, outcomes: Sequence[Outcome], kinds: Mapping[str, Kind], argument: str
) -> list[Told]:
    """Services that are new or have changed; of a stage that has none, whatever has changed."""
    has_services = any(kinds[change.key.kind].is_service for change in plan.changes)
    actions = {change.key: change.action for change in plan.changes}
    done = [
        outcome
        for outcome in outcomes
        if outcome.result is Result.APPLIED
        and not outcome.is_started  # nobody has waited for it
        and actions.get(outcome.key) not in {None, Action.NO_OP, Action.DELETE}
        and (kinds[outcome.key.kind].is_service or not has_services)
    ]
    if not done:
        return []
    reason = ", ".join(f"{outcome.key} {_past(outcome.action)}" for outcome in done[:TELLABLE])
    more = f" and {len(done) - TELLABLE} more" if len(done) > TELLABLE else ""
    key, link = str(done[0].key), done[0].url
    return [Told("deployed", reason + more, key, link=link, command=_status(argument))]


def _status(argument: str) -> str:
    return f"cicd status {argument}"


def _verb(action: Action) -> str:
    return {Action.CREATE: "be made", Action.RUN: "run"}.get(action, f"be {_past(action)}")


def _past(action: Action) -> str:
    words = {Action.CREATE: "is new", Action.RUN: "ran"}
    return words.get(action, f"{action.value}d")
