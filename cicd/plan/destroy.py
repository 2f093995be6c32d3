"""The plan that takes a stage down: deletes, what depends on others first, the rest kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from cicd.model import Action, Change, Key, Kind, LiveResource, Plan, Ref, Resource, Stage
from cicd.plan import graph
from cicd.plan.match import Matcher
from cicd.plan.planner import assemble, check_kinds

_KEPT = {
    "resource_group": "kept: others may use it",
    "artifact": "kept: it cannot be deleted",
    "configuration": "kept: it cannot be deleted",
}
_SHARED = frozenset({"application", "repository"})

_Found = Mapping[Key, Sequence[LiveResource]]


def make_destroy_plan(
    stage: Stage,
    desired: Sequence[Resource],
    live: Iterable[LiveResource],
    kinds: Mapping[str, Kind],
    *,
    created_at: str,
) -> Plan:
    """Deletes of everything that the stage has live, dependents first; of a run or deployment
    also its former versions. Resource group, artifacts and configurations are kept, as no_op.

    ``kinds`` come in dependency order. Raises CicdError for a cycle.
    """
    check_kinds(desired, kinds)
    edges = graph.dependencies(desired)
    matcher = Matcher(desired, live, kinds)
    found = _find_all(desired, edges, matcher, kinds)
    reasons = {key: _why_kept(key, found, matcher, kinds) for key in edges}
    kept = [
        Change(
            resource.key,
            Action.NO_OP,
            reasons[resource.key],
            desired=resource,
            live=next(iter(found[resource.key]), None),
        )
        for resource in desired
        if reasons[resource.key]
    ]
    doomed = {key: found[key] for key, reason in reasons.items() if not reason}
    deletes = _deletes(edges, doomed, list(kinds))
    warnings = [
        f"{change.key} serves every resource group of the tenant and would be deleted"
        for change in deletes
        if change.key.kind in _SHARED
    ]
    return assemble(stage, [*kept, *deletes], created_at, warnings)


def _find_all(
    desired: Sequence[Resource], edges: graph.Edges, matcher: Matcher, kinds: Mapping[str, Kind]
) -> dict[Key, list[LiveResource]]:
    """Key -> what it has live, the present one first; each live thing once."""
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
    found = matcher.candidates(resource)
    if kind.prunable:
        return [*found, *matcher.relatives(kind.name, resource.spec)]
    return found[:1]


def _why_kept(key: Key, found: _Found, matcher: Matcher, kinds: Mapping[str, Kind]) -> str:
    """The reason for leaving a thing alone; empty when it is to be deleted."""
    if not found[key]:
        return "does not exist"
    if key.kind in _KEPT or not kinds[key.kind].deletable:
        return _KEPT.get(key.kind, "kept: cicd never deletes this kind")
    if key.kind == "repository":
        urls = {live.spec.get("url") for live in found[key]}
        for user in _staying_applications(found, matcher, kinds):
            if user.spec.get("repository") in urls:
                return f"kept: application {user.key.name} uses it too"
    return ""


def _staying_applications(
    found: _Found, matcher: Matcher, kinds: Mapping[str, Kind]
) -> list[LiveResource]:
    lives = [live for live in matcher.all() if live.key.kind == "application"]
    if not lives or not kinds["application"].deletable:
        return lives
    ours = {live.id for key, mine in found.items() if key.kind == "application" for live in mine}
    return [live for live in lives if live.id not in ours]


def _deletes(edges: graph.Edges, doomed: _Found, kind_order: Sequence[str]) -> list[Change]:
    needed_by = graph.dependents(edges)
    changes: list[Change] = []
    keys: dict[Key, list[Key]] = {}
    for key in graph.in_order(needed_by, lambda key: -kind_order.index(key.kind)):
        if key not in doomed:
            continue
        first = frozenset(
            change_key
            for user in _doomed_users(key, needed_by, doomed)
            for change_key in keys[user]
        )
        keys[key] = [key, *(Key(key.kind, live.id) for live in doomed[key][1:])]
        changes += [
            Change(change_key, Action.DELETE, "destroy", depends_on=first, live=live)
            for change_key, live in zip(keys[key], doomed[key], strict=True)
        ]
    return changes


def _doomed_users(key: Key, needed_by: graph.Edges, doomed: _Found) -> set[Key]:
    """The nearest things to be deleted that need ``key``, also through things that are kept."""
    found: set[Key] = set()
    seen: set[Key] = set()
    waiting = list(needed_by[key])
    while waiting:
        user = waiting.pop()
        if user in seen:
            continue
        seen.add(user)
        if user in doomed:
            found.add(user)
        else:
            waiting.extend(needed_by[user])
    return found
