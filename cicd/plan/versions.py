"""Everything live that is of a key: the present one and, of runs and deployments, former ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from cicd.model import Key, Kind, LiveResource, Ref, Resource
from cicd.plan import graph
from cicd.plan.match import Matcher

Found = Mapping[Key, Sequence[LiveResource]]
"""Key -> what it has live, the present one first."""


def find_all(
    desired: Sequence[Resource], edges: graph.Edges, matcher: Matcher, kinds: Mapping[str, Kind]
) -> dict[Key, list[LiveResource]]:
    """What every key has live, the present one first; each live thing once, content excepted."""
    by_key = {resource.key: resource for resource in desired}
    found: dict[Key, list[LiveResource]] = {}
    seen: set[tuple[str, str]] = set()

    def answer(ref: Ref) -> str | None:
        live = next(iter(found[ref.key]), None)
        if live is None:
            return None
        return live.id if ref.output == "id" else live.outputs.get(ref.output)

    for key in graph.in_order(edges):
        spec = graph.resolve(by_key[key].spec, answer)
        resource = dataclasses.replace(by_key[key], spec=spec)
        versions = _versions(resource, matcher, kinds[key.kind])
        fresh = {live.id: live for live in versions if (key.kind, live.id) not in seen}
        if kinds[key.kind].identity:
            seen |= {(key.kind, live_id) for live_id in fresh}
        found[key] = list(fresh.values())
    return found


def _versions(resource: Resource, matcher: Matcher, kind: Kind) -> list[LiveResource]:
    pinned_id = resource.options.existing_id
    if pinned_id:
        return [
            live for live in matcher.all() if (live.key.kind, live.id) == (kind.name, pinned_id)
        ]
    known = matcher.known(resource)
    # with one that is known as its own, what others have under the same names is none of it
    owners = {"", known[0].owner} if known else None

    def is_of_it(live: LiveResource) -> bool:
        return not matcher.is_reserved(live, resource.key) and (
            owners is None or live.owner in owners
        )

    alike = [live for live in matcher.candidates(resource) if not kind.identity or is_of_it(live)]
    found = [*known, *alike]
    if kind.prunable:
        former = matcher.relatives(kind.name, resource.spec)
        return [*found, *filter(is_of_it, former)]
    return found[:1]
