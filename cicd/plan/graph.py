"""Who needs whom: Refs found and answered, dependency order, cycles named, dependents."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from cicd.errors import CicdError
from cicd.model import Key, Ref, Resource

Path = tuple[str | int, ...]
"""The names and numbers that lead into a spec."""
Edges = Mapping[Key, frozenset[Key]]
"""Key -> the keys that it needs first."""


def unknown_in(value: Any) -> Iterator[Ref]:
    """Every Ref inside a spec or a part of one, also those to other stages."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from unknown_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from unknown_in(item)


def refs_in(value: Any) -> Iterator[Ref]:
    """Every Ref inside a spec or a part of one to something of the stage at hand."""
    return (ref for ref in unknown_in(value) if not ref.stage)


def leaves_at(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf inside a spec, also of lists, with where it stands."""
    if not isinstance(value, Mapping | list | tuple):
        yield path, value
    for step, item in _parts(value):
        yield from leaves_at(item, (*path, step))


def value_at(value: Any, path: Path) -> Any:
    """What stands there; None where nothing does."""
    for step in path:
        value = next((item for name, item in _parts(value) if name == step), None)
    return value


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside a spec or a part of one."""
    if isinstance(value, str):
        yield value
    for _, item in _parts(value):
        yield from texts_in(item)


def _parts(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


def resolve(value: Any, answer: Callable[[Ref], str | None]) -> Any:
    """A copy of ``value`` with each Ref to something of the stage at hand replaced by its answer;
    None as answer keeps it."""
    return answered(value, lambda ref: None if ref.stage else answer(ref))


def answered(value: Any, answer: Callable[[Ref], Any]) -> Any:
    """The same for every Ref."""
    if isinstance(value, Ref):
        known = answer(value)
        return value if known is None else known
    if isinstance(value, Mapping):
        return {name: answered(item, answer) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [answered(item, answer) for item in value]
    return value


def dependencies(desired: Iterable[Resource]) -> dict[Key, frozenset[Key]]:
    """What each resource needs (its Refs and ``depends_on``), in the order of ``desired``.

    Raises CicdError for a key defined twice and for a need that nothing in ``desired`` meets.
    """
    edges: dict[Key, frozenset[Key]] = {}
    for resource in desired:
        if resource.key in edges:
            raise CicdError(f"{resource.key} is defined twice", hint="give one of them another key")
        needs = {ref.key for ref in refs_in(resource.spec)}
        edges[resource.key] = resource.depends_on | needs
    for key, needs_of_key in edges.items():
        for missing in sorted(need for need in needs_of_key if need not in edges):
            raise CicdError(f"{key} needs {missing}, which the stage file does not define")
    return edges


def pointers(desired: Iterable[Resource]) -> dict[Key, frozenset[Key]]:
    """What holds the url of others, as what points to a service does -> those others."""
    return {
        resource.key: frozenset(ref.key for ref in refs_in(resource.spec) if ref.output == "url")
        for resource in desired
    }


def in_order(edges: Edges, priority: Callable[[Key], Any] | None = None) -> list[Key]:
    """Every key after all that it needs; where that leaves a choice, the lowest ``priority`` first
    (default: the order of ``edges``). Raises CicdError naming the edges of a cycle."""
    position = {key: index for index, key in enumerate(edges)}
    sorter = TopologicalSorter(edges)
    try:
        sorter.prepare()
    except CycleError as error:
        raise CicdError(f"these need each other: {_cycle_text(error.args[1])}") from None
    ready: list[tuple[Any, int, Key]] = []
    ordered: list[Key] = []
    while sorter.is_active():
        for key in sorter.get_ready():
            rank = priority(key) if priority else 0
            # A heap, and not the order of graphlib: that gives whole layers at a time, and plans
            # are to follow the stage file as far as dependencies let them.
            heapq.heappush(ready, (rank, position[key], key))
        key = heapq.heappop(ready)[2]
        ordered.append(key)
        sorter.done(key)
    return ordered


def _cycle_text(cycle: list[Key]) -> str:
    """``a → b → a``, an arrow meaning "needs", always starting at the same key."""
    ring = cycle[:0:-1]  # graphlib lists the needed one first, and the start twice
    start = ring.index(min(ring))
    ring = ring[start:] + ring[:start]
    return " → ".join(str(key) for key in [*ring, ring[0]])


def dependents(edges: Edges) -> dict[Key, frozenset[Key]]:
    """The same graph turned around: key -> the keys that need it directly."""
    found: dict[Key, set[Key]] = {key: set() for key in edges}
    for key, needs in edges.items():
        for need in needs:
            found[need].add(key)
    return {key: frozenset(others) for key, others in found.items()}


def reachable(edges: Edges, start: Iterable[Key]) -> set[Key]:
    """``start`` and everything that it needs, directly or not."""
    seen: set[Key] = set()
    waiting = list(start)
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            waiting.extend(edges[key])
    return seen
