"""What waits for something that was started and is not up yet, as after ``--no-wait``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cicd.model import Key, Kind, LiveResource, Resource, State
from cicd.plan import graph

IN_FLIGHT = frozenset({State.PENDING, State.RUNNING, State.UNKNOWN})


def awaited(
    desired: Sequence[Resource],
    live: Mapping[Key, LiveResource | None],
    kinds: Mapping[str, Kind],
) -> dict[Key, Key]:
    """Key -> the nearest run or service under way that it needs, directly or through content; of
    what is there only services, as those take what is new."""
    edges = graph.dependencies(desired)
    under_way = {
        wish.key for wish in desired if _is_under_way(wish, live.get(wish.key), kinds, desired)
    }
    open_keys = [key for key in edges if not live.get(key) or kinds[key.kind].role == "service"]
    found = {key: next(_nearest(key, edges, under_way), None) for key in open_keys}
    return {key: need for key, need in found.items() if need}


def _is_under_way(
    wish: Resource,
    live: LiveResource | None,
    kinds: Mapping[str, Kind],
    desired: Sequence[Resource],
) -> bool:
    """Whether whatever needs it has to wait, as it would in an apply."""
    kind = kinds[wish.key.kind]
    if live is None or kind.role not in {"run", "service"}:
        return False
    wanted = wish.options.wait_for or kind.wait_for
    if live.status.state not in IN_FLIGHT or live.status.raw == wanted:
        return False
    if kind.role == "service":
        return live.status.state is not State.RUNNING
    gives = any(
        ref.key == wish.key and ref.output != "id"
        for other in desired
        for ref in graph.refs_in(other.spec)
    )
    return bool(wanted or wish.options.require or gives)


def _nearest(key: Key, edges: graph.Edges, under_way: set[Key]) -> Iterator[Key]:
    seen: set[Key] = set()
    waiting = sorted(edges[key])
    while waiting:
        need = waiting.pop(0)
        if need in seen:
            continue
        seen.add(need)
        if need in under_way:
            yield need
        waiting += sorted(edges[need])
