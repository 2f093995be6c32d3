"""The plan that takes a stage down: deletes, what depends on others first, the rest kept."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cicd.model import Action, Change, Key, Kind, LiveResource, Plan, Resource, Stage
from cicd.plan import graph
from cicd.plan.belongings import Belongings, whole_tenant
from cicd.plan.match import Matcher
from cicd.plan.planner import assemble, check_kinds
from cicd.plan.versions import Found, find_all

GROUP = "resource_group"
GOES = "goes with the resource group"


def make_destroy_plan(
    stage: Stage,
    desired: Sequence[Resource],
    live: Iterable[LiveResource],
    kinds: Mapping[str, Kind],
    *,
    created_at: str,
) -> Plan:
    """Deletes of everything that the stage has live, dependents first; of a run, schedule or
    deployment also its former versions. What cannot be deleted is kept, as no_op.

    The resource group is deleted last, with all that is in it, when this stage made it and nothing
    of anybody else is there; else it is kept and the reason says what holds it. ``live`` must be
    everything that lives in the group. ``kinds`` come in dependency order. Raises CicdError for a
    cycle.
    """
    check_kinds(desired, kinds)
    edges = graph.dependencies(desired)
    matcher = Matcher(desired, live, kinds)
    found = find_all(desired, edges, matcher, kinds)
    reasons = {key: _why_kept(key, found, matcher, kinds) for key in edges}
    doomed = {key: found[key] for key, reason in reasons.items() if not reason}
    reasons |= _group_reasons(stage, found, doomed, matcher, kinds)
    doomed = {key: lives for key, lives in doomed.items() if not reasons[key]}
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
    deletes = _deletes(desired, edges, doomed, kinds)
    warnings = [
        f"{change.key} serves every resource group of the tenant and would be deleted"
        for change in deletes
        if change.live and whole_tenant(change.live)
    ]
    warnings += _about_groups(reasons, doomed, matcher, kinds)
    plan = assemble(stage, [*kept, *deletes], kinds, created_at, warnings)
    return dataclasses.replace(plan, is_destroy=True)


def _why_kept(key: Key, found: Found, matcher: Matcher, kinds: Mapping[str, Kind]) -> str:
    """The reason for leaving a thing alone; empty when it is to be deleted."""
    if not found[key]:
        return "does not exist"
    if not kinds[key.kind].deletable:
        is_content = not kinds[key.kind].identity
        return "kept: it cannot be deleted" if is_content else "kept: cicd never deletes this kind"
    if key.kind == "repository":
        urls = {live.spec.get("url") for live in found[key]}
        for user in _staying_applications(found, matcher, kinds):
            if user.spec.get("repository") in urls:
                return f"kept: application {user.key.name} uses it too"
    return ""


def _staying_applications(
    found: Found, matcher: Matcher, kinds: Mapping[str, Kind]
) -> list[LiveResource]:
    lives = [live for live in matcher.all() if live.key.kind == "application"]
    if not lives or not kinds["application"].deletable:
        return lives
    ours = {live.id for key, mine in found.items() if key.kind == "application" for live in mine}
    return [live for live in lives if live.id not in ours]


def _group_reasons(
    stage: Stage, found: Found, doomed: Found, matcher: Matcher, kinds: Mapping[str, Kind]
) -> dict[Key, str]:
    """Why a resource group is kept, or else what goes with it; nothing where there is none."""
    groups = [key for key in doomed if key.kind == GROUP]
    belongings = Belongings(stage, found, doomed, matcher, kinds)
    reasons = {key: belongings.why_kept(doomed[key][0]) for key in groups}
    if groups and not any(reasons.values()):
        content = [key for key, lives in found.items() if lives and not kinds[key.kind].identity]
        reasons |= dict.fromkeys(content, GOES)
    return reasons


def _about_groups(
    reasons: Mapping[Key, str], doomed: Found, matcher: Matcher, kinds: Mapping[str, Kind]
) -> list[str]:
    """What a person should know before saying yes: why a group stays, or all that goes with it."""
    lines = [
        f"{key} is {reason}"
        for key, reason in reasons.items()
        if key.kind == GROUP and reason.startswith("kept: ")
    ]
    counts = Counter(live.key.kind for live in matcher.all() if not kinds[live.key.kind].identity)
    content = " and ".join(
        f"{count} {kind}{'s' * (count > 1)}" for kind, count in sorted(counts.items())
    )
    groups = [key for key in doomed if key.kind == GROUP]
    return lines + [f"{content} would go with {key}" for key in groups if content]


def _deletes(
    desired: Sequence[Resource], edges: graph.Edges, doomed: Found, kinds: Mapping[str, Kind]
) -> list[Change]:
    """The deletes, each with what was desired: its timeout bounds the wait."""
    by_key = {resource.key: resource for resource in desired}
    needed_by = graph.dependents(edges)
    rank = {name: index for index, name in enumerate(kinds)}
    changes: list[Change] = []
    keys: dict[Key, list[Key]] = {}
    for key in graph.in_order(needed_by, lambda key: (key.kind == GROUP, -rank[key.kind])):
        if key not in doomed:
            continue
        users = _doomed_users(key, needed_by, doomed) | _hidden_users(key, keys, kinds)
        first = frozenset(change_key for user in users for change_key in keys[user])
        keys[key] = [key, *(Key(key.kind, live.id) for live in doomed[key][1:])]
        changes += [
            Change(change_key, Action.DELETE, "destroy", (), first, by_key[key], live)
            for change_key, live in zip(keys[key], doomed[key], strict=True)
        ]
    return changes


def _hidden_users(key: Key, before: Iterable[Key], kinds: Mapping[str, Kind]) -> set[Key]:
    """What must be gone first though no Ref says so: runs use secrets and nodes by their names, and
    a group goes only when everything else has."""
    if key.kind == GROUP:
        return set(before)
    if kinds[key.kind].is_secret or key.kind == "node_reservation":
        return {other for other in before if kinds[other.kind].prunable}
    return set()


def _doomed_users(key: Key, needed_by: graph.Edges, doomed: Found) -> set[Key]:
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
