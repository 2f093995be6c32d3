"""What of a stage serves, and what is there for that alone: it waits for approvals. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cicd.model import Action, Change, Key, Kind, Lifecycle, Resource
from cicd.plan import graph

SERVING = frozenset({"service", "pointer"})
"""The roles of what answers somebody."""


def gated_keys(
    desired: Sequence[Resource], kinds: Mapping[str, Kind], named: Collection[Key] = ()
) -> frozenset[Key]:
    """All that serves and what is ``named``, what needs one of these, and the content that nothing
    else takes in. Runs that others stand on go on: they change nothing that serves."""
    edges = graph.dependencies(desired)
    start = {key for key in edges if kinds[key.kind].role in SERVING or key in named}
    found = graph.reachable(graph.dependents(edges), start)
    others = {key for key in edges.keys() - found if kinds[key.kind].role != "content"}
    shared = graph.reachable(edges, others)
    for key in graph.reachable(edges, found) - shared:
        if kinds[key.kind].role == "content":
            found.add(key)
    return frozenset(found)


def waiting(
    changes: Sequence[Change], gated: Collection[Key], kinds: Mapping[str, Kind]
) -> tuple[Key, ...]:
    """The changes that have to wait, in the order of the plan. What serves and is deleted is no
    longer in the stage file; it waits too."""
    return tuple(
        change.key
        for change in changes
        if change.action is not Action.NO_OP
        if change.key in gated
        or (change.action is Action.DELETE and kinds[change.key.kind].role in SERVING)
    )


def before_gate(
    desired: Sequence[Resource], gated: Collection[Key], lifecycle: Lifecycle
) -> frozenset[Key]:
    """The test, and what waits for its result beside what is gated: it waits for the assets."""
    if lifecycle.test is None:
        return frozenset()
    edges = graph.dependencies(desired)
    if lifecycle.test not in edges:
        return frozenset()
    return frozenset(graph.reachable(graph.dependents(edges), [lifecycle.test]) - set(gated))


def sources_of(
    desired: Sequence[Resource], kinds: Mapping[str, Kind], gated: Collection[Key]
) -> frozenset[Key]:
    """The runs whose results are to serve."""
    edges = {r.key: frozenset(ref.key for ref in graph.refs_in(r.spec)) for r in desired}
    found = graph.reachable(edges, [key for key in edges if key in gated])
    return frozenset(key for key in found - set(gated) if kinds[key.kind].is_run)


def needed_by_test(desired: Sequence[Resource], lifecycle: Lifecycle) -> frozenset[Key]:
    """All that the test stands on, itself included."""
    edges = graph.dependencies(desired)
    test = [lifecycle.test] if lifecycle.test in edges else []
    return frozenset(graph.reachable(edges, test))
