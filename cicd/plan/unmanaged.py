"""What is live and no stage file names: it runs, and costs, where nobody looks. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cicd.model import Key, Kind, LiveResource, Resource, State, made_by
from cicd.plan import graph
from cicd.plan.belongings import is_inside
from cicd.plan.match import Matcher
from cicd.plan.versions import find_all

Id = tuple[str, str]
"""Kind and id of something live."""


def id_of(live: LiveResource) -> Id:
    """What tells a live thing from all others."""
    return live.key.kind, live.id


def named(
    desired: Sequence[Resource], live: Sequence[LiveResource], kinds: Mapping[str, Kind]
) -> dict[Id, Key]:
    """What of ``live`` these resources name, each with the key that does.

    Of a run all its repetitions, of what is matched by content all its versions, and the things
    that a run has made; of everything else only the one that planning takes: a second service
    of the same names is nobody's.
    """
    matcher = Matcher(desired, live, kinds)
    found: dict[Id, Key] = {}
    for key, lives in find_all(desired, graph.dependencies(desired), matcher, kinds).items():
        kind = kinds[key.kind]
        is_repeated = kind.is_run or not kind.identity
        found |= {id_of(item): key for item in (lives if is_repeated else lives[:1])}
    for wish in desired:
        if not kinds[wish.key.kind].identity:
            for item in matcher.relatives(wish.key.kind, wish.spec):
                found.setdefault(id_of(item), wish.key)
    for run in [item for item in live if id_of(item) in found]:
        for made in made_by(run, kinds):
            found.setdefault(made, found[id_of(run)])
    return found


def within_reach(
    live: Iterable[LiveResource],
    here: Mapping[str, str],
    there: Mapping[str, str],
    kinds: Mapping[str, Kind],
) -> list[LiveResource]:
    """What a stage that deploys to ``there`` can name of what was read ``here``: all of it in the
    same place, else only what is in no container."""
    containers = [kind.name for kind in kinds.values() if kind.contains]
    is_same = all(here.get(name) == there.get(name) for name in containers or {**here, **there})
    return [item for item in live if is_same or not is_inside(item, kinds)]


def running(live: Iterable[LiveResource], kinds: Mapping[str, Kind]) -> list[LiveResource]:
    """The runs and services that run now."""
    return [
        item
        for item in live
        if item.key.kind in kinds and kinds[item.key.kind].runs
        if item.status.state is State.RUNNING
    ]


def is_state(live: LiveResource, kinds: Mapping[str, Kind]) -> bool:
    """Whether it is there until somebody takes it away: no run, and known by more than content."""
    kind = kinds.get(live.key.kind)
    return kind is not None and bool(kind.identity) and not kind.is_run


def count(strangers: Iterable[LiveResource]) -> dict[str, int]:
    """How many of each kind."""
    return dict(sorted(Counter(item.key.kind for item in strangers).items()))
