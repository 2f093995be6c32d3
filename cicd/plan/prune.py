"""What the stage file does not name (any more) and is to be deleted, and under which keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cicd.model import Action, Change, Key, Kind, LiveResource, Resource, Spec, Stage, State
from cicd.plan.match import Matcher


def plan_prune(
    stage: Stage,
    changes: Mapping[Key, Change],
    matcher: Matcher,
    kinds: Mapping[str, Kind],
) -> list[Change]:
    """Deletes of live things that no desired resource has as its counterpart, as far as
    ``stage.prune`` goes, and of ended runs that ``changes`` repeat. What depends on others first.

    Apply carries them out when all other changes have succeeded.
    """
    if stage.prune == "none":
        return []
    superseded = {
        (change.key.kind, change.id)
        for change in changes.values()
        if change.action is Action.RUN and change.live and change.live.status.has_ended
    }
    scope = executables_of(stage)
    doomed = [
        live
        for live in matcher.all()
        if kinds[live.key.kind].prunable
        if not matcher.is_taken(live) or (live.key.kind, live.id) in superseded
        if stage.prune == "resource_group" or executed_by(live.spec) in scope
    ]
    rank = {name: index for index, name in enumerate(kinds)}
    doomed.sort(key=lambda live: (-rank[live.key.kind], live.created_at, live.id))
    unwanted = f"not in the stage file, prune: {stage.prune}"
    return [
        Change(
            key=key,
            action=Action.DELETE,
            reason="superseded by a new run"
            if (live.key.kind, live.id) in superseded
            else unwanted,
            live=live,
        )
        for key, live in zip(free_keys(doomed, changes), doomed, strict=True)
    ]


def left_behind(
    stage: Stage,
    desired: Iterable[Resource],
    former: Stage,
    deletes: Iterable[Change],
    kinds: Mapping[str, Kind],
) -> list[str]:
    """What the stage named when it was applied last, does not name any more, and nothing deletes:
    a line for each that goes on by itself, as services, schedules and what points to services do.
    """
    named = list(desired)
    keys = {resource.key for resource in named}
    known = [(item.key.kind, item.spec) for item in named]
    known += [(change.key.kind, change.live.spec) for change in deletes if change.live]
    found = []
    for resource in former.resources:
        kind = kinds.get(resource.key.kind)
        if kind is None or kind.is_run or not (kind.prunable or kind.role == "pointer"):
            continue
        is_known = any(name == kind.name and _is_same(resource.spec, s, kind) for name, s in known)
        if resource.key not in keys and not is_known:
            why = f"prune: {stage.prune}" if kind.prunable else f"no {kind.name} is ever pruned"
            found.append(f"{resource.key} is not in the stage file any more, and stays ({why})")
    return found


def left_over(
    stage: Stage,
    changes: Mapping[Key, Change],
    deletes: Iterable[Change],
    matcher: Matcher,
    kinds: Mapping[str, Kind],
) -> list[str]:
    """Stopped former versions of services that nothing deletes, as where the platform refused that
    when they had been replaced: a line for each."""
    doomed = {(change.key.kind, change.id) for change in deletes}
    return [
        f"{key.kind} {live.id} is {live.status.raw}: it is a former {key}, and stays "
        f"(prune: {stage.prune})"
        for key, change in changes.items()
        if change.desired and kinds[key.kind].log and not kinds[key.kind].is_run
        for live in matcher.relatives(key.kind, change.desired.spec)
        if live.status.state is State.STOPPED and live.owner in {"", stage.identity}
        if not matcher.is_taken(live) and not matcher.is_reserved(live, key)
        if (key.kind, live.id) not in doomed
    ]


def _is_same(one: Spec, other: Spec, kind: Kind) -> bool:
    names = [name for name in kind.identity if name not in kind.succession]
    return all(one.get(name) == other.get(name) for name in names)


def free_keys(doomed: Sequence[LiveResource], used: Iterable[Key]) -> list[Key]:
    """A key of its own for each live thing: the platform's name for it where nothing else in the
    plan has it, else its id."""
    taken = Counter([*used, *(live.key for live in doomed)])
    return [live.key if taken[live.key] == 1 else Key(live.key.kind, live.id) for live in doomed]


def executables_of(stage: Stage) -> set[tuple[str, str]]:
    """The scenarios and executables that a stage names: how far ``prune: stage`` goes."""
    return {found for item in stage.resources if (found := executed_by(item.spec))}


def executed_by(spec: Spec) -> tuple[str, str] | None:
    """The scenario and executable that a run or deployment is of."""
    if "scenario_id" in spec and "executable_id" in spec:
        return spec["scenario_id"], spec["executable_id"]
    return None
