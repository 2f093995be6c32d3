"""What is refused before anything is sent: too many deletes, protected things, an emptied file,
things of another stage."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from cicd.errors import Refused
from cicd.model import Action, Change, Plan, Stage

MIN_FOR_PERCENT = 10
"""With fewer live things a percentage says little: one of three is a third."""

_CHANGES = frozenset({Action.DELETE, Action.REPLACE, Action.UPDATE})
_CONTENT_KINDS = frozenset({"artifact", "execution", "deployment"})


def check_guards(
    plan: Plan,
    stage: Stage,
    live_counts: Mapping[str, int] | None = None,
    *,
    force: bool = False,
) -> None:
    """Raises Refused, naming every reason, when the plan deletes more than the stage allows.

    ``live_counts``: kind -> how many there are; without it those that the plan knows count.
    ``force`` lifts everything but ``protect``.
    """
    protected = list(_protected(plan, stage))
    if protected:
        hint = "take it out of protect in the stage file if that is meant; --force does not do it"
        raise Refused("; ".join(protected), hint=hint)
    if force:
        return
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    reasons = list(_foreign(plan, stage))
    hint = "if that is meant, repeat with --force"
    if reasons:
        hint = f"give stage {stage.name} a resource group or names of its own; {hint}"
    if deletes:
        reasons += _over_limits(plan, stage, deletes, live_counts)
        reasons += _emptied(plan, stage, deletes)
    if reasons:
        raise Refused("; ".join(reasons), hint=hint)


def _over_limits(
    plan: Plan, stage: Stage, deletes: list[Change], live_counts: Mapping[str, int] | None
) -> Iterator[str]:
    limits = stage.limits
    if len(deletes) > limits.max_delete:
        yield f"{len(deletes)} to delete, limits.max_delete is {limits.max_delete}"
    known = {(change.key.kind, change.id) for change in plan.changes if change.live}
    counts = live_counts or Counter(kind for kind, _ in known)
    total = sum(counts.get(kind, 0) for kind in {change.key.kind for change in deletes})
    total = max(total, len(deletes))
    percent = 100 * len(deletes) / total
    if total >= MIN_FOR_PERCENT and percent > limits.max_delete_percent:
        yield (
            f"{len(deletes)} of {total} live things would be deleted: {percent:.0f}% is over "
            f"limits.max_delete_percent {limits.max_delete_percent:g}"
        )


def _emptied(plan: Plan, stage: Stage, deletes: list[Change]) -> Iterator[str]:
    if stage.prune == "none":
        return
    if not any(resource.key.kind in _CONTENT_KINDS for resource in stage.resources):
        yield (
            f"stage {plan.stage} declares no artifacts, executions or deployments, and prune: "
            f"{stage.prune} would delete all {len(deletes)} that are live"
        )


def _foreign(plan: Plan, stage: Stage) -> Iterator[str]:
    """A sentence for every change to what another stage has made in the same place."""
    for change in plan.changes:
        live = change.live
        if live is None or live.owner in {"", stage.name}:
            continue
        if change.action in _CHANGES:
            does = f"{change.action.value}d"
        elif change.action is Action.RUN and not live.status.has_ended:
            does = "followed as if it were its own"
        else:
            continue
        yield f"{change.key} {live.id} in {plan.place} is of stage {live.owner} and would be {does}"


def _protected(plan: Plan, stage: Stage) -> Iterator[str]:
    """A sentence for every delete, replace and stop that ``protect`` forbids."""
    orphans = _orphans(plan, stage)
    for change in plan.changes:
        done = _taken_down(change)
        if not done:
            continue
        for pattern in sorted(stage.protect):
            if _fits(change, pattern):
                yield f"{change.key} is protected by {pattern} and would be {done}"
                break
            if pattern in orphans and change.action is Action.DELETE:
                if pattern.partition("/")[0] != change.key.kind:
                    continue
                yield (
                    f"protect names {pattern}, which the stage file does not define, and "
                    f"{change.key} would be deleted, which may be it"
                )
                break


def is_protected(change: Change, stage: Stage) -> bool:
    """Whether the stage file protects what a change is about, under any name that it has."""
    return any(_fits(change, pattern) for pattern in stage.protect)


def _fits(change: Change, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in _names(change))


def _taken_down(change: Change) -> str:
    """How a change ends what is live; empty when it does not."""
    if change.action in {Action.DELETE, Action.REPLACE}:
        return f"{change.action.value}d"
    # what is updated to nothing that is desired is stopped
    return "stopped" if change.action is Action.UPDATE and change.desired is None else ""


def _orphans(plan: Plan, stage: Stage) -> set[str]:
    """Protected keys that nothing in the stage file and no change goes by.

    Protection must outlive the block that it protects: with the block gone, nobody can tell which
    live thing it was.
    """
    known = {str(resource.key) for resource in stage.resources}
    known |= {name for change in plan.changes for name in _names(change)}
    return {
        pattern
        for pattern in stage.protect
        if pattern not in known and not any(char in pattern for char in "*?[")
    }


def _names(change: Change) -> set[str]:
    """Every name under which a stage file may protect what a change is about."""
    names = {str(change.key)}
    if change.live:
        spec, kind = change.live.spec, change.key.kind
        declared = str(spec.get("name") or spec.get("configuration_name") or "")
        slug = re.sub(r"[^a-z0-9]+", "-", declared.lower()).strip("-")
        names |= {str(change.live.key), *(f"{kind}/{n}" for n in (change.id, declared, slug) if n)}
    return names
