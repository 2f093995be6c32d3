"""What the stage file does not name (any more) and is to be deleted, and under which keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from cicd.model import Action, Change, Key, Kind, LiveResource, Resource, Spec, Stage, State
from cicd.plan.graph import texts_in
from cicd.plan.match import Matcher, family

OWNER = "owner"
"""What stands in the scope of a kind for the stage that made it."""


def plan_prune(
    stage: Stage,
    changes: Mapping[Key, Change],
    matcher: Matcher,
    kinds: Mapping[str, Kind],
) -> list[Change]:
    """Deletes of live things that no desired resource has as its counterpart, as far as
    ``stage.prune`` goes, and of ended runs that ``changes`` repeat. What depends on others first.
    Content that anything takes in stays, and so does what its kind keeps to go back to.

    Apply carries them out when all other changes have succeeded.
    """
    if stage.prune == "none":
        return []
    superseded = {
        (change.key.kind, change.id)
        for change in changes.values()
        if change.action is Action.RUN and change.live and change.live.status.has_ended
    }
    scope = Scope(stage, kinds)
    unnamed = [
        live
        for live in matcher.all()
        if kinds[live.key.kind].prunable
        if not matcher.is_taken(live) or (live.key.kind, live.id) in superseded
        if scope.holds(live)
    ]
    rank = {name: index for index, name in enumerate(kinds)}
    # Kinds come in dependency order, so the other way round users go before what they use.
    unnamed.sort(key=lambda live: (-rank[live.key.kind], live.created_at, live.id))
    deleted = _unused(unnamed, changes.values(), matcher, kinds)
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
        for key, live in zip(free_keys(deleted, changes), deleted, strict=True)
    ]


def _unused(
    unnamed: Sequence[LiveResource],
    changes: Iterable[Change],
    matcher: Matcher,
    kinds: Mapping[str, Kind],
) -> list[LiveResource]:
    """What may go of what nobody names, users first: not what something that stays takes in, as it
    is now or will be, and of content not the newest that are kept to go back to.

    Who takes in something comes after it in the order of the kinds.
    """
    rank = {name: index for index, name in enumerate(kinds)}
    going = {(live.key.kind, live.id) for live in unnamed}
    staying = [live for live in matcher.all() if (live.key.kind, live.id) not in going]
    named: list[LiveResource | Resource] = [*staying, *(c.desired for c in changes if c.desired)]
    used = {(rank[one.key.kind], text) for one in named for text in texts_taken(one.spec)}
    deleted = set()
    for name in dict.fromkeys(live.key.kind for live in unnamed):
        kind, spared = kinds[name], Counter[Hashable]()
        taken = {text for user, text in used if user > rank[name]}
        for live in [live for live in reversed(unnamed) if live.key.kind == name]:
            version = family(live.spec, kind)
            if live.id not in taken and (kind.identity or spared[version] >= kind.keep):
                deleted.add((name, live.id))
                continue
            spared[version] += live.id not in taken
            used |= {(rank[name], text) for text in texts_taken(live.spec)}
    return [live for live in unnamed if (live.key.kind, live.id) in deleted]


def texts_taken(spec: Spec) -> Iterator[str]:
    """Every text in which a thing may say what it takes in: what it is called says nothing."""
    return texts_in({name: value for name, value in spec.items() if name != "name"})


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
        if kind is None or kind.is_run or not kind.identity:
            continue
        if not (kind.prunable or kind.role == "pointer"):
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
    deleted = {(change.key.kind, change.id) for change in deletes}
    return [
        f"{key.kind} {live.id} is {live.status.raw}: it is a former {key}, and stays "
        f"(prune: {stage.prune})"
        for key, change in changes.items()
        if change.desired and kinds[key.kind].is_service
        for live in matcher.relatives(key.kind, change.desired.spec)
        if live.status.state is State.STOPPED and live.owner in {"", stage.identity}
        if not matcher.is_taken(live) and not matcher.is_reserved(live, key)
        if (key.kind, live.id) not in deleted
    ]


def _is_same(one: Spec, other: Spec, kind: Kind) -> bool:
    names = [name for name in kind.identity if name not in kind.succession]
    return all(one.get(name) == other.get(name) for name in names)


def free_keys(deleted: Sequence[LiveResource], used: Iterable[Key]) -> list[Key]:
    """A key of its own for each live thing: the platform's name for it where nothing else in the
    plan has it, else its id."""
    taken = Counter([*used, *(live.key for live in deleted)])
    return [live.key if taken[live.key] == 1 else Key(live.key.kind, live.id) for live in deleted]


class Scope:
    """What is a stage's to prune: everything, else what its kind's ``scope`` says."""

    def __init__(self, stage: Stage, kinds: Mapping[str, Kind]) -> None:
        self._stage = stage
        self._kinds = kinds
        self._named = {
            fields: {_fields(item.spec, fields, OWNER) for item in stage.resources} - {None}
            # what is told by its maker alone is the stage's own also when it names nothing any more
            | ({(OWNER,)} if fields == (OWNER,) else set())
            for fields in {kind.scope for kind in kinds.values()}
        }

    def holds(self, live: LiveResource) -> bool:
        """Whether a live thing is within it."""
        fields = self._kinds[live.key.kind].scope
        owner = OWNER if live.owner == self._stage.identity else ""
        return self._stage.prunes_everything or (
            _fields(live.spec, fields, owner) in self._named[fields]
        )


def _fields(spec: Spec, fields: Sequence[str], owner: str) -> tuple[object, ...] | None:
    """The values of these fields; None where one is missing."""
    has_all = all(name == OWNER or name in spec for name in fields)
    return tuple(owner if name == OWNER else spec[name] for name in fields) if has_all else None
