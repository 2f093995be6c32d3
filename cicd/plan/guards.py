"""What is refused before anything is sent: too many deletes, protected things, an emptied file,
things of another stage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cicd.errors import Refused
from cicd.model import Action, Change, Kind, LiveResource, Plan, Stage
from cicd.plan.match import family
from cicd.plan.prune import Scope
from cicd.words import plural

FEWEST = 2
"""Of so many things on a percentage says something: the only one may go."""

_WANTED = frozenset({"content", "run", "service"})
"""The roles of what a stage is there for."""
_CHANGES = frozenset({Action.DELETE, Action.REPLACE, Action.UPDATE})

_Id = tuple[str, str]
"""Kind and id of a live thing."""


@dataclass(frozen=True)
class Permissions:
    """What somebody has agreed to beyond the plan itself; nothing of it lifts ``protect``.

    ``over_limits``: deletes over the stage's limits. ``other_stages``: changes to what others made.
    """

    over_limits: bool = False
    other_stages: bool = False


NONE = Permissions()


def check_guards(
    plan: Plan,
    stage: Stage,
    kinds: Mapping[str, Kind],
    live: Iterable[LiveResource] = (),
    permissions: Permissions = NONE,
) -> None:
    """Raises Refused, naming every reason, when the plan deletes more than the stage allows.

    ``live``: all that was there when it was made; without it what the plan is about counts.
    """
    protected = list(_protected(plan, stage, kinds))
    # By themselves, and first: no option helps against these, and a hint to one would mislead.
    if protected:
        hint = "take it out of protect in the stage file if that is meant; no option does it"
        raise Refused("; ".join(protected), hint=hint)
    reasons, wishes, hint = [], [], ""
    if not permissions.other_stages and (foreign := list(_foreign(plan, stage))):
        reasons += foreign
        wishes.append("--other-stages")
        containers = [kind.name.replace("_", " ") for kind in kinds.values() if kind.contains]
        own = " or ".join([*(f"a {name}" for name in containers), "names"])
        hint = f"give stage {stage.name} {own} of its own; "
    # Replaces do not count: something stands where they were.
    deletes = [change for change in plan.changes if change.action is Action.DELETE]
    if deletes and not permissions.over_limits:
        over = [
            *_over_limit(stage, deletes),
            *_over_percent(plan, stage, kinds, live),
            *_emptied(plan, stage, deletes, kinds),
        ]
        reasons += over
        wishes += ["--over-limits"] if over else []
    if reasons:
        raise Refused(
            "; ".join(reasons), hint=f"{hint}if that is meant, repeat with {' '.join(wishes)}"
        )


def _over_limit(stage: Stage, deletes: list[Change]) -> Iterator[str]:
    if len(deletes) > stage.limits.max_delete:
        yield f"{len(deletes)} to delete, limits.max_delete is {stage.limits.max_delete}"


def _over_percent(
    plan: Plan, stage: Stage, kinds: Mapping[str, Kind], live: Iterable[LiveResource]
) -> Iterator[str]:
    """A sentence for each kind of service or run of which too large a share would go, else one for
    all of them together. Content does not count: there may be any number of it beside a server."""
    going = _counted(plan, kinds, {Action.DELETE})
    scope = Scope(stage, kinds)
    there = _counted(plan, kinds, set(Action)) | {
        _id(item)
        for item in live
        if _counts(kinds[item.key.kind]) and item.owner in {"", stage.identity}
        if scope.holds(item)
    }
    there -= _succeeded(plan, kinds)
    going &= there
    is_told = False
    for kind in sorted({kind for kind, _ in going}):
        part = {item for item in there if item[0] == kind}
        for told in _share(f"live {kind}s", going & part, part, stage):
            is_told = True
            yield told
    if not is_told:
        yield from _share("live runs and services", going, there, stage)


def _share(what: str, going: set[_Id], there: set[_Id], stage: Stage) -> Iterator[str]:
    limit = stage.limits.max_delete_percent
    percent = 100 * len(going) / max(len(there), 1)
    if len(there) >= FEWEST and percent > limit:
        yield (
            f"{len(going)} of {len(there)} {what} would be deleted: {percent:.0f}% is over "
            f"limits.max_delete_percent {limit:g}"
        )


def _counted(plan: Plan, kinds: Mapping[str, Kind], actions: set[Action]) -> set[_Id]:
    return {
        _id(change.live)
        for change in plan.changes
        if change.live and change.action in actions and _counts(kinds[change.key.kind])
    }


def _counts(kind: Kind) -> bool:
    """Whether it makes a share: content does not, and what others have makes none smaller."""
    return kind.prunable and bool(kind.identity)


def _succeeded(plan: Plan, kinds: Mapping[str, Kind]) -> set[_Id]:
    """Runs that a new run of this plan stands in for: their end is no loss."""
    runs = [change for change in plan.changes if change.action is Action.RUN and change.desired]
    families = {
        (change.key.kind, family(change.desired.spec, kinds[change.key.kind]))
        for change in runs
        if change.desired
    }
    return {
        _id(change.live)
        for change in plan.changes
        if change.live and change.action is Action.DELETE and change.live.status.has_ended
        if (change.key.kind, family(change.live.spec, kinds[change.key.kind])) in families
    }


def _id(live: LiveResource) -> _Id:
    return live.key.kind, live.id


def _emptied(
    plan: Plan, stage: Stage, deletes: list[Change], kinds: Mapping[str, Kind]
) -> Iterator[str]:
    if stage.prune == "none":
        return
    versions = {kind.version[1] for kind in kinds.values() if kind.version}
    wanted = [
        kind.name
        for kind in kinds.values()
        if kind.role in _WANTED or kind.is_run
        if kind.name not in versions
    ]
    if not any(resource.key.kind in wanted for resource in stage.resources):
        names = [plural(name).replace("_", " ") for name in wanted]
        told = " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
        yield (
            f"stage {plan.stage} declares no {told}, and prune: "
            f"{stage.prune} would delete all {len(deletes)} that are live"
        )


def _foreign(plan: Plan, stage: Stage) -> Iterator[str]:
    """A sentence for every change to what another stage has made in the same place."""
    for change in plan.changes:
        live = change.live
        if live is None or live.owner in {"", stage.identity}:
            continue
        if change.action in _CHANGES:
            does = f"{change.action.value}d"
        elif change.action is Action.RUN and not live.status.has_ended:
            does = "followed as if it were its own"
        else:
            continue
        yield f"{change.key} {live.id} in {plan.place} is of stage {live.owner} and would be {does}"


def _protected(plan: Plan, stage: Stage, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """A sentence for every delete, replace and stop that ``protect`` forbids."""
    orphans = _orphans(plan, stage, kinds)
    for change in plan.changes:
        done = _taken_down(change)
        if not done:
            continue
        for pattern in sorted(stage.protect):
            if _fits(change, pattern, kinds):
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


def is_protected(change: Change, stage: Stage, kinds: Mapping[str, Kind]) -> bool:
    """Whether the stage file protects what a change is about, under any name that it has."""
    return any(_fits(change, pattern, kinds) for pattern in stage.protect)


def _fits(change: Change, pattern: str, kinds: Mapping[str, Kind]) -> bool:
    return any(fnmatchcase(name, pattern) for name in _names(change, kinds))


def _taken_down(change: Change) -> str:
    """How a change ends what is live; empty when it does not."""
    if change.action in {Action.DELETE, Action.REPLACE}:
        return f"{change.action.value}d"
    # what is updated to nothing that is desired is stopped
    return "stopped" if change.action is Action.UPDATE and change.desired is None else ""


def _orphans(plan: Plan, stage: Stage, kinds: Mapping[str, Kind]) -> set[str]:
    """Protected keys that nothing in the stage file and no change goes by.

    Protection must outlive the block that it protects: with the block gone, nobody can tell which
    live thing it was.
    """
    known = {str(resource.key) for resource in stage.resources}
    known |= {name for change in plan.changes for name in _names(change, kinds)}
    return {
        pattern
        for pattern in stage.protect
        if pattern not in known and not any(char in pattern for char in "*?[")
    }


def _names(change: Change, kinds: Mapping[str, Kind]) -> set[str]:
    """Every name under which a stage file may protect what a change is about."""
    names = {str(change.key)}
    if change.live:
        kind = change.key.kind
        declared = kinds[kind].title(change.live.spec) if kind in kinds else ""
        slug = re.sub(r"[^a-z0-9]+", "-", declared.lower()).strip("-")
        names |= {str(change.live.key), *(f"{kind}/{n}" for n in (change.id, declared, slug) if n)}
    return names
