"""Everything live that is of a key: the present one and, of runs and services, former ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from cicd.model import Key, Kind, LiveResource, Ref, Resource
from cicd.plan import graph
from cicd.plan.diff import does_the_same
from cicd.plan.match import Matcher

Found = Mapping[Key, Sequence[LiveResource]]
"""Key -> what it has live, the present one first."""


def find_all(
    desired: Sequence[Resource],
    edges: graph.Edges,
    matcher: Matcher,
    kinds: Mapping[str, Kind],
    owner: str = "",
) -> dict[Key, list[LiveResource]]:
    """What every key has live, the present one first; each live thing once, content excepted.
    ``owner``: the stage, as what it made is known to be its own."""
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
        versions = _versions(resource, matcher, kinds[key.kind], owner)
        fresh = {live.id: live for live in versions if (key.kind, live.id) not in seen}
        if kinds[key.kind].identity:
            seen |= {(key.kind, live_id) for live_id in fresh}
        found[key] = list(fresh.values())
    return found


def behind_runs(desired: Sequence[Resource], kinds: Mapping[str, Kind]) -> list[Resource]:
    """The runs and what they take in: all that ``standing`` has to know of a stage."""
    runs = [resource.key for resource in desired if kinds[resource.key.kind].is_run]
    needed = graph.reachable(_refs(desired), runs)
    return [resource for resource in desired if resource.key in needed]


def _refs(desired: Sequence[Resource]) -> dict[Key, frozenset[Key]]:
    """Key -> what it refers to, as far as that is here too."""
    keys = {resource.key for resource in desired}
    return {
        resource.key: frozenset(ref.key for ref in graph.refs_in(resource.spec)) & keys
        for resource in desired
    }


def standing(
    desired: Sequence[Resource], live: Iterable[LiveResource], kinds: Mapping[str, Kind]
) -> dict[Key, LiveResource]:
    """Key -> the run that planning takes for it: of what the stage asks for now, with the inputs
    that it has now. Nothing for a key that has not run with them. ``desired`` need not be the whole
    stage: what is not in it is not waited for."""
    by_key = {resource.key: resource for resource in desired}
    matcher = Matcher(desired, live, kinds)
    found: dict[Key, LiveResource] = {}

    def answer(ref: Ref) -> str | None:
        live = found.get(ref.key)
        if live is None:
            return None
        return live.id if ref.output == "id" else live.outputs.get(ref.output)

    def is_known(resource: Resource) -> bool:
        pinned = resource.options.existing_id
        return not pinned or matcher.get(resource.key.kind, pinned) is not None

    for key in graph.in_order(_refs(desired)):
        spec = graph.resolve(by_key[key].spec, answer)
        resource = dataclasses.replace(by_key[key], spec=spec)
        chosen = matcher.take(resource) if is_known(resource) else None
        is_run = kinds[key.kind].is_run and resource.options.rerun != "never"
        if chosen and (not is_run or does_the_same(chosen.spec, spec, kinds[key.kind])):
            found[key] = chosen
    return {key: live for key, live in found.items() if kinds[key.kind].is_run}


def _versions(resource: Resource, matcher: Matcher, kind: Kind, owner: str) -> list[LiveResource]:
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
    if not kind.identity and owners is None:
        # where a run has failed nothing is of what it would have made, but former ones are
        owners = {"", *([live.owner for live in found[:1]] or [owner])}
    if kind.prunable:
        former = matcher.relatives(kind.name, resource.spec)
        return [*found, *filter(is_of_it, former)]
    return found[:1]
